import psycopg
import pytest
from kombu import Connection, Exchange, Queue

from tests.support.postgres import Database
from tests.support.processes import wait_until
from tests.support.rabbitmq import Broker, answers_amqp

pytestmark = pytest.mark.chaos

DURABLE = {"x-queue-type": "quorum"}


def put(broker: Broker, text: str) -> None:
    options = {"confirm_publish": True}
    with Connection(broker.url(), transport_options=options) as connection, connection.channel() as channel:
        queue = Queue("kept", Exchange(""), routing_key="kept", durable=True, queue_arguments=DURABLE)(channel)
        queue.queue_declare()
        connection.Producer(channel).publish(text, routing_key="kept", delivery_mode=2, confirm_timeout=10)


def take(broker: Broker) -> str | None:
    # A passive declaration's count is stale after a restart until the queue is used.
    with Connection(broker.url()) as connection, connection.channel() as channel:
        message = channel.basic_get("kept", no_ack=True)
        return None if message is None else str(message.body)


def test_a_broker_that_is_killed_comes_back_on_its_port_with_its_messages(private_broker: Broker) -> None:
    port = private_broker.port
    put(private_broker, "declares the queue")
    # A node that is killed in the second after a quorum queue was declared brings the queue back without a
    # leader (its registration was not on the disk yet, RabbitMQ 3.10), so the test is of a queue that is older.
    private_broker.stop()
    private_broker.start()
    wait_until(lambda: take(private_broker) == "declares the queue", within_s=30, what="the queue to be there again")
    put(private_broker, "survives")
    private_broker.kill9()
    assert not answers_amqp("127.0.0.1", port)
    private_broker.start()
    wait_until(lambda: take(private_broker) == "survives", within_s=30, what="the message to be there again")
    assert private_broker.port == port


def test_a_frozen_broker_answers_nothing_until_it_is_let_go(private_broker: Broker) -> None:
    private_broker.sigstop()
    try:
        assert not answers_amqp("127.0.0.1", private_broker.port)
    finally:
        private_broker.sigcont()
    wait_until(lambda: answers_amqp("127.0.0.1", private_broker.port), within_s=10, what="the broker to answer again")


@pytest.mark.parametrize("how", ["stop", "kill9"])
def test_a_database_that_goes_away_comes_back_with_what_was_committed(private_database: Database, how: str) -> None:
    with psycopg.connect(private_database.url()) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (how text)")
        connection.execute("INSERT INTO kept VALUES (%s)", [how])
    getattr(private_database, how)()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(private_database.url(), connect_timeout=2)
    private_database.start()
    with psycopg.connect(private_database.url()) as connection:
        assert connection.execute("SELECT count(*) FROM kept WHERE how = %s", [how]).fetchone() == (1,)


def test_a_database_that_may_be_killed_is_durable(private_database: Database) -> None:
    with psycopg.connect(private_database.url()) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
