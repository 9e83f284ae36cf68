"""Each seed's customers: who came is the trace's; what is chance is drawn anew from what the trace shows.

They come when the trace says, for its business and with its card. Drawn are the service they need (one of
the same business, with replacement), their patience, and what a trace has no column for: age and amount.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from math import exp, inf
from random import Random

from services.ops.errors import UsageError
from services.ops.simulator.customers import age_of, amount_of
from services.ops.simulator.trace import CARDS, Row
from shared.contracts.events.terminal import TicketRequest
from shared.contracts.events.types import Customer


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """Who comes when, asks for what, needs how long a service, and would wait how long (None: for ever).

    ``request`` is what a terminal sends for one business, so that a recorded ``ticket_requested`` is an arrival too.
    ``service_s`` is what a counter of average speed needs.
    """

    at: datetime
    request: TicketRequest
    service_s: float
    patience_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Patience:
    """A distribution: ``times`` in seconds, ``shares`` of the customers who have left by then."""

    times: tuple[float, ...]
    shares: tuple[float, ...]

    def drawn(self, random: Random) -> float | None:
        """Draw one customer's patience; None: waits for ever."""
        at = bisect_left(self.shares, random.random())
        return self.times[at] if at < len(self.times) else None


def patience_of(seen: Iterable[tuple[float, bool]]) -> Patience:
    """Estimate it from waits, each with whether it ended because the customer left."""
    waits = sorted(seen)
    at_risk, stays = len(waits), 1.0
    times, shares = [], []
    for time, group in groupby(waits, key=lambda wait: wait[0]):
        ended = [left for _, left in group]
        if any(ended):
            stays *= 1 - sum(ended) / at_risk
            times.append(time)
            shares.append(1 - stays)
        at_risk -= len(ended)
    return Patience(times=tuple(times), shares=tuple(shares))


OWN_SERVICES_LEAST = 20
"""A business with fewer services than these draws from those of all."""
SPEED_SPREAD = 0.1
"""How much counters differ in speed: the standard deviation of its logarithm."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the rows show: the services of each business and of all, and the patience of all."""

    services: Mapping[str, Sequence[float]]
    all_services: Sequence[float]
    patience: Patience

    def service_s(self, random: Random, business: str) -> float:
        """Draw the seconds that a service takes."""
        own = self.services.get(business, ())
        return random.choice(own if len(own) >= OWN_SERVICES_LEAST else self.all_services)


def shown(rows: Iterable[Row]) -> Shown:
    """Learn from the rows; raise :class:`UsageError` where nobody was ever served."""
    rows = tuple(rows)
    services: dict[str, list[float]] = {}
    for row in rows:
        if row.service_s > 0 and row.observed != "abandoned":
            services.setdefault(row.business, []).append(row.service_s)
    if not services:
        raise UsageError("no row of the trace says how long a service took (service_s above 0)")
    everything = [seconds for found in services.values() for seconds in found]
    return Shown(services=services, all_services=everything, patience=patience_of(_waits(rows)))


def drawn(rows: Sequence[Row], known: Shown, random: Random) -> list[Arrival]:
    """Return one seed's customers."""
    return [
        Arrival(
            at=row.arrived_at,
            request=_request(row, random),
            service_s=known.service_s(random, row.business),
            patience_s=known.patience.drawn(random),
        )
        for row in rows
    ]


def speeds(counters: Iterable[str], random: Random) -> dict[str, float]:
    """Return how fast each counter is; 1 on average."""
    return {counter: exp(random.gauss(-(SPEED_SPREAD**2) / 2, SPEED_SPREAD)) for counter in counters}


def _request(row: Row, random: Random) -> TicketRequest:
    """What the customer asks for; a reference is left out, since one who comes again would be taken for a double."""
    age, amount_minor = age_of(random), amount_of(random, row.business)
    return TicketRequest(
        business=row.business,
        amount_minor=amount_minor if row.amount_minor is None else row.amount_minor,
        customer=Customer(card_tier=CARDS[row.priority], age=age if row.age is None else row.age),
    )


def _waits(rows: Iterable[Row]) -> Iterable[tuple[float, bool]]:
    """Return how long each was seen to wait, and whether they left then."""
    for row in rows:
        if row.observed == "served":
            yield row.observed_wait_s or 0.0, False
        else:
            yield (inf, False) if row.patience_s is None else (row.patience_s, True)
