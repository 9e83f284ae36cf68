"""What a visit does with a command: the events that it leads to, or a refusal (T4, T7)."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime

from services.triage.model import commands
from services.triage.model.annotations import OFFER, UNDER_WAY, care, divert, noted, watch
from services.triage.model.apply import apply
from services.triage.model.commands import AlreadyEnded, Elsewhere, NoDevice, NothingToUndo, Refusal
from services.triage.model.visit import AT_COUNTER, OPEN, OfTicket, Ticket, Visit, of_ticket, seconds_between
from shared.contracts.events import triage as events
from shared.contracts.events.triage import TicketState

DAY_END = "day_end"


def left(of: OfTicket, ticket: Ticket, at: datetime, reason: str | None) -> events.TicketLeft:
    """The customer is gone, at the stage that the ticket is in."""
    return events.TicketLeft(**of, stage=ticket.state, waited_s=ticket.waited(at), reason=reason)


def end(visit: Visit, happened: Sequence[events.VisitEvent], at: datetime) -> events.VisitEnded:
    """End a visit whose tickets have all ended with what happened last."""
    last = next(event for event in reversed(happened) if not isinstance(event, events.VisitEnded))
    gone = last if isinstance(last, events.TicketLeft) else None
    served = any(ticket.state == "completed" for ticket in visit.tickets)
    return events.VisitEnded(
        visit_id=visit.visit_id,
        channel=last.channel,
        outcome="served" if served else "left",
        business_date=visit.business_date,
        waited_s=visit.waited(at),
        service_s=sum(ticket.served_s for ticket in visit.tickets),
        stage=None if served or gone is None else gone.stage,
        reason=_reason(last),
    )


def end_day(visit: Visit, command: commands.EndDay) -> list[events.VisitEvent]:
    """End what nobody ended (T7): who was being served was served, everybody else left, at their stage.

    How long an unfinished service took is not known, so that only its finished spells count.
    """
    happened: list[events.VisitEvent] = []
    for ticket in visit.tickets:
        if not ticket.ended:
            happened.append(_closed(visit, ticket, command.at))
    after = visit
    for event in happened:
        after = apply(after, event, command.at)
    return [*happened, end(after, happened, command.at)] if happened else []


def _closed(visit: Visit, ticket: Ticket, at: datetime) -> events.VisitEvent:
    of = of_ticket(visit, ticket)
    if ticket.state != "serving":
        return left(of, ticket, at, DAY_END)
    return events.TicketCompleted(
        **of, counter=ticket.counter, waited_s=ticket.waited_s, service_s=ticket.served_s, reason=DAY_END
    )


def _reason(last: events.VisitEvent) -> str | None:
    return last.reason if isinstance(last, events.TicketLeft | events.TicketCompleted) else None


STEPS: dict[type, tuple[str, frozenset[TicketState]]] = {
    commands.Print: ("printed", frozenset(("reserved",))),
    commands.GiveUpPaper: ("print-failed", frozenset(("reserved",))),
    commands.Reprint: ("reprint", OPEN),
    commands.Call: ("call", frozenset(("waiting",))),
    commands.HandOff: ("hand-off", frozenset(("reserved", "waiting"))),
    commands.Recall: ("recall", frozenset(("called",))),
    commands.Start: ("start", frozenset(("called",))),
    commands.Complete: ("complete", frozenset(("serving",))),
    commands.NoShow: ("no-show", frozenset(("called",))),
    commands.Return: ("return", frozenset(("waiting",))),
    commands.Hold: ("hold", frozenset(("serving",))),
    commands.Resume: ("resume", frozenset(("held",))),
    commands.Transfer: ("transfer", frozenset(("waiting", "called", "serving", "held"))),
    commands.Leave: ("left", OPEN),
}
"""Each step with its name in the address, and the states that it is possible in."""

TO_COUNTER = (commands.Call, commands.HandOff, commands.Resume)
"""The steps that bring the customer to a counter: to one at a time, with however many tickets."""


def allowed_in(visit: Visit, ticket: Ticket) -> tuple[str, ...]:
    """Return the names of the steps that are possible for the ticket now."""
    steps = [name for name, states in STEPS.values() if ticket.state in states]
    refused = {"return"} if ticket.missed_at is None else set()
    if ticket.late:
        refused.add("call")
    if visit.elsewhere(ticket.ticket_id) is not None:
        refused |= {STEPS[kind][0] for kind in TO_COUNTER}
    steps = [step for step in steps if step not in refused]
    return tuple(steps + (["undo"] if ticket.before is not None and not visit.ended else []))


def decide(visit: Visit, command: commands.VisitCommand) -> list[events.VisitEvent]:
    """Return what happens; raise a :class:`Refusal` when the state does not allow it.

    The last ticket's end is the visit's end: exactly one a visit.
    """
    if isinstance(command, commands.Issue):
        if visit.ended:
            raise AlreadyEnded("the visit has ended; take a ticket of a new one", state="left", allowed=())
        return _issue(visit, command)
    if isinstance(command, commands.EndDay):
        return end_day(visit, command)
    happened = noted(visit, _decide(visit, command))
    after = visit
    for event in happened:
        after = apply(after, event, command.at)
    if happened and all(ticket.ended for ticket in after.tickets):
        happened.append(end(after, happened, command.at))
    return happened


def _issue(visit: Visit, command: commands.Issue) -> list[events.VisitEvent]:
    given = {field.name: getattr(command, field.name) for field in fields(command) if field.name != "devices"}
    issued = events.TicketIssued(visit_id=visit.visit_id, business_date=visit.business_date, **given)
    if not any(reason.rule == OFFER for reason in command.reasons):
        return [issued]
    of = {name: getattr(issued, name) for name in OfTicket.__annotations__}
    return [issued, events.DiversionOffered(**of, devices=command.devices)]


def _decide(visit: Visit, command: commands.Step) -> list[events.VisitEvent]:
    match command:
        case commands.Divert():
            return divert(visit, command)
        case commands.Attend():
            return care(visit, command)
        case commands.Watch():
            return watch(visit, command)
    ticket = visit.ticket(command.ticket_id)
    if isinstance(command, commands.Undo):
        return [_undo(visit, ticket, command)]
    if isinstance(command, commands.Reprioritise):
        return _reprioritised(visit, ticket, command)
    if isinstance(command, commands.Print) and ticket.state != "reserved" and not ticket.ended_unprinted:
        return []
    name, states = STEPS[type(command)]
    if ticket.state not in states:
        detail = f"{name}: ticket {ticket.number} is {ticket.state}"
        raise Refusal(detail, state=ticket.state, allowed=allowed_in(visit, ticket))
    if isinstance(command, commands.Call) and ticket.late:
        detail = f"call: ticket {ticket.number} is of {visit.business_date}, a day gone by: nobody calls it any more"
        raise Refusal(detail, state=ticket.state, allowed=allowed_in(visit, ticket))
    if isinstance(command, TO_COUNTER):
        _require_here(visit, ticket, name)
    return _events(visit, ticket, command)


def _require_here(visit: Visit, ticket: Ticket, name: str) -> None:
    other = visit.elsewhere(ticket.ticket_id)
    if other is not None:
        detail = f"{name}: the customer of ticket {ticket.number} is at counter {other.counter} with {other.number}"
        allowed = tuple(step for step in allowed_in(visit, ticket) if step != name)
        raise Elsewhere(detail, state=ticket.state, allowed=allowed)


def _events(visit: Visit, ticket: Ticket, command: commands.Step) -> list[events.VisitEvent]:
    of = of_ticket(visit, ticket)
    counter = ticket.counter or ""
    match command:
        case commands.Print():
            return [events.TicketPrinted(**of)]
        case commands.GiveUpPaper():
            return [left(of, ticket, command.at, command.reason)]
        case commands.Reprint():
            return [events.TicketReprinted(**of, copies=ticket.copies + 1)]
        case commands.Call():
            return [_called(of, ticket, command)]
        case commands.HandOff():
            called = _called(of, ticket, command)
            return [called, events.ServiceStarted(**of, counter=command.counter, waited_s=called.waited_s)]
        case commands.Recall():
            return [events.TicketRecalled(**of, counter=counter)]
        case commands.Start():
            return [events.ServiceStarted(**of, counter=counter, waited_s=ticket.waited_s)]
        case commands.Complete():
            served = ticket.served(command.at)
            return [events.TicketCompleted(**of, counter=ticket.counter, waited_s=ticket.waited_s, service_s=served)]
        case commands.NoShow():
            missed: list[events.VisitEvent] = [events.TicketNoShow(**of, counter=counter)]
            too_often = ticket.no_shows + 1 >= command.limit
            return [*missed, left(of, ticket, command.at, "no_show")] if too_often else missed
        case commands.Return():
            return [_returned(of, visit, ticket, command)]
        case commands.Hold():
            return [events.TicketHeld(**of, counter=counter)]
        case commands.Resume():
            return [events.TicketResumed(**of, counter=counter)]
        case commands.Transfer():
            return [_transferred(of, visit, ticket, command), *_guided(of, visit, ticket, command)]
        case commands.Leave():
            return [left(of, ticket, command.at, command.reason)]
        case commands.Undo() | commands.Reprioritise() | commands.Divert() | commands.Attend() | commands.Watch():
            raise AssertionError("decided before: they are possible in more than some states")


def _called(of: OfTicket, ticket: Ticket, command: commands.Call | commands.HandOff) -> events.TicketCalled:
    return events.TicketCalled(
        **of,
        counter=command.counter,
        waited_s=ticket.waited(command.at),
        quoted_p50_s=ticket.quoted_p50_s,
        quoted_p90_s=ticket.quoted_p90_s,
        way=command.overtaking.way,
        overtaken_lanes=command.overtaking.lanes,
        vip_credit=command.overtaking.vip_credit,
        overtakes=tuple(one.ticket_id for one in command.overtaking.whom),
        overtaken=command.overtaking.whom,
        overtakes_more=command.overtaking.more,
        overtaking_reason=command.overtaking.why,
        forced=command.overtaking.forced,
        for_skill=command.overtaking.for_skill,
        times_overtaken=command.overtaking.times_before,
    )


def _returned(of: OfTicket, visit: Visit, ticket: Ticket, command: commands.Return) -> events.TicketReturned:
    away_s = seconds_between(ticket.missed_at, command.at)
    if ticket.missed_at is not None and away_s <= command.grace_s:
        return events.TicketReturned(**of, away_s=away_s)
    allowed = tuple(step for step in allowed_in(visit, ticket) if step != "return")
    if ticket.missed_at is None:
        raise Refusal(f"return: ticket {ticket.number} missed no call", state=ticket.state, allowed=allowed)
    detail = f"return: ticket {ticket.number} missed its call {away_s:.0f} s ago, more than the {command.grace_s:g} s"
    raise Refusal(f"{detail} of grace; it keeps its new place", state=ticket.state, allowed=allowed)


def _transferred(of: OfTicket, visit: Visit, ticket: Ticket, command: commands.Transfer) -> events.TicketTransferred:
    to = (command.channel, command.counter, command.person)
    if ticket.state == "waiting" and to == (ticket.channel, ticket.for_counter, ticket.for_person):
        detail = f"transfer: ticket {ticket.number} waits for {command.counter or command.person or command.channel}"
        detail += " already"
        raise Refusal(detail, state=ticket.state, allowed=allowed_in(visit, ticket))
    of["channel"] = command.channel
    return events.TicketTransferred(
        **of,
        from_channel=ticket.channel,
        to_counter=command.counter,
        to_person=command.person,
        keeps_place=command.keeps_place,
    )


def _guided(of: OfTicket, visit: Visit, ticket: Ticket, command: commands.Transfer) -> list[events.VisitEvent]:
    """Offer the device that staff guide the customer to, unless they are on the way to one (T3)."""
    if command.devices is None or ticket.diversion in UNDER_WAY:
        return []
    if not command.devices:
        detail = f"transfer: no device that does {ticket.business} works now, so that ticket {ticket.number} stays"
        raise NoDevice(detail, state=ticket.state, allowed=allowed_in(visit, ticket))
    to: OfTicket = {**of, "channel": command.channel}
    return [events.DiversionOffered(**to, devices=command.devices)]


def _reprioritised(visit: Visit, ticket: Ticket, command: commands.Reprioritise) -> list[events.VisitEvent]:
    if ticket.ended or ticket.priority == command.priority:
        return []
    return [
        events.TicketReprioritised(
            **of_ticket(visit, ticket),
            priority=command.priority,
            from_priority=ticket.priority,
            policy_version=command.policy_version,
        )
    ]


def _undo(visit: Visit, ticket: Ticket, command: commands.Undo) -> events.StepUndone:
    allowed = tuple(step for step in allowed_in(visit, ticket) if step != "undo")
    if visit.ended:
        detail = f"the visit of ticket {ticket.number} has ended; take a new ticket instead"
        raise AlreadyEnded(detail, state=ticket.state, allowed=())
    if ticket.before is None:
        raise NothingToUndo(f"ticket {ticket.number} has no step to take back", state=ticket.state, allowed=allowed)
    if command.today != visit.business_date:
        detail = f"ticket {ticket.number} is of {visit.business_date}; a step can be taken back on its own day only"
        raise NothingToUndo(detail, state=ticket.state, allowed=allowed)
    if ticket.before.state in AT_COUNTER:
        _require_here(visit, ticket, "undo")
    of = of_ticket(visit, ticket)
    of["channel"] = ticket.before.channel
    return events.StepUndone(
        **of,
        state=ticket.before.state,
        reason=command.reason,
        undone=ticket.last,
        waited_s=ticket.waited_s,
        quoted_p90_s=ticket.quoted_p90_s,
    )
