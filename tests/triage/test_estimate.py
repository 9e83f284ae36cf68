"""The estimator as a function of what it is told: what it promises at first, and what it learns (T9)."""

import json
import random
import time
from dataclasses import asdict, replace
from math import isfinite

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.triage.policy import Estimator, Group, Order, Policy, Scene
from services.triage.policy.estimator import guess

POLICY = Policy()
BUSY = Scene(
    at=1000.0, channel="counter", priority=0, ahead=3, waiting=3, oldest_s=60, channel_waiting=3, channel_oldest_s=60,
    busy=2, counters=2,
)  # fmt: skip

SCENES = st.builds(
    Scene,
    at=st.floats(1e9, 2e9),
    channel=st.sampled_from(("counter", "green")),
    priority=st.integers(0, 3),
    ahead=st.floats(0, 2000),
    waiting=st.integers(0, 2000),
    oldest_s=st.floats(0, 36_000),
    channel_waiting=st.integers(0, 2000),
    channel_oldest_s=st.floats(0, 36_000),
    busy=st.integers(0, 40),
    counters=st.integers(0, 40),
    idle=st.integers(0, 40),
)
CALLS = st.lists(st.tuples(SCENES, st.floats(0, 36_000), st.floats(0, 36_000)), max_size=30)


def taught(calls: list[tuple[Scene, float, float]]) -> Estimator:
    """Return an estimator that has seen these customers wait and be served so long."""
    estimator = Estimator()
    for scene, waited_s, service_s in calls:
        quote = estimator.quote(POLICY, scene)
        estimator = estimator.called(scene.group, waited_s, quote).served(scene.at + waited_s, service_s)
    return estimator


def queueing(
    days: int, *, slower: float = 1.0, counters: int = 2, seed: int = 1, estimator: Estimator
) -> tuple[Estimator, list[tuple[float, float, float]]]:
    """Let the line be as long as chance wants it; return what was learned, and (p50, p90, waited) of each."""
    chance = random.Random(seed)
    said = []
    at = 1e9
    for _ in range(days * 100):
        at += 100
        ahead = chance.randrange(8)
        scene = replace(
            BUSY, at=at, ahead=ahead, waiting=ahead, channel_waiting=ahead, busy=counters, counters=counters
        )
        waited = sum(chance.expovariate(counters / (150 * slower)) for _ in range(ahead + 1))
        quote = estimator.quote(POLICY, scene)
        said.append((quote.p50_s, quote.p90_s, waited))
        estimator = estimator.called(scene.group, waited, quote).served(at, chance.expovariate(1 / (150 * slower)))
    return estimator, said


@given(calls=CALLS, scene=SCENES)
def test_whatever_was_learned_half_is_never_negative_and_90_percent_never_less(
    calls: list[tuple[Scene, float, float]], scene: Scene
) -> None:
    quote = taught(calls).quote(POLICY, scene)
    assert 0 <= quote.p50_s <= quote.p90_s
    assert quote.p90_s >= POLICY.least_p90_s
    assert isfinite(quote.p90_s)


EMPTY = Scene(
    at=1e9, channel="counter", priority=0, ahead=0, waiting=0, oldest_s=0, channel_waiting=0, channel_oldest_s=0,
    busy=0, counters=0, idle=0,
)  # fmt: skip


@given(calls=CALLS, scene=SCENES, more=st.floats(0, 100))
@example(  # somebody may be ahead by half, where it is not certain that they go first
    calls=[
        (EMPTY, 0, 0),
        (replace(EMPTY, at=1000000218, waiting=68, channel_waiting=1, busy=2, idle=1), 0, 1),
        (replace(EMPTY, at=1000000007, channel="green", waiting=9), 392, 0),
        (replace(EMPTY, at=1000000010, ahead=6, waiting=30, channel_oldest_s=49), 223, 16),
    ],
    scene=replace(EMPTY, at=1000000296, channel="green", ahead=1.5, waiting=2, busy=3, counters=2, idle=2),
    more=6.0,
)
def test_whatever_was_learned_nobody_is_promised_more_for_having_fewer_ahead(
    calls: list[tuple[Scene, float, float]], scene: Scene, more: float
) -> None:
    estimator = taught(calls)
    near, far = estimator.quote(POLICY, scene), estimator.quote(POLICY, replace(scene, ahead=scene.ahead + more))
    assert near.p50_s <= far.p50_s + 0.11  # each is rounded to 0.1 s
    assert near.p90_s <= far.p90_s + 0.11


