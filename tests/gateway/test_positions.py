"""What the gateway forgets, it says; what a consumer answers meanwhile is not written over (T4)."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from services.gateway import dead_letters, store
from shared.contracts.envelope import Event
from shared.contracts.events import triage
from shared.ids import new_id
from shared.storage import Storage, open_storage
from shared.web.tokens import Principal, issue_token
from tests.support.one_service import Running, one_service

CLOCK = "1999-02-01T06:30:00+02:00@1@2026-01-01T08:00:00Z"
LONG_AGO, LATER = datetime(1900, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("gateway")
    with one_service("gateway", folder, LOBBY_CLOCK=CLOCK) as running:
        yield running


@pytest.fixture
def storage(gateway: Running) -> Iterator[Storage]:
    """The gateway's database, beside the gateway."""
    storage = open_storage(gateway.settings, "gateway")
    yield storage
    storage.close()


def hold(storage: Storage, branch: str, *, own: bool) -> None:
    """Put an event into the gateway's log as a terminal's, or as another service's."""
    with storage.transaction(branch) as tx:
        event = Event(
            id=new_id(), source="/terminals/t" if own else "/services/triage", type="lobby.triage.counter_closed.v1",
            subject=new_id(), time=tx.now, branchid=branch, correlationid="c", sequence=1, recordedtime=tx.now,
            data=triage.CounterClosed(counter="1"),
        )  # fmt: skip
        tx.append_event(event, own=own)


def ask(gateway: Running, branch: str, after: str) -> tuple[int, Any]:
    """Ask for the stream behind a position; return the status, and the problem if it's one."""
    token = issue_token(gateway.settings, roles=["display"], branches=[branch], subject="screen")
    connection = HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    try:
        headers = {"Authorization": f"Bearer {token}", "Last-Event-ID": after}
        connection.request("GET", f"/v1/branches/{branch}/stream", headers=headers)
        response = connection.getresponse()
        return response.status, None if response.status == 200 else json.loads(response.read())
    finally:
        connection.close()


def test_a_position_is_gone_when_everything_was_forgotten(gateway: Running, storage: Storage) -> None:
    for _ in range(3):
        hold(storage, "empty", own=False)
    assert ask(gateway, "empty", "1")[0] == 200
    with storage.transaction() as tx:
        assert store.forget(tx.connection, LATER, LONG_AGO) == 3
    status, problem = ask(gateway, "empty", "1")
    assert (status, problem["code"]) == (410, "stream_position_gone")
    assert ask(gateway, "empty", "3")[0] == 200


def test_what_is_kept_longer_hides_no_gap_behind_it(gateway: Running, storage: Storage) -> None:
    for own in (True, False, True, False, True):
        hold(storage, "holes", own=own)
    with storage.transaction() as tx:
        assert store.forget(tx.connection, LATER, LONG_AGO) == 2
    assert [ask(gateway, "holes", str(after))[0] for after in range(6)] == [410, 410, 410, 410, 200, 200]


@pytest.mark.parametrize("position", ["9" * 19, "9" * 5000])
def test_a_position_of_any_length_is_refused(gateway: Running, position: str) -> None:
    status, problem = ask(gateway, "demo", position)
    assert (status, problem["errors"][0]["field"]) == (422, "Last-Event-ID")


def test_a_batch_that_is_nested_too_deeply_is_refused_by_its_index(gateway: Running) -> None:
    token = issue_token(gateway.settings, roles=["terminal"], branches=["demo"], subject="t1")
    connection = HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/cloudevents-batch+json"}
    connection.request("POST", "/v1/events", b'[{"data":' + b"[" * 400 + b"]" * 400 + b"}]", headers)
    response = connection.getresponse()
    problem = json.loads(response.read())
    connection.close()
    assert (response.status, problem["code"], problem["errors"][0]["field"]) == (422, "invalid_event", "0")


def test_a_document_of_another_kind_is_refused(gateway: Running) -> None:
    token = issue_token(gateway.settings, roles=["terminal"], branches=["demo"], subject="t1")
    connection = HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    connection.request("POST", "/v1/events", b"{}", {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"})
    status = connection.getresponse().status
    connection.close()
    assert status == 415


def test_the_clock_of_the_settings_is_told(gateway: Running) -> None:
    told = gateway.call("GET", "/v1/clock", role="display").json
    mine = gateway.settings.business_clock.now()
    assert abs(datetime.fromisoformat(told["now"]) - mine) < timedelta(seconds=30)
    assert (told["rate"], "@" in told["spec"], mine.year) == (1.0, True, 1999)


class Quick:
    """A consumer whose answer is there before the sender of the command goes on."""

    def __init__(self, storage: Storage, state: str, attempts: int) -> None:
        self.storage, self.answer = storage, {"state": state, "attempts": attempts}

    def send(self, _queue: str, _body: bytes, id_: str) -> None:
        with self.storage.transaction() as tx:
            store.put_dead_letter(tx.connection, {**a_letter(id_), **self.answer})


def a_letter(id_: str) -> dict[str, Any]:
    return {
        "id": id_, "service": "triage", "queue": "lobby.triage.0-of-1", "code": "failed", "reason": "cannot",
        "attempts": 3, "state": "parked", "at": datetime.now(UTC), "branch": "demo", "by_broker": 0, "body": b"{}",
    }  # fmt: skip


@pytest.mark.parametrize(("state", "attempts"), [("resolved", 3), ("parked", 4)])
def test_a_consumers_answer_is_not_written_over_by_the_command(storage: Storage, state: str, attempts: int) -> None:
    id_ = new_id()
    with storage.transaction() as tx:
        store.put_dead_letter(tx.connection, a_letter(id_))
    operator = Principal(subject="o", roles=frozenset({"operations"}), branches=frozenset({"*"}))
    dead_letters.command(storage, Quick(storage, state, attempts), operator, id_, "retry")  # type: ignore[arg-type]
    with storage.read() as connection:
        found = store.find_dead_letter(connection, id_)
    assert found is not None
    assert (found["state"], found["attempts"]) == (state, attempts)
