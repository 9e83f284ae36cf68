"""The logs of the days, for looking and for changing (W1, W3, W7, W8)."""

from datetime import date, datetime

from pydantic import TypeAdapter
from sqlalchemy import Connection, insert, select, update

from services.worklog.model.chain import Chain
from services.worklog.model.day import Day, apply
from services.worklog.model.figures import Figures
from services.worklog.store import tables
from services.worklog.store.ledger import FIGURES
from shared.contracts.events.worklog import DayEvent
from shared.storage import Transaction

_DAY = TypeAdapter(Day)

_chain, _day, _figures = tables.chain.c, tables.day.c, tables.figures.c


class Records:
    """The committed state, for looking."""

    def __init__(self, connection: Connection) -> None:
        """``connection`` sees the service's tables."""
        self.connection = connection

    def day(self, branch: str, business_date: date) -> Day:
        """Return what people wrote; an empty log where nobody did."""
        query = select(_day.body).where(_day.branch == branch, _day.business_date == business_date)
        body = self.connection.execute(query).scalar()
        return Day(branch=branch, business_date=business_date) if body is None else _DAY.validate_json(body)

    def figures_of(self, branch: str, business_date: date) -> Figures:
        """Return what the events say; zeros where there are none."""
        query = select(_figures.body).where(_figures.branch == branch, _figures.business_date == business_date)
        body = self.connection.execute(query).scalar()
        return Figures() if body is None else FIGURES.validate_json(body)

    def chain_of(self, branch: str, day: date) -> Chain:
        """Return the head of the journal's chain; an empty one where there is none."""
        query = select(tables.chain).where(_chain.branch == branch, _chain.day == day)
        row = self.connection.execute(query).mappings().one_or_none()
        return Chain(branch=branch, day=day) if row is None else Chain(**row)

    def managers_on_duty(self, branch: str, business_date: date) -> int:
        """Return how many managers the roster names that was set last, on that day or before."""
        query = select(_figures.managers).where(
            _figures.branch == branch, _figures.business_date <= business_date, _figures.managers.is_not(None)
        )
        return self.connection.execute(query.order_by(_figures.business_date.desc()).limit(1)).scalar() or 0


class Desk(Records):
    """One transaction's view of a day's log, for changing."""

    def __init__(self, tx: Transaction) -> None:
        """``tx`` has locked the branch's partition."""
        super().__init__(tx.connection)
        self.tx = tx

    @property
    def now(self) -> datetime:
        """The business time at which the transaction began."""
        return self.tx.now

    def new_id(self) -> str:
        """Return a new opaque id."""
        return self.tx.ids()

    def record(self, day: Day, event: DayEvent) -> Day:
        """Record what happened, and return the day after it."""
        after = apply(day, event, at=self.now)
        self.tx.append(day.branch, day.subject, event, correlation=day.subject, sequence=after.version)
        row = _row(after)
        if day.version == 0:
            self.connection.execute(insert(tables.day).values(**row))
        else:
            same = (_day.branch == day.branch, _day.business_date == day.business_date)
            self.connection.execute(update(tables.day).where(*same).values(**row))
        return after


def _row(day: Day) -> dict[str, object]:
    return {
        "branch": day.branch,
        "business_date": day.business_date,
        "version": day.version,
        "state": day.state,
        "journal_hash": day.signature.journal_hash if day.signature else None,
        "body": _DAY.dump_json(day).decode(),
    }
