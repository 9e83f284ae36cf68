"""Where the session's broker and database come from, and a fresh space in them for each test module.

The first that works: addresses in the environment, Docker, binaries on the machine, binaries that apt
installs. ``LOBBY_TEST_SERVERS`` (``docker``, ``machine`` or ``apt``) takes one of them only.
"""

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from tests.support import postgres, rabbitmq
from tests.support.processes import Unavailable
from tests.support.reaper import Reaper

Server = TypeVar("Server")


@dataclass(frozen=True, kw_only=True)
class BrokerServer:
    """A running broker: what it is, its address for a virtual host, how to make one."""

    source: str
    url: Callable[[str], str]
    add_vhost: Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class DatabaseServer:
    """A running PostgreSQL: what it is, and its address for a database."""

    source: str
    url: Callable[[str], str]

    def create(self, name: str) -> None:
        """Make an empty database."""
        self._execute("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'", name)

    def drop(self, name: str) -> None:
        """Drop a database, whoever is still connected."""
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _execute(self, statement: str, name: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


def start_broker(reaper: Reaper) -> BrokerServer:
    """Start or find the broker; raise :class:`Unavailable` that names everything that was tried."""
    if url := os.environ.get("LOBBY_TEST_AMQP_URL"):
        return _given_broker(url)
    return _first(_docker_broker, _machine_broker, package="rabbitmq-server", reaper=reaper)


def start_database(reaper: Reaper) -> DatabaseServer:
    """Start or find the database; raise :class:`Unavailable` that names everything that was tried."""
    if url := os.environ.get("LOBBY_TEST_DATABASE_URL"):
        return DatabaseServer(source="LOBBY_TEST_DATABASE_URL", url=lambda name: _with_path(url, name))
    return _first(_docker_database, _machine_database, package="postgresql", reaper=reaper)


def _first(
    in_docker: Callable[[Reaper], Server], on_machine: Callable[[Reaper], Server], *, package: str, reaper: Reaper
) -> Server:
    only = os.environ.get("LOBBY_TEST_SERVERS", "")
    ways: dict[str, Callable[[Reaper], Server]] = {
        "docker": in_docker,
        "machine": on_machine,
        "apt": lambda reaper: _apt(package, on_machine, reaper),
    }
    if only:
        ways = {name: way for name, way in ways.items() if name == only}
    complaints = []
    for way in ways.values():
        try:
            return way(reaper)
        except Unavailable as error:
            complaints.append(str(error))
    raise Unavailable("; ".join(complaints) or f"LOBBY_TEST_SERVERS={only} is not docker, machine or apt")


def _apt(package: str, then: Callable[[Reaper], Server], reaper: Reaper) -> Server:
    install(package)
    return then(reaper)


def install(package: str) -> None:
    """Install a Debian package; raise :class:`Unavailable` that says why it can't be."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Unavailable(f"{package} is not installed here, and only root with apt-get could do that")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    with (Path(tempfile.gettempdir()) / "lobby-test-apt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # dpkg has one lock, and a session may have several workers
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", package]):
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if done.returncode:
                raise Unavailable(f"{' '.join(command)}: {done.stderr[-500:]}")


def _docker_broker(reaper: Reaper) -> BrokerServer:
    from tests.support import docker  # takes long to import

    docker.require(docker.RABBITMQ_IMAGE)
    amqp, management = docker.start_rabbitmq(reaper)
    return BrokerServer(
        source=f"Docker ({docker.RABBITMQ_IMAGE})",
        url=lambda vhost: f"{amqp}/{vhost}",
        add_vhost=lambda vhost: _add_vhost_by_http(management, rabbitmq.USER, vhost),
    )


def _machine_broker(reaper: Reaper) -> BrokerServer:
    broker = rabbitmq.Broker(reaper)
    broker.start()
    return BrokerServer(
        source=f"the machine's binaries, port {broker.port}",
        url=broker.url,
        add_vhost=lambda vhost: broker.add_vhosts([vhost]),
    )


def _given_broker(url: str) -> BrokerServer:
    parts = urlsplit(url)
    if not rabbitmq.answers_amqp(parts.hostname or "localhost", parts.port or 5672):
        raise Unavailable(f"nothing answers AMQP at LOBBY_TEST_AMQP_URL ({parts.hostname}:{parts.port or 5672})")
    account = f"{parts.username or 'guest'}:{parts.password or 'guest'}"
    management = os.environ.get("LOBBY_TEST_AMQP_MANAGEMENT_URL") or f"http://{account}@{parts.hostname}:15672"
    return BrokerServer(
        source="LOBBY_TEST_AMQP_URL",
        url=lambda vhost: _with_path(url, vhost),
        add_vhost=lambda vhost: _add_vhost_by_http(management, parts.username or "guest", vhost),
    )


def _docker_database(reaper: Reaper) -> DatabaseServer:
    from tests.support import docker

    docker.require(docker.POSTGRES_IMAGE)
    url = docker.start_postgres(reaper)
    return DatabaseServer(source=f"Docker ({docker.POSTGRES_IMAGE})", url=lambda name: f"{url}/{name}")


def _machine_database(reaper: Reaper) -> DatabaseServer:
    database = postgres.Database(reaper, durable=False)
    database.start()
    return DatabaseServer(source=f"the machine's binaries, port {database.port}", url=database.url)


def _add_vhost_by_http(management: str, user: str, vhost: str) -> None:
    parts = urlsplit(management)
    base = urlunsplit(("http", f"{parts.hostname}:{parts.port}", "/api", "", ""))
    account = b64encode(f"{parts.username}:{parts.password}".encode()).decode()
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    for path, body in ((f"/vhosts/{vhost}", {}), (f"/permissions/{vhost}/{user}", everything)):
        request = urllib.request.Request(base + path, json.dumps(body).encode(), method="PUT")
        request.add_header("Authorization", f"Basic {account}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=10):
            pass


def _with_path(url: str, path: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))
