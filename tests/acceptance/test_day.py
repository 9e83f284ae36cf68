"""A branch's day from its arrivals to its work log, on both ways to run the system, with and without faults."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from shared.settings import SERVICES, Settings
from tests.acceptance.books import differences, journalled
from tests.acceptance.days import Trace, figures_of, write_trace
from tests.ops.days import DAY, RATE, finished, scaled_clock
from tests.ops.running import Up
from tests.ops.separate import Separate
from tests.support.processes import wait_until

UP_S, SEPARATE_S = 12, 25
"""Wall seconds that may pass until the first customer comes: the systems start meanwhile."""
WITHIN_S = 200
"""A day ends in half a minute; a machine that does other things at the same time needs longer."""


def settings_of(system: Up | Separate) -> Settings:
    names = {"LOBBY_DATA_DIR": "data_dir", "LOBBY_DATABASE_URL": "database_url"}
    given: dict[str, Any] = {
        field: system.environment[name] for name, field in names.items() if name in system.environment
    }
    return Settings(**given)


def start(system: Up | Separate) -> None:
    if isinstance(system, Up):
        system.environment["LOBBY_CLOCK"] = scaled_clock(RATE * UP_S)
        system.start()
        return
    migrated = system.lobby("db", "upgrade")
    assert migrated.returncode == 0, migrated.stderr
    system.environment["LOBBY_CLOCK"] = scaled_clock(RATE * SEPARATE_S)
    system.start(*SERVICES)


@contextmanager
def playing(system: Up | Separate, trace: Trace) -> Iterator["subprocess.Popen[str]"]:
    """The simulator, while it plays the trace."""
    run = system.lobby_begun("simulate", "--trace", trace.file, "--json")
    try:
        yield run
    finally:
        run.kill()
        run.communicate()


def end(system: Up | Separate) -> None:
    """In good order; the other one needs the processors."""
    if isinstance(system, Up):
        assert system.end() == 0
    else:
        assert {service: system.end(service) for service in SERVICES} == dict.fromkeys(SERVICES, 0)


def work_log(system: Up | Separate) -> dict[str, Any]:
    done = system.lobby("worklog", "export", "--branch", "demo", "--date", DAY)
    assert done.returncode == 0, done.stderr
    log: dict[str, Any] = json.loads(done.stdout)
    return log


def visits_by_now(system: Up | Separate) -> int:
    """As the work log counts them; 0 while it does not answer."""
    done = system.lobby("worklog", "export", "--branch", "demo", "--date", DAY)
    return int(json.loads(done.stdout)["visits"]) if done.returncode == 0 else 0


def books_agree(system: Up | Separate) -> None:
    """Every event that a service said is in the journal, once and in order, the chains hold, and states are folds."""
    settings = settings_of(system)
    found: list[str] = []

    def agree() -> bool:
        found[:] = differences(settings)
        return not found

    with suppress(TimeoutError):  # the differences say more
        wait_until(agree, within_s=30, what="the journal has every event", every_s=0.5)
    assert found == []
    before = len(journalled(settings))
    verified = system.lobby("journal", "verify", "--json")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert 0 < before <= json.loads(verified.stdout)["events"] <= len(journalled(settings))
    folded = system.lobby("state", "verify", "--json")
    assert folded.returncode == 0, folded.stdout + folded.stderr
    assert json.loads(folded.stdout)["checked"] > 0


@pytest.mark.timeout(600)
def test_both_ways_to_run_it_say_the_same_of_one_day(embedded: Up, separate: Separate, tmp_path: Path) -> None:
    """Every row is one visit with one end; the two work logs differ in nothing but waits and hashes."""
    trace = write_trace(tmp_path / "small.csv", rows=60, every_s=30)
    totals, logs = [], []
    for system in (embedded, separate):
        start(system)
        with playing(system, trace) as run:
            totals.append(trace.confirm(finished(run, within_s=WITHIN_S))["totals"])
        logs.append(figures_of(work_log(system)))
        books_agree(system)
        end(system)
    assert totals[0] == totals[1]
    assert logs[0] == logs[1]


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_kill_9_of_each_service_in_the_middle_of_the_day_changes_nothing(separate: Separate, trace: Trace) -> None:
    """Twice each: nothing is lost, doubled or out of order in the journal, and the figures are the trace's."""
    start(separate)
    with playing(separate, trace) as run:
        for number, service in enumerate((*SERVICES, *reversed(SERVICES))):
            wait_until(lambda n=number: visits_by_now(separate) > 12 * n, within_s=90, what="customers come")
            separate.kill(service)
            separate.start(service)
        assert trace.confirm(finished(run, within_s=WITHIN_S))["retries"] > 0
    books_agree(separate)


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_kill_9_of_everything_at_once_changes_nothing(embedded: Up, trace: Trace) -> None:
    """Three times in one day: what the memory transport forgot comes back from the logs."""
    start(embedded)
    with playing(embedded, trace) as run:
        for visits in (40, 120, 200):
            wait_until(lambda n=visits: visits_by_now(embedded) > n, within_s=90, what="customers come")
            embedded.kill()
            embedded.start()
        assert trace.confirm(finished(run, within_s=WITHIN_S))["retries"] > 0
    books_agree(embedded)


def test_the_trace_is_the_same_each_time(tmp_path: Path, trace: Trace) -> None:
    """Or two runs of this module could not be compared."""
    assert Path(write_trace(tmp_path / "again.csv").file).read_bytes() == Path(trace.file).read_bytes()
