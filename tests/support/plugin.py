"""The fixtures of real servers, started in the background as soon as it is known that a test needs them.

Each worker of a session on several (pytest-xdist) has servers, directories and names of its own, and a reaper that
cleans up behind it. Modules that take long to import are imported where a server is really started.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from tests.support.processes import Unavailable
from tests.support.reaper import Reaper

if TYPE_CHECKING:
    from tests.support.postgres import Database
    from tests.support.rabbitmq import Broker
    from tests.support.servers import BrokerServer, DatabaseServer

NO_SERVERS = 3
"""The exit code of a session that needs servers and can have none."""

MEMORY = Path("/dev/shm")
MEMORY_NEEDED_BYTES = 4 * 2**30
"""What two workers' files and servers may come to, with room to spare."""

_numbers = count(1)

Private = TypeVar("Private", "Broker", "Database")


class Servers:
    """The session's servers, each started at most once, both at the same time."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="servers")
        self.sources: dict[str, str] = {}

    @cached_property
    def reaper(self) -> Reaper:
        return Reaper()

    @cached_property
    def broker(self) -> "Future[BrokerServer]":
        from tests.support.servers import start_broker

        return self._pool.submit(start_broker, self.reaper)

    @cached_property
    def database(self) -> "Future[DatabaseServer]":
        from tests.support.servers import start_database

        return self._pool.submit(start_database, self.reaper)

    def prestart(self, asked_for: set[str]) -> None:
        """Begin to start what the collected tests will ask for, by a fixture or as a parameter."""
        _ = self.reaper
        if asked_for & {"broker_server", "rabbitmq"}:
            _ = self.broker
        if asked_for & {"database_server", "rabbitmq", "postgresql"}:
            _ = self.database

    def close(self) -> None:
        """End everything that was started."""
        self._pool.shutdown(cancel_futures=True)
        if "reaper" in self.__dict__:
            self.reaper.close()


SERVERS = pytest.StashKey[Servers]()


def pytest_configure(config: pytest.Config) -> None:
    if all(f"not {tier}" in config.option.markexpr for tier in ("chaos", "containers")):
        _keep_files_in_memory()
    config.stash[SERVERS] = Servers()
    config.pluginmanager.register(OfWorkers(config), "servers-of-workers")


def pytest_collection_finish(session: pytest.Session) -> None:
    if session.items and not session.config.option.collectonly:
        session.config.stash[SERVERS].prestart({name for item in session.items for name in _asked_for(item)})


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[SERVERS].close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Let a report carry where the servers come from, as workers have no terminal to say it on."""
    report: Any = yield
    report.servers = dict(item.config.stash[SERVERS].sources)
    return report


class OfWorkers:
    """In a session on several workers, says for them where their servers come from, and ends when there are none."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._said: set[tuple[str, str]] = set()

    def pytest_runtest_logreport(self, report: Any) -> None:
        worker = getattr(report, "worker_id", None)
        for what, source in getattr(report, "servers", {}).items():
            if worker is not None and (worker, what) not in self._said:
                self._said.add((worker, what))
                _say(self._config, f"{worker} {what}: {source}")

    @pytest.hookimpl(optionalhook=True)  # pytest-xdist's
    def pytest_testnodedown(self, node: Any) -> None:
        missing = getattr(node, "workeroutput", {}).get("servers_missing")
        if missing:
            pytest.exit(missing, NO_SERVERS)


def _keep_files_in_memory() -> None:
    """Let temporary files be where Linux keeps them in memory, if there is room: each commit waits for a disk.

    Who says ``TMPDIR`` gets that. Chaos tests are for what a disk keeps, and a Docker engine mounts what it sees.
    """
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK | os.X_OK):
        return
    if shutil.disk_usage(MEMORY).free >= MEMORY_NEEDED_BYTES:
        os.environ["TMPDIR"] = str(MEMORY)  # also of workers, and of what the tests start
        tempfile.tempdir = None


def _asked_for(item: pytest.Item) -> Iterator[str]:
    yield from getattr(item, "fixturenames", ())
    parameters = getattr(item, "callspec", None)
    if parameters is not None:
        yield from (value for value in parameters.params.values() if isinstance(value, str))


def _say(config: pytest.Config, line: str) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")
    if reporter is not None and capture is not None:
        with capture.global_and_fixture_disabled():
            reporter.write_line(f"\n[{line}]")


def _ready(config: pytest.Config, name: str, what: str) -> Any:
    servers = config.stash[SERVERS]
    try:
        server = getattr(servers, name).result()
    except Unavailable as error:
        missing = f"The tests need {what}, and there is none: {error}. CONTRIBUTING.md says how to give one."
        if hasattr(config, "workeroutput"):
            config.workeroutput["servers_missing"] = missing
        pytest.exit(missing, NO_SERVERS)
    if what not in servers.sources:
        servers.sources[what] = server.source
        _say(config, f"{what}: {server.source}")
    return server


def _private(make: "Callable[[], Private]") -> "Private":
    try:
        server = make()
        server.start()
    except Unavailable as error:
        pytest.fail(f"a server that may be killed is started from the machine's binaries: {error}", pytrace=False)
    return server


def _name_of(request: pytest.FixtureRequest) -> str:
    """Return a name that no other module, worker or session on this machine has."""
    module = re.sub(r"\W+", "_", request.node.nodeid.removeprefix("tests/").removesuffix(".py"))
    return f"t{os.getpid()}_{next(_numbers)}_{module}"[:60].lower()


@pytest.fixture(scope="session")
def broker_server(pytestconfig: pytest.Config) -> "BrokerServer":
    """The session's RabbitMQ."""
    server: BrokerServer = _ready(pytestconfig, "broker", "RabbitMQ")
    return server


@pytest.fixture(scope="session")
def database_server(pytestconfig: pytest.Config) -> "DatabaseServer":
    """The session's PostgreSQL."""
    server: DatabaseServer = _ready(pytestconfig, "database", "PostgreSQL")
    return server


@pytest.fixture(scope="module")
def amqp_url(broker_server: "BrokerServer", request: pytest.FixtureRequest) -> str:
    """The URL of an empty virtual host, the test module's own."""
    name = _name_of(request)
    broker_server.add_vhost(name)
    return broker_server.url(name)


@pytest.fixture(scope="module")
def database_url(database_server: "DatabaseServer", request: pytest.FixtureRequest) -> Iterator[str]:
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
def private_broker(reaper: Reaper) -> "Iterator[Broker]":
    """A RabbitMQ that the test module may kill and freeze."""
    from tests.support.rabbitmq import Broker

    broker = _private(lambda: Broker(reaper))
    yield broker
    broker.close()


@pytest.fixture(scope="module")
def private_database(reaper: Reaper) -> "Iterator[Database]":
    """A durable PostgreSQL that the test module may stop and kill."""
    from tests.support.postgres import Database

    database = _private(lambda: Database(reaper, durable=True))
    yield database
    database.close()
