"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from services.ops.errors import UsageError

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Origin = Annotated[
    str | None, typer.Option("--origin", metavar="URL", help="Where the system is; by default LOBBY_ORIGIN.")
]
Token = Annotated[
    str | None,
    typer.Option(
        "--token",
        metavar="TOKEN",
        help="By default LOBBY_TOKEN, or one that is signed with the key under LOBBY_DATA_DIR.",
    ),
]


def require_picture(file: Path, *kinds: str) -> None:
    """Refuse a file of another kind or in no folder, before anything is computed; raise :class:`UsageError`."""
    if file.suffix not in kinds:
        raise UsageError(f"--picture {file}: draws {' or '.join(kinds)}")
    if not file.absolute().parent.is_dir():
        raise UsageError(f"--picture {file}: there is no folder {file.parent}")
