"""A unit of work on the service's database, with the look-ups of a day's figures, chain and roster."""

from abc import abstractmethod
from datetime import date

from sqlalchemy import Connection, select

from services.worklog.handlers.unit_of_work import LobbyReader, UnitOfWork
from services.worklog.model.chain import Chain
from services.worklog.model.figures import Figures
from services.worklog.model.lobby_state import LobbyState
from services.worklog.store import tables
from services.worklog.store.projection import FIGURES
from shared.storage.unit_of_work import StoredReader
from shared.storage.unit_of_work import StoredUnitOfWork as Stored

_chain, _figures = tables.chain.c, tables.figures.c


class _LookUps(LobbyReader):
    """What is looked up by the day, in a transaction or for looking."""

    @property
    @abstractmethod
    def _looked_up(self) -> Connection: ...

    def figures_of(self, business_date: date) -> Figures:
        """Return what the events say; zeros where there are none."""
        query = select(_figures.body).where(_figures.branch == self.branch, _figures.business_date == business_date)
        body = self._looked_up.execute(query).scalar()
        return Figures() if body is None else FIGURES.validate_json(body)

    def chain_of(self, day: date) -> Chain:
        """Return the head of the journal's chain; an empty one where there is none."""
        query = select(tables.chain).where(_chain.branch == self.branch, _chain.day == day)
        row = self._looked_up.execute(query).mappings().one_or_none()
        return Chain(branch=self.branch, day=day) if row is None else Chain(**row)

    def managers_on_duty(self, business_date: date) -> int:
        """Return how many managers the roster names that was set last, on that day or before."""
        query = select(_figures.managers).where(
            _figures.branch == self.branch, _figures.business_date <= business_date, _figures.managers.is_not(None)
        )
        return self._looked_up.execute(query.order_by(_figures.business_date.desc()).limit(1)).scalar() or 0


class StoredLobby(StoredReader[LobbyState], _LookUps):
    """A branch's committed state, for looking."""

    @property
    def _looked_up(self) -> Connection:
        return self._connection


class StoredUnitOfWork(Stored[LobbyState], _LookUps, UnitOfWork):
    """A branch in a transaction that has its partition locked."""

    @property
    def _looked_up(self) -> Connection:
        return self._tx.connection
