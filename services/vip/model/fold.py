"""What an event makes of a branch's VIP side: the only way in which it changes.

``apply`` never raises and never reads a clock. It knows vip's own events, and what triage said of VIP tickets, which
vip keeps in its log where it changes something.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from services.vip.model.handoff import Handoff, begin
from services.vip.model.handoff import apply as apply_to_handoff
from services.vip.model.lobby_state import TICKET_DAYS, LobbyState
from services.vip.model.roster import apply_roster
from services.vip.model.ticket import Ticket
from shared.contracts.events import triage
from shared.contracts.events.vip import CustomerArrived, HandoffEvent, RosterSet


def apply(state: LobbyState, happened: object, *, at: datetime) -> LobbyState:
    """Return the state after an event; one that means nothing here changes nothing."""
    if isinstance(happened, HandoffEvent):
        return _handed_off(state, happened, at)
    match happened:
        case RosterSet():
            return replace(state, roster=apply_roster(state.roster, happened))
        case triage.TicketIssued():
            return _issued(state, happened)
        case triage.TicketPrinted():
            handoff = state.of_visit(happened.visit_id)
            return state if handoff is None else _linked(state, happened.ticket_id, handoff.handoff_id)
        case triage.TicketCalled() | triage.TicketLeft():
            return _over(state, happened)
    return state


def folded(branch: str, happened: Iterable[tuple[object, datetime]]) -> Handoff | None:
    """Return the hand-off that its events lead to, each with its time; None where there are none."""
    handoff = None
    for event, at in happened:
        if isinstance(event, HandoffEvent):
            handoff = _after(handoff, event, branch, at)
    return handoff


def _handed_off(state: LobbyState, happened: HandoffEvent, at: datetime) -> LobbyState:
    id_ = happened.handoff_id
    handoff = _after(state.handoffs.get(id_), happened, state.branch, at)
    if handoff is None:
        return state
    if not handoff.ended:
        state = replace(state, handoffs=state.handoffs.set(id_, handoff))
    elif id_ in state.handoffs:
        state = replace(state, handoffs=state.handoffs.delete(id_))
    if isinstance(happened, CustomerArrived) and happened.ticket_id is not None:
        return _linked(state, happened.ticket_id, id_)
    return state


def _after(before: Handoff | None, happened: HandoffEvent, branch: str, at: datetime) -> Handoff | None:
    if isinstance(happened, CustomerArrived):
        return begin(happened, branch=branch, at=at)
    return None if before is None else apply_to_handoff(before, happened, at=at)


def _issued(state: LobbyState, issued: triage.TicketIssued) -> LobbyState:
    ticket = Ticket(
        ticket_id=issued.ticket_id,
        visit_id=issued.visit_id,
        number=issued.number,
        business_date=issued.business_date,
        tier=issued.customer.card_tier,
        business=issued.business,
        customer_ref=issued.customer.customer_ref,
    )
    return _with(state, ticket)


def _linked(state: LobbyState, ticket_id: str, handoff_id: str) -> LobbyState:
    ticket = state.tickets.get(ticket_id)
    return state if ticket is None else _with(state, replace(ticket, handoff_id=handoff_id))


def _over(state: LobbyState, event: triage.TicketCalled | triage.TicketLeft) -> LobbyState:
    """A ticket is over that nobody has issued yet, as far as we know: its paper, printed late, brings nobody back."""
    ticket = state.tickets.get(event.ticket_id) or Ticket(
        ticket_id=event.ticket_id, visit_id=event.visit_id, number=event.number, business_date=event.business_date
    )
    return _with(state, replace(ticket, over=True))


def _with(state: LobbyState, ticket: Ticket) -> LobbyState:
    tickets = state.tickets.set(ticket.ticket_id, ticket)
    if ticket.ticket_id not in state.tickets:
        kept_from = max(one.business_date for one in tickets.values()) - TICKET_DAYS
        for id_ in [id_ for id_, one in tickets.items() if one.business_date < kept_from]:
            tickets = tickets.delete(id_)
    return replace(state, tickets=tickets)
