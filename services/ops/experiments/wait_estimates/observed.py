"""An observed history as what happened when: arrivals, starts, ends, and who gave up waiting."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from services.ops.errors import UsageError
from services.ops.simulator.trace import Row
from services.triage.policy import Group

NOBODY = frozenset(("", "NO_SERVER"))
"""What stands in a trace where it isn't known who served."""


class What(IntEnum):
    """What happens; of what happens at the same second, the lower one first."""

    ENDED = 0
    STARTED = 1
    GAVE_UP = 2
    CAME = 3
    LOOKED = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Customer:
    """Somebody who came; ``at`` in epoch seconds. Who waited 0 s never queued."""

    came: datetime
    at: float
    group: Group
    waited_s: float
    service_s: float
    served: bool
    server: str | None

    @property
    def queued(self) -> bool:
        """Whether they had to wait at all."""
        return self.waited_s > 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservedEvent:
    """Something that happens to one of the customers."""

    at: float
    what: What
    index: int


def customers_of(rows: Iterable[Row]) -> list[Customer]:
    """Return the customers of a trace, in the order in which they came.

    Raises :class:`UsageError` where a row doesn't say what was observed.
    """
    return [_customer(row) for row in rows]


def observed_events(customers: Sequence[Customer], look_after_s: float) -> Iterator[ObservedEvent]:
    """Return everything that happened, in order; who still waits ``look_after_s`` later looks at the estimate again."""
    found: list[ObservedEvent] = []
    for index, one in enumerate(customers):
        found.append(ObservedEvent(at=one.at, what=What.CAME, index=index))
        start = one.at + one.waited_s
        if one.queued:
            found.append(ObservedEvent(at=start, what=What.STARTED if one.served else What.GAVE_UP, index=index))
        if one.waited_s > look_after_s:
            found.append(ObservedEvent(at=one.at + look_after_s, what=What.LOOKED, index=index))
        if one.served:
            found.append(ObservedEvent(at=start + one.service_s, what=What.ENDED, index=index))
    found.sort(key=lambda each: (each.at, _place(each.what, customers[each.index]), each.index))
    yield from found


def _place(what: What, one: Customer) -> float:
    """Return the place among what happens at the same second: a service of no length ends after it began."""
    return What.LOOKED + 1 if what is What.ENDED and not one.service_s else what


def _customer(row: Row) -> Customer:
    if row.observed is None or row.observed_wait_s is None:
        missing = "observed_outcome" if row.observed is None else "observed_wait_s"
        raise UsageError(f"--trace: line {row.line}: {missing} is empty: only an observed history can be judged by")
    server = None if row.observed_server in NOBODY else row.observed_server
    return Customer(
        came=row.arrived_at,
        at=row.arrived_at.timestamp(),
        group=Group(channel=row.business, priority=row.priority),
        waited_s=row.observed_wait_s,
        service_s=row.service_s,
        served=row.observed == "served",
        server=server,
    )
