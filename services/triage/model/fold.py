"""What an event makes of a branch's lobby: the only way in which it changes.

``apply`` never raises and never reads a clock: an event carries what its decision used, so that the code may change
and history stays true.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from typing import Any

from services.triage.model.apply import apply as apply_to_visit
from services.triage.model.appointment import Appointment
from services.triage.model.counters_and_devices import PRINTED_NUMBER, Block, Device, PaperReport, PaperReportKind
from services.triage.model.decide import DAY_END
from services.triage.model.lobby_state import (
    Document,
    LedgerEntry,
    LobbyState,
    PolicyInForce,
    Thresholds,
    customer_keys,
)
from services.triage.model.records import replace
from services.triage.model.visit import AT_COUNTER, Ticket, Visit
from services.triage.policy.attention import alarm_due
from services.triage.policy.calling_order import SKILL, rank
from services.triage.policy.estimate_features import Group
from services.triage.policy.estimator import UNTAUGHT, Quote
from services.triage.policy.rules import Policy, line_name
from shared.contracts.events import terminal
from shared.contracts.events import triage as events

ReadPolicy = Callable[[Document], Policy]

LEDGER_DAYS = 2
"""The tickets and the ledger of so many days before the newest are kept; those of older days are in the log."""
APPOINTMENT_DAYS = 3


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """An event as it was recorded: what happened, to what, at which business time, and when it was written down."""

    data: object
    subject: str
    sequence: int
    at: datetime
    recorded_at: datetime


def apply(state: LobbyState, event: Recorded, read_policy: ReadPolicy) -> LobbyState:
    """Return the state after an event; one that means nothing here changes nothing but the time of the last one."""
    state = replace(state, recorded=event.recorded_at)
    change = _CHANGES.get(type(event.data))
    if change is not None:
        return change(state, event.data, event)
    if isinstance(event.data, events.PolicyChanged):
        return _policy_changed(state, event.data, event, read_policy)
    if isinstance(event.data, events.VisitEvent):
        return _visit_changed(state, event.data, event)
    return state


# --- visits ---


def _visit_changed(state: LobbyState, happened: events.VisitEvent, event: Recorded) -> LobbyState:
    before = state.visits.get(happened.visit_id)
    if isinstance(happened, events.TicketIssued):
        state = _issued(state, happened)
        day = happened.business_date
        before = before or Visit(visit_id=happened.visit_id, branch=state.branch, business_date=day)
    elif before is None or not _has_ticket(before, happened):
        return state
    after = apply_to_visit(before, happened, event.at)
    state = _learned(state, before, happened, event.at)
    if isinstance(happened, events.TicketCalled):
        state = _overtaking_counted(state, before, happened, event.at)
    elif isinstance(happened, events.StepUndone) and happened.undone == "ticket_called":
        state = _call_off(state, happened.ticket_id)
    for ticket in after.tickets:
        old = next((one for one in before.tickets if one.ticket_id == ticket.ticket_id), None)
        if old is not ticket or before.stands(ticket) != after.stands(ticket):
            state = _ticket_changed(state, after, old, ticket, event.recorded_at)
    day, touched_on = after.business_date, state.touched_on
    state = replace(state, touched_on=touched_on.set(day, event.recorded_at))
    if after.ended:
        touched = state.touched.delete(after.visit_id) if after.visit_id in state.touched else state.touched
        visits = state.visits.delete(after.visit_id) if after.visit_id in state.visits else state.visits
        return replace(state, visits=visits, touched=touched)
    return replace(
        state,
        visits=state.visits.set(after.visit_id, after),
        touched=state.touched.set(after.visit_id, event.recorded_at),
    )


def _has_ticket(visit: Visit, happened: events.VisitEvent) -> bool:
    if isinstance(happened, events.VisitEnded):
        return True
    return any(ticket.ticket_id == happened.ticket_id for ticket in visit.tickets)


def _issued(state: LobbyState, issued: events.TicketIssued) -> LobbyState:
    if state.newest_day is None or issued.business_date > state.newest_day:
        state = _without_old_days(replace(state, newest_day=issued.business_date), issued.business_date)
    match = PRINTED_NUMBER.fullmatch(issued.number)
    if match is not None:
        state = _numbers_used(state, issued.business_date, match[1], int(match[2]))
    if not issued.promised:
        return state
    quote = Quote(
        p50_s=issued.wait_p50_s,
        p90_s=issued.wait_p90_s,
        group=Group(channel=issued.channel, priority=issued.priority).name,
        seen=issued.estimated_from,
    )
    return replace(state, quotes=state.quotes.set(issued.ticket_id, quote))


def _ticket_changed(
    state: LobbyState, visit: Visit, old: Ticket | None, ticket: Ticket, recorded_at: datetime
) -> LobbyState:
    policy, id_ = state.policy, ticket.ticket_id
    queue = state.queue.with_ticket(visit, ticket, rank(policy, ticket.lined_at, ticket.priority))
    if ticket.last != "ticket_called":  # only the last step can be undone
        queue = queue.forgetting_call(id_)
    changes: dict[str, Any] = {"queue": queue}
    if ticket.state == "reserved":
        changes["expires"] = state.expires.set(id_, recorded_at + timedelta(seconds=policy.reserved_expiry_s))
    elif old is None or old.state == "reserved":
        changes["expires"] = _without(state.expires, id_)
        changes["reports"] = _without(state.reports, (visit.business_date, ticket.number))
    at = ticket.counter if ticket.state in AT_COUNTER else None
    if at is not None:
        changes["counter_of"] = state.counter_of.set(id_, at)
    elif id_ in state.counter_of:
        changes["counter_of"] = state.counter_of.delete(id_)
    if old is None or ticket.ended != old.ended:
        changes["of_customer"] = _customers(state, ticket)
    changes["alarms"] = _alarms(state, old, ticket)
    if ticket.ended and id_ in state.quotes:
        changes["quotes"] = state.quotes.delete(id_)
    return replace(state, **changes)


def _customers(state: LobbyState, ticket: Ticket) -> Any:
    known = state.of_customer
    for key in customer_keys(ticket.customer):
        theirs = tuple(id_ for id_ in known.get(key, ()) if id_ != ticket.ticket_id)
        theirs = theirs if ticket.ended else (*theirs, ticket.ticket_id)
        known = known.set(key, theirs) if theirs else _without(known, key)
    return known


def _alarms(state: LobbyState, old: Ticket | None, ticket: Ticket) -> tuple[tuple[float, str], ...]:
    alarms = state.alarms
    was = None if old is None or old.late else alarm_due(state.policy, old)
    now = None if ticket.late else alarm_due(state.policy, ticket)
    if was == now:
        return alarms
    if was is not None:
        index = bisect_left(alarms, (was.timestamp(), ticket.ticket_id))
        alarms = alarms[:index] + alarms[index + 1 :]
    if now is not None:
        entry = (now.timestamp(), ticket.ticket_id)
        index = bisect_left(alarms, entry)
        alarms = (*alarms[:index], entry, *alarms[index:])
    return alarms


def _learned(state: LobbyState, before: Visit, happened: events.VisitEvent, at: datetime) -> LobbyState:
    """Learn what calls and services tell of waits; a promise to who goes elsewhere is void (T9)."""
    if isinstance(happened, events.TicketCalled):
        quote = state.quotes.get(happened.ticket_id)
        if quote is None:
            return state
        state = _promise_void(state, happened.ticket_id)
        if Group.named(quote.group).channel != happened.channel:
            return state
        line = line_name(happened.channel)
        estimator = state.estimators.get(line, UNTAUGHT).called(quote.group, happened.waited_s, quote)
        return replace(state, estimators=state.estimators.set(line, estimator))
    if isinstance(happened, events.TicketCompleted):
        if happened.reason == DAY_END or before.ticket(happened.ticket_id).state != "serving":
            return state  # nobody knows how long the service took
        line = line_name(happened.channel)
        estimator = state.estimators.get(line, UNTAUGHT).served(at.timestamp(), happened.service_s)
        return replace(state, estimators=state.estimators.set(line, estimator))
    if isinstance(happened, events.TicketTransferred):
        return _promise_void(state, happened.ticket_id)
    return state


def _promise_void(state: LobbyState, ticket_id: str) -> LobbyState:
    return replace(state, quotes=_without(state.quotes, ticket_id))


def _overtaking_counted(state: LobbyState, before: Visit, called: events.TicketCalled, at: datetime) -> LobbyState:
    """Enter a call in the fairness ledger, and count it with everybody whom it overtakes (T12)."""
    if called.vip_credit is not None:
        state = replace(state, vip_credits=state.vip_credits.set(called.counter, called.vip_credit))
    if not called.overtaken_lanes and not called.for_skill:
        return state
    ticket = before.ticket(called.ticket_id)
    queue, numbered = state.queue.overtaken_by(ticket, called.overtaken_lanes, for_skill=called.for_skill)
    ledger, whom = state.ledger, len(called.overtakes)
    for n, (line, business, seq) in enumerate(numbered):
        counts = n < len(called.overtaken_lanes)
        entry = LedgerEntry(
            at=at,
            business_date=called.business_date,
            ticket_id=called.ticket_id,
            number=called.number,
            counter=called.counter,
            line=line,
            business=business,
            lined=ticket.lined_at.timestamp(),
            seq=seq,
            reason=(called.overtaking_reason if counts else None) or SKILL,
            counts=counts,
            forced=called.forced and counts,
            whom=whom if counts else 0,
            more=called.overtakes_more,
        )
        ledger = ledger.set((line, business, seq), entry)
        whom = 0  # of the call: entered once, however many lanes it passes
    return replace(state, queue=queue, ledger=ledger)


def _call_off(state: LobbyState, ticket_id: str) -> LobbyState:
    """Take the last call of a ticket off the ledger: it was a mistake, and overtook nobody."""
    called_at = state.found(ticket_id)[1].called_at
    gone = [key for key, one in state.ledger.items() if (one.ticket_id, one.at) == (ticket_id, called_at)]
    ledger = state.ledger
    for key in gone:
        ledger = ledger.delete(key)
    return replace(state, queue=state.queue.called_off(ticket_id), ledger=ledger)


# --- days ---


def _numbers_used(state: LobbyState, day: date, prefix: str, last: int) -> LobbyState:
    known = state.numbers.get((day, prefix), -1)
    return replace(state, numbers=state.numbers.set((day, prefix), last)) if last > known else state


def _without_old_days(state: LobbyState, today: date) -> LobbyState:
    """Forget what belongs to days that nobody asks for any more; terminals may report late for some days."""
    policy = state.policy
    late = today - timedelta(days=1 + max(7, ceil(max(policy.late_s, policy.offline_late_s) / 86_400)))
    recent, slots = today - timedelta(days=LEDGER_DAYS), today - timedelta(days=APPOINTMENT_DAYS)
    open_ids = {ticket.ticket_id for visit in state.visits.values() for ticket in visit.tickets}
    return replace(
        state,
        queue=state.queue.without_days_before(recent, keep=open_ids),
        ledger=_kept(state.ledger, lambda _, entry: entry.business_date >= recent),
        numbers=_kept(state.numbers, lambda key, _: key[0] >= late),
        blocks=_kept(state.blocks, lambda _, block: block.business_date >= late),
        reports=_kept(state.reports, lambda key, _: key[0] >= late),
        touched_on=_kept(state.touched_on, lambda day, _: day >= late),
        appointments=_kept(state.appointments, lambda _, one: one.slot_at is None or one.slot_at.date() >= slots),
    )


def _kept(things: Any, keep: Callable[[Any, Any], bool]) -> Any:
    for key in [key for key, value in things.items() if not keep(key, value)]:
        things = things.delete(key)
    return things


def _without(things: Any, key: object) -> Any:
    return things.delete(key) if key in things else things


# --- everything else ---


def _counter_changed(state: LobbyState, happened: events.CounterEvent, event: Recorded) -> LobbyState:
    counter = state.counter(happened.counter).apply(happened)
    return replace(state, counter_states=state.counter_states.set(counter.counter, counter))


def _device_changed(state: LobbyState, happened: events.DeviceChanged, event: Recorded) -> LobbyState:
    device = state.device_states.get(happened.device_id) or Device(device_id=happened.device_id, kind=happened.kind)
    device = device.heard(happened.reported_at).apply(happened)
    return replace(state, device_states=state.device_states.set(device.device_id, device))


def _device_heard(state: LobbyState, heard: terminal.DeviceReported, event: Recorded) -> LobbyState:
    """A report that changes nothing says that an older one means nothing any more."""
    device = state.device_states.get(heard.device_id)
    if device is None:
        return state
    newest = device.heard(min(event.at, event.recorded_at))
    return replace(state, device_states=state.device_states.set(device.device_id, newest))


def _block_leased(state: LobbyState, leased: events.NumberBlockLeased, event: Recorded) -> LobbyState:
    block = Block(
        block_id=leased.block_id, terminal_id=leased.terminal_id, channel=leased.channel, prefix=leased.prefix,
        first=leased.first, last=leased.last, width=leased.width, business_date=leased.business_date,
    )  # fmt: skip
    state = _numbers_used(state, leased.business_date, leased.prefix, leased.last)
    return replace(state, blocks=state.blocks.set(block.block_id, block))


def _appointment_changed(state: LobbyState, happened: events.AppointmentEvent, event: Recorded) -> LobbyState:
    name = happened.appointment_id
    appointment = (state.appointments.get(name) or Appointment(appointment_id=name)).apply(happened, event.at)
    appointment = replace(appointment, version=event.sequence)  # its beginning may have been forgotten
    return replace(state, appointments=state.appointments.set(name, appointment))


def _threshold_crossed(state: LobbyState, crossed: events.ThresholdCrossed, event: Recorded) -> LobbyState:
    line = state.thresholds.get(crossed.channel, Thresholds())
    others = {measure for measure in line.above if measure != crossed.measure}
    above = tuple(sorted(others | {crossed.measure} if crossed.above else others))  # a set has no order to be stored in
    return replace(
        state, thresholds=state.thresholds.set(crossed.channel, Thresholds(version=line.version + 1, above=above))
    )


def _policy_changed(
    state: LobbyState, changed: events.PolicyChanged, event: Recorded, read_policy: ReadPolicy
) -> LobbyState:
    """Give everybody who waits the rank and the times that the new policy gives."""
    policy = read_policy(dict(changed.policy))
    in_force = PolicyInForce(
        version=changed.version,
        digest=changed.digest,
        source=changed.source,
        since=event.recorded_at,
        overrides=dict(changed.overrides),
        document=dict(changed.policy),
        policy=policy,
    )
    tickets = {ticket.ticket_id: ticket for visit in state.visits.values() for ticket in visit.tickets}
    ranks = {id_: rank(policy, ticket.lined_at, ticket.priority) for id_, ticket in tickets.items()}
    due = ((ticket.ticket_id, alarm_due(policy, ticket)) for ticket in tickets.values() if not ticket.late)
    alarms = tuple(sorted((at.timestamp(), ticket_id) for ticket_id, at in due if at is not None))
    return replace(state, in_force=in_force, queue=state.queue.reranked(ranks), alarms=alarms)


def _paper_reported(kind: PaperReportKind) -> Callable[[LobbyState, Any, Recorded], LobbyState]:
    """Keep what a terminal says of a number that nobody has heard of yet, or whose paper failed (T4)."""

    def kept(state: LobbyState, said: Any, event: Recorded) -> LobbyState:
        if said.number is None:
            return state
        # The business day is named: who records the report completes it.
        key = (said.business_date, said.number)
        report = PaperReport(number=said.number, business_date=said.business_date, kind=kind, at=event.at)
        before = {one.kind: one for one in state.reports.get(key, ())}
        if kind not in before or report.at < before[kind].at:  # of one kind, the earliest time counts
            before[kind] = report
        reports = tuple(before[name] for name in sorted(before))
        return replace(state, reports=state.reports.set(key, reports))

    return kept


_CHANGES: Mapping[type, Callable[[LobbyState, Any, Recorded], LobbyState]] = {
    events.CounterOpened: _counter_changed,
    events.CounterClosed: _counter_changed,
    events.DeviceChanged: _device_changed,
    events.NumberBlockLeased: _block_leased,
    events.AppointmentBooked: _appointment_changed,
    events.AppointmentArrived: _appointment_changed,
    events.AppointmentCancelled: _appointment_changed,
    events.ThresholdCrossed: _threshold_crossed,
    terminal.DeviceReported: _device_heard,
    terminal.TicketPrinted: _paper_reported("printed"),
    terminal.TicketPrintFailed: _paper_reported("print_failed"),
    terminal.TicketLeft: _paper_reported("left"),
}
