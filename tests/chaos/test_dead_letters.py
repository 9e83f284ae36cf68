"""Dead letters of the running system, as operations sees them: ``lobby serve``, RabbitMQ, PostgreSQL, HTTP."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from kombu import Connection

from services.ops.service_classes import topology_of
from shared.bus.topology import DELIVERY_LIMIT
from shared.settings import Settings
from tests.ops.separate import Separate
from tests.support.one_service import Answer, Running
from tests.support.processes import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]

QUEUES = 4
FAILING = "branch = 'bad' AND type = 'lobby.triage.ticket_printed.v1'"


class System:
    """Triage, gateway and worklog, each in a process of its own."""

    def __init__(self, processes: Separate, settings: Settings) -> None:
        self.processes = processes
        self.settings = settings

    def call(self, service: str, method: str, path: str, body: object = None, **how: Any) -> Answer:
        return Running(port=self.processes.ports[service], settings=self.settings).call(method, path, body, **how)

    def visit(self, branch: str) -> str:
        """A customer who takes a ticket, is called and served; return the ticket."""
        taken = self.call("triage", "POST", f"/v1/branches/{branch}/tickets", {"business": "account_service"},
                          role="terminal", branch=branch)  # fmt: skip
        assert taken.status == 201, taken.json
        ticket: str = taken.json["ticket_id"]
        for path, role in (
            (f"/v1/branches/{branch}/tickets/{ticket}/printed", "terminal"),
            (f"/v1/branches/{branch}/counters/1/open", "teller"),
            (f"/v1/branches/{branch}/counters/1/call-next", "teller"),
            (f"/v1/tickets/{ticket}/start", "teller"),
            (f"/v1/tickets/{ticket}/complete", "teller"),
        ):
            done = self.call("triage", "POST", path, role=role, branch=branch)
            assert done.status == 200, done.json
        return ticket

    def letters(self, state: str = "parked") -> list[dict[str, Any]]:
        answer = self.call(
            "gateway", "GET", f"/v1/dead-letters?state={state}&service=worklog", role="operations", branch="*"
        )
        assert answer.status == 200
        return list(reversed(answer.json["dead_letters"]))

    def decide(self, verb: str, letter: dict[str, Any]) -> None:
        answer = self.call("gateway", "POST", f"/v1/dead-letters/{letter['id']}/{verb}", role="operations", branch="*")
        assert answer.status == 202, answer.json

    def rows(self, query: str) -> list[str]:
        with psycopg.connect(self.settings.database_url, autocommit=True) as connection:
            cursor = connection.execute(query)
            return [row[0] for row in cursor] if cursor.description else []

    def said(self, where: str) -> list[str]:
        """What triage said, each partition in order."""
        return self.rows(f"SELECT event_id FROM triage.log WHERE {where} ORDER BY pp, pos")

    def journal(self, where: str) -> list[str]:
        """What the journal has, in its order."""
        return self.rows(f"SELECT event_id FROM worklog.journal WHERE {where} ORDER BY position")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, amqp_url: str, database_url: str) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("system") / "data"
    processes = Separate(folder, LOBBY_DATABASE_URL=database_url, LOBBY_AMQP_URL=amqp_url, LOBBY_QUEUES=str(QUEUES))
    try:
        migrated = processes.lobby("db", "upgrade")
        assert migrated.returncode == 0, migrated.stderr
        processes.start("triage", "gateway")
        yield System(processes, Settings(data_dir=folder, database_url=database_url, amqp_url=amqp_url))
    finally:
        processes.close()


def give_back_until_the_broker_gives_up(amqp_url: str, wanted: int) -> None:
    """Read worklog's queues as a process that dies over every message would, until none of them is left."""
    given_up: set[bytes] = set()
    counted: dict[bytes, int] = {}

    def give_back(message: Any) -> None:
        counted[message.body] = counted.get(message.body, 0) + 1
        if counted[message.body] > DELIVERY_LIMIT:
            given_up.add(message.body)
        message.channel.basic_reject(message.delivery_tag, requeue=True)

    with Connection(amqp_url) as connection:
        channel = connection.channel()
        for queue in topology_of(QUEUES).event_queues("worklog"):
            channel.basic_consume(queue.name, callback=give_back)
        while len(given_up) < wanted:
            connection.drain_events(timeout=10)
        channel.close()


