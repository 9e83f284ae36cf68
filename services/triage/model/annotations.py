"""What is noted of a ticket beside its steps: diversion, alarms, care (T3, T8, T12)."""

from collections.abc import Sequence
from datetime import datetime

from services.triage.model import commands
from services.triage.model.commands import Refusal
from services.triage.model.records import replace
from services.triage.model.visit import OPEN, OfTicket, Ticket, Visit, of_ticket
from shared.contracts.events import triage as events
from shared.contracts.events.types import Reason

UNDER_WAY = ("offered", "accepted")
"""The diversions that have no end yet."""

OFFER = "divert.small"
"""The rule by which a ticket is one that was diverted."""

AT_STAFFS_WISH = Reason(rule="divert.transferred", zh="工作人员转至其他渠道", en="Transferred by a member of staff")
AT_OWN_WISH = Reason(rule="divert.fell_back", zh="自助办理未成,回到柜台", en="It did not work at the device")

PROMISE, STARVATION = "promise", "starvation"


def marked(ticket: Ticket, event: events.Mark, at: datetime) -> Ticket:
    """Return the ticket with what is noted of it."""
    match event:
        case events.DiversionOffered():
            return replace(ticket, diversion="offered", accepted_at=None, device_id=None)
        case events.DiversionAccepted():
            return replace(ticket, diversion="accepted", accepted_at=at, device_id=event.device_id)
        case events.DiversionDeclined():
            return replace(ticket, diversion="declined")
        case events.DiversionCompleted():
            return replace(ticket, diversion="completed", device_id=event.device_id)
        case events.DiversionFellBack():
            return replace(ticket, diversion="fell_back")
        case events.WaitPromiseBreached():
            return replace(ticket, raised=(*ticket.raised, PROMISE))
        case events.StarvationAlarmed():
            return replace(ticket, raised=(*ticket.raised, STARVATION), alarmed=True)
        case events.StarvationCleared():
            return replace(ticket, alarmed=False)
        case events.CustomerCared():
            return replace(ticket, attended_at=at, attended_by=event.by, attended_how=event.action)


def kept(before: Ticket, ticket: Ticket) -> Ticket:
    """Return the ticket as an undo makes it, with what was noted meanwhile and stays true."""
    return replace(
        before,
        raised=ticket.raised,
        attended_at=ticket.attended_at,
        attended_by=ticket.attended_by,
        attended_how=ticket.attended_how,
    )


def divert(visit: Visit, command: commands.Divert) -> list[events.VisitEvent]:
    """Note a step of a diversion; who declines or falls back waits for the counter, at their own place."""
    ticket = visit.ticket(command.ticket_id)
    _require_under_way(ticket, command)
    of = of_ticket(visit, ticket)
    match command.step:
        case "accepted":
            if ticket.diversion == "accepted":
                return []
            return [events.DiversionAccepted(**of, device_id=command.device_id)]
        case "declined":
            return [_to_counter(of, ticket), events.DiversionDeclined(**of, reason=command.note)]
        case "fell_back":
            why = command.why or AT_OWN_WISH
            fell_back = events.DiversionFellBack(**of, reason=why, automatic=command.automatic)
            return [_to_counter(of, ticket), fell_back]
        case "completed":
            device = command.device_id or ticket.device_id
            went = max(ticket.accepted_at or command.at, ticket.waiting_since or command.at)
            waited = ticket.waited(went) if ticket.waiting_since is not None else ticket.waited_s
            alone = (command.at - went).total_seconds() if ticket.waiting_since is not None else 0.0
            done = events.TicketCompleted(
                **of, counter=device or ticket.counter, waited_s=waited, service_s=ticket.served(command.at) + alone
            )
            return [done, events.DiversionCompleted(**of, device_id=device)]


def care(visit: Visit, command: commands.Attend) -> list[events.VisitEvent]:
    """Note that somebody looked after the customer."""
    ticket = visit.ticket(command.ticket_id)
    if ticket.state not in OPEN:
        raise Refusal(f"cared: ticket {ticket.number} is {ticket.state}", state=ticket.state, allowed=())
    of = of_ticket(visit, ticket)
    return [
        events.CustomerCared(
            **of, action=command.action, note=command.note, by=command.by, recorded_by=command.recorded_by
        )
    ]


