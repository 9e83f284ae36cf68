"""What a use case of a day's log is handed: the days of a branch, the time, and the log to record in.

``store`` gives it; a use case knows no database.
"""

from abc import ABC, abstractmethod
from datetime import date, datetime, tzinfo

from services.worklog.model.chain import Chain
from services.worklog.model.day import Day
from services.worklog.model.figures import Figures
from shared.contracts.events.worklog import DayEvent


class DayReader(ABC):
    """The days of a branch, for looking."""

    zone: tzinfo

    @abstractmethod
    def day(self, business_date: date) -> Day:
        """Return what people wrote; an empty log where nobody did."""

    @abstractmethod
    def figures_of(self, business_date: date) -> Figures:
        """Return what the events say; zeros where there are none."""

    @abstractmethod
    def chain_of(self, day: date) -> Chain:
        """Return the head of the journal's chain; an empty one where there is none."""

    @abstractmethod
    def managers_on_duty(self, business_date: date) -> int:
        """Return how many managers the roster names that was set last, on that day or before."""


class UnitOfWork(DayReader):
    """One transaction of a branch: what is recorded is in the log and in the state, or nowhere."""

    @property
    @abstractmethod
    def now(self) -> datetime:
        """The business time at which the use case began."""

    @property
    def today(self) -> date:
        """The branch's local day."""
        return self.now.astimezone(self.zone).date()

    @abstractmethod
    def new_id(self) -> str:
        """Return a new opaque id."""

    @abstractmethod
    def record(self, day: Day, event: DayEvent) -> Day:
        """Record what happened, and return the day after it."""
