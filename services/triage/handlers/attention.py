"""Care in the waiting area, alarms and thresholds (T8, T12)."""

from datetime import datetime

from services.triage.handlers.estimates import outlook
from services.triage.handlers.unit_of_work import BATCH_LIMIT, LobbyReader, UnitOfWork
from services.triage.handlers.views import ticket_view
from services.triage.handlers.visits import decided, load
from services.triage.model import Ticket, Visit, commands
from services.triage.policy import Need, need
from services.triage.policy.thresholds import LineNow, crossed
from shared.contracts.events.triage import Channel, ThresholdCrossed
from shared.contracts.http.attention import Cared, CareNeed, CareView
from shared.contracts.http.triage import TicketView

NEEDS_LIMIT = 200


def attention_view(lobby: LobbyReader) -> CareView:
    """Return whom to look after now, the most urgent first."""
    queue, now, found = lobby.state.queue, lobby.now, []
    for visit in lobby.state.visits.values():
        for ticket in visit.tickets:
            times = queue.times(ticket.ticket_id)
            need_now = need(lobby.policy, ticket, times, now)
            if need_now is not None:
                found.append((need_now, visit, ticket, times))
    found.sort(key=lambda one: (-one[0].urgency, one[2].requested_at, one[2].ticket_id))
    return CareView(branch=lobby.branch, at=now, needs=tuple(_need(*one, now) for one in found[:NEEDS_LIMIT]))


def attend(uow: UnitOfWork, *, ticket_id: str, request: Cared, by: str) -> TicketView:
    """Record that somebody looked after the customer; raise TicketNotFound and IllegalTransition."""
    visit = load(uow, ticket_id)
    other = request.by if request.by != by else None
    command = commands.Attend(
        ticket_id=ticket_id, at=uow.now, action=request.action, note=request.note, by=other or by,
        recorded_by=by if other else None,
    )  # fmt: skip
    visit = uow.record_visit(visit, decided(visit, command))
    return ticket_view(visit, visit.ticket(ticket_id), uow.now)


def raise_alarms(uow: UnitOfWork) -> None:
    """Raise the alarms of tickets whose time has come: promises broken, waits beyond policy's limit."""
    due = [ticket_id for at, ticket_id in uow.state.alarms if at <= uow.now.timestamp()]
    for ticket_id in due[:BATCH_LIMIT]:
        _watch(uow, ticket_id, None)


def check_lines(uow: UnitOfWork) -> None:
    """Tell which lines went above a threshold or back, and who may not be overtaken any more."""
    cap = uow.policy.max_overtakes
    for line in sorted(uow.state.queue.lines):
        for ticket_id in _capped(uow, line, cap):
            _watch(uow, ticket_id, cap)
        state = uow.state.line_now(line, uow.now)
        if state.channel is not None:  # nobody is promised a wait in a counter's or a person's line
            _tell_crossings(uow, state, state.channel)


def _capped(uow: UnitOfWork, line: str, cap: int) -> list[str]:
    """Return who may not be overtaken any more and was not alarmed, the earliest first (T12)."""
    queue, found = uow.state.queue, []
    for _, ticket_id in queue.line(line).lined:
        if queue.guard(ticket_id) < cap:
            break
        if queue.times(ticket_id) >= cap and not uow.state.found(ticket_id)[1].alarmed:
            found.append(ticket_id)
    return found


def _tell_crossings(uow: UnitOfWork, line: LineNow, channel: Channel) -> None:
    view = outlook(uow)
    promised = view.quote(uow.policy, channel, 0, view.waiting(channel)).p90_s
    happened, _ = crossed(uow.policy, line, promised, uow.now)
    events = [
        ThresholdCrossed(
            channel=channel, measure=one.measure, above=one.above, value=one.value, limit=one.limit,
            business_date=uow.today,
        )
        for one in happened
    ]  # fmt: skip
    uow.record_crossings(line.line, line.version, events)


def _watch(uow: UnitOfWork, ticket_id: str, cap: int | None) -> None:
    visit = load(uow, ticket_id)
    if visit.business_date < uow.today:  # the day's end takes care of it
        return
    command = commands.Watch(
        ticket_id=ticket_id,
        at=uow.now,
        limit_s=uow.policy.starvation_s,
        cap=cap,
        times_overtaken=uow.state.queue.times(ticket_id),
    )
    uow.record_visit(visit, decided(visit, command))


def _need(found: Need, visit: Visit, ticket: Ticket, times: int, now: datetime) -> CareNeed:
    return CareNeed(
        ticket=ticket_view(visit, ticket, now, times),
        reasons=found.reasons,
        suggestions=found.suggestions,
        urgency=found.urgency,
        quoted_p90_s=ticket.quoted_p90_s,
        last_cared_at=ticket.attended_at,
        last_cared_by=ticket.attended_by,
        last_action=ticket.attended_how,
    )
