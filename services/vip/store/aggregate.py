"""How vip folds its log, and what a snapshot of a branch looks like."""

from dataclasses import dataclass
from datetime import datetime

from immutables import Map
from pydantic import TypeAdapter

from services.vip.handlers.timers import next_look
from services.vip.model import Handoff, LobbyState, Roster, Ticket
from services.vip.model.fold import apply
from shared.contracts.envelope import Event
from shared.settings import Settings


@dataclass(frozen=True, kw_only=True)
class _Snapshot:
    """A state as JSON, in the order of the ids."""

    roster: Roster
    handoffs: tuple[Handoff, ...]
    tickets: tuple[Ticket, ...]


_SNAPSHOT: TypeAdapter[_Snapshot] = TypeAdapter(_Snapshot)


class LobbyAggregate:
    """A branch's VIP side as the fold of the log."""

    version = 2

    def __init__(self, settings: Settings) -> None:
        """Nothing in it depends on the settings."""

    def initial(self, branch: str) -> LobbyState:
        """Return the state before the first event."""
        return LobbyState(roster=Roster(branch=branch))

    def apply(self, state: LobbyState, event: Event) -> LobbyState:
        """Return the state after an event."""
        return apply(state, event.data, at=event.time)

    def held(self, state: LobbyState) -> int:
        """Return how many hand-offs and tickets the state holds; a ticket is a quarter of a hand-off."""
        return len(state.handoffs) + len(state.tickets) // 4

    def due(self, before: LobbyState, after: LobbyState) -> datetime | None:
        """Return when the next offer runs out."""
        return next_look(after)

    def dump(self, state: LobbyState) -> bytes:
        """Return the state as JSON."""
        handoffs = tuple(one for _, one in sorted(state.handoffs.items()))
        tickets = tuple(one for _, one in sorted(state.tickets.items()))
        return _SNAPSHOT.dump_json(_Snapshot(roster=state.roster, handoffs=handoffs, tickets=tickets))

    def load(self, branch: str, body: bytes) -> LobbyState:
        """Return the state that :meth:`dump` wrote."""
        read = _SNAPSHOT.validate_json(body)
        return LobbyState(
            roster=read.roster,
            handoffs=Map({one.handoff_id: one for one in read.handoffs}),
            tickets=Map({one.ticket_id: one for one in read.tickets}),
        )
