"""What vip knows of a branch's lobby: the fold of its log."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from immutables import Map

from services.vip.model.handoff import Handoff, State, begin
from services.vip.model.handoff import apply as apply_to_handoff
from services.vip.model.roster import Roster, apply_roster
from shared.contracts.events import triage
from shared.contracts.events.types import CardTier
from shared.contracts.events.vip import CustomerArrived, HandoffEvent, RosterSet


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """A ticket of the VIP channel. ``over``: it was called at a window, or its customer left."""

    ticket_id: str
    visit_id: str
    number: str
    business_date: date
    tier: CardTier = "none"
    business: str | None = None
    customer_ref: str | None = None
    handoff_id: str | None = None
    over: bool = False


TICKET_DAYS = timedelta(days=3)
"""The tickets of so many days before the newest are kept: a paper may be heard of late, but not that late."""


@dataclass(frozen=True, kw_only=True)
class LobbyState:
    """Who is on duty, the hand-offs that have not ended, and the VIP tickets of the last days, by their ids."""

    roster: Roster
    handoffs: Map[str, Handoff] = field(default_factory=Map)
    tickets: Map[str, Ticket] = field(default_factory=Map)

    @property
    def branch(self) -> str:
        """The branch."""
        return self.roster.branch

    @property
    def active(self) -> list[Handoff]:
        """The hand-offs that have not ended, the earliest arrival first."""
        return sorted(self.handoffs.values(), key=lambda handoff: (handoff.arrived_at, handoff.handoff_id))

    @property
    def next_expiry(self) -> datetime | None:
        """When the next offer runs out."""
        return min((one.expires_at for one in self.handoffs.values() if one.expires_at is not None), default=None)

    def of_visit(self, visit_id: str) -> Handoff | None:
        """Return the hand-off of a visit that has not ended."""
        return next((handoff for handoff in self.handoffs.values() if handoff.visit_id == visit_id), None)

    def loads(self, *states: State) -> Mapping[str, int]:
        """Return how many of the hand-offs in these states each manager has."""
        return Counter(
            handoff.manager_id
            for handoff in self.handoffs.values()
            if handoff.manager_id is not None and handoff.state in states
        )

    def ticket_of(self, handoff_id: str) -> Ticket | None:
        """Return the ticket that belongs to a hand-off."""
        of_handoff = [ticket for ticket in self.tickets.values() if ticket.handoff_id == handoff_id]
        return min(of_handoff, key=lambda ticket: ticket.ticket_id, default=None)

    def is_long_gone(self, day: date) -> bool:
        """Say whether the tickets of a day are kept no more."""
        newest = max((ticket.business_date for ticket in self.tickets.values()), default=day)
        return day < newest - TICKET_DAYS


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
