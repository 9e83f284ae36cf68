"""The fixtures of real servers, started in the background as soon as it is known that a test needs them."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from itertools import count
from typing import TypeVar

import pytest

from tests.support.postgres import Database
from tests.support.processes import Unavailable
from tests.support.rabbitmq import Broker
from tests.support.reaper import Reaper
from tests.support.servers import BrokerServer, DatabaseServer, start_broker, start_database

_numbers = count(1)

Private = TypeVar("Private", Broker, Database)


class Servers:
    """The session's servers, each started at most once, both at the same time."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="servers")
        self.reported: set[str] = set()

    @cached_property
    def reaper(self) -> Reaper:
        return Reaper()

    @cached_property
    def broker(self) -> "Future[BrokerServer]":
        return self._pool.submit(start_broker, self.reaper)

    @cached_property
    def database(self) -> "Future[DatabaseServer]":
        return self._pool.submit(start_database, self.reaper)

    def prestart(self, fixtures: set[str]) -> None:
        """Begin to start what the collected tests will ask for."""
        if fixtures & {"broker_server", "database_server"}:
            _ = self.reaper
        if "broker_server" in fixtures:
            _ = self.broker
        if "database_server" in fixtures:
            _ = self.database

    def close(self) -> None:
        """End everything that was started."""
        self._pool.shutdown(cancel_futures=True)
        if "reaper" in self.__dict__:
            self.reaper.close()


SERVERS = pytest.StashKey[Servers]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SERVERS] = Servers()


def pytest_collection_finish(session: pytest.Session) -> None:
    if session.config.option.collectonly:
        return
    session.config.stash[SERVERS].prestart(
        {name for item in session.items for name in getattr(item, "fixturenames", ())}
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[SERVERS].close()


def _ready(config: pytest.Config, name: str, what: str) -> BrokerServer | DatabaseServer:
    servers = config.stash[SERVERS]
    future: Future[BrokerServer] | Future[DatabaseServer] = getattr(servers, name)
    try:
        server = future.result()
    except Unavailable as error:
        pytest.exit(f"The tests need {what}, and there is none: {error}. CONTRIBUTING.md says how to give one.", 3)
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")
    if reporter is not None and capture is not None and name not in servers.reported:
        servers.reported.add(name)
        with capture.global_and_fixture_disabled():
            reporter.write_line(f"\n[{what}: {server.source}]")
    return server


def _private(make: Callable[[], Private]) -> Private:
    try:
        server = make()
        server.start()
    except Unavailable as error:
        pytest.fail(f"a server that may be killed is started from the machine's binaries: {error}", pytrace=False)
    return server


def _name_of(request: pytest.FixtureRequest) -> str:
    module = re.sub(r"\W+", "_", request.node.nodeid.removeprefix("tests/").removesuffix(".py"))
    return f"t{next(_numbers)}_{module}"[:60].lower()


@pytest.fixture(scope="session")
def broker_server(pytestconfig: pytest.Config) -> BrokerServer:
    """The session's RabbitMQ."""
    server = _ready(pytestconfig, "broker", "RabbitMQ")
    assert isinstance(server, BrokerServer)
    return server


@pytest.fixture(scope="session")
def database_server(pytestconfig: pytest.Config) -> DatabaseServer:
    """The session's PostgreSQL."""
    server = _ready(pytestconfig, "database", "PostgreSQL")
    assert isinstance(server, DatabaseServer)
    return server


@pytest.fixture(scope="module")
def amqp_url(broker_server: BrokerServer, request: pytest.FixtureRequest) -> str:
    """The URL of an empty virtual host, the test module's own."""
    name = _name_of(request)
    broker_server.add_vhost(name)
    return broker_server.url(name)


@pytest.fixture(scope="module")
def database_url(database_server: DatabaseServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty PostgreSQL database, the test module's own."""
    name = _name_of(request)
    database_server.create(name)
    yield database_server.url(name)
    database_server.drop(name)


@pytest.fixture(scope="session")
def reaper(pytestconfig: pytest.Config) -> Reaper:
    """Ends what a test starts, whatever becomes of the session."""
    return pytestconfig.stash[SERVERS].reaper


@pytest.fixture(scope="module")
def private_broker(reaper: Reaper) -> Iterator[Broker]:
    """A RabbitMQ that the test module may kill and freeze."""
    broker = _private(lambda: Broker(reaper))
    yield broker
    broker.close()


@pytest.fixture(scope="module")
def private_database(reaper: Reaper) -> Iterator[Database]:
    """A durable PostgreSQL that the test module may stop and kill."""
    database = _private(lambda: Database(reaper, durable=True))
    yield database
    database.close()
