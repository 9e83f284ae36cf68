"""The gateway as its callers see it: terminals' events, the stream, branches, the clock, dead letters (T4)."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import date
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from shared.contracts.envelope import Event, EventData
from shared.contracts.events import incidents, triage, vip
from shared.contracts.registry import type_of
from shared.ids import new_id
from shared.storage import open_storage
from shared.storage.engine import open_engine
from shared.storage.tables import log
from shared.web.tokens import issue_token
from tests.support.one_service import Running, one_service

ONE, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("gateway")
    with one_service("gateway", folder) as running:
        yield running


def an_event(branch: str = "demo", **changes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": new_id(), "source": "/terminals/t1", "type": "lobby.terminal.ticket_requested.v1",
        "branchid": branch, "data": {"business": "cash_withdrawal"}, **changes,
    }  # fmt: skip


def post(
    gateway: Running, body: object, *, content_type: str = ONE, branch: str = "demo", role: str = "terminal",
    headers: dict[str, str] | None = None,
) -> tuple[int, Any]:  # fmt: skip
    token = issue_token(gateway.settings, roles=[role], branches=[branch], subject="t1")
    connection = HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    try:
        connection.request(
            "POST", "/v1/events", body if isinstance(body, bytes) else json.dumps(body),
            {"Authorization": f"Bearer {token}", "Content-Type": content_type, **(headers or {})},
        )  # fmt: skip
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_one_event_is_accepted_once(gateway: Running) -> None:
    event = an_event()
    assert post(gateway, event) == (202, {"accepted": 1, "duplicates": 0})
    assert post(gateway, event) == (202, {"accepted": 0, "duplicates": 1})


def test_a_batch_is_accepted_with_its_repetitions_counted(gateway: Running) -> None:
    events = [an_event() for _ in range(5)]
    assert post(gateway, [*events, events[0]], content_type=BATCH) == (202, {"accepted": 5, "duplicates": 1})


def test_the_binary_mode_is_understood(gateway: Running) -> None:
    headers = {f"ce-{name}": str(value) for name, value in an_event().items() if name != "data"}
    answer = post(gateway, {"business": "bill_payment"}, content_type="application/json", headers=headers)
    assert answer == (202, {"accepted": 1, "duplicates": 0})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": "lobby.terminal.never_heard_of.v1"}, "1.type"),
        ({"type": "lobby.terminal.ticket_requested.v9"}, "1.type"),
        ({"type": "lobby.triage.ticket_issued.v1"}, "1.type"),
        ({"data": {"business": "cash", "amount_minor": -1}}, "1.data.amount_minor"),
        ({"data": {}}, "1.data.business"),
        ({"branchid": "NOT A BRANCH"}, "1.branchid"),
        ({"time": "yesterday"}, "1.time"),
        ({"time": "0001-01-01T00:00:00+23:00"}, "1.time"),
    ],
)
def test_a_bad_event_is_named_and_nothing_of_its_batch_accepted(
    gateway: Running, changes: dict[str, Any], field: str
) -> None:
    good, bad = an_event(), an_event(**changes)
    status, problem = post(gateway, [good, bad], content_type=BATCH)
    assert (status, problem["code"]) == (422, "invalid_event")
    assert problem["errors"][0]["field"] == field
    assert post(gateway, good) == (202, {"accepted": 1, "duplicates": 0})


def test_an_id_is_its_terminals_own_and_another_s_event_is_no_repetition(gateway: Running) -> None:
    event = an_event()
    post(gateway, event)
    assert post(gateway, {**event, "source": "/terminals/t2"}) == (202, {"accepted": 1, "duplicates": 0})
    assert post(gateway, event) == (202, {"accepted": 0, "duplicates": 1})


@pytest.mark.parametrize("id_", ["counter:other:1", "day:demo:2026-11-30", "policy:demo", "x" * 128])
def test_an_id_spelled_like_a_subject_of_ours_is_none(gateway: Running, id_: str) -> None:
    """What happens to a subject is counted and waited for: nobody outside may say what that is."""
    assert post(gateway, an_event(id=id_)) == (202, {"accepted": 1, "duplicates": 0})
    storage = open_storage(gateway.settings, "gateway")
    try:
        with storage.read() as connection:
            rows = connection.execute(select(log.c.subject, log.c.event_id, log.c.body)).all()
    finally:
        storage.close()
    (mine,) = [row for row in rows if json.loads(row.body)["id"] == id_]
    assert mine.subject == mine.event_id
    assert mine.subject.startswith("terminals/t1/")
    assert len(mine.subject) <= 128


def test_a_terminal_speaks_for_its_branches_only(gateway: Running) -> None:
    status, problem = post(gateway, an_event("other"))
    assert (status, problem["code"]) == (403, "forbidden")
    assert post(gateway, an_event(), role="display")[0] == 403


def test_ten_megabytes_are_too_large(gateway: Running) -> None:
    status, problem = post(gateway, b"[" + b" " * 10_000_000 + b"]", content_type=BATCH)
    assert (status, problem["code"]) == (413, "too_large")


class Stream:
    """A follower of a branch with nothing but HTTP."""

    def __init__(
        self, gateway: Running, branch: str, *, after: str | None = None, query: str = "", role: str = "auditor"
    ) -> None:
        token = issue_token(gateway.settings, roles=[role], branches=[branch], subject="screen")
        self.connection = HTTPConnection("127.0.0.1", gateway.port, timeout=20)
        headers = {"Authorization": f"Bearer {token}", **({"Last-Event-ID": after} if after is not None else {})}
        self.connection.request("GET", f"/v1/branches/{branch}/stream{query}", headers=headers)
        self.response = self.connection.getresponse()

    def events(self, count: int) -> list[tuple[str, dict[str, Any]]]:
        """Read so many events: their ids and their JSON."""
        found: list[tuple[str, dict[str, Any]]] = []
        id_ = ""
        while len(found) < count:
            line = self.response.readline().decode().rstrip("\n")
            if line.startswith("id: "):
                id_ = line[4:]
            elif line.startswith("data: "):
                found.append((id_, json.loads(line[6:])))
        return found

    def cut(self) -> None:
        self.connection.close()


def test_a_stream_that_is_cut_off_goes_on_without_a_gap_or_a_repeat(gateway: Running) -> None:
    said = [an_event("cut") for _ in range(120)]
    first = Stream(gateway, "cut")
    assert first.response.status == 200
    speaker = threading.Thread(target=lambda: [post(gateway, event, branch="cut") for event in said])
    speaker.start()
    seen = first.events(20)
    first.cut()
    while len(seen) < len(said):
        again = Stream(gateway, "cut", after=seen[-1][0])
        seen += again.events(min(25, len(said) - len(seen)))
        again.cut()
    speaker.join()
    assert [event["id"] for _, event in seen] == [event["id"] for event in said]
    positions = [int(id_) for id_, _ in seen]
    assert positions == sorted(set(positions))


def test_a_display_sees_calls_and_waits_and_nothing_that_leads_to_a_customer(gateway: Running) -> None:
    """What the screen's stream holds is told apart from the rest by an auditor's of the same branch."""
    storage = open_storage(gateway.settings, "gateway")
    everything, screen = Stream(gateway, "hall"), Stream(gateway, "hall", role="display")
    terminal = Stream(gateway, "hall", role="terminal")
    said: list[EventData] = [
        vip.HandoffWithdrawn(handoff_id="h", visit_id="v", business_date=date(2026, 11, 30), reason="left"),
        incidents.IncidentClosed(
            incident_id="i", business_date=date(2026, 11, 30), kind="dispute", resolution="解释", by="li", open_s=1.0
        ),
        triage.TicketRefused(code="branch_closed", detail="closed"),
        triage.TicketRecalled(
            visit_id="v", ticket_id="t", number="A001", channel="counter", counter="3",
            business="transfer", business_date=date(2026, 11, 30),
        ),
    ]  # fmt: skip
    with storage.transaction("hall") as tx:
        for n, data in enumerate(said):
            event = Event(
                id=new_id(), source="/services/triage", type=type_of(type(data)), subject=f"s{n}", time=tx.now,
                branchid="hall", correlationid="v", sequence=1, recordedtime=tx.now, data=data,
            )  # fmt: skip
            tx.append_event(event, own=False)
    storage.close()
    assert len(everything.events(len(said))) == len(said)
    ((_, called),) = screen.events(1)
    assert called["data"] == {"number": "A001", "counter": "3"}
    assert called.keys().isdisjoint(("subject", "correlationid", "causationid"))
    ((_, refused),) = terminal.events(1)
    assert refused["type"] == "lobby.triage.ticket_refused.v1"


def test_an_event_is_on_the_stream_within_50_ms_of_being_written(gateway: Running) -> None:
    """The best of some: bytes that are held back are held back every time."""
    stream = Stream(gateway, "prompt")
    delays = []
    for _ in range(10):
        event = an_event("prompt")
        post(gateway, event, branch="prompt")
        written = time.monotonic()
        ((_, came),) = stream.events(1)
        delays.append(time.monotonic() - written)
        assert came["id"] == event["id"]
    stream.cut()
    assert min(delays) < 0.05


def test_a_stream_tells_the_types_that_are_wanted(gateway: Running) -> None:
    stream = Stream(gateway, "typed", query="?types=lobby.terminal.ticket_printed.*")
    post(gateway, an_event("typed"), branch="typed")
    printed = an_event("typed", type="lobby.terminal.ticket_printed.v1", data={"ticket_id": "t"})
    post(gateway, printed, branch="typed")
    ((_, event),) = stream.events(1)
    stream.cut()
    assert event["id"] == printed["id"]


@pytest.mark.parametrize("position", ["abc", "-1", "999999999"])
def test_a_position_that_is_none_is_refused(gateway: Running, position: str) -> None:
    stream = Stream(gateway, "demo", after=position)
    assert stream.response.status == 422
    assert json.loads(stream.response.read())["errors"][0]["field"] == "Last-Event-ID"
    stream.cut()


def test_branches_that_were_heard_of_are_listed_for_those_who_may_see_them(gateway: Running) -> None:
    post(gateway, an_event("seen"), branch="seen")
    answer = gateway.call("GET", "/v1/branches", role="terminal", branch="seen")
    assert [found["branch"] for found in answer.json["branches"]] == ["seen"]


def test_the_clock_is_told(gateway: Running) -> None:
    answer = gateway.call("GET", "/v1/clock", role="display")
    assert (answer.status, answer.json["rate"], answer.json["spec"]) == (200, 1.0, "system")


def test_dead_letters_are_for_operations(gateway: Running) -> None:
    assert gateway.call("GET", "/v1/dead-letters", role="teller").status == 403
    assert gateway.call("GET", "/v1/dead-letters", role="operations").json == {"dead_letters": []}
    unknown = gateway.call("POST", "/v1/dead-letters/nope/retry", role="operations")
    assert (unknown.status, unknown.json["code"]) == (404, "dead_letter_not_found")


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "never"])
def test_the_page_of_a_day_that_nobody_means_is_shown_all_the_same(gateway: Running, day: str) -> None:
    connection = HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    connection.request("GET", f"/b/demo/worklog?date={day}")
    assert connection.getresponse().status == 200
    connection.close()


def test_a_database_that_is_behind_is_not_ready_and_says_what_to_do(tmp_path: Path) -> None:
    """Every call would fail there, and the process in front would go on sending them."""
    with one_service("gateway", tmp_path) as running:
        assert running.call("GET", "/readyz").status == 200
        engine = open_engine(running.settings.database_url_of("gateway"), "gateway", pool_size=1)
        with engine.execution_options(lobby_writes=True).begin() as connection:
            connection.exec_driver_sql("UPDATE schema_version SET version_num = 's1001' WHERE version_num LIKE 's%'")
        engine.dispose()
        ready = running.call("GET", "/readyz")
        assert ready.status == 503
        assert "lobby db upgrade" in ready.json["checks"]["gateway.database"]
