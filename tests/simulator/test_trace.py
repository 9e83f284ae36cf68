"""Trace files: what is read, and how a bad row is told."""

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from services.ops.errors import UsageError
from services.ops.simulator.trace import between, by_branch, parse_trace, read_trace

HEADER = "arrived_at,business,priority,customer,service_s,patience_s"
GOOD = "2026-02-01T09:00:00+08:00,cash_withdrawal,1,c7,120,"


def trace(*lines: str, header: str = HEADER):
    return parse_trace([line + "\n" for line in (header, *lines)], UTC)


def test_a_row_is_read_as_it_is_written() -> None:
    """Empty patience waits for ever; the offset is kept, since it makes the local date."""
    (row,) = trace(GOOD).rows
    assert row.arrived_at == datetime(2026, 2, 1, 9, tzinfo=timezone(timedelta(hours=8)))
    assert (row.business, row.priority, row.customer, row.service_s, row.patience_s) == (
        "cash_withdrawal", 1, "c7", 120.0, None,
    )  # fmt: skip
    assert row.branch is None
    assert row.line == 2


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("yesterday,a,0,,1,", "arrived_at"),
        ("2026-02-01T09:00:00+08:00,,0,,1,", "business"),
        ("2026-02-01T09:00:00+08:00,a,3,,1,", "priority"),
        ("2026-02-01T09:00:00+08:00,a,,,1,", "priority"),
        ("2026-02-01T09:00:00+08:00,a,0,,-1,", "service_s"),
        ("2026-02-01T09:00:00+08:00,a,0,,nan,", "service_s"),
        ("2026-02-01T09:00:00+08:00,a,0,,,", "service_s"),
        ("2026-02-01T09:00:00+08:00,a,0,,1,soon", "patience_s"),
        ("2026-02-01T09:00:00+08:00,a,0,,1", "fewer"),
        ("2026-02-01T09:00:00+08:00,a,0,,1,,,", "more"),
    ],
)
def test_a_bad_row_is_told_with_its_line_and_field(line: str, word: str) -> None:
    """The rows around it are good all the same."""
    read = trace(GOOD, line, GOOD)
    assert [row.line for row in read.rows] == [2, 4]
    (bad,) = read.bad
    assert bad.line == 3
    assert word in bad.reason
    assert str(bad).startswith("line 3: ")


def test_a_bad_branch_is_a_bad_row() -> None:
    """A branch that no address could name."""
    read = trace(GOOD + ",North", GOOD + ",north", header=HEADER + ",branch")
    assert [row.branch for row in read.rows] == ["north"]
    assert "North" in read.bad[0].reason


def test_rows_come_in_the_order_of_arrival_whatever_the_files() -> None:
    """Offsets count: 09:00+08:00 is before 02:00Z."""
    late = "2026-02-01T02:00:00Z,b,0,,1,"
    assert [row.business for row in trace(late, GOOD).rows] == ["cash_withdrawal", "b"]


def test_a_time_without_an_offset_is_local() -> None:
    """Banks' exports seldom carry one."""
    (row,) = trace("2026-02-01 09:00:00,a,0,,1,").rows
    assert row.arrived_at == datetime(2026, 2, 1, 9, tzinfo=UTC)


def test_what_was_observed_is_kept_and_other_columns_are_ignored() -> None:
    """An abandoned customer without a patience waited at least as long as was observed."""
    header = HEADER + ",observed_wait_s,observed_outcome,observed_server"
    read = trace(GOOD + ",12,served,ANN", GOOD + ",7.5,abandoned,", GOOD + ",7,lost,", header=header)
    assert [(row.observed, row.patience_s) for row in read.rows] == [("served", None), ("abandoned", 7.5)]
    assert "observed_outcome" in read.bad[0].reason


def test_a_missing_column_is_a_mistake_of_the_whole_file(tmp_path: Path) -> None:
    """Every missing one is named."""
    file = tmp_path / "trace.csv"
    file.write_text("arrived_at,business,priority,customer\n")
    with pytest.raises(UsageError, match="service_s, patience_s"):
        read_trace(file, UTC)
    with pytest.raises(UsageError, match="No such file"):
        read_trace(tmp_path / "none.csv", UTC)


def test_dates_are_those_of_the_rows_own_offset() -> None:
    """00:30 at +02:00 is the day before in UTC."""
    rows = trace("1999-02-02T00:30:00+02:00,a,0,,1,", "1999-02-01T12:00:00+02:00,b,0,,1,").rows
    assert [row.business for row in between(rows, date(1999, 2, 2), date(1999, 2, 2))] == ["a"]
    assert [row.business for row in between(rows, None, date(1999, 2, 1))] == ["b"]


def test_the_branch_column_wins_and_a_row_without_happens_everywhere() -> None:
    """So that one day can be played at many branches."""
    rows = trace(GOOD + ",north", GOOD + ",", header=HEADER + ",branch").rows
    found = by_branch(rows, ["a", "b"])
    assert {branch: len(group) for branch, group in found.items()} == {"north": 1, "a": 1, "b": 1}
    assert found["a"][0].branch == "a"
