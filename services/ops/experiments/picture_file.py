"""What pictures have in common: the kinds of file, the letters, and that the same figures give the same file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.ops.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHINESE = ("Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "PingFang SC",
           "Microsoft YaHei", "SimHei", "Droid Sans Fallback")  # fmt: skip


def require_picture(file: Path, *kinds: str) -> None:
    """Refuse a file of another kind or in no folder, before anything is computed; raise :class:`UsageError`."""
    if file.suffix not in kinds:
        raise UsageError(f"--picture {file}: draws {' or '.join(kinds)}")
    if not file.absolute().parent.is_dir():
        raise UsageError(f"--picture {file}: there is no folder {file.parent}")


@contextmanager
def lettering() -> Iterator[bool]:
    """Let pictures have the first font with Chinese letters that is installed; without one, tell so by False."""
    import matplotlib as mpl
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    chinese = next((name for name in CHINESE if name in installed), None)
    # Letters become outlines, so that the picture looks the same where the font is missing.
    style: dict[Any, Any] = {
        "svg.fonttype": "path",
        "svg.hashsalt": "lobby",
        "font.size": 10,
        "font.family": [name for name in (chinese, "DejaVu Sans") if name],
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with mpl.rc_context(style):
        yield chinese is not None


def save(figure: "Figure", file: Path) -> None:
    """Write a picture that is the same whenever it's drawn; raise :class:`UsageError`."""
    try:
        figure.savefig(file, dpi=110, metadata={"Date": None} if file.suffix == ".svg" else {"Software": None})
    except OSError as error:
        raise UsageError(f"--picture {file}: {error.strerror}") from None
