"""Care in the waiting area, alarms and thresholds (T8, T12)."""

from collections.abc import Iterable
from datetime import datetime

from services.triage.handlers.closing import AT_ONCE
from services.triage.handlers.estimates import outlook
from services.triage.handlers.house import House
from services.triage.handlers.loading import decided, load
from services.triage.handlers.ports import Desk, Waiting, Watching
from services.triage.handlers.views import ticket_view
from services.triage.model import Ticket, Visit, commands
from services.triage.policy import Need, alarm_due, need
from services.triage.policy.thresholds import crossed
from shared.contracts.events.triage import ThresholdCrossed
from shared.contracts.http.care import Cared, CareNeed, CareView
from shared.contracts.http.triage import TicketView

MOST_NEEDS = 200


def care_view(records: Waiting, house: House, *, branch: str, now: datetime) -> CareView:
    """Return whom to look after now, the most urgent first."""
    found = [
        (need_now, visit, ticket, times)
        for visit, ticket, times in records.care_due(branch, now, house.policy.care_overtaken, MOST_NEEDS)
        if (need_now := need(house.policy, ticket, times, now)) is not None
    ]
    found.sort(key=lambda one: (-one[0].urgency, one[2].requested_at))
    return CareView(branch=branch, at=now, needs=tuple(_need(*one, now) for one in found))


def cared(desk: Desk, house: House, *, branch: str, ticket_id: str, request: Cared, by: str) -> TicketView:
    """Record that somebody looked after the customer; raise TicketNotFound and IllegalTransition."""
    visit = load(desk, branch, ticket_id)
    command = commands.Care(
        ticket_id=ticket_id, at=desk.now, action=request.action, note=request.note, by=request.by or by
    )
    visit = desk.record_visit(visit, decided(visit, command))
    return ticket_view(visit, visit.ticket(ticket_id), desk.now)


def raise_alarms(desk: Watching, house: House, *, branch: str, ticket_ids: Iterable[str]) -> None:
    """Raise the alarms of tickets whose time has come: promises broken, waits beyond policy's limit."""
    for ticket_id in ticket_ids:
        _watch(desk, house, branch, ticket_id, None)


def check_lines(desk: Watching, house: House, *, branch: str, lines: Iterable[str]) -> None:
    """Tell which lines went above a threshold or back, and who may not be overtaken any more."""
    view = outlook(desk, branch, desk.now)
    for line in lines:
        state = desk.line_state(branch, line)
        if state is None:
            continue
        capped = desk.capped(branch, line, house.policy.max_overtakes, AT_ONCE)
        for ticket_id in capped:
            _watch(desk, house, branch, ticket_id, house.policy.max_overtakes)
        channel = state.channel
        if channel is None:  # a counter's or a person's line: nobody is promised a wait there
            desk.keep_line(branch, state, [], None)
            continue
        promised = view.quote(house.policy, channel, 0, view.waiting(channel)).p90_s
        day = desk.now.astimezone(house.zone).date()
        happened, due = crossed(house.policy, state, promised, desk.now)
        events = [
            ThresholdCrossed(
                channel=channel, measure=one.measure, above=one.above, value=one.value, limit=one.limit,
                business_date=day,
            )
            for one in happened
        ]  # fmt: skip
        desk.keep_line(branch, state, events, desk.now if len(capped) == AT_ONCE else due)


def _watch(desk: Watching, house: House, branch: str, ticket_id: str, cap: int | None) -> None:
    visit = load(desk, branch, ticket_id)
    if visit.business_date < desk.now.astimezone(house.zone).date():  # the day's end takes care of it
        desk.watch_at(ticket_id, None)
        return
    times = desk.times_overtaken(ticket_id)
    command = commands.Watch(
        ticket_id=ticket_id, at=desk.now, limit_s=house.policy.starvation_s, cap=cap, times_overtaken=times
    )
    happened = decided(visit, command)
    if happened:
        desk.record_visit(visit, happened)
    else:
        desk.watch_at(ticket_id, alarm_due(house.policy, visit.ticket(ticket_id)))


def _need(found: Need, visit: Visit, ticket: Ticket, times: int, now: datetime) -> CareNeed:
    return CareNeed(
        ticket=ticket_view(visit, ticket, now, times),
        reasons=found.reasons,
        suggestions=found.suggestions,
        urgency=found.urgency,
        quoted_p90_s=ticket.quoted_p90_s,
        last_cared_at=ticket.cared_at,
        last_cared_by=ticket.cared_by,
        last_action=ticket.cared_how,
    )
