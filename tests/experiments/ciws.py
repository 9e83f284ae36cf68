"""The same customers in Ciw, a library that simulates queueing networks."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from services.ops.experiments.policy_comparison.customers import Arrival
from tests.experiments.queues import SERVICE_S, START, arrival

FOREVER = 1e12


def two_classes(random: Random, n: int, *, counters: int, load: float) -> list[Arrival]:
    """One in three has a gold card, one in four loses patience."""
    at, found = 0.0, []
    for _ in range(n):
        at += random.expovariate(load * counters / SERVICE_S)
        patience_s = random.expovariate(1 / (3 * SERVICE_S)) if random.random() < 0.25 else None
        service_s = random.expovariate(1 / SERVICE_S)
        found.append(arrival(at, service_s, patience_s, "gold" if random.random() < 1 / 3 else "none"))
    return found


def in_ciw(arrivals: Sequence[Arrival], counters: int) -> list[tuple[str, float]]:
    """Return how each customer ends and how long they wait, with a strict priority for gold cards."""
    import ciw  # with numpy and networkx: only where it is used

    class Each(ciw.dists.Distribution):  # type: ignore[misc]
        """Gives every customer their own time, where a distribution would draw one."""

        def __init__(self, of: Callable[[int], float]) -> None:
            self.of = of

        def sample(self, t: float | None = None, ind: Any = None) -> float:
            return self.of(ind.id_number - 1)

    service, patience = Each(lambda n: arrivals[n].service_s), Each(lambda n: arrivals[n].patience_s or FOREVER)
    network = ciw.create_network(
        arrival_distributions={tier: [ciw.dists.Sequential(_gaps(arrivals, tier))] for tier in ("gold", "none")},
        service_distributions={"gold": [service], "none": [service]},
        reneging_time_distributions={"gold": [patience], "none": [patience]},
        priority_classes={"gold": 0, "none": 1},
        number_of_servers=[counters],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(_seconds(arrivals[-1]) + 1000 * SERVICE_S)
    found = {record.id_number: record for record in simulation.get_all_records()}
    return [
        ("served" if found[n].record_type == "service" else "left", found[n].waiting_time)
        for n in range(1, len(arrivals) + 1)
    ]


def _gaps(arrivals: Sequence[Arrival], tier: str) -> list[float]:
    times = [_seconds(each) for each in arrivals if each.request.customer.card_tier == tier]
    return [after - before for before, after in zip([0.0, *times], times, strict=False)] + [FOREVER]


def _seconds(each: Arrival) -> float:
    return (each.at - START).total_seconds()
