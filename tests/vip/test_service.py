"""vip as its callers see it: the real service in a process of its own (V1-V3, V8)."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.settings import Settings
from shared.storage import open_storage
from shared.storage.migrate import upgrade
from shared.storage.vault import Vault
from tests.support.one_service import Running, one_service
from tests.support.processes import wait_until
from tests.vip.lobby import BRANCH, issued, printed

VIP = f"/v1/branches/{BRANCH}/vip"
ROSTER = f"/v1/branches/{BRANCH}/roster"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with one_service("vip", tmp_path_factory.mktemp("vip")) as running:
        yield running


def on_duty(service: Running, branch: str, *managers: dict[str, object]) -> None:
    path = f"/v1/branches/{branch}/roster"
    assert service.call("PUT", path, {"managers": managers}, branch=branch).status == 200


def test_a_customer_is_handed_to_a_manager(service: Running) -> None:
    on_duty(service, "b1", {"manager_id": "m1", "kind": "retail"}, {"manager_id": "m2", "kind": "retail"})
    arrived = service.call("POST", "/v1/branches/b1/vip/arrivals", {"tier": "gold"}, branch="b1", role="lobby_manager")
    assert (arrived.status, arrived.json["state"], arrived.json["manager_id"]) == (201, "offered", "m1")
    path = f"/v1/handoffs/{arrived.json['handoff_id']}"
    declined = service.call("POST", f"{path}/decline", {"manager_id": "m1", "reason": "busy"}, branch="b1")
    assert (declined.status, declined.json["manager_id"]) == (200, "m2")
    refused = service.call("POST", f"{path}/accept", {"manager_id": "m1"}, branch="b1")
    assert (refused.status, refused.json["code"], refused.json["state"], refused.json["allowed"]) == (
        409, "handoff_state", "offered", [],
    )  # fmt: skip
    as_m2 = {"branch": "b1", "role": "customer_manager", "subject": "m2"}
    accepted = service.call("POST", f"{path}/accept", {"manager_id": "m2"}, **as_m2)
    assert (accepted.status, accepted.json["state"]) == (200, "accepted")
    lounge = service.call("GET", "/v1/branches/b1/vip", branch="b1").json
    assert [(h["handoff_id"], h["state"]) for h in lounge["handoffs"]] == [
        (arrived.json["handoff_id"], "accepted"),
    ]  # fmt: skip
    roster = service.call("GET", "/v1/branches/b1/roster", branch="b1").json
    assert [(m["manager_id"], m["load"]) for m in roster["managers"]] == [("m1", 0), ("m2", 1)]
    completed = service.call("POST", f"{path}/complete", branch="b1")
    assert (completed.status, completed.json["state"]) == (200, "completed")


def test_an_arrival_sent_twice_is_one_arrival(service: Running) -> None:
    path = "/v1/branches/b2/vip/arrivals"
    first, again = (service.call("POST", path, {"tier": "gold"}, branch="b2", key="same") for _ in range(2))
    assert (first.status, again.status) == (201, 201)
    assert first.json == again.json
    assert len(service.call("GET", "/v1/branches/b2/vip", branch="b2").json["handoffs"]) == 1


def test_a_customer_manager_speaks_for_nobody_else(service: Running) -> None:
    on_duty(service, "b5", {"manager_id": "manager-3", "kind": "retail"})
    arrived = service.call("POST", "/v1/branches/b5/vip/arrivals", {"tier": "gold"}, branch="b5").json
    path = f"/v1/handoffs/{arrived['handoff_id']}"
    as_other = {"branch": "b5", "role": "customer_manager", "subject": "manager-1"}
    for verb, body in (("decline", {"manager_id": "manager-3"}), ("accept", {"manager_id": "manager-3"})):
        refused = service.call("POST", f"{path}/{verb}", body, **as_other)
        assert (refused.status, refused.json["code"]) == (403, "not_oneself")
    oneself = as_other | {"subject": "manager-3"}
    assert service.call("POST", f"{path}/accept", {"manager_id": "manager-3"}, **oneself).status == 200
    assert service.call("POST", f"{path}/complete", **as_other).json["code"] == "not_oneself"
    assert service.call("POST", f"{path}/complete", branch="b5", role="lobby_manager").status == 200


def test_a_token_of_another_branch_takes_nobody(service: Running) -> None:
    arrived = service.call("POST", "/v1/branches/b3/vip/arrivals", {"tier": "gold"}, branch="b3").json
    path = f"/v1/handoffs/{arrived['handoff_id']}/accept"
    assert service.call("POST", path, {"manager_id": "boss"}, branch="b4").status == 403
    refused = service.call("POST", path, {"manager_id": "boss"}, branch="b3", role="customer_manager", subject="boss")
    assert (refused.status, refused.json["code"]) == (403, "not_on_roster")
    assert service.call("POST", path, {"manager_id": "boss"}, branch="b3", role="supervisor").status == 200


def test_what_is_wrong_is_said_with_a_code(service: Running) -> None:
    unknown = service.call("POST", "/v1/handoffs/nobody/complete")
    assert (unknown.status, unknown.json["code"]) == (404, "handoff_not_found")
    twice = {"managers": [{"manager_id": "m1", "kind": "retail"}] * 2}
    refused = service.call("PUT", ROSTER, twice)
    assert (refused.status, refused.json["code"]) == (422, "manager_listed_twice")
    assert refused.json["errors"][0]["field"] == "managers.1.manager_id"


def test_personal_data_reaches_the_vault(service: Running) -> None:
    body = {"tier": "private", "customer": {"name": "王小明", "phone": "13800000000"}}
    arrived = service.call("POST", "/v1/branches/b5/vip/arrivals", body, branch="b5").json
    vault = Vault(service.settings, clock=service.settings.business_clock)
    assert vault.reveal(arrived["customer_ref"], actor="test", reason="test") == body["customer"]
    vault.close()


def test_a_vip_ticket_that_was_printed_while_vip_was_away_is_an_arrival_once_it_is_back(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    upgrade(settings, "triage")
    triage = open_storage(settings, "triage")
    with triage.transaction(BRANCH) as tx:
        tx.append(BRANCH, "v1", issued(tx.now), correlation="v1", sequence=1)
        tx.append(BRANCH, "v1", printed(), correlation="v1", sequence=2)
    triage.close()
    with one_service("vip", tmp_path) as service:
        wait_until(lambda: bool(service.call("GET", VIP).json["handoffs"]), within_s=20, what="the arrival")
        (handoff,) = service.call("GET", VIP).json["handoffs"]
    assert (handoff["number"], handoff["tier"], handoff["state"]) == ("V001", "platinum", "escalated")


def test_an_offer_that_nobody_answers_goes_to_the_next_manager(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    clock = f"{now.isoformat()}@200@{now.isoformat()}"  # 120 s of business pass in 0.6 s
    with one_service("vip", tmp_path, LOBBY_CLOCK=clock) as service:
        on_duty(service, BRANCH, {"manager_id": "m1", "kind": "retail"}, {"manager_id": "m2", "kind": "retail"})
        arrived = service.call("POST", f"{VIP}/arrivals", {"tier": "gold"}).json
        assert arrived["manager_id"] == "m1"

        def state() -> str:
            return str(service.call("GET", VIP).json["handoffs"][0]["state"])

        wait_until(lambda: state() == "escalated", within_s=20, what="the supervisor to have it")
