"""A day on separate processes, RabbitMQ and PostgreSQL: nothing here is faked."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from services.ops.errors import CommandError
from services.ops.provisioning.migrations import refuse_unknown
from shared.settings import SERVICES, Settings
from shared.storage import migrate
from shared.storage.engine import open_engine
from tests.ops.days import RATE, finished, scaled_clock, summary_of, write_trace
from tests.ops.separate import Separate
from tests.support.processes import wait_until
from tests.support.rabbitmq import Broker


@pytest.fixture
def system(tmp_path: Path, database_url: str) -> Iterator[Separate]:
    """The five services; whoever uses it names the broker and the clock."""
    system = Separate(tmp_path / "data", LOBBY_DATABASE_URL=database_url)
    yield system
    system.close()


@pytest.fixture
def simulate(tmp_path: Path) -> tuple[str, ...]:
    return ("simulate", "--trace", write_trace(tmp_path / "t.csv"), "--json")


def start(system: Separate, amqp_url: str, *, ahead_s: float) -> None:
    system.environment["LOBBY_AMQP_URL"] = amqp_url
    migrated = system.lobby("db", "upgrade")
    assert migrated.returncode == 0, migrated.stderr
    system.environment["LOBBY_CLOCK"] = scaled_clock(RATE * ahead_s)
    system.start(*SERVICES)


def test_a_traces_day_is_what_the_work_log_says(system: Separate, amqp_url: str, simulate: tuple[str, ...]) -> None:
    """Then each process ends in good order, and a second upgrade finds nothing to do."""
    start(system, amqp_url, ahead_s=12)
    summary_of(system.lobby(*simulate))
    assert system.lobby("db", "upgrade").returncode == 0
    assert {service: system.end(service) for service in SERVICES} == dict.fromkeys(SERVICES, 0)


@pytest.mark.chaos
@pytest.mark.timeout(240)
def test_services_that_are_killed_in_the_middle_of_the_day_change_no_figure(
    system: Separate, amqp_url: str, simulate: tuple[str, ...]
) -> None:
    """Each of the five in turn, with kill -9; a second run without a fault says the same."""
    start(system, amqp_url, ahead_s=25)
    run = system.lobby_begun(*simulate)
    try:
        for number, service in enumerate(SERVICES):
            wait_until(lambda n=number: system.served() > 3 * n, within_s=60, what="some customers are served")
            system.kill(service)
            system.start(service)
        faulty = summary_of(finished(run))
    finally:
        run.kill()
        run.communicate()
    assert faulty["retries"] > 0
    assert summary_of(system.lobby(*simulate))["totals"] == faulty["totals"]


@pytest.mark.chaos
@pytest.mark.timeout(240)
def test_a_broker_that_is_killed_in_the_middle_of_the_day_changes_no_figure(
    system: Separate, private_broker: Broker, simulate: tuple[str, ...]
) -> None:
    """It comes back with its queues; what was not confirmed is published again, what came twice is known."""
    start(system, private_broker.url(), ahead_s=25)
    run = system.lobby_begun(*simulate)
    try:
        wait_until(lambda: system.served() > 10, within_s=90, what="some customers are served")
        private_broker.kill9()
        private_broker.start()
        summary_of(finished(run))
    finally:
        run.kill()
        run.communicate()


def test_a_database_of_another_version_is_refused_and_one_that_is_not_migrated_is_waited_for(tmp_path: Path) -> None:
    """Serving on tables of another form, every call failed, and ``/readyz`` said that all was well."""
    settings = Settings(data_dir=tmp_path)
    refuse_unknown(settings, ["triage"])
    migrate.upgrade(settings, "triage")
    refuse_unknown(settings, ["triage"])
    engine = open_engine(settings.database_url_of("triage"), "triage", pool_size=1)
    with engine.execution_options(lobby_writes=True).begin() as connection:
        connection.execute(text("UPDATE schema_version SET version_num = 't0001' WHERE version_num LIKE 't%'"))
    engine.dispose()
    with pytest.raises(CommandError, match="made by another version of lobby"):
        refuse_unknown(settings, ["triage"])
