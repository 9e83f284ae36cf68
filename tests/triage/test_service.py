"""Triage as its callers see it: the real service in a process of its own (T1-T7, T9, T10)."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.clock import ScaledClock, format_clock
from shared.contracts.envelope import Event, EventData
from shared.contracts.events import terminal, triage, vip
from shared.contracts.http import triage as calls
from shared.contracts.http.attention import CareView
from shared.contracts.http.fairness import FairnessView
from shared.contracts.registry import decode, type_of
from shared.settings import Settings
from shared.storage import open_storage
from shared.storage.log import after
from shared.storage.migrate import upgrade
from tests.support.one_service import Answer, Running, one_service
from tests.support.processes import wait_until


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with one_service("triage", tmp_path_factory.mktemp("triage")) as running:
        yield running


class Branch:
    """Makes calls of one branch."""

    def __init__(self, service: Running, name: str) -> None:
        self.service = service
        self.name = name
        self.path = f"/v1/branches/{name}"

    def post(self, path: str, body: object = None, **how: Any) -> Answer:
        return self.service.call("POST", path, body, branch=self.name, **how)

    def take(self, business: str = "account_service", **fields: object) -> dict[str, Any]:
        taken = self.post(f"{self.path}/tickets", {"business": business, **fields}, role="terminal")
        assert taken.status == 201, taken.json
        ticket: dict[str, Any] = taken.json
        return ticket

    def wait(self, business: str = "account_service", **fields: object) -> dict[str, Any]:
        taken = self.take(business, **fields)
        printed = self.post(f"{self.path}/tickets/{taken['ticket_id']}/printed", role="terminal")
        assert (printed.status, printed.json["state"]) == (200, "waiting")
        return taken

    def open(self, counter: str = "1", *channels: str) -> Answer:
        body = {"channels": channels} if channels else None
        return self.post(f"{self.path}/counters/{counter}/open", body, role="teller")

    def next(self, counter: str = "1", **how: Any) -> Answer:
        return self.post(f"{self.path}/counters/{counter}/call-next", role="teller", **how)

    def step(self, ticket_id: str, verb: str, body: object = None, **how: Any) -> Answer:
        return self.post(f"/v1/tickets/{ticket_id}/{verb}", body, **how)

    def queue(self) -> dict[str, Any]:
        answer = self.service.call("GET", f"{self.path}/queue", branch=self.name, role="display")
        assert answer.status == 200
        calls.QueueView.model_validate(answer.json)
        queue: dict[str, Any] = answer.json
        return queue


def test_a_teller_takes_steps_at_the_own_counter_only(service: Running) -> None:
    branch = Branch(service, "own-counter")
    ticket = branch.wait()["ticket_id"]
    assert branch.open("1", "counter").status == 200
    other = {"role": "teller", "subject": "teller-2"}
    for verb in ("open", "call-next", "close"):
        refused = branch.post(f"{branch.path}/counters/1/{verb}", **other)
        assert (refused.status, refused.json["code"]) == (403, "not_at_counter")
    assert branch.next("1").json["ticket_id"] == ticket
    assert branch.step(ticket, "start", **other).json["code"] == "not_at_counter"
    assert branch.step(ticket, "start", role="teller").status == 200
    assert branch.step(ticket, "complete", role="lobby_manager").status == 200


def test_appointments_over_http(service: Running) -> None:
    branch = Branch(service, "booked")
    slot = datetime.now(UTC).isoformat()
    booked = branch.post(
        f"{branch.path}/appointments",
        {"appointments": [{"appointment_id": "a-1", "slot_at": slot, "business": "mortgage"}]},
    )
    assert (booked.status, booked.json["appointments"][0]["state"]) == (201, "booked")
    assert branch.post(f"{branch.path}/appointments", {"appointments": []}).status == 422
    taken = branch.wait("mortgage", customer={"appointment_id": "a-1"})
    assert (taken["priority"], taken["reasons"][-1]["rule"]) == (2, "appointment.on_time")
    day = branch.queue()["business_date"]
    seen = service.call("GET", f"{branch.path}/appointments?date={day}", branch="booked", role="lobby_manager")
    (one,) = seen.json["appointments"]
    assert (one["arrival"], one["ticket_id"]) == ("on_time", taken["ticket_id"])
    used = branch.post(f"{branch.path}/appointments/a-1/cancel")
    assert (used.status, used.json["code"], used.json["ticket_id"]) == (409, "appointment_used", taken["ticket_id"])
    unknown = branch.post(f"{branch.path}/appointments/a-2/cancel")
    assert (unknown.status, unknown.json["code"]) == (404, "appointment_not_found")
    branch.post(
        f"{branch.path}/appointments",
        {"appointments": [{"appointment_id": "a-2", "slot_at": slot, "business": "mortgage"}]},
    )
    cancelled = branch.post(f"{branch.path}/appointments/a-2/cancel", {"reason": "改日再来"})
    assert (cancelled.status, cancelled.json["state"]) == (200, "cancelled")


def test_diversion_and_care_over_http(service: Running) -> None:
    branch = Branch(service, "care")
    branch.post(f"{branch.path}/devices/atm-1/status", {"kind": "atm", "status": "up"}, role="terminal")
    taken = branch.wait("query")
    path = f"{branch.path}/tickets/{taken['ticket_id']}"
    assert branch.post(f"{path}/diversion", {"step": "perhaps"}).status == 422
    assert branch.post(f"{path}/diversion", {"step": "accepted", "device_id": "atm-1"}, role="terminal").status == 200
    branch.post(f"{branch.path}/devices/atm-1/status", {"kind": "atm", "status": "down"}, role="terminal")
    queue = branch.queue()
    assert (queue["waiting"][0]["channel"], queue["diversion"]["fell_back"]) == ("counter", 1)
    assert branch.post(f"{path}/diversion", {"step": "completed"}).json["code"] == "illegal_transition"
    cared = branch.post(f"{path}/cared", {"action": "water", "note": "tea"})
    assert (cared.status, cared.json["state"]) == (200, "waiting")
    needs = service.call("GET", f"{branch.path}/care", branch="care", role="lobby_manager")
    assert (needs.status, CareView.model_validate(needs.json).needs) == (200, ())


def test_the_clock_raises_alarms_by_business_time(tmp_path: Path) -> None:
    clock = ScaledClock(business=datetime(2026, 11, 24, 1, 0, tzinfo=UTC), rate=600, wall=datetime.now(UTC))
    with one_service("triage", tmp_path, LOBBY_CLOCK=format_clock(clock), LOBBY_TIMEZONE="Asia/Shanghai") as service:
        branch = Branch(service, "late")
        branch.open()
        taken = branch.wait()
        wait_until(lambda: _said(tmp_path, "starvation_alarmed"), within_s=60, what="the alarm after an hour")
        assert _said(tmp_path, "wait_promise_breached")
        needs = service.call("GET", f"{branch.path}/care", branch="late", role="lobby_manager").json["needs"]
        assert needs[0]["ticket"]["number"] == taken["number"]
        wait_until(lambda: _said(tmp_path, "threshold_crossed"), within_s=60, what="the threshold")


def _said(folder: Path, name: str) -> bool:
    storage = open_storage(Settings(data_dir=folder), "triage")
    try:
        with storage.read() as connection:
            rows = after(connection, dict.fromkeys(range(64), 0), limit=1000)
        return any(row.type == f"lobby.triage.{name}.v1" for row in rows)
    finally:
        storage.close()


def test_the_fairness_ledger_says_who_was_overtaken_by_whom_and_why(service: Running) -> None:
    branch = Branch(service, "fair")
    branch.open()
    plain = branch.wait()
    urgent = branch.wait(customer={"urgent": True})
    assert branch.next().json["number"] == urgent["number"]
    answer = service.call("GET", f"{branch.path}/fairness", branch="fair", role="auditor")
    assert answer.status == 200
    seen = FairnessView.model_validate(answer.json)
    assert (seen.tickets, seen.overtaken, seen.capped, seen.overtakings, seen.most_times) == (2, 1, 0, 1, 1)
    (most,) = seen.most_overtaken
    assert (most.number, most.times, [entry.number for entry in most.by]) == (plain["number"], 1, [urgent["number"]])
    assert [(rule.reason.rule, rule.reason.en, rule.calls, rule.whom) for rule in seen.by_rule] == [
        ("green.urgent", "Urgent need: green channel", 1, 1)
    ]
    assert seen.ledger[0].counter == "1"
    other = service.call("GET", f"{branch.path}/fairness?date=2020-01-01", branch="fair", role="auditor")
    assert (other.json["tickets"], other.json["ledger"]) == (0, [])
    wrong = service.call("GET", f"{branch.path}/fairness?date=yesterday", branch="fair", role="auditor")
    assert (wrong.status, wrong.json["errors"][0]["field"]) == (422, "date")


def test_a_day_at_the_counter(service: Running) -> None:
    branch = Branch(service, "day")
    assert branch.open().json["channels"] == ["counter", "green"]
    assert branch.next().status == 204
    taken = branch.wait("cash_withdrawal", amount_minor=50_000, customer={"card_tier": "gold"})
    assert (taken["number"], taken["position"], taken["wait"]) == ("A001", 1, {"p50_s": 0.0, "p90_s": 30.0})
    assert branch.queue()["waiting"][0]["ticket_id"] == taken["ticket_id"]
    called = branch.next()
    assert (called.status, called.json["number"], called.json["counter"]) == (200, "A001", "1")
    assert branch.step(taken["ticket_id"], "recall").json["state"] == "called"
    assert branch.step(taken["ticket_id"], "start").json["state"] == "serving"
    assert branch.step(taken["ticket_id"], "hold").json["state"] == "held"
    assert branch.step(taken["ticket_id"], "resume").json["state"] == "serving"
    assert branch.step(taken["ticket_id"], "undo", {"reason": "wrong button"}).json["state"] == "held"
    assert branch.step(taken["ticket_id"], "resume").json["state"] == "serving"
    done = branch.step(taken["ticket_id"], "complete")
    assert (done.status, done.json["outcome"]) == (200, "served")
    seen = service.call("GET", f"/v1/tickets/{taken['ticket_id']}", branch="day", role="auditor")
    assert seen.json == done.json
    queue = branch.queue()
    assert (queue["issued_today"], queue["served_today"], queue["waiting"]) == (1, 1, [])
    closed = branch.post(f"{branch.path}/counters/1/close")
    assert (closed.status, closed.json["state"]) == (200, "closed")


def test_leaving_no_show_and_transfer(service: Running) -> None:
    branch = Branch(service, "ways")
    branch.open()
    first, second = branch.wait(), branch.wait()
    called = branch.post(f"{branch.path}/counters/1/call", {"number": second["number"]})
    assert (called.status, called.json["ticket_id"]) == (200, second["ticket_id"])
    assert branch.step(second["ticket_id"], "no-show").json["state"] == "waiting"
    moved = branch.step(second["ticket_id"], "transfer", {"channel": "loan_desk"})
    assert (moved.status, moved.json["channel"]) == (200, "loan_desk")
    gone = branch.step(first["ticket_id"], "left", {"reason": "no time"})
    assert (gone.json["state"], gone.json["outcome"]) == ("left", "left")
    branch.open("2", "loan_desk")
    assert branch.next("2").json["ticket_id"] == second["ticket_id"]


def test_a_missed_call_a_return_a_copy_and_a_failed_paper(service: Running) -> None:
    branch = Branch(service, "paper")
    branch.open()
    first, second = branch.wait(), branch.wait()
    branch.next()
    assert branch.step(first["ticket_id"], "return").json["code"] == "illegal_transition"
    assert branch.step(first["ticket_id"], "no-show").json["no_shows"] == 1
    back = branch.step(first["ticket_id"], "return")
    assert (back.status, back.json["state"]) == (200, "waiting")
    assert branch.next().json["ticket_id"] == first["ticket_id"]
    tickets = f"{branch.path}/tickets"
    copy = branch.post(f"{tickets}/{second['ticket_id']}/reprint", role="terminal")
    assert (copy.status, copy.json["copies"]) == (200, 1)
    ghost = branch.take()
    failed = branch.post(f"{tickets}/{ghost['ticket_id']}/print-failed", role="terminal")
    assert (failed.status, failed.json["outcome"]) == (200, "left")
    again = branch.post(f"{tickets}/{ghost['ticket_id']}/print-failed", role="terminal")
    assert (again.status, again.json["code"], again.json["state"]) == (409, "illegal_transition", "left")


def test_two_businesses_one_visit_no_double_and_a_transfer_to_a_counter(service: Running) -> None:
    branch = Branch(service, "several")
    branch.open()
    branch.open("2", "loan_desk")
    taken = branch.take("transfer", businesses=["mortgage"], customer={"customer_ref": "c1"})
    (other,) = taken["others"]
    assert (other["visit_id"], other["number"]) == (taken["visit_id"], "L001")
    again = branch.post(f"{branch.path}/tickets", {"business": "transfer", "customer": {"customer_ref": "c1"}})
    assert (again.status, again.json["code"], again.json["number"]) == (409, "already_queued", "A001")
    later = branch.take("account_closing", visit_id=taken["visit_id"])
    assert later["visit_id"] == taken["visit_id"]
    for ticket in (taken, other, later):
        branch.post(f"{branch.path}/tickets/{ticket['ticket_id']}/printed")
    branch.next()
    elsewhere = branch.post(f"{branch.path}/counters/2/call", {"ticket_id": other["ticket_id"]})
    assert (elsewhere.status, elsewhere.json["code"]) == (409, "customer_elsewhere")
    sent = branch.step(later["ticket_id"], "transfer", {"counter": "2"})
    assert (sent.status, sent.json["for_counter"]) == (200, "2")
    away = branch.step(later["ticket_id"], "transfer", {"person": "nobody"})
    assert (away.status, away.json["code"]) == (409, "person_away")
    nothing = branch.step(later["ticket_id"], "transfer", {})
    assert (nothing.status, nothing.json["errors"][0]["field"]) == (422, "channel")


def test_devices_steer_the_route(service: Running) -> None:
    branch = Branch(service, "devices")
    report = branch.post(f"{branch.path}/devices/atm-1/status", {"kind": "atm", "status": "up"}, role="terminal")
    assert (report.status, report.json["status"]) == (200, "up")
    assert branch.take("query")["channel"] == "self_service"
    branch.post(f"{branch.path}/devices/atm-1/status", {"kind": "atm", "status": "down", "detail": "no cash"})
    assert branch.take("query")["channel"] == "counter"
    assert branch.queue()["devices"][0]["detail"] == "no cash"


def test_a_repeated_key_is_the_same_ticket_and_the_same_call(service: Running) -> None:
    branch = Branch(service, "keys")
    branch.open()
    path, body = f"{branch.path}/tickets", {"business": "transfer"}
    first, again = (branch.post(path, body, key="k-1") for _ in range(2))
    assert (first.status, again.status) == (201, 201)
    assert first.json == again.json
    assert branch.queue()["issued_today"] == 1
    assert [branch.next(key="k-2").status for _ in range(2)] == [204, 204]


def test_what_is_wrong_is_said_with_a_code(service: Running) -> None:
    branch = Branch(service, "wrong")
    unknown = branch.post(f"{branch.path}/tickets", {"business": "cash_withdrawl"})
    assert (unknown.status, unknown.json["code"], unknown.json["field"]) == (422, "unknown_business", "business")
    assert "cash_withdrawal" in unknown.json["suggestions"]
    typed = branch.post(f"{branch.path}/tickets", {"business": "transfer", "customer": {"pregnent": True, "age": 80}})
    assert (typed.status, [error["field"] for error in typed.json["errors"]]) == (422, ["customer.pregnent"])
    assert typed.json["errors"][0]["message"] == "Extra inputs are not permitted"
    late = branch.post(f"{branch.path}/tickets", {"business": "transfer", "requested_at": "1999-02-01T08:00:00Z"})
    assert (late.status, late.json["code"]) == (422, "requested_too_long_ago")
    assert branch.next().json["code"] == "counter_closed"
    branch.open()
    ticket = branch.wait()
    early = branch.step(ticket["ticket_id"], "complete")
    assert (early.status, early.json["code"], early.json["state"]) == (409, "illegal_transition", "waiting")
    assert "left" in early.json["allowed"]
    branch.next()
    busy = branch.next()
    assert (busy.status, busy.json["code"], busy.json["number"]) == (409, "counter_busy", "A001")
    assert branch.post(f"{branch.path}/counters/1/close").json["code"] == "counter_busy"
    nobody = branch.step("nobody", "start")
    assert (nobody.status, nobody.json["code"]) == (404, "ticket_not_found")
    assert branch.post(f"{branch.path}/counters/a;b/open").status == 422


def test_a_token_of_another_branch_sees_and_changes_nothing(service: Running) -> None:
    ticket = Branch(service, "mine").wait()
    path = f"/v1/tickets/{ticket['ticket_id']}"
    assert service.call("GET", path, branch="yours").status == 403
    assert service.call("POST", f"{path}/left", branch="yours").status == 403
    elsewhere = Branch(service, "yours").post(f"/v1/branches/yours/tickets/{ticket['ticket_id']}/printed")
    assert elsewhere.status == 404


def test_a_terminal_calls_nobody(service: Running) -> None:
    branch = Branch(service, "roles")
    branch.open()
    assert branch.post(f"{branch.path}/counters/1/call-next", role="terminal").status == 403
    assert branch.post(f"{branch.path}/tickets", {"business": "transfer"}, role="display").status == 403


def test_a_screen_reads_the_queue_and_nothing_more_of_a_customer(service: Running) -> None:
    branch = Branch(service, "screen")
    taken = branch.wait()
    assert [ticket["number"] for ticket in branch.queue()["waiting"]] == [taken["number"]]
    for path in (f"/v1/tickets/{taken['ticket_id']}", f"{branch.path}/policy", f"{branch.path}/care"):
        assert service.call("GET", path, branch="screen", role="display").status == 403


def tell(folder: Path, service: str, *said: tuple[str, EventData]) -> None:
    """Put events into another service's log while it is away, as if it had heard or said them."""
    settings = Settings(data_dir=folder)
    upgrade(settings, service)
    storage = open_storage(settings, service)
    with storage.transaction("demo") as tx:
        for id_, data in said:
            event = Event(
                id=id_, source="/terminals/k1" if service == "gateway" else f"/services/{service}",
                type=type_of(type(data)), subject=id_, time=tx.now, branchid="demo", correlationid=id_, sequence=1,
                recordedtime=tx.now, data=data,
            )  # fmt: skip
            tx.append_event(event, own=True)
    storage.close()


