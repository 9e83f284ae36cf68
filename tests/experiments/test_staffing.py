"""Who works when: read from a file, or from what a trace shows (T10)."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from services.ops.experiments.policy_comparison.staffing import needed, open_counters, parse_staffing, staffing_for
from services.ops.simulator.trace import Observed, Row
from services.triage.policy_file import InvalidPolicy

DAY = """
shifts:
  "09:00": {1-3: [counter, green], 4: [vip]}
  "12:00": {1: [counter, green]}
  "17:00": {}
devices: {atm-1: atm}
"""


def test_a_file_says_who_is_open_from_when_on() -> None:
    staffing = parse_staffing(DAY, "day.yaml")
    assert staffing.counters == ("1", "2", "3", "4")
    assert staffing.devices == {"atm-1": "atm"}
    changes = list(staffing.changes(date(2026, 1, 5), date(2026, 1, 6), UTC))
    assert [(at.day, at.hour, sorted(shift)) for at, shift in changes] == [
        (5, 9, ["1", "2", "3", "4"]), (5, 12, ["1"]), (5, 17, []),
        (6, 9, ["1", "2", "3", "4"]), (6, 12, ["1"]), (6, 17, []),
    ]  # fmt: skip
    assert changes[0][1]["4"] == ("vip",)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("shifts: {}", "day.yaml:1: shifts: no counter is ever open"),
        ("shift: {}", "day.yaml:1: shift: there is no such field; did you mean shifts?"),
        ('shifts:\n  "9am": {1: [counter]}', "day.yaml:2: shifts.9am: '9am' is not a time such as \"09:00\""),
        ('shifts:\n  "09:00":\n    1: [counters]', "day.yaml:3: shifts.09:00.1.0: 'counters' is not a channel"),
        ('shifts:\n  "09:00":\n    1-2: [counter]\n    2: [vip]', "day.yaml:4: shifts.09:00.2: 2 is there twice"),
        ('shifts:\n  "09:00":\n    3-1: [counter]', "day.yaml:3: shifts.09:00.3-1: ends before it begins"),
        ('shifts:\n  "09:00":\n    1: []', "day.yaml:3: shifts.09:00.1: serves nobody"),
        ('shifts:\n  "09:00":\n    atm-1: [counter]', "day.yaml:3: shifts.09:00.atm-1: atm-1 is there twice"),
        (
            'shifts:\n  "09:00": {1: [counter]}\ndevices: {a: fax}',
            "devices.a: 'fax' is not a kind of device",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line_and_field(text: str, problem: str) -> None:
    with pytest.raises(InvalidPolicy) as refused:
        parse_staffing(text, "day.yaml")
    assert problem in str(refused.value)


NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)


def row(at_s: float, wait_s: float, service_s: float, observed: Observed | None = "served") -> Row:
    return Row(
        line=2, arrived_at=NINE + timedelta(seconds=at_s), business="query", service_s=service_s, observed=observed,
        observed_wait_s=wait_s if observed else None,
    )  # fmt: skip


def test_who_waits_shows_how_many_counters_are_open() -> None:
    """Two serve while a third customer waits: two are open, however many were busy at a calm moment later."""
    waited = [row(0, 0, 600), row(0, 0, 600), row(60, 540, 60)]
    assert open_counters(waited) == {date(2026, 1, 5): {time(0): 0, time(9): 2, time(9, 30): 0}}
    calm = [row(1800 + n, 0, 60) for n in range(4)]
    assert open_counters([*waited, *calm]) == {
        date(2026, 1, 5): {time(0): 0, time(9): 2, time(9, 30): 4, time(10): 0}
    }  # fmt: skip


def test_who_did_not_queue_long_shows_nothing() -> None:
    """Four at once, one of whom was called after five seconds, as happens at a free counter."""
    assert open_counters([row(n, 5 if n == 3 else 0, 60) for n in range(4)])[date(2026, 1, 5)][time(9)] == 4


def test_a_trace_without_observations_gets_what_its_busiest_half_hour_needs() -> None:
    rows = [row(n, 0, 300, None) for n in range(18)]  # 5,400 s of work in 1,800 s
    assert needed(rows) == 4
    assert staffing_for(rows).counters == ("1", "2", "3", "4")
