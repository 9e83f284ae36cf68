"""Whole runs against a lobby in memory: what is asked for is booked once, whatever happens on the way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from aiohttp import web

from services.ops.errors import CommandError, UsageError
from services.ops.simulator import agreement
from services.ops.simulator.client import GaveUp
from services.ops.simulator.expected_figures import Summary
from services.ops.simulator.plan import Options
from services.ops.simulator.progress import Lines
from services.ops.simulator.run import Interrupted, simulate
from shared.settings import Settings
from tests.simulator.fake_origin import FakeLobby, FakeOrigin, a_scaled_clock

NINE = datetime(2026, 11, 24, 9, tzinfo=timezone(timedelta(hours=8)))
SPEED = 5000.0


def write_trace(file: Path, rows: int, business: str = "cash_withdrawal") -> Path:
    """Every third customer is a VIP; every fifth leaves."""
    lines = ["arrived_at,business,priority,customer,service_s,patience_s,observed_outcome"]
    for n in range(rows):
        fate = "1,abandoned" if n % 5 == 4 else ",served"
        lines.append(f"{(NINE + timedelta(seconds=20 * n)).isoformat()},{business},{n % 3},c{n},60,{fate}")
    file.write_text("\n".join(lines) + "\n")
    return file


@asynccontextmanager
async def serving(lobby: FakeLobby | FakeOrigin) -> AsyncIterator[str]:
    runner = web.AppRunner(lobby.app(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def run(
    lobby: FakeLobby | FakeOrigin, tmp_path: Path, stop: asyncio.Event | None = None, **options
) -> Summary | None:
    settings = Settings(data_dir=tmp_path)
    async with serving(lobby) as origin:
        given = Options(**{"origin": origin, "speed": SPEED, **options})
        return await simulate(settings, given, Lines(), stop or asyncio.Event())


def test_every_row_is_one_visit_with_one_end(tmp_path: Path) -> None:
    """60 rows, every fifth leaves; VIPs who stay are handed to managers; the books agree."""
    lobby = FakeLobby()
    summary = asyncio.run(run(lobby, tmp_path, trace=write_trace(tmp_path / "t.csv", 60)))
    assert summary is not None
    assert summary.mismatches == []
    assert (summary.requested, summary.visits, summary.served, summary.left) == (60, 60, 48, 12)
    assert summary.vip_handoffs == 16
    assert summary.incidents == len(lobby.incidents) == 2
    assert (len(lobby.checks), len(lobby.notes)) == (1, 1)
    assert {ticket["outcome"] for ticket in lobby.tickets.values()} == {"served", "left"}
    assert all(incident["state"] == "closed" for incident in lobby.incidents.values())
    assert lobby.counters == {}


def test_lost_answers_double_nothing_and_two_runs_agree(tmp_path: Path) -> None:
    """A third of the answers is lost, half of them after the work was done."""
    trace = write_trace(tmp_path / "t.csv", 60)
    calm = asyncio.run(run(FakeLobby(), tmp_path, trace=trace))
    rough = asyncio.run(run(FakeLobby(lose=0.3), tmp_path, trace=trace))
    assert rough is not None
    assert calm is not None
    assert rough.retries > 50
    assert rough.mismatches == []
    assert rough.problems == []
    assert rough.totals == calm.totals


def test_a_doubled_visit_in_the_work_log_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run says which figure differs, on which day."""
    monkeypatch.setattr(agreement, "WITHIN_S", 0.2)
    summary = asyncio.run(run(FakeLobby(doubles=True), tmp_path, trace=write_trace(tmp_path / "t.csv", 6)))
    assert summary is not None
    assert not summary.worklog_matches
    assert summary.mismatches == ["demo 2026-11-24: served: the work log gained 6, 5 were asked for"]


def test_a_refused_ticket_is_no_agreement(tmp_path: Path) -> None:
    """Its line and the reason are told; the others go on."""
    trace = write_trace(tmp_path / "t.csv", 6)
    trace.write_text(trace.read_text().replace("cash_withdrawal", "alchemy", 1))
    summary = asyncio.run(run(FakeLobby(unknown="alchemy"), tmp_path, trace=trace))
    assert summary is not None
    assert (summary.requested, summary.refused, summary.visits) == (6, 1, 5)
    assert summary.mismatches == ["1 of 6 ticket requests were refused"]
    assert "line 2 (alchemy): unknown_business" in summary.problems[0]


def test_who_waited_before_is_served_too(tmp_path: Path) -> None:
    """As after a run that was cut off: one waits, one is at a counter, one VIP is with a manager."""
    lobby = FakeLobby()
    for tier in ("none", "none", "platinum"):
        taken = lobby.takeTicket({"business": "a", "customer": {"card_tier": tier}}, b="demo")
        lobby.ticketPrinted({}, b="demo", id=taken["ticket_id"])
    lobby.openCounter({"channels": ["counter"]}, b="demo", c="1")
    lobby.callNext({}, b="demo", c="1")
    lobby.acceptHandoff({"manager_id": "manager-1"}, id="h0")
    summary = asyncio.run(run(lobby, tmp_path, trace=write_trace(tmp_path / "t.csv", 30)))
    assert summary is not None
    assert summary.mismatches == []
    assert (summary.served, summary.foreign) == (24, 3)
    assert all(ticket["outcome"] for ticket in lobby.tickets.values())