def said_by_triage(folder: Path) -> list[Event]:
    storage = open_storage(Settings(data_dir=folder), "triage")
    with storage.read() as connection:
        rows = after(connection, dict.fromkeys(range(64), 0), limit=1000)
    storage.close()
    return [decode(row.body.encode()) for row in rows]


def test_what_terminals_and_managers_said_while_triage_was_away_is_done_once_it_is_back(tmp_path: Path) -> None:
    private = terminal.Customer(card_tier="private")
    tell(
        tmp_path,
        "gateway",
        ("e1", terminal.TicketRequested(business="fund", customer=private, terminal_id="k1")),
        ("e2", terminal.TicketRequested(business="nonsense", terminal_id="k1")),
        ("e3", terminal.DeviceReported(device_id="atm-1", kind="atm", status="up")),
    )
    with one_service("triage", tmp_path) as service:
        branch = Branch(service, "demo")
        wait_until(lambda: bool(branch.queue()["devices"]), within_s=20, what="the device")
        policy, issued, refused, _ = said_by_triage(tmp_path)
    assert isinstance(policy.data, triage.PolicyChanged)
    assert isinstance(issued.data, triage.TicketIssued)
    assert isinstance(refused.data, triage.TicketRefused)
    assert (issued.causationid, issued.data.number) == ("e1", "V001")
    assert (issued.data.policy_version, issued.data.policy_digest) == (1, policy.data.digest)
    assert (refused.causationid, refused.data.code) == ("e2", "unknown_business")
    ticket_id, visit_id, day = issued.data.ticket_id, issued.data.visit_id, issued.data.business_date
    of: dict[str, Any] = {"handoff_id": "h1", "visit_id": visit_id, "business_date": day, "ticket_id": ticket_id}
    tell(tmp_path, "gateway", ("e4", terminal.TicketPrinted(ticket_id=ticket_id)))
    with one_service("triage", tmp_path) as service:
        branch = Branch(service, "demo")
        wait_until(lambda: bool(branch.queue()["waiting"]), within_s=20, what="the printed ticket to wait")
    tell(
        tmp_path,
        "vip",
        ("e5", vip.HandoffAccepted(**of, manager_id="m1")),
        ("e6", vip.HandoffCompleted(**of, manager_id="m1")),
    )
    with one_service("triage", tmp_path) as service:
        branch = Branch(service, "demo")
        wait_until(lambda: branch.queue()["served_today"] == 1, within_s=20, what="the visit to end")
    names = [event.type.split(".")[2] for event in said_by_triage(tmp_path) if event.subject == visit_id]
    assert names == [
        "ticket_issued", "ticket_printed", "ticket_called", "service_started", "ticket_completed", "visit_ended",
    ]  # fmt: skip