def watch(visit: Visit, command: commands.Watch) -> list[events.VisitEvent]:
    """Raise the alarms that are due, each once a ticket."""
    ticket = visit.ticket(command.ticket_id)
    if ticket.state != "waiting" or ticket.waiting_since is None:
        return []
    waited, of = ticket.waited(command.at), of_ticket(visit, ticket)
    happened: list[events.VisitEvent] = []
    if breached(ticket, waited):
        happened.append(_breach(of, ticket, waited))
    capped = command.cap is not None and command.times_overtaken >= command.cap
    if STARVATION not in ticket.raised and (capped or waited >= command.limit_s):
        happened.append(
            events.StarvationAlarmed(
                **of,
                cause="cap" if capped else "wait",
                waited_s=waited,
                limit_s=command.limit_s,
                times_overtaken=command.times_overtaken,
            )
        )
    return happened


def breached(ticket: Ticket, waited_s: float) -> bool:
    """Whether so long a wait breaks the promise on the ticket, and nobody has said so yet.

    Who took a number from a terminal without a network was promised nothing.
    """
    return PROMISE not in ticket.raised and waited_s > ticket.quoted_p90_s > 0


def noted(visit: Visit, happened: Sequence[events.VisitEvent]) -> list[events.VisitEvent]:
    """Return what happens with what follows from it: promises that were broken, diversions that end, alarms."""
    result: list[events.VisitEvent] = []
    for event in happened:
        if isinstance(event, events.TicketCalled | events.TicketLeft):
            ticket = visit.ticket(event.ticket_id)
            if ticket.state == "waiting" and breached(ticket, event.waited_s):
                result.append(_breach(of_ticket(visit, ticket), ticket, event.waited_s))
        result.append(event)
        result += _following(visit, event, happened)
    return result


def _following(
    visit: Visit, event: events.VisitEvent, happened: Sequence[events.VisitEvent]
) -> list[events.VisitEvent]:
    if isinstance(event, events.VisitEnded | events.TicketIssued):
        return []
    ticket = visit.ticket(event.ticket_id)
    of, found = of_ticket(visit, ticket), list[events.VisitEvent]()
    said = any(isinstance(other, events.Mark) for other in happened)
    match event:
        case events.TicketCalled() if ticket.diversion == "offered" and ticket.channel == "self_service":
            found.append(events.DiversionAccepted(**of, device_id=event.counter))
        case events.TicketCompleted() if ticket.diversion in UNDER_WAY and not said:
            found.append(events.DiversionCompleted(**of, device_id=event.counter))
        case events.TicketTransferred() if ticket.diversion in UNDER_WAY and not said:
            if event.channel != "self_service":
                found.append(events.DiversionFellBack(**of, reason=AT_STAFFS_WISH, automatic=False))
    if ticket.alarmed and ticket.state == "waiting":
        step = _CLEARING.get(type(event))
        if step is not None:
            found.append(events.StarvationCleared(**of, by=step))
    return found


_CLEARING: dict[type, str] = {
    events.TicketCalled: "ticket_called",
    events.TicketLeft: "ticket_left",
    events.TicketCompleted: "ticket_completed",
    events.TicketTransferred: "ticket_transferred",
}


def _require_under_way(ticket: Ticket, command: commands.Divert) -> None:
    if ticket.diversion in UNDER_WAY and ticket.state in OPEN:
        return
    how = ticket.diversion or "not offered"
    detail = f"diversion {command.step}: ticket {ticket.number} is {ticket.state}, its diversion {how}"
    raise Refusal(detail, state=ticket.state, allowed=())


def _to_counter(of: OfTicket, ticket: Ticket) -> events.TicketTransferred:
    to: OfTicket = {**of, "channel": "counter"}
    return events.TicketTransferred(**to, from_channel=ticket.channel)


def _breach(of: OfTicket, ticket: Ticket, waited_s: float) -> events.WaitPromiseBreached:
    return events.WaitPromiseBreached(
        **of, waited_s=waited_s, quoted_p50_s=ticket.quoted_p50_s, quoted_p90_s=ticket.quoted_p90_s
    )