def test_what_the_broker_gives_up_is_a_dead_letter_that_can_be_retried(system: System, amqp_url: str) -> None:
    """The delivery limit is the last resort: no service could say anything about these messages any more."""
    system.visit("limit")
    said = system.said("branch = 'limit'")
    give_back_until_the_broker_gives_up(amqp_url, wanted=len(said))
    wait_until(lambda: len(system.letters()) == len(said), within_s=30, what="every message to be a dead letter")
    letters = system.letters()
    assert {(letter["service"], letter["code"], letter["attempts"]) for letter in letters} == {
        ("worklog", "rejected_by_broker", DELIVERY_LIMIT)
    }
    assert all("delivery_limit" in letter["reason"] for letter in letters)
    assert {letter["queue"] for letter in letters} <= {
        queue.name for queue in topology_of(QUEUES).event_queues("worklog")
    }
    system.processes.start("worklog")
    for letter in letters:
        system.decide("retry", letter)
    wait_until(
        lambda: sorted(system.journal("branch = 'limit'")) == sorted(said), within_s=30, what="the journal to have them"
    )
    assert system.letters() == []


def test_a_retry_over_http_lets_go_in_order_what_waited(system: System) -> None:
    """A handler's bug: the database refuses one kind of row. Others flow, a retry that is too early changes nothing."""
    if "worklog" not in system.processes.processes:
        system.processes.start("worklog")
    system.rows(f"ALTER TABLE worklog.journal ADD CONSTRAINT bug CHECK (NOT ({FAILING}))")
    system.visit("bad")
    system.visit("good")
    wait_until(
        lambda: system.journal("branch = 'good'") == system.said("branch = 'good'"), within_s=30, what="others to flow"
    )
    wait_until(lambda: len(system.letters()) == 1, within_s=30, what="the dead letter to be told")
    (letter,) = system.letters()
    assert (letter["code"], letter["attempts"], letter["branch"]) == ("failed", 3, "bad")
    assert "bug" in letter["reason"]
    subject = f"subject = '{letter['subject']}'"
    said = system.said(subject)
    parked = f"SELECT event_id FROM worklog.parked WHERE {subject} ORDER BY n"
    behind = said[said.index(letter["event_id"]) + 1 :]
    wait_until(lambda: system.rows(parked) == behind, within_s=30, what="the subject's later events to wait")
    assert len(behind) > 2

    system.decide("retry", letter)
    wait_until(lambda: [again["attempts"] for again in system.letters()] == [4], within_s=30, what="it to fail again")
    assert system.rows(parked) == behind

    system.rows("ALTER TABLE worklog.journal DROP CONSTRAINT bug")
    system.decide("retry", system.letters()[0])
    wait_until(lambda: system.journal(subject) == said, within_s=30, what="what waited to follow in order")
    wait_until(lambda: len(system.letters("resolved")) == 1, within_s=30, what="the letter to be resolved")
    assert system.letters() == []
    assert sorted(system.journal("branch = 'bad'")) == sorted(system.said("branch = 'bad'"))


def test_a_discard_over_http_lets_go_in_order_what_waited(system: System) -> None:
    """What is given up is missing from the journal; everything behind it is there."""
    if "worklog" not in system.processes.processes:
        system.processes.start("worklog")
    system.rows(f"ALTER TABLE worklog.journal ADD CONSTRAINT bug CHECK (NOT ({FAILING})) NOT VALID")
    system.visit("bad")
    wait_until(lambda: len(system.letters()) == 1, within_s=30, what="the dead letter to be told")
    (letter,) = system.letters()
    subject = f"subject = '{letter['subject']}'"
    system.decide("discard", letter)
    wait_until(lambda: system.letters("discarded") != [], within_s=30, what="the letter to be discarded")
    rest = [event for event in system.said(subject) if event != letter["event_id"]]
    wait_until(lambda: system.journal(subject) == rest, within_s=30, what="the rest to follow")
    assert len(rest) > 3
    system.rows("ALTER TABLE worklog.journal DROP CONSTRAINT bug")
