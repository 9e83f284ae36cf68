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


def test_nothing_is_left_when_the_session_is_killed(tmp_path: Path) -> None:
    (tmp_path / "session.py").write_text(
        "import sys, time\n"
        "from tests.support.postgres import Database\n"
        "from tests.support.reaper import Reaper\n"
        "database = Database(Reaper(), durable=False)\n"
        "database.start()\n"
        "print(database.url(), database._directory, flush=True)\n"
        "time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    session = subprocess.Popen([sys.executable, tmp_path / "session.py"], stdout=subprocess.PIPE, env=environment)
    assert session.stdout is not None
    url, directory = session.stdout.readline().decode().split()
    assert accepts(url)
    session.send_signal(signal.SIGKILL)
    session.wait(10)
    session.stdout.close()

    wait_until(lambda: not Path(directory).exists(), within_s=20, what="the directory to be removed")
    assert not accepts(url)
