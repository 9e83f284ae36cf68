"""The fairness ledger, for reading: a day's overtakings and those who were overtaken (T12)."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, func, or_, select

from services.triage.policy.ledger import Entry, Sufferer, Totals
from services.triage.store import tables
from services.triage.store.line import OFTEN
from shared.contracts.events.types import Reason

_ticket, _over = tables.ticket.c, tables.overtaking.c
_times = case((_ticket.state == "waiting", OFTEN), else_=_ticket.overtaken)
_of_day = and_(_ticket.branch == bindparam("of_branch"), _ticket.business_date == bindparam("day"))
_in_day = and_(_over.branch == bindparam("of_branch"), _over.business_date == bindparam("day"))

_each = select(_times.label("times")).where(_of_day).subquery()
TOTALS = select(
    func.count(),
    func.sum(case((_each.c.times > 0, 1), else_=0)),
    func.sum(case((_each.c.times >= bindparam("cap"), 1), else_=0)),
    func.sum(case((_each.c.times > bindparam("cap"), 1), else_=0)),
    func.sum(_each.c.times),
    func.max(_each.c.times),
)
MOST = (
    select(_ticket.ticket_id, _ticket.number, _ticket.channel, _ticket.state, _times.label("times"))
    .where(_of_day, _times > 0)
    .order_by(_times.desc(), _ticket.lined)
    .limit(bindparam("most"))
)
NEWEST = select(tables.overtaking).where(_in_day).order_by(_over.at.desc(), _over.seq.desc()).limit(bindparam("most"))
RULES = (
    select(
        _over.rule, func.min(_over.zh), func.min(_over.en), func.count(_over.ticket_id.distinct()), func.sum(_over.whom)
    )
    .where(_in_day)
    .group_by(_over.rule)
    .order_by(_over.rule)
)
BY = (
    select(_ticket.ticket_id.label("of_ticket"), *tables.overtaking.c)
    .join_from(
        tables.ticket,
        tables.overtaking,
        and_(
            _over.branch == _ticket.branch,
            _over.line == _ticket.line,
            _over.business.in_(("", _ticket.business)),
            _over.lined > _ticket.lined,
            _over.seq > _ticket.joined_seq,
            or_(_ticket.state == "waiting", _over.seq <= _ticket.counted_to),
            _over.counts,
        ),
    )
    .where(_ticket.ticket_id.in_(bindparam("tickets", expanding=True)))
    .order_by(_over.seq)
)
"""Which calls have overtaken a ticket at its last place."""


class Ledger:
    """What a connection can see of the ledger."""

    def __init__(self, connection: Connection) -> None:
        """Read with this connection."""
        self._connection = connection

    def totals(self, branch: str, day: date, cap: int) -> Totals:
        """Return the day's sums."""
        row = self._connection.execute(TOTALS, {"of_branch": branch, "day": day, "cap": cap}).one()
        tickets, overtaken, capped, beyond, overtakings, most = (int(value or 0) for value in row)
        return Totals(
            tickets=tickets, overtaken=overtaken, capped=capped, beyond=beyond, overtakings=overtakings, most=most
        )

    def rules(self, branch: str, day: date) -> Sequence[tuple[Reason, int, int]]:
        """Return each rule with how many calls it let go first, and how many those overtook."""
        rows = self._connection.execute(RULES, {"of_branch": branch, "day": day})
        return [(Reason(rule=row[0], zh=row[1], en=row[2]), row[3], int(row[4])) for row in rows]

    def newest(self, branch: str, day: date, most: int) -> Sequence[Entry]:
        """Return the newest calls that overtook somebody."""
        rows = self._connection.execute(NEWEST, {"of_branch": branch, "day": day, "most": most})
        return [_entry(row) for row in rows]

    def most_overtaken(self, branch: str, day: date, most: int) -> Sequence[Sufferer]:
        """Return who was overtaken most, with the calls that did."""
        rows = self._connection.execute(MOST, {"of_branch": branch, "day": day, "most": most}).all()
        by: dict[str, list[Entry]] = {row.ticket_id: [] for row in rows}
        for row in self._connection.execute(BY, {"tickets": list(by)}):
            by[row.of_ticket].append(_entry(row))
        return [
            Sufferer(
                ticket_id=row.ticket_id,
                number=row.number,
                channel=row.channel,
                state=row.state,
                times=row.times,
                by=tuple(by[row.ticket_id]),
            )
            for row in rows
        ]


def _entry(row: Any) -> Entry:
    return Entry(
        at=row.at,
        ticket_id=row.ticket_id,
        number=row.number,
        counter=row.counter,
        reason=Reason(rule=row.rule, zh=row.zh, en=row.en),
        counts=row.counts,
        forced=row.forced,
        whom=row.whom,
        more=row.more,
    )
