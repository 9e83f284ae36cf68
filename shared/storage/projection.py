"""Projections: rows that follow from the events, for questions that no single branch's state answers.

They are written in the transaction that appends the event, and can be made anew from the first event on.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from sqlalchemy import Connection, Table

from shared.contracts.envelope import Event

ProjectedRow = tuple[Table, Mapping[str, Any]]
Project = Callable[[Event], Iterable[ProjectedRow]]
"""Which rows an event makes; a row with the primary key of an earlier one takes its place."""


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
