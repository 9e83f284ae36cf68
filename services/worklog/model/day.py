"""A branch's one day as people write it: checks, notes, the signature (W1, W3, W7, W8). Pure."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from services.worklog.model.figures import Figures
from shared.contracts.events.worklog import (
    CheckKind,
    CheckResult,
    ChecksRecorded,
    DayClosed,
    DayEvent,
    NoteAdded,
    NoteKind,
)


class IsClosed(Exception):
    """The log is signed."""


class HasNotBegun(Exception):
    """The day is still to come."""


class HasVisitsInProgress(Exception):
    """Visits have no end yet."""

    def __init__(self, in_progress: int) -> None:
        """Say how many."""
        super().__init__(f"{in_progress} visits have no end yet")
        self.in_progress = in_progress


@dataclass(frozen=True, kw_only=True)
class Check:
    """A checklist that somebody went through."""

    check_id: str
    kind: CheckKind
    results: tuple[CheckResult, ...]
    by: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Note:
    """What a person wrote into the log."""

    note_id: str
    kind: NoteKind
    text: str
    by: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Signature:
    """Who signed the log, and the journal's link that the day ended with."""

    by: str
    at: datetime
    journal_hash: str | None


@dataclass(frozen=True, kw_only=True)
class Day:
    """The log of one day. ``version`` is the sequence of its last event."""

    branch: str
    business_date: date
    version: int = 0
    checks: tuple[Check, ...] = ()
    notes: tuple[Note, ...] = ()
    signature: Signature | None = None

    @property
    def state(self) -> Literal["open", "closed"]:
        """Whether it can still be written to."""
        return "open" if self.signature is None else "closed"

    @property
    def subject(self) -> str:
        """What its events name as their subject."""
        return f"day:{self.branch}:{self.business_date.isoformat()}"


def record_checks(
    day: Day, *, today: date, check_id: str, kind: CheckKind, results: tuple[CheckResult, ...], by: str
) -> ChecksRecorded:
    """Record a checklist. Raises IsClosed, HasNotBegun."""
    _require_writable(day, today)
    return ChecksRecorded(business_date=day.business_date, check_id=check_id, kind=kind, results=results, by=by)


def add_note(day: Day, *, today: date, note_id: str, kind: NoteKind, text: str, by: str) -> NoteAdded:
    """Add a note. Raises IsClosed, HasNotBegun."""
    _require_writable(day, today)
    return NoteAdded(business_date=day.business_date, note_id=note_id, kind=kind, text=text, by=by)


def close(day: Day, figures: Figures, *, today: date, journal_hash: str | None, by: str) -> DayClosed:
    """Sign the log. Raises IsClosed, HasNotBegun, HasVisitsInProgress."""
    _require_writable(day, today)
    if figures.in_progress:
        raise HasVisitsInProgress(figures.in_progress)
    total = figures.total
    return DayClosed(
        business_date=day.business_date,
        by=by,
        visits=total.visits,
        served=total.served,
        left=total.left,
        journal_hash=journal_hash,
    )


def apply(day: Day, event: DayEvent, *, at: datetime) -> Day:
    """Return the day after something happened to its log."""
    day = replace(day, version=day.version + 1)
    match event:
        case ChecksRecorded(check_id=id_, kind=check_kind, results=results, by=by):
            check = Check(check_id=id_, kind=check_kind, results=results, by=by, at=at)
            return replace(day, checks=(*day.checks, check))
        case NoteAdded(note_id=id_, kind=note_kind, text=text, by=by):
            return replace(day, notes=(*day.notes, Note(note_id=id_, kind=note_kind, text=text, by=by, at=at)))
        case DayClosed(by=by, journal_hash=hash_):
            return replace(day, signature=Signature(by=by, at=at, journal_hash=hash_))


def _require_writable(day: Day, today: date) -> None:
    if day.signature is not None:
        raise IsClosed
    if day.business_date > today:
        raise HasNotBegun
