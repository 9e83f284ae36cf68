"""The whole system in one process, and a simulated day on it: nothing here is faked."""

import signal
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.ops.days import DAY, HANDOFFS, LEFT, RATE, ROWS, SERVED, finished, scaled_clock, summary_of, write_trace
from tests.ops.running import Up
from tests.support.processes import wait_until


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    """Make a ``lobby up``; it's killed when the test ends, however it ends."""
    made: list[Up] = []

    def make(*arguments: str, **environment: str) -> Up:
        made.append(Up(tmp_path / "data", *arguments, **environment))
        return made[-1]

    yield make
    for one in made:
        one.kill()


def test_it_says_where_it_is_lives_and_ends_and_goes_on_where_it_ended(up: Callable[..., Up]) -> None:
    """The demo's branch moves; a second one on the same data is refused; the figures are there after a restart."""
    first = up("--demo")
    said = first.start()
    assert f"{first.origin}/b/demo" in said[0]
    status, page = first.page("/b/demo")
    assert status == 200
    assert "demo" in page
    today = datetime.now(timezone(timedelta(hours=8))).date().isoformat()
    wait_until(lambda: first.worklog("demo", today)["served"] > 0, within_s=60, what="a customer is served")
    second = up().lobby("up")
    assert second.returncode == 1
    assert "another `lobby up`" in second.stderr
    assert first.end(signal.SIGINT) == 0
    first.start()
    before = first.worklog("demo", today)
    wait_until(
        lambda: first.worklog("demo", today)["served"] > before["served"],
        within_s=60,
        what="another customer is served",
    )
    assert before["visits"] > 0
    assert first.end() == 0


def test_a_traces_day_is_what_the_work_log_says_and_two_days_agree(tmp_path: Path, up: Callable[..., Up]) -> None:
    """Every row is one visit with one end, on the day on which it came."""
    system = up(LOBBY_CLOCK=scaled_clock(RATE * 12))
    system.start()
    simulate = ("simulate", "--trace", write_trace(tmp_path / "t.csv"), "--json")
    first = summary_of(system.lobby(*simulate))
    log = system.worklog("demo", DAY)
    assert (log["visits"], log["served"], log["left"], log["vip_handoffs"]) == (ROWS, SERVED, LEFT, HANDOFFS)
    second = summary_of(system.lobby(*simulate))
    assert second["totals"] == first["totals"]
    assert system.lobby("journal", "verify").stdout.endswith("intact\n")
    assert system.end() == 0


def test_kill_9_in_the_middle_of_the_day_changes_no_figure(tmp_path: Path, up: Callable[..., Up]) -> None:
    """Started again, the system catches up from its logs; the simulator repeats what got no answer."""
    system = up(LOBBY_CLOCK=scaled_clock(RATE * 12))
    system.start()
    run = system.lobby_begun("simulate", "--trace", write_trace(tmp_path / "t.csv"), "--json")
    try:
        wait_until(lambda: system.worklog("demo", DAY)["served"] >= 10, within_s=60, what="ten customers are served")
        system.kill()
        system.start()
        summary = summary_of(finished(run))
    finally:
        run.kill()
        run.communicate()
    assert summary["retries"] > 0