def test_a_branch_without_a_history_promises_by_the_policys_mean_service() -> None:
    assert Estimator().quote(POLICY, BUSY).p50_s == pytest.approx(4 * POLICY.first_service_s / 2)


def test_who_finds_a_counter_ready_is_promised_next_to_no_wait() -> None:
    free = replace(BUSY, ahead=0, waiting=0, channel_waiting=0, busy=1, idle=1)
    quote = Estimator().quote(POLICY, free)
    assert (quote.p50_s, quote.p90_s) == (0, POLICY.least_p90_s)
    assert Estimator().quote(POLICY, replace(free, ahead=1)).p50_s == 300 / 2


def test_whoever_no_open_counter_can_serve_is_promised_a_mean_service_at_least() -> None:
    """A line that moves fast, where nobody waits for long: and then the last counter closes."""
    estimator, alone = Estimator(), replace(BUSY, ahead=0, waiting=0, oldest_s=0, channel_waiting=0, channel_oldest_s=0)
    for n in range(300):
        scene = replace(alone, at=1e9 + 10 * n)
        estimator = estimator.called(scene.group, 2.0, estimator.quote(POLICY, scene)).served(scene.at, 100.0)
    assert estimator.quote(POLICY, replace(alone, at=2e9)).p50_s < 20
    assert estimator.quote(POLICY, replace(alone, at=2e9, busy=0, counters=0)).p50_s >= 100


def test_that_a_ready_counter_takes_its_time_is_learned_too() -> None:
    """Tellers who let people wait for a minute although they could call."""
    free = replace(BUSY, ahead=0, waiting=0, channel_waiting=0, busy=0, idle=2, oldest_s=0, channel_oldest_s=0)
    estimator = Estimator()
    for n in range(100):
        scene = replace(free, at=1e9 + 60 * n)
        estimator = estimator.called(scene.group, 60.0 + n % 5, estimator.quote(POLICY, scene))
    quote = estimator.quote(POLICY, replace(free, at=1e9 + 6000))
    assert quote.p50_s == 62
    assert quote.p90_s == 64
    assert estimator.groups == {}  # nothing about queues


def test_quoted_against_waited_is_kept_of_the_latest_promises() -> None:
    estimator = Estimator()
    quote = replace(estimator.quote(POLICY, BUSY), p50_s=100.0, p90_s=200.0)
    for waited in (90.0, 250.0):
        estimator = estimator.called(BUSY.group, waited, quote)
    group = estimator.groups[BUSY.group]
    assert (group.judged, group.kept, group.error_s) == (2, 0.5, 80)


def test_one_odd_wait_does_not_overthrow_the_policys_guess() -> None:
    """The first customer was called at once, for whatever reason: the next is not promised next to nothing."""
    estimator = Estimator()
    estimator = estimator.called(BUSY.group, 1.0, estimator.quote(POLICY, BUSY))
    assert estimator.quote(POLICY, BUSY).p50_s > 200  # of 600 before


def test_one_service_does_not_overthrow_the_policys_guess_and_fifty_do() -> None:
    once = Estimator().served(1.0, 0.0)
    assert once.memory.service_s(300.0) == 150
    many = once
    for n in range(50):
        many = many.served(n + 2.0, 120.0)
    assert many.memory.service_s(300.0) == 120


def test_what_the_line_really_takes_is_learned() -> None:
    """Half of the promises are exceeded, nine of ten of the others hold, and a counter more halves the wait."""
    estimator, _ = queueing(6, estimator=Estimator())
    _, said = queueing(10, seed=2, estimator=estimator)
    assert 0.44 <= sum(waited > p50 for p50, _, waited in said) / len(said) <= 0.56
    assert 0.87 <= sum(waited <= p90 for _, p90, waited in said) / len(said) <= 0.93
    two = estimator.quote(POLICY, replace(BUSY, at=2e9))
    four = estimator.quote(POLICY, replace(BUSY, at=2e9, busy=4, counters=4))
    assert four.p50_s < two.p50_s


