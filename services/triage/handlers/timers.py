"""What the clock alone changes of a branch: alarms, thresholds, papers that nobody reported, and the day's end."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from services.triage.handlers.attention import check_lines, raise_alarms
from services.triage.handlers.ticket_steps import cancel_failed_print, cancel_unprinted
from services.triage.handlers.unit_of_work import BATCH_LIMIT, LobbyReader, UnitOfWork
from services.triage.model import LobbyState, commands, decide

ABANDONED_S = 12 * 3600.0
"""A visit that nobody touched for so long after its day's end is closed, whatever else goes on."""

LOOK_BACK_DAYS = 7
"""A branch's visits of so many days are looked at to say whether it is quiet."""

MUCH_SILENCE = 20
"""So many times the silence that says something, where the branch itself is not silent."""


@dataclass(frozen=True, kw_only=True)
class Silence:
    """How much silence says something: time that passes for a machine is no reason to take a customer for gone.

    ``wall_s`` seconds of the wall clock, least of all at a business clock that runs ``rate`` times as fast.
    """

    wall_s: float
    rate: float = 1.0

    @property
    def business_s(self) -> float:
        """The same in seconds of the business clock."""
        return self.wall_s * self.rate

    def before(self, now: datetime) -> datetime:
        """Return the business time up to which what is due is overdue."""
        return now - timedelta(seconds=self.business_s)


def cancel_unprinted_tickets(uow: UnitOfWork, silence: Silence) -> None:
    """Let go of reserved tickets whose paper failed or was never reported; whose paper came meanwhile goes on (T4).

    At a fast business clock a busy branch says that reports are only slow: then none is taken for missing.
    """
    if silence.rate > 1 and not is_quiet(uow, silence.business_s):
        return
    for ticket_id in uow.state.unprinted(silence.before(uow.now))[:BATCH_LIMIT]:
        visit, _ = uow.state.found(ticket_id)
        if cancel_failed_print(uow, visit, ticket_id) is None:
            cancel_unprinted(uow, ticket_id, "not_printed")


def is_quiet(uow: UnitOfWork, for_s: float) -> bool:
    """Whether nothing of the branch's visits was recorded for so many business seconds."""
    return _since(uow.state.last_touched(uow.today - timedelta(days=LOOK_BACK_DAYS)), uow.now) >= for_s


def day_over(lobby: LobbyReader, day: date) -> datetime:
    """Return when a business day ends: at local midnight, or later where policy says so."""
    midnight = datetime.combine(day + timedelta(days=1), time(), lobby.zone)
    return midnight + timedelta(seconds=lobby.policy.day_end_s)


def end_days(uow: UnitOfWork, silence: Silence) -> int:
    """End the branch's visits of business days that are over; return how many.

    The branch must have been quiet: while customers are still served after midnight nobody is taken for
    gone, nor who waits for a machine that is slow. Who waits is left, who was being served was served, at
    the day's end, or at the last thing that happened if that was later.
    """
    ended = 0
    quiet_s = max(uow.policy.day_end_quiet_s, silence.business_s)
    forgotten_s = max(ABANDONED_S, MUCH_SILENCE * silence.business_s)
    quiet = is_quiet(uow, quiet_s)
    for visit, touched in uow.state.unended(uow.today)[:BATCH_LIMIT]:
        over = day_over(uow, visit.business_date)
        at = over if visit.late else max(over, touched)
        told = visit.late and _since(touched, uow.now) >= quiet_s  # a terminal has said all that it had to say
        if uow.now < over or not (quiet or told or _since(at, uow.now) >= forgotten_s):
            continue
        for ticket in visit.tickets:
            if ticket.state == "reserved":
                visit = cancel_failed_print(uow, visit, ticket.ticket_id) or visit
        happened = decide(visit, commands.EndDay(at=at))
        uow.record_visit(visit, happened, at=at)
        ended += 1
    return ended


def _since(at: datetime | None, now: datetime) -> float:
    return float("inf") if at is None else (now - at).total_seconds()


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
