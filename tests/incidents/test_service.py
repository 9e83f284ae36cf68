"""incidents as its callers see it: the real service in a process of its own (I1-I4, I6)."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.support.one_service import Running, one_service

INCIDENTS = "/v1/branches/demo/incidents"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with one_service("incidents", tmp_path_factory.mktemp("incidents")) as running:
        yield running


def opened(service: Running, kind: str) -> str:
    answer = service.call("POST", INCIDENTS, {"kind": kind, "summary": "灯不亮"}, role="lobby_manager")
    assert answer.status == 201
    return f"/v1/incidents/{answer.json['incident_id']}"


def test_a_hazard_is_opened_eliminated_rechecked_closed_and_amended(service: Running) -> None:
    path = opened(service, "hazard")
    for step in ("owner_assigned", "eliminated"):
        assert service.call("POST", f"{path}/steps", {"step": step}).status == 200
    unfinished = service.call("POST", f"{path}/close", {"resolution": "new lamp"})
    assert (unfinished.status, unfinished.json["code"], unfinished.json["missing"]) == (
        409, "incident_unfinished", ["rechecked"],
    )  # fmt: skip
    assert service.call("POST", f"{path}/steps", {"step": "rechecked", "note": "it shines"}).status == 200
    closed = service.call("POST", f"{path}/close", {"resolution": "new lamp"})
    assert (closed.status, closed.json["state"], closed.json["reported_by"]) == (200, "closed", "lobby_manager-1")
    refused = service.call("POST", f"{path}/steps", {"step": "note"})
    assert (refused.status, refused.json["code"], refused.json["allowed"]) == (409, "incident_closed", ["amend"])
    assert service.call("POST", f"{path}/amend", {"note": "the others too"}).status == 200
    assert service.call("GET", path).json["amendments"][0]["note"] == "the others too"


def test_the_order_of_a_disruption_is_enforced(service: Running) -> None:
    path = opened(service, "disruption")
    refused = service.call("POST", f"{path}/steps", {"step": "colleagues_alerted"})
    assert (refused.status, refused.json["code"], refused.json["next"]) == (409, "step_out_of_order", "people_secured")
    called = service.call("POST", f"{path}/steps", {"step": "police_called"})
    assert (called.status, called.json["due"]) == (200, ["people_secured", "colleagues_alerted"])


def test_a_record_is_seen_as_it_was_and_with_everything_that_happened(service: Running) -> None:
    path = opened(service, "dispute")
    before = service.call("GET", path).json
    service.call("POST", f"{path}/steps", {"step": "resolved"})
    entries = service.call("GET", f"{path}/timeline").json["entries"]
    assert [entry["type"] for entry in entries] == [
        "lobby.incidents.dispute_opened.v1",
        "lobby.incidents.step_recorded.v1",
    ]
    assert service.call("GET", f"{path}?at={quote(entries[0]['at'])}").json == before
    early = service.call("GET", f"{path}?at=2020-01-01T00:00:00Z")
    assert (early.status, early.json["code"]) == (404, "incident_not_found")
    assert service.call("GET", path).json["steps"][0]["step"] == "resolved"
    assert service.call("GET", INCIDENTS).json["incidents"][0]["incident_id"] == before["incident_id"]


def test_a_step_sent_twice_is_one_step(service: Running) -> None:
    path = opened(service, "suspicious_person")
    first, again = (service.call("POST", f"{path}/steps", {"step": "asked"}, key="same") for _ in range(2))
    assert first.json == again.json
    assert len(service.call("GET", path).json["steps"]) == 1


def test_a_token_of_another_branch_sees_and_changes_nothing(service: Running) -> None:
    path = opened(service, "dispute")
    for method, address, body in (
        ("GET", path, None),
        ("GET", f"{path}/timeline", None),
        ("POST", f"{path}/steps", {"step": "note"}),
    ):
        assert service.call(method, address, body, branch="elsewhere").status == 403


def test_an_auditor_reads_and_changes_nothing(service: Running) -> None:
    path = opened(service, "dispute")
    assert service.call("GET", path, role="auditor").status == 200
    assert service.call("POST", f"{path}/steps", {"step": "note"}, role="auditor").status == 403


def test_an_unknown_incident_is_not_found(service: Running) -> None:
    answer = service.call("POST", "/v1/incidents/nobody/close", {"resolution": "x"})
    assert (answer.status, answer.json["code"]) == (404, "incident_not_found")
