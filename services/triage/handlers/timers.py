"""What the clock alone changes of a branch: alarms, thresholds, papers that nobody reported, and the day's end."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta, tzinfo

from services.triage.handlers.attention import check_lines, raise_alarms
from services.triage.handlers.day_end import Silence, cancel_unprinted_tickets, end_days
from services.triage.handlers.unit_of_work import UnitOfWork
from services.triage.model import LobbyState


def watch_waits(uow: UnitOfWork) -> None:
    """Raise the alarms that are due, and tell which lines crossed a threshold (T8, T12)."""
    raise_alarms(uow)
    check_lines(uow)


def conclude_from_silence(uow: UnitOfWork, silence: Silence) -> None:
    """Give up papers that nobody reported, and end what a day left open (T4, T7)."""
    end_days(uow, silence)
    cancel_unprinted_tickets(uow, silence)


def next_look(before: LobbyState, after: LobbyState, zone: tzinfo, silence: timedelta) -> datetime | None:
    """Return when the clock may change something next: soon after the lines changed, else at a limit."""
    if after.queue is not before.queue or after.in_force is not before.in_force:
        return after.recorded
    return min(_time_limits(after, zone, silence), default=None)


def _time_limits(state: LobbyState, zone: tzinfo, silence: timedelta) -> Iterable[datetime]:
    if state.alarms:
        yield datetime.fromtimestamp(state.alarms[0][0], zone)
    if state.expires:
        yield min(state.expires.values()) + silence
    days = {visit.business_date for visit in state.visits.values()}
    if days:
        over = datetime.combine(min(days) + timedelta(days=1), time(), zone)
        yield over + timedelta(seconds=state.policy.day_end_s)
    if state.recorded is None:
        return
    for line in state.queue.lines:
        now = state.line_now(line, state.recorded)
        if now.channel is not None and now.longest_from is not None and "longest_wait" not in now.above:
            yield now.longest_from + timedelta(seconds=state.policy.longest_wait_limit_s, milliseconds=1)
