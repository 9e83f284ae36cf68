"""``lobby state``: shown at any instant, verified against the log, rebuilt from it."""

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Literal

import pytest
from sqlalchemy import select, text

from services.ops.cli.main import main
from services.triage.model.fold import Recorded, apply
from services.triage.store.aggregate import read_policy
from shared.clock import ManualClock
from shared.contracts.events import triage
from shared.settings import Settings
from shared.storage import Storage, states
from shared.storage.migrate import upgrade
from shared.storage.storage import declared_storage
from shared.storage.tables import snapshot
from tests.support.databases import MORNING
from tests.triage.lobby import BRANCH, Lobby


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(time=MORNING)


@pytest.fixture
def storage(tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOBBY_")}
    monkeypatch.setattr(os, "environ", {**kept, "LOBBY_DATA_DIR": str(tmp_path)})
    settings = Settings(data_dir=tmp_path)
    upgrade(settings, "triage")
    storage = declared_storage(settings, "triage", clock)
    yield storage
    storage.close()


@pytest.fixture
def lobby(storage: Storage, clock: ManualClock) -> Lobby:
    """A branch where one is served and one waits, with a snapshot."""
    lobby = Lobby(storage, clock)
    lobby.open()
    lobby.wait()
    clock.advance(60)
    lobby.wait()
    lobby.next()
    storage.take_snapshots(all_changed=True)
    return lobby


def change(storage: Storage, statement: str) -> None:
    with storage.engine.execution_options(lobby_writes=True).begin() as connection:
        assert connection.execute(text(statement)).rowcount == 1


def verified(capsys: pytest.CaptureFixture[str]) -> dict[str, list[dict[str, object]]]:
    """Verify, and return what differs; the exit code must say the same."""
    code = main(["state", "verify", "--service", "triage", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert code == (0 if found["equal"] else 1)
    assert found["checked"] == 1
    differences: dict[str, list[dict[str, object]]] = found["differences"]
    return differences


def test_a_state_is_shown_as_it_is_and_as_it_was(lobby: Lobby, capsys: pytest.CaptureFixture[str]) -> None:
    shown = []
    for at in ([], ["--at", (MORNING + timedelta(seconds=30)).isoformat()]):
        assert main(["state", "show", "--service", "triage", "--branch", BRANCH, *at]) == 0
        shown.append(json.loads(capsys.readouterr().out))
    assert [len(state["visits"]) for state in shown] == [2, 1]
    assert [entry["state"] for _, entry in shown[0]["entries"]] == ["called", "waiting"]
    assert [entry["state"] for _, entry in shown[1]["entries"]] == ["waiting"]


def test_what_is_kept_is_the_fold_of_the_log(lobby: Lobby, capsys: pytest.CaptureFixture[str]) -> None:
    assert verified(capsys) == {}
    assert main(["state", "verify"]) in (0, 1)  # the other services have no database here
    assert main(["state", "verify", "--service", "triage"]) == 0
    assert "1 states folded anew: all equal" in capsys.readouterr().out


def test_a_row_that_differs_is_told_and_made_anew(
    lobby: Lobby, storage: Storage, capsys: pytest.CaptureFixture[str]
) -> None:
    change(storage, "UPDATE ticket SET number = 'X999' WHERE number = 'A001'")
    (difference,) = verified(capsys)[f"triage {BRANCH}"]
    assert str(difference["where"]).startswith("ticket ")
    assert "X999" in str(difference["kept"])
    assert "A001" in str(difference["folded"])
    assert main(["state", "rebuild", "--service", "triage"]) == 0
    assert "would be rebuilt" in capsys.readouterr().out
    assert verified(capsys) != {}, "a dry run changes nothing"
    assert main(["state", "rebuild", "--service", "triage", "--branch", BRANCH, "--apply"]) == 0
    capsys.readouterr()
    assert verified(capsys) == {}


@pytest.mark.parametrize("apply", [False, True])
def test_a_rebuild_says_of_each_table_what_it_would_change(
    lobby: Lobby, storage: Storage, apply: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    change(storage, "UPDATE ticket SET number = 'X999' WHERE number = 'A001'")
    change(storage, "DELETE FROM ticket WHERE number = 'A002'")
    change(storage, f"INSERT INTO ticket VALUES ('t', 'v', '{BRANCH}', 'A003', '2026-11-24')")
    change(storage, "DELETE FROM branch_policy")
    assert main(["state", "rebuild", "--service", "triage", *(["--apply"] if apply else [])]) == 0
    said = capsys.readouterr().out
    assert f"triage {BRANCH}: 4 differences" in said
    assert "  branch_policy: 1 missing\n" in said
    assert "  ticket: 1 differing, 1 missing, 1 too many\n" in said
    assert f"branch_policy {BRANCH}: kept None, the log says {{" in said
    assert (verified(capsys) == {}) is apply


def test_a_snapshot_that_differs_is_told_and_made_anew(
    lobby: Lobby, storage: Storage, clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    other = declared_storage(storage.settings, "triage", clock)
    with other.read() as connection:
        early = other.states.at(connection, BRANCH, MORNING).state
    body = other.states.aggregate.dump(early)
    other.close()
    from shared.storage import states
    from shared.storage.states import Snapshot

    with storage.read() as connection:
        known = storage.known(connection, BRANCH)
    with storage.engine.execution_options(lobby_writes=True).begin() as connection:
        states.forget(connection)
        assert known.recorded is not None
        wrong = Snapshot(branch=BRANCH, pos=known.pos, recorded=known.recorded, body=body)
        states.save(connection, storage.states.aggregate.version, [wrong])
    differences = verified(capsys)[f"triage {BRANCH}"]
    assert {str(one["where"]).split(".")[0] for one in differences} >= {"visits", "counter_of"}
    assert main(["state", "rebuild", "--service", "triage", "--apply"]) == 0
    capsys.readouterr()
    assert verified(capsys) == {}


def test_a_log_that_cannot_be_folded_is_told_without_a_traceback(
    lobby: Lobby, storage: Storage, capsys: pytest.CaptureFixture[str]
) -> None:
    change(storage, "UPDATE log SET body = '{}' WHERE pos = 1")
    differences = verified(capsys)[f"triage {BRANCH}"]
    assert {str(one["where"]) for one in differences} == {"state", "rows"}
    assert all(str(one["folded"]).startswith("cannot be folded: ") for one in differences)
    assert main(["state", "rebuild", "--service", "triage", "--apply"]) == 1
    said = capsys.readouterr()
    assert "1 branches of triage are as they were" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "--service", "triage", "--branch", "dem"], "did you mean demo?"),
        (["show", "--service", "triage", "--branch", BRANCH, "--at", "noon"], "--at: 'noon' is no time"),
        (["show", "--service", "triage", "--branch", BRANCH, "--at", "2026-11-24T09:30:00"], "lacks its offset"),
        (["verify", "--service", "trriage"], "no service is called 'trriage'"),
        (["verify", "--service", "gateway"], "gateway keeps no state of its branches"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(
    lobby: Lobby, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["state", *arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("service", "newest", "before"), [("triage", "t1001", "t0011"), ("gateway", "g1001", "g0002")])
def test_a_database_of_another_version_is_refused_with_what_to_do(
    service: str, newest: str, before: str, storage: Storage, capsys: pytest.CaptureFixture[str]
) -> None:
    upgrade(storage.settings, service)
    other = Storage(storage.settings, service, clock=storage.clock)
    change(other, f"UPDATE schema_version SET version_num = '{before}' WHERE version_num = '{newest}'")
    other.close()
    assert main(["db", "upgrade", "--service", service]) == 1
    assert "start with an empty LOBBY_DATA_DIR" in capsys.readouterr().err


def test_a_rebuild_leaves_instants_of_long_ago_as_near_as_they_were(
    storage: Storage, lobby: Lobby, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the newest snapshot alone, each look at an early instant would fold the log from its beginning."""
    monkeypatch.setattr(states, "SNAPSHOT_EVENTS", 10)
    monkeypatch.setattr(states, "SNAPSHOT_EVENTS_OF_EACH", 1)
    monkeypatch.setattr(states, "APART", 5)
    for _ in range(20):
        lobby.do("left", lobby.wait().ticket_id)
        clock.advance(60)
    before = storage.state(BRANCH)
    assert main(["state", "rebuild", "--service", "triage", "--apply"]) == 0
    with storage.read() as connection:
        positions = list(connection.execute(select(snapshot.c.pos).order_by(snapshot.c.pos)).scalars())
    assert len(positions) >= 5
    assert max(b - a for a, b in pairwise([0, *positions])) <= 15
    assert storage.state(BRANCH) == before


def test_a_lost_note_of_what_is_due_is_told_and_made_anew(
    storage: Storage, lobby: Lobby, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without it no timer would look at the branch until somebody does something there."""
    change(storage, f"DELETE FROM due WHERE branch = '{BRANCH}'")
    assert [found["where"] for found in verified(capsys)[f"triage {BRANCH}"]] == [f"due {BRANCH}"]
    assert main(["state", "rebuild", "--service", "triage", "--apply"]) == 0
    capsys.readouterr()
    assert verified(capsys) == {}


def test_a_damaged_snapshot_is_passed_over_and_made_anew(storage: Storage, lobby: Lobby, clock: ManualClock) -> None:
    """The log says all that it said."""
    before = storage.state(BRANCH)
    change(storage, "UPDATE snapshot SET body = x'00112233'")
    storage.states.forget()
    assert storage.state(BRANCH) == before
    assert storage.state_at(BRANCH, clock.now()) == before
    assert main(["state", "verify", "--service", "triage"]) == 0
    assert main(["state", "rebuild", "--service", "triage", "--apply"]) == 0
    with storage.read() as connection:
        assert connection.execute(select(snapshot.c.body)).scalar() != bytes.fromhex("00112233")


def test_a_branch_is_verified_in_the_services_that_know_it(
    storage: Storage, lobby: Lobby, capsys: pytest.CaptureFixture[str]
) -> None:
    for service in ("vip", "incidents", "worklog"):
        upgrade(storage.settings, service)
    assert main(["state", "verify", "--branch", BRANCH]) == 0
    assert "1 states folded anew: all equal" in capsys.readouterr().out
    assert main(["state", "verify", "--branch", "nowhere"]) == 2
    assert "nowhere" in capsys.readouterr().err


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_an_instant_that_nobody_can_reckon_with_is_named(
    storage: Storage, lobby: Lobby, at: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["state", "show", "--service", "triage", "--branch", BRANCH, "--at", at]) == 2
    assert "--at" in capsys.readouterr().err


def test_the_order_in_which_lines_came_above_their_limits_is_no_difference(lobby: Lobby) -> None:
    """A set is stored in whatever order it has; then equal states differed, in one process and not in the next."""

    def crossed(*measures: Literal["length", "longest_wait", "p90"]) -> bytes:
        state = lobby.state()
        for measure in measures:
            event = triage.ThresholdCrossed(
                channel="counter",
                measure=measure,
                above=True,
                value=9,
                limit=1,
                business_date=MORNING.date(),
            )
            recorded = Recorded(data=event, subject="s", sequence=1, at=MORNING, recorded_at=MORNING)
            state = apply(state, recorded, read_policy)
        return lobby.storage.states.aggregate.dump(state)

    assert crossed("length", "p90") == crossed("p90", "length")