def test_services_that_come_back_are_waited_for(tmp_path: Path) -> None:
    """Nothing answers for a second in the middle."""
    lobby = FakeLobby()

    async def with_a_pause() -> Summary | None:
        task = asyncio.create_task(run(lobby, tmp_path, trace=write_trace(tmp_path / "t.csv", 30)))
        while not lobby.calls["complete"] and not task.done():
            await asyncio.sleep(0.01)
        lobby.down.set()
        await asyncio.sleep(1)
        lobby.down.clear()
        return await task

    summary = asyncio.run(with_a_pause())
    assert summary is not None
    assert summary.mismatches == []
    assert 0 < summary.retries < 200  # it isn't hammered while it comes back


def test_nothing_heard_for_the_patience_of_the_wall_ends_the_run(tmp_path: Path) -> None:
    """One line says for how long and why."""
    lobby = FakeLobby()
    lobby.down.set()
    with pytest.raises(GaveUp, match=r"no answer from http.* for 1 s \(HTTP 503\)"):
        asyncio.run(run(lobby, tmp_path, trace=write_trace(tmp_path / "t.csv", 3), patience_wall_s=1.0))


def test_arrivals_follow_the_servers_scaled_clock(tmp_path: Path) -> None:
    """The request says when the customer came, never a time that the servers haven't reached."""
    start = NINE - timedelta(seconds=300)
    lobby = FakeLobby(clock=a_scaled_clock(start, 600))
    summary = asyncio.run(run(lobby, tmp_path, trace=write_trace(tmp_path / "t.csv", 30), speed=None))
    assert summary is not None
    assert summary.mismatches == []
    asked = [datetime.fromisoformat(request["requested_at"]) for request in lobby.requests]
    assert sorted(asked) == [NINE + timedelta(seconds=20 * n) for n in range(30)]
    assert summary.wall_s > 1.4  # 300 s before the first customer and 580 s until the last, at 600


def test_a_request_that_comes_too_late_to_be_believed_is_made_again_as_of_now(tmp_path: Path) -> None:
    """A long outage at a high rate is days of business time; no customer may be lost for that."""
    lobby = FakeLobby(clock=a_scaled_clock(NINE + timedelta(hours=1), 600))
    lobby.disbelieves = True
    summary = asyncio.run(run(lobby, tmp_path, trace=write_trace(tmp_path / "t.csv", 10), speed=None))
    assert summary is not None
    assert (summary.visits, summary.refused, summary.mismatches) == (10, 0, [])
    assert all(request.get("requested_at") is None for request in lobby.requests)


def test_a_speed_that_is_not_the_clocks_rate_is_refused(tmp_path: Path) -> None:
    """The servers' rate is named."""
    lobby = FakeLobby(clock=a_scaled_clock(NINE, 600))
    with pytest.raises(UsageError, match="runs at 600"):
        asyncio.run(run(lobby, tmp_path, trace=write_trace(tmp_path / "t.csv", 3), speed=60))


def test_bad_rows_end_the_run_before_it_begins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Unless they are to be skipped; either way each is named."""
    trace = write_trace(tmp_path / "t.csv", 6)
    trace.write_text(trace.read_text() + "never,a,0,,1,,\n")
    lobby = FakeLobby()
    with pytest.raises(UsageError, match="1 bad rows"):
        asyncio.run(run(lobby, tmp_path, trace=trace))
    assert "line 8: arrived_at" in capsys.readouterr().err
    assert not lobby.tickets
    summary = asyncio.run(run(lobby, tmp_path, trace=trace, skip_bad_rows=True))
    assert summary is not None
    assert (summary.requested, summary.mismatches) == (6, [])


def test_several_branches_play_the_same_day(tmp_path: Path) -> None:
    """Rows that name no branch happen at each; the books are kept per branch."""
    origin = FakeOrigin("north", "south")
    trace = write_trace(tmp_path / "t.csv", 30)
    summary = asyncio.run(run(origin, tmp_path, trace=trace, branches=("north", "south")))
    assert summary is not None
    assert summary.mismatches == []
    assert summary.visits == 60
    assert {branch: lobby.log["visits"] for branch, lobby in origin.lobbies.items()} == {"north": 30, "south": 30}
    assert summary.dates == {"north": ["2026-11-24"], "south": ["2026-11-24"]}


def test_an_endless_run_ends_when_told_and_leaves_nobody_behind_its_back(tmp_path: Path) -> None:
    """It has moved by then; who waits is for the next run."""
    lobby = FakeLobby()

    async def for_a_while() -> Summary | None:
        stop = asyncio.Event()
        task = asyncio.create_task(run(lobby, tmp_path, stop, endless=True, counters=4))
        while lobby.log["served"] < 20 and not task.done():
            await asyncio.sleep(0.01)
        stop.set()
        return await task

    assert asyncio.run(for_a_while()) is None
    assert lobby.log["served"] >= 20


def test_an_interrupted_run_says_so(tmp_path: Path) -> None:
    """Exit code 130, and no agreement is claimed."""
    stop = asyncio.Event()
    stop.set()
    with pytest.raises(Interrupted):
        asyncio.run(run(FakeLobby(), tmp_path, stop, trace=write_trace(tmp_path / "t.csv", 60), speed=1.0))


def test_a_token_that_is_not_good_ends_the_run_at_once(tmp_path: Path) -> None:
    """With the problem that the system answered."""

    class Locked(FakeLobby):
        def _carry_out(self, operation, path, body):
            return 401, {"code": "unauthorized", "detail": "the token has expired"}

    with pytest.raises(CommandError, match="refused: unauthorized: the token has expired"):
        asyncio.run(run(Locked(), tmp_path, trace=write_trace(tmp_path / "t.csv", 3)))
