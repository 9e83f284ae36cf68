"""What a run is asked to be."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from services.ops.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Options:
    """The command line of ``lobby simulate``. None: it's chosen to fit."""

    origin: str
    trace: Path | None = None
    branches: tuple[str, ...] = ("demo",)
    first: date | None = None
    last: date | None = None
    speed: float | None = None
    counters: int | None = None
    managers: int | None = None
    seed: int = 0
    skip_bad_rows: bool = False
    endless: bool = False
    token: str | None = None
    patience_wall_s: float = 120.0
    parent: int | None = None

    def __post_init__(self) -> None:
        """Refuse what doesn't go together."""
        if self.endless and self.trace:
            raise UsageError("--endless makes its own customers; it can't play a --trace")
        if self.first and self.last and self.first > self.last:
            raise UsageError(f"--from {self.first} is after --to {self.last}")


def date_of(option: str, text: str | None) -> date | None:
    """Read a date; raise :class:`UsageError` that names the option."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is not a date such as 2026-11-24") from None
