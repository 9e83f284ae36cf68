"""What vip keeps beside its log: the fold's snapshots, and whose branch a hand-off is."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from immutables import Map
from pydantic import TypeAdapter
from sqlalchemy import Column, MetaData, String, Table

from services.vip.handlers.timers import next_look
from services.vip.handlers.unit_of_work import LobbyReader, UnitOfWork
from services.vip.model import Handoff, LobbyState, Roster, Ticket
from services.vip.model.lobby_state import apply
from shared.contracts.envelope import Event
from shared.contracts.events.vip import CustomerArrived
from shared.settings import Settings
from shared.storage.aggregate import ProjectedRow, branch_lookup
from shared.storage.unit_of_work import StoredReader
from shared.storage.unit_of_work import StoredUnitOfWork as Stored


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


metadata = MetaData()

handoff = Table(
    "handoff",
    metadata,
    Column("handoff_id", String(128), primary_key=True),
    Column("branch", String(32), nullable=False),
    comment="Whose branch a hand-off is.",
)


def project(event: Event) -> Iterable[ProjectedRow]:
    """Return the row that an event makes."""
    if isinstance(event.data, CustomerArrived):
        yield handoff, {"handoff_id": event.data.handoff_id, "branch": event.branchid}


branch_of = branch_lookup(handoff.c.handoff_id)
"""Whose branch a hand-off is."""


class StoredLobby(StoredReader[LobbyState], LobbyReader):
    """A branch's committed state, for looking."""


class StoredUnitOfWork(Stored[LobbyState], UnitOfWork):
    """A branch in a transaction that has its partition locked."""


aggregate = LobbyAggregate
"""How vip folds its log: found by its name."""

projected = (handoff,)
"""The tables that ``project`` writes."""
