"""The use cases of a day's log: look at it, write into it, sign it (W1, W3, W7, W8)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, tzinfo
from typing import Protocol

from services.worklog import errors
from services.worklog.handlers.views import check_view, note_view, worklog_view
from services.worklog.model import day as days
from services.worklog.model.chain import Chain
from services.worklog.model.day import Day
from services.worklog.model.figures import Figures
from shared.contracts.events.worklog import DayEvent
from shared.contracts.http.worklog import AddNote, CheckView, NoteView, RecordChecks, WorklogView


class Records(Protocol):
    """The logs of the days, for looking. ``store`` gives it; a use case knows no database."""

    def day(self, branch: str, business_date: date) -> Day:
        """Return what people wrote; an empty log where nobody did."""
        ...

    def figures_of(self, branch: str, business_date: date) -> Figures:
        """Return what the events say; zeros where there are none."""
        ...

    def chain_of(self, branch: str, day: date) -> Chain:
        """Return the head of the journal's chain; an empty one where there is none."""
        ...

    def managers_on_duty(self, branch: str, business_date: date) -> int:
        """Return how many managers the roster names that was set last, on that day or before."""
        ...


class Desk(Records, Protocol):
    """One transaction's view of a day's log, for changing."""

    @property
    def now(self) -> datetime:
        """The business time at which the transaction began."""
        ...

    def new_id(self) -> str:
        """Return a new opaque id."""
        ...

    def record(self, day: Day, event: DayEvent) -> Day:
        """Record what happened, and return the day after it."""
        ...


def get_day(records: Records, *, branch: str, business_date: date) -> WorklogView:
    """Return the log of a day, whatever day it is (W7)."""
    return worklog_view(
        records.day(branch, business_date),
        records.figures_of(branch, business_date),
        chain=records.chain_of(branch, business_date),
        managers_on_duty=records.managers_on_duty(branch, business_date),
    )


def record_checks(
    desk: Desk, *, branch: str, business_date: date, zone: tzinfo, actor: str, body: RecordChecks
) -> CheckView:
    """Record a checklist (W1-W3). Raises DayClosed, DayNotBegun."""
    day, check_id = desk.day(branch, business_date), desk.new_id()
    with _refusals(day):
        recorded = days.record_checks(
            day, today=_today(desk, zone), check_id=check_id, kind=body.kind, results=body.results, by=actor
        )
    return check_view(desk.record(day, recorded).checks[-1])


def add_note(desk: Desk, *, branch: str, business_date: date, zone: tzinfo, actor: str, body: AddNote) -> NoteView:
    """Add what only a person can write (W7). Raises DayClosed, DayNotBegun."""
    day, note_id = desk.day(branch, business_date), desk.new_id()
    with _refusals(day):
        added = days.add_note(day, today=_today(desk, zone), note_id=note_id, kind=body.kind, text=body.text, by=actor)
    return note_view(desk.record(day, added).notes[-1])


def close_day(desk: Desk, *, branch: str, business_date: date, zone: tzinfo, actor: str) -> WorklogView:
    """Sign the log (W8). Raises DayClosed, DayNotBegun, VisitsInProgress."""
    day, chain = desk.day(branch, business_date), desk.chain_of(branch, business_date)
    with _refusals(day):
        closed = days.close(
            day,
            desk.figures_of(branch, business_date),
            today=_today(desk, zone),
            journal_hash=chain.hash if chain.count else None,
            by=actor,
        )
    desk.record(day, closed)
    return get_day(desk, branch=branch, business_date=business_date)


def _today(desk: Desk, zone: tzinfo) -> date:
    return desk.now.astimezone(zone).date()


@contextmanager
def _refusals(day: Day) -> Iterator[None]:
    """Turn what the domain refuses into what the caller can read."""
    name = f"the log of {day.business_date.isoformat()}"
    try:
        yield
    except days.IsClosed as error:
        raise errors.DayClosed(f"{name} is signed and read-only", state="closed", allowed=[]) from error
    except days.HasNotBegun as error:
        raise errors.DayNotBegun(f"{name} is not begun: the day is still to come") from error
    except days.HasVisitsInProgress as error:
        detail = f"{error.in_progress} visits have no end yet; {name} is signed when all have"
        raise errors.VisitsInProgress(detail, state="open", in_progress=error.in_progress) from error
