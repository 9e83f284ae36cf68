"""The policy as its callers see it: a running service that follows its file, and answers who asks (T2, T3)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.triage.policy_file import default
from shared.contracts.http.permissions import EVERYONE
from tests.support.one_service import Answer, Running, one_service
from tests.support.processes import wait_until
from tests.triage.test_service import Branch

YAML = "application/yaml"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("bank") / "policy.yaml"
    file.write_text("green_age: 60\nbranches:\n  north: {green_age: 70}\n", "utf-8")
    return file


@pytest.fixture(scope="module")
def service(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with one_service("triage", tmp_path_factory.mktemp("triage"), LOBBY_POLICY=str(file)) as running:
        yield running


class Ruled(Branch):
    """A branch, with the calls for its policy."""

    def policy(self) -> dict[str, Any]:
        answer = self.service.call("GET", f"{self.path}/policy", branch=self.name, role="terminal")
        assert answer.status == 200, answer.json
        found: dict[str, Any] = answer.json
        return found

    def put(self, body: object, **how: Any) -> Answer:
        return self.service.call("PUT", f"{self.path}/policy", body, branch=self.name, **how)

    def channel_at(self, age: int) -> str:
        channel: str = self.take("transfer", customer={"age": age})["channel"]
        return channel


def test_the_branchs_policy_is_the_banks_with_the_branchs_exceptions(service: Running) -> None:
    assert Ruled(service, "south").policy() | {"policy": None} == {
        "branch": "south", "version": 0, "digest": Ruled(service, "south").policy()["digest"], "since": None,
        "source": "policy.yaml", "overrides": {}, "policy": None, "problem": None,
    }  # fmt: skip
    assert (Ruled(service, "south").channel_at(65), Ruled(service, "north").channel_at(65)) == ("green", "counter")
    after = Ruled(service, "south").policy()
    assert (after["version"], after["policy"]["green_age"]) == (1, 60)
    assert after["since"] is not None
    assert set(after["policy"]) == set(default().of().document)


def test_a_running_service_follows_its_file_and_an_error_in_it_changes_nothing(service: Running, file: Path) -> None:
    branch = Ruled(service, "hot")
    assert branch.channel_at(62) == "green"
    before = file.read_text("utf-8")
    file.write_text("green_age: 80\n", "utf-8")
    wait_until(lambda: branch.policy()["version"] == 2, within_s=10, what="the new policy")
    assert branch.channel_at(62) == "counter"
    file.write_text("green_age: 80\nseries:\n  green: {prefix: A}\n", "utf-8")
    wait_until(lambda: bool(branch.policy()["problem"]), within_s=10, what="the problem")
    assert branch.policy()["problem"] == "policy.yaml:3: series.green.prefix: 'A' is the prefix of counter already"
    assert branch.channel_at(62) == "counter"
    file.write_text(before, "utf-8")
    wait_until(lambda: branch.policy()["version"] == 3, within_s=10, what="the old policy")
    assert branch.policy()["problem"] is None
    assert branch.channel_at(62) == "green"


def test_a_supervisor_sets_what_the_branch_does_differently_as_yaml_or_json(service: Running) -> None:
    branch = Ruled(service, "own")
    assert branch.channel_at(60) == "green"
    set_ = branch.put("green_age: 75  # 试行\n", media_type=YAML, key="p-1")
    assert (set_.status, set_.json["version"], set_.json["overrides"]) == (200, 2, {"green_age": 75})
    assert branch.channel_at(70) == "counter"
    again = branch.put("green_age: 75  # 试行\n", media_type=YAML, key="p-1")
    assert again.json == set_.json
    assert branch.put({"green_age": 66}).json["policy"]["green_age"] == 66
    assert branch.channel_at(70) == "green"
    assert branch.put({}).json["overrides"] == {}
    assert branch.policy() | {"problem": None} == branch.put({}).json  # what is so already is no change


@pytest.mark.parametrize("body", ["", " \n", "# nothing\n", "---\n", "null", "~"])
def test_a_policy_that_is_empty_changes_nothing(service: Running, body: str) -> None:
    branch = Ruled(service, "empty")
    assert branch.put({"green_age": 75}).status == 200
    refused = branch.put(body, media_type=YAML)
    assert (refused.status, refused.json["code"]) == (422, "invalid_policy")
    assert branch.policy()["overrides"] == {"green_age": 75}


def test_exceptions_are_taken_back(service: Running) -> None:
    branch = Ruled(service, "back")
    assert branch.put({"green_age": 75}).status == 200
    assert service.call("DELETE", f"{branch.path}/policy", branch="back", role="teller").status == 403
    taken = service.call("DELETE", f"{branch.path}/policy", branch="back", key="d-1")
    assert (taken.status, taken.json["overrides"], taken.json["policy"]["green_age"]) == (200, {}, 60)
    assert branch.policy()["overrides"] == {}


def test_a_policy_that_is_wrong_is_refused_with_line_and_field(service: Running) -> None:
    branch = Ruled(service, "wrong-policy")
    refused = branch.put("green_age: 60\nbusinesses:\n  query: {channel: conter}\n", media_type=YAML)
    assert (refused.status, refused.json["code"]) == (422, "invalid_policy")
    assert refused.json["errors"] == [
        {"field": "businesses.query.channel", "line": 3, "message": "'conter' is not a channel; did you mean counter?"}
    ]
    refused = branch.put("{ageing_s: 12345678901234567890, green_age: old, green_age: 70}", media_type=YAML)
    assert [error["field"] for error in refused.json["errors"]] == ["ageing_s", "green_age"]
    assert branch.put("\0", media_type=YAML).json["code"] == "invalid_policy"
    assert branch.put("[", media_type=YAML).json["code"] == "invalid_policy"
    assert branch.put("{}", media_type="text/plain").status == 415


@pytest.mark.parametrize("role", sorted(EVERYONE - {"supervisor"}))
def test_nobody_else_sets_a_policy(service: Running, role: str) -> None:
    assert Ruled(service, "roles").put({"green_age": 1}, role=role).status == 403


def test_exceptions_need_a_bank_file_that_can_be_used(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("green_ag: 60", "utf-8")
    with one_service("triage", tmp_path, LOBBY_POLICY=str(file)) as service:
        branch = Ruled(service, "demo")
        assert branch.channel_at(65) == "green"  # the default, until the file is mended
        refused = branch.put({"green_age": 70})
        assert (refused.status, refused.json["code"]) == (409, "policy_file_unusable")
        assert refused.json["problem"].startswith("policy.yaml:1: green_ag: ")
        file.write_text("green_age: 70", "utf-8")
        wait_until(lambda: branch.policy()["version"] == 2, within_s=10, what="the mended policy")
        assert branch.channel_at(65) == "counter"
