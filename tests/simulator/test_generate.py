"""Customers who are made up."""

from collections import Counter
from datetime import date, datetime, timedelta, timezone
from itertools import islice, pairwise

from services.ops.simulator.customers import BUSINESSES, day_of, endless_rows
from services.ops.simulator.customers import endless as customers_for_ever
from services.ops.simulator.plan import Options
from services.triage.policy_file import default

ZONE = timezone(timedelta(hours=8))
DAY = date(2026, 2, 2)


def test_a_day_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    """So that two runs of a made-up day agree."""
    assert day_of(DAY, ZONE, seed=1) == day_of(DAY, ZONE, seed=1)
    assert day_of(DAY, ZONE, seed=1) != day_of(DAY, ZONE, seed=2)


def test_a_day_has_its_peak_in_the_morning_and_keeps_its_hours() -> None:
    """In the order of arrival, from nine to five, most of them between ten and noon."""
    rows = day_of(DAY, ZONE, seed=0, tickets=2000)
    times = [row.arrived_at for row in rows]
    assert times == sorted(times)
    hours = Counter(time.hour for time in times)
    assert set(hours) == set(range(9, 17))
    assert hours[10] > 1.5 * hours[12]
    assert hours[14] > hours[13]


def test_every_business_that_is_wanted_is_one_that_triage_knows() -> None:
    """With an amount where one belongs to it, and some of everything."""
    assert {business.name for business in BUSINESSES} <= set(default().of().policy.businesses)
    rows = day_of(DAY, ZONE, seed=0, tickets=2000)
    assert {row.business for row in rows} == {business.name for business in BUSINESSES}
    assert all((row.amount_minor is None) == (row.business not in with_amounts()) for row in rows)
    assert {row.priority for row in rows} == {0, 1, 2}
    assert any(row.age is not None and row.age >= 65 for row in rows)


def with_amounts() -> set[str]:
    return {business.name for business in BUSINESSES if business.amounts}


def test_an_endless_run_leaves_the_nights_out() -> None:
    """The second day's first customer follows the first day's last within minutes."""
    times = [row.arrived_at for row in islice(endless_rows(DAY, ZONE, seed=0, tickets=200), 450)]
    assert times == sorted(times)
    assert max(later - earlier for earlier, later in pairwise(times)) < timedelta(minutes=45)
    assert times[-1] - times[0] > timedelta(hours=16)


def test_an_endless_run_begins_now_whatever_the_hour() -> None:
    """A branch that is looked at in the evening must not receive its whole day at once."""
    evening = datetime(2026, 2, 2, 21, 30, tzinfo=ZONE)
    customers = list(islice(customers_for_ever(Options(origin="http://127.0.0.1"), evening), 50))
    assert customers[0].row.arrived_at == evening
    assert [customer.index for customer in customers] == list(range(50))
    assert timedelta(minutes=10) < customers[-1].row.arrived_at - evening < timedelta(hours=3)