def fields_refused(answer: Answer) -> set[str]:
    assert (answer.status, answer.json["code"]) == (422, "invalid_input"), answer.json
    return {problem["field"] for problem in answer.json["errors"]}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"requested_at": 1764444444}, "requested_at"),
        ({"requested_at": "1764444444"}, "requested_at"),
        ({"requested_at": 0}, "requested_at"),
        ({"again": 0}, "again"),
        ({"again": "yes"}, "again"),
        ({"amount_minor": "5"}, "amount_minor"),
        ({"customer": {"pregnant": 1}}, "customer.pregnant"),
        ({"customer": {"age": "70"}}, "customer.age"),
    ],
    ids=str,
)
def test_a_value_of_another_type_is_refused_by_its_field(
    service: Running, fields: dict[str, object], field: str
) -> None:
    branch = Branch(service, "types")
    refused = branch.post(f"{branch.path}/tickets", {"business": "account_service", **fields}, role="terminal")
    assert fields_refused(refused) == {field}


@pytest.mark.parametrize("date", ["0", "1764444444", "2026-11-30T00:00:00Z", "20261130"])
def test_a_number_is_no_date_in_a_query(service: Running, date: str) -> None:
    branch = Branch(service, "types")
    assert fields_refused(service.call("GET", f"{branch.path}/fairness?date={date}", branch="types")) == {"date"}


@pytest.mark.parametrize("counter", ["x" * 65, "1%20", "%201", "1%20%201", "1%0A", "%EF%BC%91", "%C2%A01"])
@pytest.mark.parametrize("verb", ["open", "close", "call-next"])
def test_a_counter_is_spelled_one_way(service: Running, counter: str, verb: str) -> None:
    branch = Branch(service, "names")
    assert fields_refused(branch.post(f"{branch.path}/counters/{counter}/{verb}")) == {"c"}
