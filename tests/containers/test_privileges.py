"""Each part may do what it needs, and no more: tried on the running system, not read from its files."""

from collections.abc import Iterator

import pytest
from amqp.exceptions import AccessRefused
from kombu import Connection, Exchange, Queue

from shared.settings import SERVICES
from tests.containers.stack import Stack

pytestmark = [pytest.mark.containers, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def triage(stack: Stack) -> Iterator[Connection]:
    with Connection(stack.amqp_url("triage"), connect_timeout=10) as connection:
        yield connection


@pytest.fixture(scope="module")
def terminal(stack: Stack) -> Iterator[Connection]:
    options = {"confirm_publish": True}
    with Connection(stack.amqp_url("terminals"), connect_timeout=10, transport_options=options) as connection:
        yield connection


@pytest.mark.parametrize("name", ["lobby.vip.0-of-4", "lobby.triage.new", "mine", "lobby.dead-letters"])
def test_a_service_declares_no_queue(triage: Connection, name: str) -> None:
    with triage.channel() as channel, pytest.raises(AccessRefused):
        Queue(name, durable=True)(channel).queue_declare()


def test_a_service_does_not_read_another_s_queue(triage: Connection) -> None:
    with triage.channel() as channel, pytest.raises(AccessRefused):
        channel.basic_get("lobby.vip.0-of-4")
    with triage.channel() as channel, pytest.raises(AccessRefused):
        channel.basic_get("lobby.dead-letters")


def test_a_service_does_not_speak_as_a_terminal(triage: Connection) -> None:
    with triage.channel() as channel, pytest.raises(AccessRefused):
        channel.exchange_declare("lobby.terminals", "topic", durable=False)


@pytest.mark.parametrize(
    "exchange", ["lobby.events", "lobby.internal", "lobby.control", "lobby.dead-letters", "lobby.replay"]
)
def test_a_terminal_publishes_where_terminals_do_only(terminal: Connection, exchange: str) -> None:
    with terminal.channel() as channel, pytest.raises(AccessRefused):
        terminal.Producer(channel).publish("x", exchange=exchange, routing_key="demo.x")


def test_a_terminal_s_routing_key_begins_with_a_branch(terminal: Connection) -> None:
    with terminal.channel() as channel, pytest.raises(AccessRefused):
        terminal.Producer(channel).publish("x", exchange="lobby.terminals", routing_key="No Branch.x")


def test_a_terminal_reads_no_service_s_queue_and_makes_none_in_their_name(terminal: Connection) -> None:
    with terminal.channel() as channel, pytest.raises(AccessRefused):
        channel.basic_get("lobby.triage.0-of-4")
    with terminal.channel() as channel, pytest.raises(AccessRefused):
        Queue("lobby.triage.mine", Exchange("lobby.events", "topic"), "#")(channel).queue_declare()


def test_a_terminal_hears_nothing_where_the_services_speak(terminal: Connection) -> None:
    """A queue of its own that refuses messages would hold up everybody there."""
    internal = Exchange("lobby.internal", "topic", no_declare=True)
    with terminal.channel() as channel:
        mine = Queue("terminal.t1.greedy", internal, "#", exclusive=True)(channel)
        with pytest.raises(AccessRefused):
            mine.declare()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_not_root_and_writes_nowhere(stack: Stack, service: str) -> None:
    assert stack.execute(service, "id", "-u") == "10001"
    script = (
        "touch /opt/lobby/x /run/lobby/x /etc/x 2>/dev/null; ls /opt/lobby/x /run/lobby/x /etc/x 2>/dev/null || true"
    )
    assert stack.execute(service, "sh", "-c", script) == ""


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_no_secret_but_its_own(stack: Stack, service: str) -> None:
    # Neither in a file that it can read nor in its environment, which `docker inspect` would show.
    assert stack.execute(service, "sh", "-c", "env | grep -ciE 'password|amqp://|postgresql://' || true") == "0"
    files = set(stack.execute(service, "sh", "-c", "cd /run/lobby && find . -type f | sort").split())
    keys = {"vip": {"./vault.key"}, "gateway": {"./keys/jwt-private.pem", "./keys/jwt-public.pem"}}
    assert files == {"./lobby.yaml", "./jwt-public.pem"} | keys.get(service, set())


def test_the_proxy_has_no_way_to_the_broker_and_the_database(stack: Stack) -> None:
    for host in ("postgres", "rabbitmq"):
        assert stack.execute("proxy", "sh", "-c", f"getent hosts {host} || echo unknown") == "unknown"
