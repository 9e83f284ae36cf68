"""The simulator against queueing theory: the waits of queues that have formulas (T7, T12)."""

from dataclasses import replace
from random import Random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ops.experiments.policy_comparison.comparison import interval
from tests.experiments.ciws import in_ciw, two_classes
from tests.experiments.queues import (
    FIFO,
    arrival,
    erlang_c_wait,
    kiefer_wolfowitz,
    play,
    poisson,
    standing_of,
    waits,
)

COUNTERS, LOADS = (1, 3, 8), (0.5, 0.7, 0.9)


@pytest.mark.parametrize(("counters", "load", "expected"), [(1, 0.5, 100.0), (3, 0.7, 54.71), (8, 0.9, 87.71)])
def test_the_formula_gives_the_published_values(counters: int, load: float, expected: float) -> None:
    """An M/M/1 waits load / (1 - load) services; the others are tabled as Erlang C × service / (c (1 - load))."""
    assert erlang_c_wait(counters, load) == pytest.approx(expected, abs=0.5)


SECONDS = st.floats(0, 500).map(lambda seconds: round(seconds, 3))


@given(
    st.lists(st.tuples(SECONDS, SECONDS), min_size=1, max_size=60),
    st.integers(1, 5),
)
def test_a_first_come_first_served_line_waits_to_the_microsecond_what_the_recursion_says(
    gaps_and_services: list[tuple[float, float]], counters: int
) -> None:
    """Whatever comes when: the line of one counter channel is Kiefer's and Wolfowitz's, customer by customer."""
    at, arrivals = 0.0, []
    for gap, service_s in gaps_and_services:
        at = round(at + gap + 0.001, 3)  # nobody comes at the same moment as somebody else
        arrivals.append(arrival(at, service_s))
    assert waits(play(FIFO, arrivals, counters)) == pytest.approx(kiefer_wolfowitz(arrivals, counters), abs=1e-3)


REPLICATIONS, CUSTOMERS = 100, 25
WHERE_FEW_WAIT = {(8, 0.5): 250}
TOGETHER = 1 - 0.05 / 9
"""Nine intervals at this level hold nine true values together in 95 of 100 cases (Bonferroni)."""


@pytest.mark.parametrize("counters", COUNTERS)
@pytest.mark.parametrize("load", LOADS)
def test_the_mean_wait_agrees_with_erlang_c(counters: int, load: float) -> None:
    """Replications that begin in the steady state, so that none of their customers has to be left out.

    The intervals are narrow enough to tell these counters from one more.
    """
    means = []
    for number in range(WHERE_FEW_WAIT.get((counters, load), REPLICATIONS)):
        random = Random(f"{counters}/{load}/{number}")
        standing = standing_of(random, counters, load)
        arrivals = poisson(random, CUSTOMERS, counters, load, standing=standing)
        means.append(fmean(waits(play(FIFO, arrivals, counters))[standing:]))
    found = interval(means, TOGETHER)
    assert found.low <= erlang_c_wait(counters, load) <= found.high, found
    assert erlang_c_wait(counters + 1, load * counters / (counters + 1)) < found.low, found


def test_two_priorities_wait_as_in_another_simulator() -> None:
    """Ciw, given the same customers, lets each of them wait as long, and the same ones leave.

    Gold cards go before all others, however long those have waited; who is being served is not disturbed.
    """
    strict = replace(FIFO, priority_of_tier={"gold": 1}, ageing_s=1e6)
    random = Random(7)
    arrivals = two_classes(random, 3000, counters=3, load=0.95)
    ours, theirs = play(strict, arrivals, 3), in_ciw(arrivals, 3)
    assert {fate.outcome for fate in ours.fates if fate} == {"served", "left"}
    for fate, (outcome, waited_s) in zip(ours.fates, theirs, strict=True):
        assert fate is not None
        assert fate.outcome == outcome
        assert fate.waited_s == pytest.approx(waited_s, abs=1e-3)
    served = list(zip(arrivals, ours.fates, strict=True))
    gold, other = ([fate.waited_s for each, fate in served if fate and each.request.customer.card_tier == tier]
                   for tier in ("gold", "none"))  # fmt: skip
    assert fmean(gold) < fmean(other) / 4
