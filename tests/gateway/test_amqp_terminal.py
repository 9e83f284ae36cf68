"""A terminal with nothing but the official CloudEvents SDK and an AMQP client (T4)."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import amqp
import pytest
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings import rabbitmq
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from kombu import Connection

from shared.ids import new_id
from tests.support.one_service import Running, one_service
from tests.support.processes import wait_until


@pytest.fixture(scope="module")
def gateway(amqp_url: str, database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    variables = {"LOBBY_AMQP_URL": amqp_url, "LOBBY_DATABASE_URL": database_url, "LOBBY_QUEUES": "1"}
    folder = tmp_path_factory.mktemp("keys")
    triage = one_service("triage", tmp_path_factory.mktemp("triage"), **variables)
    with triage, one_service("gateway", folder, **variables) as running:
        yield running


class Terminal:
    """Publishes to ``lobby.terminals``; hears the branch's events on a queue of its own."""

    def __init__(self, url: str, branch: str) -> None:
        self.branch = branch
        self.connection = Connection(url)
        self.channel = self.connection.channel()
        queue = self.channel.queue_declare("", exclusive=True).queue
        self.channel.queue_bind(queue, "lobby.events", f"*.{branch}.#")
        self.heard: list[BaseCloudEvent] = []
        self.channel.basic_consume(queue, no_ack=True, callback=self._hear)

    def _hear(self, message: amqp.Message) -> None:
        received = rabbitmq.RabbitMQMessage({}, message.properties["content_type"], message.body)
        self.heard.append(rabbitmq.from_rabbitmq(received, JSONFormat()))

    def say(self, data: dict[str, Any], *, binary: bool, **attributes: Any) -> str:
        """Publish an event; return its id."""
        id_ = new_id()
        event = CloudEvent(
            {
                "id": id_, "source": "/terminals/t7", "type": "lobby.terminal.ticket_requested.v1",
                "branchid": self.branch, "time": datetime.now(UTC), "datacontenttype": "application/json", **attributes,
            },
            data,
        )  # fmt: skip
        written = (rabbitmq.to_binary if binary else rabbitmq.to_structured)(event, JSONFormat())
        self.publish(written.body, written.content_type, written.headers, event.get_type())
        return str(attributes.get("id", id_))

    def publish(self, body: bytes, content_type: str | None, headers: dict[str, str], type_: str) -> None:
        message = amqp.Message(body, content_type=content_type, application_headers=headers, delivery_mode=2)
        self.channel.basic_publish(message, exchange="lobby.terminals", routing_key=f"{self.branch}.{type_}")

    def answer_to(self, id_: str) -> BaseCloudEvent:
        """Wait for the event that ours caused."""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            for event in self.heard:
                if event.get_attributes().get("causationid") == id_:
                    return event
            try:
                self.connection.drain_events(timeout=1)
            except TimeoutError:
                continue
        raise AssertionError(f"no answer to {id_}; heard {[event.get_type() for event in self.heard]}")


@pytest.fixture
def terminal(gateway: Running, amqp_url: str) -> Iterator[Terminal]:
    wait_until(lambda: gateway.call("GET", "/readyz", role="display").status == 200, within_s=30, what="the gateway")
    terminal = Terminal(amqp_url, "demo")
    yield terminal
    terminal.connection.release()


@pytest.mark.parametrize("binary", [False, True])
def test_a_terminal_finds_its_ticket_by_what_caused_it(terminal: Terminal, binary: bool) -> None:
    answer = terminal.answer_to(terminal.say({"business": "cash_withdrawal"}, binary=binary))
    assert answer.get_type() == "lobby.triage.ticket_issued.v1"
    data: Any = answer.get_data()
    assert data["number"].startswith("A")


def test_a_business_that_nobody_knows_is_refused_with_the_reason(terminal: Terminal) -> None:
    answer = terminal.answer_to(terminal.say({"business": "cash_withdrawl"}, binary=False))
    assert answer.get_type() == "lobby.triage.ticket_refused.v1"
    data: Any = answer.get_data()
    assert (data["code"], data["field"]) == ("unknown_business", "business")


def test_bad_messages_are_dead_letters_with_their_reason_while_good_ones_flow(
    gateway: Running, terminal: Terminal
) -> None:
    terminal.answer_to(terminal.say({"business": "cash_withdrawal"}, binary=False))
    kind = "lobby.terminal.ticket_requested.v1"
    terminal.publish(b"{", "application/cloudevents+json", {}, kind)
    terminal.publish(b"\xff", "image/png", {"nameko.call_id_stack": "5"}, kind)
    terminal.say({"business": "x"}, binary=True, type="lobby.terminal.never_heard_of.v1")
    terminal.say({"business": "x"}, binary=False, type="lobby.terminal.ticket_requested.v9")
    terminal.say({"business": "x", "amount_minor": "much"}, binary=False)
    terminal.say({"business": "cash_withdrawal"}, binary=False, source="/services/triage")
    terminal.answer_to(terminal.say({"business": "cash_withdrawal"}, binary=False))

    def letters() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = gateway.call("GET", "/v1/dead-letters", role="operations", branch="*").json[
            "dead_letters"
        ]
        return found

    wait_until(lambda: len(letters()) == 6, within_s=20, what="every dead letter")
    codes = sorted(letter["code"] for letter in letters())
    assert codes == ["invalid_data", "malformed", "malformed", "malformed", "unknown_type", "unknown_version"]
    assert all(letter["reason"] and letter["service"] == "gateway" for letter in letters())

    one = letters()[0]["id"]
    discarded = gateway.call("POST", f"/v1/dead-letters/{one}/discard", role="operations", branch="*")
    assert (discarded.status, discarded.json["state"]) == (202, "discarded")
    again = gateway.call("POST", f"/v1/dead-letters/{one}/discard", role="operations", branch="*")
    assert (again.status, again.json["code"]) == (409, "dead_letter_settled")
    assert json.dumps(letters())
