"""Nobody waits overnight: the day's end closes what is open, as what it was (T7)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.triage.handlers.timers import ABANDONED_S, Silence
from shared.clock import ManualClock, ScaledClock, format_clock
from shared.contracts.events import triage
from shared.storage import Storage
from tests.support.one_service import one_service
from tests.support.processes import wait_until
from tests.triage.lobby import Lobby
from tests.triage.test_service import Branch

MIDNIGHT = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)  # in Shanghai


def end_days(lobby: Lobby, rate: float = 1.0) -> int:
    """Let the service look for days that are over; return how many visits it ended."""
    lobby.clock.rate = rate
    before = len(lobby.events())
    lobby.keep_time()
    return sum(isinstance(event.data, triage.VisitEnded) for event in lobby.events()[before:])


def to_quiet_night(lobby: Lobby) -> None:
    lobby.clock.time = MIDNIGHT + timedelta(seconds=lobby.policy.day_end_quiet_s + 1)


def ended_of(lobby: Lobby, visit_id: str) -> triage.VisitEnded:
    ended = [event.data for event in lobby.events(visit_id) if isinstance(event.data, triage.VisitEnded)]
    assert len(ended) == 1
    return ended[0]


def test_each_open_visit_ends_at_its_stage_and_who_was_served_was_served(lobby: Lobby, clock: ManualClock) -> None:
    for counter in ("1", "2", "3"):
        lobby.open(counter)
    serving, called, held = lobby.wait(), lobby.wait(), lobby.wait()
    for counter in ("1", "2", "3"):
        lobby.next(counter)
    for taken in (serving, held):
        lobby.do("start", taken.ticket_id)
    clock.advance(120)
    lobby.do("hold", held.ticket_id)
    waiting, reserved = lobby.wait(), lobby.take()
    done = lobby.wait()
    lobby.do("left", done.ticket_id)
    to_quiet_night(lobby)
    assert end_days(lobby) == 5
    expected = {serving: None, called: "called", held: "held", waiting: "waiting", reserved: "reserved"}
    for taken, stage in expected.items():
        ended = ended_of(lobby, taken.visit_id)
        outcome = "served" if taken is serving else "left"
        assert (ended.outcome, ended.stage, ended.reason) == (outcome, stage, "day_end")
    assert ended_of(lobby, done.visit_id).reason is None
    # When the teller was done is not known: what isn't known is not invented.
    assert ended_of(lobby, serving.visit_id).service_s == 0
    assert ended_of(lobby, held.visit_id).service_s == 120
    assert end_days(lobby) == 0
    assert lobby.queue().waiting == ()
    assert all(counter.serving is None for counter in lobby.queue().counters)


def test_the_end_is_dated_at_the_days_end_however_late_it_is_made(lobby: Lobby, clock: ManualClock) -> None:
    taken = lobby.wait()
    clock.time = MIDNIGHT + timedelta(days=3, hours=9)  # the system was away over the weekend
    assert end_days(lobby) == 1
    end = lobby.events(taken.visit_id)[-1]
    assert (end.time, end.recordedtime) == (MIDNIGHT, clock.now())
    assert (
        ended_of(lobby, taken.visit_id).waited_s == (MIDNIGHT - datetime(2026, 11, 24, 1, tzinfo=UTC)).total_seconds()
    )


def test_the_day_goes_on_while_somebody_is_served_after_midnight(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    first, second = lobby.wait(), lobby.wait()
    clock.time = MIDNIGHT - timedelta(minutes=5)
    lobby.next()
    lobby.do("start", first.ticket_id)
    clock.time = MIDNIGHT + timedelta(minutes=9)
    lobby.do("hold", first.ticket_id)
    clock.advance(590)
    assert end_days(lobby) == 0
    clock.advance(11)
    assert end_days(lobby) == 2
    assert lobby.events(second.visit_id)[-1].time == MIDNIGHT
    assert lobby.events(first.visit_id)[-1].time == MIDNIGHT + timedelta(minutes=9)


def test_what_was_forgotten_ends_though_the_branch_never_sleeps(lobby: Lobby, clock: ManualClock) -> None:
    forgotten = lobby.wait()
    clock.time = MIDNIGHT + timedelta(hours=2)
    lobby.wait()
    assert end_days(lobby) == 0
    clock.time = MIDNIGHT + timedelta(seconds=ABANDONED_S)
    lobby.wait()
    end_days(lobby)
    assert ended_of(lobby, forgotten.visit_id).stage == "waiting"
    assert len(lobby.queue().waiting) == 2


def test_a_bank_may_end_its_day_after_midnight(storage: Storage, clock: ManualClock) -> None:
    lobby = Lobby(storage, clock, day_end_s=7200)
    taken = lobby.wait()
    clock.time = MIDNIGHT + timedelta(seconds=7199)
    assert end_days(lobby) == 0
    clock.advance(1)
    assert end_days(lobby) == 1
    assert lobby.events(taken.visit_id)[-1].time == MIDNIGHT + timedelta(seconds=7200)


def test_today_is_nobodys_day_end(lobby: Lobby, clock: ManualClock) -> None:
    lobby.wait()
    clock.time = MIDNIGHT - timedelta(seconds=1)
    assert end_days(lobby) == 0


def test_a_fast_clock_does_not_take_a_machines_latency_for_the_night(lobby: Lobby, clock: ManualClock) -> None:
    lobby.wait()
    clock.time = MIDNIGHT + timedelta(seconds=1)
    lobby.wait()  # the machine is behind: more of yesterday comes now
    clock.advance(2000 * 44)
    assert end_days(lobby, rate=2000) == 0
    clock.advance(2000 * 2)
    assert end_days(lobby, rate=2000) == 2  # more than a day has passed


def test_a_visit_of_several_tickets_has_one_end(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    taken = lobby.take("transfer", businesses=["mortgage"])
    for ticket_id in (taken.ticket_id, taken.others[0].ticket_id):
        lobby.do("printed", ticket_id)
    lobby.next()
    lobby.serve(taken.ticket_id)
    to_quiet_night(lobby)
    assert end_days(lobby) == 1
    ended = ended_of(lobby, taken.visit_id)
    assert (ended.outcome, ended.stage) == ("served", None)
    assert lobby.names(taken.visit_id)[-2:] == ["ticket_left", "visit_ended"]


def test_the_end_teaches_the_estimates_nothing(lobby: Lobby) -> None:
    lobby.open()
    taken = lobby.wait()
    lobby.next()
    lobby.do("start", taken.ticket_id)
    to_quiet_night(lobby)
    end_days(lobby)
    lobby.wait()
    lobby.next()
    assert lobby.take().wait.p50_s == 300, "as the policy guesses"
    assert all(channel.promises is None for channel in lobby.queue().channels)


def test_the_running_service_ends_the_day_by_the_business_clock_and_after_it_was_away(tmp_path: Path) -> None:
    """The clock shows an hour to midnight in Shanghai and runs 300 times as fast."""
    evening, wall = MIDNIGHT - timedelta(hours=1), datetime.now(UTC)
    zone = {"LOBBY_TIMEZONE": "Asia/Shanghai", "LOBBY_SILENCE_S": "1"}
    clock = {"LOBBY_CLOCK": format_clock(ScaledClock(business=evening, rate=300, wall=wall))}
    with one_service("triage", tmp_path, **zone, **clock) as service:
        branch = Branch(service, "night")
        ticket = branch.wait()
        wait_until(lambda: _ticket(branch, ticket)["state"] == "left", within_s=60, what="the day's end")
        assert _ticket(branch, ticket)["ended_at"] >= "2026-11-24T16:00:00"
        tomorrow = branch.wait()
    later = {"LOBBY_CLOCK": format_clock(ScaledClock(business=evening + timedelta(days=3), rate=1, wall=wall))}
    with one_service("triage", tmp_path, **zone, **later) as service:
        branch = Branch(service, "night")
        wait_until(lambda: _ticket(branch, tomorrow)["state"] == "left", within_s=30, what="the end of a day gone by")


def _ticket(branch: Branch, ticket: dict[str, object]) -> dict[str, str]:
    answer = branch.service.call("GET", f"/v1/tickets/{ticket['ticket_id']}", branch=branch.name)
    assert answer.status == 200
    found: dict[str, str] = answer.json
    return found


@pytest.mark.parametrize("rate", [1.0, 60.0])
def test_silence_is_counted_on_the_wall(rate: float) -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    assert (now - Silence(wall_s=10, rate=rate).before(now)).total_seconds() == 10 * rate
