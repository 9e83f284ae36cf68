"""The same day on separate processes, RabbitMQ and PostgreSQL: nothing here is faked."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.settings import SERVICES
from tests.ops.days import DAY, RATE, finished, scaled_clock, summary_of, write_trace
from tests.ops.separate import Separate
from tests.support.processes import wait_until


@pytest.fixture
def separate(tmp_path: Path, amqp_url: str, database_url: str) -> Iterator[Separate]:
    system = Separate(tmp_path / "data", LOBBY_AMQP_URL=amqp_url, LOBBY_DATABASE_URL=database_url)
    yield system
    system.close()


def test_a_service_that_is_killed_in_the_middle_of_the_day_changes_no_figure(
    tmp_path: Path, separate: Separate
) -> None:
    """Each of the five in turn, with kill -9; the last run of the day without a fault says the same."""
    migrated = separate.lobby("db", "upgrade")
    assert migrated.returncode == 0, migrated.stderr
    separate.environment["LOBBY_CLOCK"] = scaled_clock(RATE * 25)
    separate.start(*SERVICES)
    simulate = ("simulate", "--trace", write_trace(tmp_path / "t.csv"), "--json")
    run = separate.lobby_begun(*simulate)
    try:
        for number, service in enumerate(SERVICES):
            wait_until(lambda n=number: served(separate) > 3 * n, within_s=60, what="some customers are served")
            separate.kill(service)
            separate.start(service)
        first = summary_of(finished(run))
    finally:
        run.kill()
        run.communicate()
    assert first["retries"] > 0
    second = summary_of(separate.lobby(*simulate))
    assert second["totals"] == first["totals"]
    assert {service: separate.end(service) for service in SERVICES} == dict.fromkeys(SERVICES, 0)


def served(system: Separate) -> int:
    done = system.lobby("worklog", "export", "--branch", "demo", "--date", DAY)
    return int(json.loads(done.stdout)["served"]) if done.returncode == 0 else 0