def test_ninety_percent_hold_again_once_everything_takes_three_times_as_long() -> None:
    estimator, _ = queueing(5, estimator=Estimator())
    estimator, at_first = queueing(1, slower=3, seed=3, estimator=estimator)
    _, later = queueing(8, slower=3, seed=4, estimator=estimator)
    assert 0.87 <= sum(waited <= p90 for _, p90, waited in later) / len(later) <= 0.93
    assert sum(waited <= p90 for _, p90, waited in at_first) / len(at_first) > 0.6


def test_a_group_that_always_waits_longer_is_promised_more() -> None:
    estimator = Estimator()
    for n in range(300):
        for channel, waited in (("counter", 100.0), ("green", 400.0)):
            scene = replace(BUSY, at=1e9 + n, channel=channel, oldest_s=60 + n % 7)
            estimator = estimator.called(scene.group, waited, estimator.quote(POLICY, scene))
    told = {name: estimator.quote(POLICY, replace(BUSY, at=2e9, channel=name)).p50_s for name in ("counter", "green")}
    assert told["counter"] == pytest.approx(100, abs=50)
    assert told["green"] == pytest.approx(400, abs=60)


def test_a_promise_that_was_made_for_another_group_teaches_nothing_about_this_one() -> None:
    """A ticket that was transferred waited for something else than it was promised for."""
    quote = Estimator().quote(POLICY, BUSY)
    after = Estimator().called("green/2", 5000.0, quote)
    assert (after.median, after.error, after.reach, after.groups) == (
        Estimator().median, Estimator().error, Estimator().reach, {},
    )  # fmt: skip


def test_the_state_is_small_and_an_estimate_and_a_lesson_take_less_than_a_millisecond() -> None:
    estimator, _ = queueing(3, estimator=Estimator())
    assert len(json.dumps(asdict(estimator))) < 16_000
    began = time.process_time()
    for _ in range(300):
        quote = estimator.quote(POLICY, BUSY)
    assert (time.process_time() - began) / 300 < 0.001
    began = time.process_time()
    for _ in range(300):
        estimator = estimator.called(BUSY.group, 100.0, quote).served(1.0, 50.0)
    assert (time.process_time() - began) / 300 < 0.001


def test_the_fit_follows_the_median_where_one_in_ten_is_absurd() -> None:
    chance = random.Random(1)
    fit = guess((0.0, 0.0), held=1.0)
    for n in range(2000):
        x = chance.random()
        fit = fit.learned((1.0, x), 50 + 100 * x + (20_000 if n % 10 == 0 else chance.gauss(0, 5)), keep=0.999)
    assert fit.weights[0] == pytest.approx(50, abs=15)
    assert fit.weights[1] == pytest.approx(100, abs=25)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 10**6))
def test_inputs_that_never_differ_do_not_make_the_fit_run_away(seed: int) -> None:
    """One channel of two is never used: for years, nothing tells their inputs apart."""
    chance = random.Random(seed)
    fit = guess((0.0,) * 4, held=1.0)
    for _ in range(6000):
        n = chance.randint(0, 5)
        fit = fit.learned((1.0, n / 3, n / 3, 0.0), 20.0 * n, keep=0.99)
    assert all(abs(weight) < 100 for weight in fit.weights)
    assert all(0 < fit.doubt[i][i] <= 1.02 for i in range(4))
    assert fit.value((1.0, 1.0, 1.0, 0.0)) == pytest.approx(60, abs=2)


def test_the_order_of_calling_is_a_guess_by_priority_until_it_has_been_seen() -> None:
    gold, plain = Group(channel="counter", priority=1), Group(channel="counter", priority=0)
    order = Order()
    assert order.ahead(gold, {plain: 4, gold: 2}) == 2
    assert order.ahead(plain, {plain: 4, gold: 2}) == 6
    for _ in range(100):  # plain is called although gold came earlier
        order = order.after_call(plain, 10.0, [(gold, 5.0)])
    assert order.overtakes(plain, gold) > 0.95
    for _ in range(300):  # from now on, every other time
        order = order.after_call(plain, 10.0, [(gold, 5.0)]).after_call(gold, 5.0, [(plain, 10.0)])
    assert order.overtakes(plain, gold) == pytest.approx(0.5, abs=0.05)
    assert order.overtakes(plain, plain) == 0
