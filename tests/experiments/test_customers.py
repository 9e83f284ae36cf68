"""What is drawn for each seed: services and patience as the trace shows them, the same for both policies."""

from datetime import UTC, datetime, timedelta
from random import Random
from statistics import fmean

import pytest

from services.ops.errors import UsageError
from services.ops.experiments.policy_comparison.customers import drawn, patience_of, shown, speeds
from services.ops.simulator.trace import Row

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)


def rows(n: int, **given: object) -> list[Row]:
    fields = {"business": "query", "service_s": 60.0, **given}
    return [Row(line=k + 2, arrived_at=NINE + timedelta(seconds=k), **fields) for k in range(n)]  # type: ignore[arg-type]


def test_patience_is_the_product_limit_estimate() -> None:
    """Kaplan and Meier by hand: of 5, one leaves at 1; of 3 who are left after a served one at 2, one leaves at 3."""
    patience = patience_of([(1, True), (2, False), (3, True), (4, False), (5, False)])
    assert patience.times == (1, 3)
    assert patience.shares == pytest.approx((1 / 5, 1 - 4 / 5 * 2 / 3))
    random = Random(1)
    found = [patience.drawn(random) for _ in range(20_000)]
    assert found.count(1) / 20_000 == pytest.approx(0.2, abs=0.01)
    assert found.count(None) / 20_000 == pytest.approx(8 / 15, abs=0.01)


def test_patience_recovers_what_was_censored() -> None:
    """Customers with an exponential patience of 100 s, most of them served before it ends."""
    random = Random(2)
    seen = []
    for _ in range(20_000):
        patience_s, called_s = random.expovariate(1 / 100), random.expovariate(1 / 50)
        seen.append((min(patience_s, called_s), patience_s < called_s))
    known = patience_of(seen)
    at = next(n for n, time in enumerate(known.times) if time >= 100)
    assert known.shares[at] == pytest.approx(1 - 2.718281828**-1, abs=0.03)


def test_who_was_abandoned_shows_no_service_and_a_rare_business_borrows_from_all() -> None:
    known = shown([
        *rows(30, service_s=60.0, observed="served", observed_wait_s=0.0),
        *rows(30, business="transfer", service_s=300.0, observed="served", observed_wait_s=0.0),
        *rows(30, service_s=0.0, patience_s=20.0, observed="abandoned", observed_wait_s=20.0),
        *rows(2, business="fund", service_s=900.0),
    ])  # fmt: skip
    random = Random(3)
    assert {known.service_s(random, "query") for _ in range(50)} == {60.0}
    assert {known.service_s(random, "fund") for _ in range(500)} == {60.0, 300.0, 900.0}
    with pytest.raises(UsageError, match="service_s"):
        shown(rows(3, service_s=0.0))


def test_a_seed_gives_the_same_customers_again_and_another_one_others() -> None:
    came = rows(50, business="cash_withdrawal", priority=2)
    known = shown([*came, *rows(40, business="cash_withdrawal", service_s=90.0)])
    first, again, other = (drawn(came, known, Random(seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert [each.at for each in other] == [each.arrived_at for each in came]
    assert {each.request.customer.card_tier for each in first} == {"platinum"}
    assert all(each.request.amount_minor and each.request.customer.age for each in first)


def test_what_the_row_says_of_the_customer_is_kept() -> None:
    (each,) = drawn(rows(1, age=80, amount_minor=5), shown(rows(1)), Random(1))
    assert (each.request.customer.age, each.request.amount_minor) == (80, 5)


def test_counters_differ_in_speed_and_are_1_on_average() -> None:
    found = speeds(map(str, range(5000)), Random(1)).values()
    assert fmean(found) == pytest.approx(1, abs=0.005)
    assert min(found) < 0.8
