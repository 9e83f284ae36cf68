"""What a service knows of a branch, and the rows across branches: what it declares of both, and how that is found."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol, TypeVar

from sqlalchemy import Column, Connection, MetaData, Table, bindparam, select

from shared.contracts.envelope import Event
from shared.settings import Settings

State = TypeVar("State")


class Aggregate(Protocol[State]):
    """How a service folds a branch's events.

    ``version`` is the form of the state: whoever changes ``apply`` or the state's fields raises it, and snapshots of
    the version before are not read any more.
    """

    @property
    def version(self) -> int:
        """The version of the state's form."""
        ...

    def initial(self, branch: str) -> State:
        """Return the state before the first event."""
        ...

    def apply(self, state: State, event: Event) -> State:
        """Return the state after an event. Never raises, never reads a clock, leaves ``state`` as it is."""
        ...

    def held(self, state: State) -> int:
        """Return how many things the state holds: what a snapshot costs, and how much memory, grows with it."""
        ...

    def due(self, before: State, after: State) -> datetime | None:
        """Return when the clock alone may change something next; None where it never will.

        ``before`` is the state that the clock was looked at in last, ``after`` the one that came of it: so a change
        can ask to be looked at soon, and a look that changed nothing (both are the same) does not ask for another.
        """
        ...

    def dump(self, state: State) -> bytes:
        """Return the state as the bytes of a snapshot."""
        ...

    def load(self, branch: str, body: bytes) -> State:
        """Return the state that a snapshot of this version holds."""
        ...


ProjectedRow = tuple[Table, Mapping[str, Any]]
Project = Callable[[Event], Iterable[ProjectedRow]]
"""Which rows an event makes; a row with the primary key of an earlier one takes its place."""
BranchOf = Callable[[Connection, str], str | None]
"""Looks up the branch of a ticket, a hand-off, an incident…; None where nobody knows the id."""


def branch_lookup(id_column: Column[str]) -> BranchOf:
    """Return the look-up in a projected table that has the id and the ``branch`` of each thing."""
    query = select(id_column.table.c.branch).where(id_column == bindparam("of_id"))

    def branch_of(connection: Connection, id_: str) -> str | None:
        branch: str | None = connection.execute(query, {"of_id": id_}).scalar()
        return branch

    return branch_of


def no_rows(event: Event) -> Iterable[ProjectedRow]:
    """Return nothing: the projection of a service that has none."""
    return ()


class HeardProjection(Protocol):
    """Rows that follow from what others said, for a service that keeps that elsewhere than in its log."""

    def branches(self, connection: Connection) -> Iterable[str]:
        """Return every branch that something was heard of."""
        ...

    def rows(self, connection: Connection, branch: str) -> Iterable[ProjectedRow]:
        """Return the rows that all that was heard of a branch makes, folded from the first event on."""
        ...


def own_metadata(service: str) -> MetaData:
    """Return a service's own tables; none for a service that isn't one of ours, such as a benchmark's."""
    metadata = _declared(service, "metadata")
    return metadata if isinstance(metadata, MetaData) else MetaData()


def aggregate_of(service: str, settings: Settings) -> Aggregate[Any] | None:
    """Return how a service folds its log; None for one that keeps no state of its branches."""
    make = _declared(service, "aggregate")
    aggregate: Aggregate[Any] | None = None if make is None else make(settings)
    return aggregate


def projection_of(service: str) -> Project:
    """Return which rows a service's events make; none for one that projects nothing."""
    project: Project = _declared(service, "project") or no_rows
    return project


def heard_projection_of(service: str, settings: Settings) -> HeardProjection | None:
    """Return which rows others' events make; None for a service that keeps them nowhere but in its log."""
    make = _declared(service, "heard")
    heard: HeardProjection | None = None if make is None else make(settings)
    return heard


def projected_tables(service: str) -> tuple[Table, ...]:
    """Return the tables that a service's projection writes, each with a ``branch``."""
    tables: tuple[Table, ...] = _declared(service, "projected") or ()
    return tables


def _declared(service: str, name: str) -> Any:
    module = f"services.{service}.store"
    if find_spec(f"services.{service}") is None or find_spec(module) is None:
        return None
    return getattr(import_module(module), name, None)
