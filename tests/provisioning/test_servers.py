import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from kombu import Connection, Queue

from tests.support.postgres import accepts
from tests.support.processes import wait_until
from tests.support.servers import BrokerServer, DatabaseServer

ROOT = Path(__file__).parents[2]


def test_a_message_goes_through_the_broker(amqp_url: str) -> None:
    with Connection(amqp_url) as connection:
        queue = connection.SimpleQueue("letters")
        queue.put("hello")
        assert queue.get(timeout=5).payload == "hello"


def test_quorum_queues_can_be_declared_in_a_module_s_own_virtual_host(amqp_url: str) -> None:
    arguments = {"x-queue-type": "quorum", "x-single-active-consumer": True}
    with Connection(amqp_url) as connection:
        Queue("quorum", durable=True, queue_arguments=arguments)(connection).declare()


def test_another_virtual_host_sees_nothing_of_it(amqp_url: str, broker_server: BrokerServer) -> None:
    with Connection(amqp_url) as connection:
        Queue("mine", durable=True)(connection).declare()
    broker_server.add_vhost("another")
    with Connection(broker_server.url("another")) as connection, pytest.raises(connection.channel_errors):
        Queue("mine", durable=True)(connection).queue_declare(passive=True)


def test_a_module_s_database_is_empty_and_takes_schemas(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE SCHEMA triage")
        connection.execute("CREATE TABLE triage.log (pos bigint)")
        found = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'triage'").fetchone()
    assert found == (1,)


def test_a_dropped_database_does_not_wait_for_its_clients(database_server: DatabaseServer) -> None:
    database_server.create("left_open")
    with psycopg.connect(database_server.url("left_open")):
        database_server.drop("left_open")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(database_server.url("left_open"))


def runs(pid: str) -> bool:
    """Say whether a process runs; where nobody collects it, a dead one is still listed, without a command."""
    command = Path("/proc", pid, "cmdline")
    return command.exists() and command.read_bytes() != b""


def test_nothing_is_left_when_the_session_is_killed(tmp_path: Path) -> None:
    (tmp_path / "session.py").write_text(
        "import subprocess, sys, time\n"
        "from tests.support.postgres import Database\n"
        "from tests.support.reaper import Reaper\n"
        "database = Database(Reaper(), durable=False)\n"
        "database.start()\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "print(database.url(), database._directory, child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    session = subprocess.Popen([sys.executable, tmp_path / "session.py"], stdout=subprocess.PIPE, env=environment)
    assert session.stdout is not None
    url, directory, child = session.stdout.readline().decode().split()
    assert accepts(url)
    assert runs(child) or not Path("/proc").exists()
    session.send_signal(signal.SIGKILL)
    session.wait(10)
    session.stdout.close()

    wait_until(lambda: not Path(directory).exists(), within_s=20, what="the directory to be removed")
    assert not accepts(url)
    assert not runs(child)


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_session_that_can_have_no_servers_says_so_and_ends_with_3(workers: str) -> None:
    needs_one = f"{Path(__file__).relative_to(ROOT)}::test_a_module_s_database_is_empty_and_takes_schemas"
    given = {name: value for name, value in os.environ.items() if not name.startswith(("LOBBY_TEST_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", workers, needs_one],
        env={**given, "LOBBY_TEST_SERVERS": "nowhere"}, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stdout + done.stderr
    assert "The tests need PostgreSQL, and there is none: LOBBY_TEST_SERVERS=nowhere" in done.stdout + done.stderr
