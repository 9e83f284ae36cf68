"""The statements that write rows, built once: one costs more to build than to run."""

from functools import cache
from typing import Any

from sqlalchemy import Table, bindparam, case

from services.triage.store import tables
from services.triage.store.line import SINCE_IN_THE_WAY

_ticket = tables.ticket.c
_PLACE = ("overtaken", "joined_seq", "counted_to", "shield", "shield_skill")
"""What a ticket's row knows and the visit's body does not: see ``store.line``."""


@cache
def keys_of(table: Table) -> tuple[str, ...]:
    """Return the names of a table's primary key."""
    return tuple(column.name for column in table.primary_key)


@cache
def upsert(insert: Any, table: Table) -> Any:
    """Return the statement that writes a row whether or not it is there."""
    statement = insert(table)
    keys = keys_of(table)
    changed = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


@cache
def write_ticket(insert: Any, *, left: bool, joined: bool) -> Any:
    """Return the statement that writes a ticket's row, which may have left its line or joined one (T12).

    One that leaves is counted for the last time; one that joins is counted from then on, and keeps the
    count that it has unless it went to a later place: two places don't make two allowances.
    """
    statement = insert(tables.ticket)
    kept = ("ticket_id", *_PLACE)
    changed: dict[str, Any] = {c.name: statement.excluded[c.name] for c in tables.ticket.c if c.name not in kept}
    count = _ticket.overtaken + SINCE_IN_THE_WAY if left else _ticket.overtaken
    if joined:
        changed |= {name: statement.excluded[name] for name in _PLACE}
        changed["overtaken"] = case((_ticket.lined < statement.excluded.lined, 0), else_=count)
    elif left:
        changed |= {"overtaken": count, "counted_to": statement.excluded.counted_to}
    return statement.on_conflict_do_update(index_elements=["ticket_id"], set_=changed)


@cache
def draw_number(insert: Any) -> Any:
    """Return the statement that draws the next ``count`` numbers of a series."""
    series = tables.number_series
    statement = insert(series).on_conflict_do_update(
        index_elements=["branch", "business_date", "prefix"], set_={"last": series.c.last + bindparam("count")}
    )
    return statement.returning(series.c.last)


@cache
def write_line(insert: Any) -> Any:
    """Return the statement that writes how a line stands; what it crossed is another's to write (T8)."""
    statement = insert(tables.line_state)
    changed = {name: statement.excluded[name] for name in ("waiting", "seq", "last_lined", "skills", "check_at")}
    return statement.on_conflict_do_update(index_elements=["branch", "line"], set_=changed)
