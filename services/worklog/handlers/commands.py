"""What people do to a day's log: write into it, sign it (W1, W3, W7, W8)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from services.worklog import errors
from services.worklog.handlers.unit_of_work import UnitOfWork
from services.worklog.handlers.views import check_view, get_day, note_view
from services.worklog.model import day as days
from services.worklog.model.day import Day
from shared.contracts.http.worklog import AddNote, CheckView, NoteView, RecordChecks, WorklogView


def record_checks(uow: UnitOfWork, *, business_date: date, actor: str, body: RecordChecks) -> CheckView:
    """Record a checklist (W1-W3). Raises DayClosed, DayNotBegun."""
    day, check_id = uow.day(business_date), uow.new_id()
    with _refusals(day):
        recorded = days.record_checks(
            day, today=uow.today, check_id=check_id, kind=body.kind, results=body.results, by=actor
        )
    return check_view(uow.record(day, recorded).checks[-1])


def add_note(uow: UnitOfWork, *, business_date: date, actor: str, body: AddNote) -> NoteView:
    """Add what only a person can write (W7). Raises DayClosed, DayNotBegun."""
    day, note_id = uow.day(business_date), uow.new_id()
    with _refusals(day):
        added = days.add_note(day, today=uow.today, note_id=note_id, kind=body.kind, text=body.text, by=actor)
    return note_view(uow.record(day, added).notes[-1])


def close_day(uow: UnitOfWork, *, business_date: date, actor: str) -> WorklogView:
    """Sign the log (W8). Raises DayClosed, DayNotBegun, VisitsInProgress."""
    day, chain = uow.day(business_date), uow.chain_of(business_date)
    with _refusals(day):
        closed = days.close(
            day,
            uow.figures_of(business_date),
            today=uow.today,
            journal_hash=chain.hash if chain.count else None,
            by=actor,
        )
    uow.record(day, closed)
    return get_day(uow, business_date=business_date)


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
