"""What vip knows of a branch's lobby: the fold of its log."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from immutables import Map

from services.vip.model.handoff import Handoff, State
from services.vip.model.roster import Roster
from services.vip.model.ticket import Ticket

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
