"""``lobby policy`` (T2, T3)."""

import json
from pathlib import Path

import pytest

from services.ops.cli.main import main
from services.triage.policy_file import default, document_of, read_policy_set
from tests.support.one_service import one_service
from tests.triage.test_service import Branch

GOOD = "green_age: 60\nbranches: {north: {small_withdrawal_minor: 50_000}}\n"
BAD = "green_age: 60\nbusinesses:\n  query: {channel: conter}\nbranches:\n  north: {green_ag: 1}\n"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return written(tmp_path / "good.yaml", GOOD)


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    return written(tmp_path / "bad.yaml", BAD)


def written(file: Path, text: str) -> Path:
    file.write_text(text, "utf-8")
    return file


def test_check_says_everything_that_is_wrong_with_line_and_field(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", str(bad)]) == 2
    assert capsys.readouterr().out.splitlines() == [
        f"{bad}:3: businesses.query.channel: 'conter' is not a channel; did you mean counter?",
        f"{bad}:5: branches.north.green_ag: there is no such field; did you mean green_age?",
    ]
    assert main(["policy", "check", str(bad), "--json"]) == 2
    answer = json.loads(capsys.readouterr().out)
    assert (answer["ok"], [problem["line"] for problem in answer["problems"]]) == (False, [3, 5])


def test_check_takes_a_file_that_is_right(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", str(good)]) == 0
    assert "valid" in capsys.readouterr().out


def test_check_of_a_file_that_is_not_there_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", str(tmp_path / "none.yaml")]) == 2
    assert "No such file" in capsys.readouterr().out


def test_show_prints_a_file_that_says_the_same(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "show"]) == 0
    assert read_policy_set(capsys.readouterr().out, "shown").of().policy == default().of().policy
    assert main(["policy", "show", "--file", str(good), "--branch", "north"]) == 0
    shown = read_policy_set(capsys.readouterr().out, "shown").of().policy
    assert (shown.green_age, shown.small_withdrawal_minor) == (60, 50_000)
    assert main(["policy", "show", "--file", str(good), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["green_age"] == 60


def test_show_of_a_file_that_is_wrong_is_one_line(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "show", "--file", str(bad)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("lobby: bad.yaml:3: businesses.query.channel: ")
    assert "and 1 more" in said


def test_show_of_a_branch_asks_the_running_system(
    tmp_path: Path, good: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOBBY_DATA_DIR", str(tmp_path))
    with one_service("triage", tmp_path, LOBBY_POLICY=str(good)) as service:
        Branch(service, "north").take()
        origin = ["--origin", f"http://127.0.0.1:{service.port}"]
        assert main(["policy", "show", "--branch", "north", *origin]) == 0
        shown = capsys.readouterr().out
        assert shown.startswith("# north: version 1, since 2")
        assert read_policy_set(shown, "shown").of().policy.small_withdrawal_minor == 50_000


def test_diff_prints_what_differs_and_tells_by_its_exit_code(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = written(good.parent / "other.yaml", GOOD + "businesses: {coin_exchange: null}\n")
    assert main(["policy", "diff", str(good), str(good)]) == 0
    assert capsys.readouterr().out == ""
    assert main(["policy", "diff", str(good), str(other)]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith('businesses.coin_exchange: {"name": ')
    assert line.endswith(" → null")
    nothing = written(good.parent / "nothing.yaml", "{}")
    assert main(["policy", "diff", str(nothing), str(good), "--branch", "north", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == [
        {"field": "green_age", "before": 65, "after": 60},
        {"field": "small_withdrawal_minor", "before": 2_000_000, "after": 50_000},
    ]


def test_schema_prints_the_schema_and_the_reference(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "schema"]) == 0
    assert set(json.loads(capsys.readouterr().out)["properties"]) == {*document_of(default().of().policy), "branches"}
    assert main(["policy", "schema", "--markdown"]) == 0
    assert "| `green_age` |" in capsys.readouterr().out
