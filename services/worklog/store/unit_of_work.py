"""The days of a branch on the service's database: open ones from the state, others from the log by their subject."""

from abc import abstractmethod
from collections.abc import Iterable
from datetime import date, datetime, tzinfo

from sqlalchemy import Connection, select

from services.worklog.handlers.unit_of_work import DayReader, UnitOfWork
from services.worklog.model.chain import Chain
from services.worklog.model.day import Day, apply
from services.worklog.model.figures import Figures
from services.worklog.model.open_days import OpenDays
from services.worklog.store import tables
from services.worklog.store.journal_projection import FIGURES
from shared.contracts.envelope import Event
from shared.contracts.events.worklog import DayEvent
from shared.contracts.registry import decode
from shared.storage import Storage, Transaction
from shared.storage.log import of_subject

_chain, _figures = tables.chain.c, tables.figures.c


class _StoredReader(DayReader):
    def __init__(self, storage: Storage, connection: Connection, branch: str) -> None:
        self.zone: tzinfo = storage.settings.default_timezone
        self._connection = connection
        self._branch = branch

    def day(self, business_date: date) -> Day:
        """Return what people wrote so far; an empty log where nobody did."""
        known = self._open_days.days.get(business_date)
        if known is not None:
            return known
        day = Day(branch=self._branch, business_date=business_date)
        for event in self._happened(day.subject):
            if isinstance(event.data, DayEvent):
                day = apply(day, event.data, at=event.time)
        return day

    def figures_of(self, business_date: date) -> Figures:
        """Return what the events say; zeros where there are none."""
        query = select(_figures.body).where(_figures.branch == self._branch, _figures.business_date == business_date)
        body = self._connection.execute(query).scalar()
        return Figures() if body is None else FIGURES.validate_json(body)

    def chain_of(self, day: date) -> Chain:
        """Return the head of the journal's chain; an empty one where there is none."""
        query = select(tables.chain).where(_chain.branch == self._branch, _chain.day == day)
        row = self._connection.execute(query).mappings().one_or_none()
        return Chain(branch=self._branch, day=day) if row is None else Chain(**row)

    def managers_on_duty(self, business_date: date) -> int:
        """Return how many managers the roster names that was set last, on that day or before."""
        query = select(_figures.managers).where(
            _figures.branch == self._branch, _figures.business_date <= business_date, _figures.managers.is_not(None)
        )
        return self._connection.execute(query.order_by(_figures.business_date.desc()).limit(1)).scalar() or 0

    @property
    @abstractmethod
    def _open_days(self) -> OpenDays: ...

    @abstractmethod
    def _happened(self, subject: str) -> Iterable[Event]: ...


class StoredDays(_StoredReader):
    """What is committed of a branch, for looking."""

    def __init__(self, storage: Storage, connection: Connection, branch: str) -> None:
        """Read with this connection."""
        super().__init__(storage, connection, branch)
        self._state: OpenDays = storage.known(connection, branch).state

    @property
    def _open_days(self) -> OpenDays:
        return self._state

    def _happened(self, subject: str) -> Iterable[Event]:
        return (decode(row.body.encode()) for row in of_subject(self._connection, subject))


class StoredUnitOfWork(_StoredReader, UnitOfWork):
    """A branch in a transaction that has its partition locked."""

    def __init__(self, storage: Storage, tx: Transaction, branch: str) -> None:
        """Record in the transaction's log."""
        super().__init__(storage, tx.connection, branch)
        self._tx = tx

    @property
    def now(self) -> datetime:
        """The business time of the command."""
        return self._tx.now

    def new_id(self) -> str:
        """Return a new opaque id."""
        return self._tx.ids()

    def record(self, day: Day, event: DayEvent) -> Day:
        """Record what happened, and return the day after it."""
        self._tx.append(self._branch, day.subject, event, correlation=day.subject, sequence=day.version + 1)
        return apply(day, event, at=self.now)

    @property
    def _open_days(self) -> OpenDays:
        state: OpenDays = self._tx.state(self._branch)
        return state

    def _happened(self, subject: str) -> Iterable[Event]:
        return self._tx.events_of(subject)
