"""The fates of customers, decided beforehand."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.ops.simulator.plan import counters_for, managers_for, plan
from services.ops.simulator.trace import Row

NINE = datetime(2026, 2, 2, 9, tzinfo=UTC)


def row(at_s: float, service_s: float = 60, patience_s: float | None = None, priority: int = 0, observed=None) -> Row:
    return Row(
        line=2, arrived_at=NINE + timedelta(seconds=at_s), business="a", priority=priority, service_s=service_s,
        patience_s=patience_s, observed=observed,
    )  # fmt: skip


def leavers(*rows: Row, counters: int = 1, managers: int = 1) -> list[int]:
    return [c.index for c in plan(rows, counters=counters, managers=managers) if c.leaves_after_s is not None]


def test_who_would_wait_longer_than_they_are_patient_leaves() -> None:
    """The second waits 60 s for the only counter."""
    assert leavers(row(0), row(0, patience_s=59)) == [1]
    assert leavers(row(0), row(0, patience_s=60)) == []
    assert leavers(row(0), row(0, patience_s=0), counters=2) == []


def test_who_leaves_takes_no_counter() -> None:
    """The third is served at 60 s since the second has gone by then."""
    assert leavers(row(0), row(1, patience_s=5), row(2, patience_s=58)) == [1]


def test_a_higher_priority_is_served_first() -> None:
    """The gold card overtakes the one who asked before."""
    assert leavers(row(0), row(1, patience_s=100), row(2, priority=1)) == [1]
    assert leavers(row(0), row(1, patience_s=100), row(2)) == []


def test_vips_are_the_managers_own() -> None:
    """They neither fill the counters nor wait for them."""
    assert leavers(row(0, service_s=600, priority=2), row(1, patience_s=0)) == []
    assert leavers(row(0, service_s=600), row(1, patience_s=0, priority=2)) == []
    assert leavers(row(0, service_s=600, priority=2), row(1, patience_s=10, priority=2)) == [1]


def test_what_was_observed_is_what_happens() -> None:
    """Whatever the counters could have done."""
    assert leavers(row(0, observed="abandoned", patience_s=30), row(0, observed="served", patience_s=0)) == [0]


seconds = st.integers(min_value=0, max_value=3000)


@given(
    st.lists(st.tuples(seconds, seconds, st.none() | seconds, st.integers(0, 2)), max_size=40),
    st.integers(1, 5),
)
def test_the_plan_is_the_same_every_time_and_nobody_leaves_without_a_reason(customers, servers: int) -> None:
    """Who leaves has a patience, and leaves when it ends; more counters never plan by chance."""
    rows = [
        row(at, service, patience, priority)
        for at, service, patience, priority in sorted(customers, key=lambda c: c[0])
    ]
    fates = plan(rows, counters=servers, managers=servers)
    assert fates == plan(rows, counters=servers, managers=servers)
    assert [fate.index for fate in fates] == list(range(len(rows)))
    for fate in fates:
        assert fate.leaves_after_s in (None, fate.row.patience_s)
    enough = plan(rows, counters=len(rows) + 1, managers=len(rows) + 1)
    assert all(fate.leaves_after_s is None for fate in enough)


def test_counters_are_as_many_as_the_busiest_half_hour_needs() -> None:
    """An hour of 4 customers a minute, 3 minutes each, is 12 erlangs; a faster run costs more counters."""
    rows = [row(15 * n, service_s=180) for n in range(240)]
    assert 12 < counters_for(rows, speed=1) <= 18
    assert counters_for(rows, speed=2000) > counters_for(rows, speed=1)
    assert managers_for(rows, speed=1) == 2
