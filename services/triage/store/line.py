"""The lines in the database: places, and overtaking that is counted without touching whom it overtakes (T12).

A call that overtakes writes one row for each lane, with the place of who was called: ``lined``, and a
number that goes up in the line: ``seq``. How often a ticket was overtaken is how many of the rows
that came after it joined lie behind its place: an index look-up of as many rows as the cap, at most.
``counted_to`` is the number up to which ``overtaken`` is exact. ``shield`` makes the count fall from the
head to the end of a lane, also where somebody comes late to an early place: see ``policy.order``.
"""

from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.sql.selectable import ScalarSelect

from services.triage.handlers.calling import MOST_NAMED
from services.triage.store import tables

_ticket, _line = tables.ticket.c, tables.line_state.c
_over = tables.overtaking.c


_ALL = literal("")
_IN_THE_WAY = {c.name: literal_column(f"ticket.{c.name}", c.type) for c in _ticket}
"""The row that an insert finds in its way: it is in no FROM that a subquery could be correlated to."""


def _since(of: Any, *businesses: ColumnElement[Any]) -> ScalarSelect[int]:
    """Return how many calls of these businesses have overtaken a ticket since it was counted."""
    return (
        select(func.count())
        .where(
            _over.branch == of["branch"],
            _over.line == of["line"],
            _over.business.in_(businesses),
            _over.lined > of["lined"],
            _over.seq > of["counted_to"],
            _over.counts,
        )
        .correlate(tables.ticket)
        .scalar_subquery()
    )


SINCE = _since(_ticket, _ALL, _ticket.business)
"""How often a ticket that waits was overtaken since it was counted."""

SINCE_IN_THE_WAY = _since(_IN_THE_WAY, _ALL, _IN_THE_WAY["business"])
"""The same of the ticket that an insert finds in its way."""

OFTEN = _ticket.overtaken + SINCE
"""How often a ticket that waits has been overtaken."""

GUARDED = _ticket.shield + _ticket.shield_skill + SINCE
"""How often the ticket, or anybody behind it in its lane, may have been overtaken."""

_branch = _ticket.branch == bindparam("of_branch")
_waits = and_(_branch, _ticket.state == "waiting", _ticket.line == bindparam("of_line"))
_in_business = _ticket.business == bindparam("of_business")


@cache
def ends(businesses: tuple[bool, ...]) -> Any:
    """Return the statement that reads the next and the oldest of so many lanes: ``line0``, ``line1``, ….

    Each is the first entry of an index. A lane that is told True is of one business: ``business0``, ….
    """
    lanes = [end for n, of_one in enumerate(businesses) for end in _ends(n, of_one=of_one)]
    return union_all(*(select(lane.subquery()) for lane in lanes))


def _ends(n: int, *, of_one: bool) -> tuple[Select[Any], Select[Any]]:
    where = [_branch, _ticket.state == "waiting", _ticket.line == bindparam(f"line{n}")]
    if of_one:
        where.append(_ticket.business == bindparam(f"business{n}"))
    skills = select(_line.skills).where(_line.branch == _ticket.branch, _line.line == _ticket.line)
    columns = (
        literal(n).label("lane"),
        _ticket.ticket_id,
        _ticket.lined,
        _ticket.rank,
        OFTEN.label("times"),
        GUARDED.label("guarded"),
        skills.scalar_subquery().label("skills"),
    )
    of_lane = select(*columns).where(*where)
    by_rank = of_lane.add_columns(literal(0).label("end")).order_by(_ticket.rank, _ticket.ticket_id).limit(1)
    by_place = of_lane.add_columns(literal(1).label("end")).order_by(_ticket.lined, _ticket.ticket_id).limit(1)
    return by_rank, by_place


OVERTAKEN = (
    select(_ticket.ticket_id, _ticket.number, OFTEN)
    .where(
        _ticket.branch == bindparam("of_branch"),
        _ticket.state == "waiting",
        _ticket.line.in_(bindparam("lines", expanding=True)),
        or_(
            bindparam("any_business"),
            _ticket.line.in_(bindparam("own_lines", expanding=True)),
            _ticket.business.in_(bindparam("businesses", expanding=True)),
        ),
        _ticket.lined < bindparam("lined_before"),
    )
    .order_by(_ticket.lined, _ticket.ticket_id)
    .limit(MOST_NAMED + 1)
)

UNSKILLED = (
    select(_ticket.ticket_id)
    .where(
        _ticket.branch == bindparam("of_branch"),
        _ticket.state == "waiting",
        _ticket.line.in_(bindparam("channels", expanding=True)),
        _ticket.business.not_in(bindparam("businesses", expanding=True)),
        _ticket.lined < bindparam("lined_before"),
    )
    .limit(1)
)
"""Somebody who stands earlier in these lines, for another business."""

TIMES = select(case((_ticket.state == "waiting", OFTEN), else_=_ticket.overtaken)).where(
    _ticket.ticket_id == bindparam("of_ticket")
)
"""How often a ticket has been overtaken at its place."""

_behind = (_ticket.lined >= bindparam("from_lined"), _ticket.ticket_id != bindparam("of_ticket"))

BEHIND = (
    select(_ticket.shield + _since(_ticket, _ALL))
    .where(_waits, *_behind)
    .order_by(_ticket.lined, _ticket.ticket_id)
    .limit(1)
)
"""The shield of who stands next behind a place."""

BEHIND_SKILL = (
    select(_ticket.shield_skill + _since(_ticket, _ticket.business))
    .where(_waits, _in_business, *_behind)
    .order_by(_ticket.lined, _ticket.ticket_id)
    .limit(1)
)

OF_CALL = select(_over.line, _over.business, _over.lined, _over.seq, _over.counts).where(
    _over.branch == bindparam("of_branch"),
    _over.business_date == bindparam("day"),
    _over.at == bindparam("called_at"),
    _over.ticket_id == bindparam("of_ticket"),
)
"""What a call of a ticket is entered as."""

TAKE_BACK = delete(tables.overtaking).where(
    _over.branch == bindparam("of_branch"),
    _over.line == bindparam("of_line"),
    _over.business == bindparam("of_business"),
    _over.lined == bindparam("at_lined"),
    _over.seq == bindparam("at_seq"),
)

UNCOUNT = (
    update(tables.ticket)
    .where(
        _branch,
        _ticket.state != "waiting",
        _ticket.line == bindparam("of_line"),
        or_(bindparam("of_business") == "", _in_business),
        _ticket.lined < bindparam("at_lined"),
        _ticket.joined_seq < bindparam("at_seq"),
        _ticket.counted_to >= bindparam("at_seq"),
    )
    .values(overtaken=_ticket.overtaken - 1)
)
"""Count a call off for those who have left their place since: of the others its row is counted, or was."""

GUARDS = select(_ticket.ticket_id, OFTEN.label("times"), GUARDED.label("guarded")).where(_waits)
GUARDS = GUARDS.order_by(_ticket.lined.desc(), _ticket.ticket_id.desc())

RAISE_ONE = (
    update(tables.ticket)
    .where(_ticket.ticket_id == bindparam("of_ticket"))
    .values(shield=_ticket.shield + bindparam("more"))
)

RAISE = (
    update(tables.ticket)
    .where(_waits, _ticket.lined <= bindparam("to_lined"), bindparam("least") > GUARDED)
    .values(shield=_ticket.shield + bindparam("least") - GUARDED)
)
"""Shield those ahead of somebody who comes back with a count of their own: rare, so that it may touch many."""
