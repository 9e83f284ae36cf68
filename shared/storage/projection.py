"""Projections: rows that follow from the events, for questions that no single branch's state answers.

They are written in the transaction that appends the event, and can be made anew from the first event on.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import Table

from shared.contracts.envelope import Event

ProjectedRow = tuple[Table, Mapping[str, Any]]
Project = Callable[[Event], Iterable[ProjectedRow]]
"""Which rows an event makes; a row with the primary key of an earlier one takes its place."""


def no_rows(event: Event) -> Iterable[ProjectedRow]:
    """Return nothing: the projection of a service that has none."""
    return ()
