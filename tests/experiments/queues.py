"""Queues whose waits theory knows, as arrivals for the simulator."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from heapq import heapify, heapreplace
from random import Random

from services.ops.experiments.policy_comparison.customers import Arrival
from services.ops.experiments.policy_comparison.engine import Crew, run
from services.ops.experiments.policy_comparison.figures import Run
from services.ops.experiments.policy_comparison.staffing import Staffing
from services.triage.policy import Policy
from services.triage.policy_file import default
from shared.contracts.events.terminal import TicketRequest
from shared.contracts.events.types import CardTier, Customer

START = datetime(2026, 1, 5, tzinfo=UTC)
NEVER = 10**9
FIFO = replace(default().of().policy, priority_of_tier={}, vip_tiers=(), max_overtakes=NEVER)
"""One line, first come, first served."""
SERVICE_S = 100.0


def arrival(at_s: float, service_s: float, patience_s: float | None = None, tier: CardTier = "none") -> Arrival:
    request = TicketRequest(business="account_service", customer=Customer(card_tier=tier))
    return Arrival(at=START + timedelta(seconds=at_s), request=request, service_s=service_s, patience_s=patience_s)


def play(policy: Policy, arrivals: Sequence[Arrival], counters: int) -> Run:
    return run(policy, UTC, arrivals, Crew(staffing=Staffing.always(counters)))


def waits(result: Run) -> list[float]:
    assert all(fate is not None and fate.outcome == "served" for fate in result.fates)
    return [fate.waited_s for fate in result.fates if fate is not None]


def poisson(random: Random, n: int, counters: int, load: float, *, standing: int = 0) -> list[Arrival]:
    """``standing`` are there at the start, when the first of ``n`` comes; the others follow at exponential intervals.

    Were the first to come later, they would find those who stand there fewer than an arrival finds them.
    """
    found = [arrival(0, random.expovariate(1 / SERVICE_S)) for _ in range(standing)]
    at = 0.0
    for _ in range(n):
        found.append(arrival(at, random.expovariate(1 / SERVICE_S)))
        at += random.expovariate(load * counters / SERVICE_S)
    return found


def kiefer_wolfowitz(arrivals: Sequence[Arrival], counters: int) -> list[float]:
    """Return each wait of a first-come-first-served queue by Kiefer's and Wolfowitz's recursion (1955)."""
    free = [0.0] * counters
    heapify(free)
    found = []
    for each in arrivals:
        at = (each.at - START).total_seconds()
        start = max(at, free[0])
        heapreplace(free, start + each.service_s)
        found.append(start - at)
    return found


def standing_of(random: Random, counters: int, load: float) -> int:
    """Draw how many are in an M/M/c system in its steady state."""
    offered = load * counters
    weight, weights = 1.0, [1.0]
    while weight > 1e-12 or len(weights) <= counters:
        weight *= offered / min(len(weights), counters)
        weights.append(weight)
    return random.choices(range(len(weights)), weights)[0]


def erlang_c_wait(counters: int, load: float) -> float:
    """Return the mean wait of an M/M/c queue by Erlang's second formula (1917), with services of SERVICE_S."""
    offered = load * counters
    blocked = 1.0  # Erlang B, by its recursion in the number of counters
    for n in range(1, counters + 1):
        blocked = offered * blocked / (n + offered * blocked)
    waits_at_all = blocked / (1 - load * (1 - blocked))
    return waits_at_all * SERVICE_S / (counters * (1 - load))
