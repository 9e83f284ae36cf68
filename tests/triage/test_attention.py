"""Care and alarms: whom to look after, promises that break, starvation, lines that are too long (T8, T12)."""

import pytest

from shared.clock import ManualClock
from shared.contracts.events import triage
from shared.contracts.http.attention import CARED
from shared.storage import Storage
from tests.triage.lobby import BRANCH, Lobby


def of_type(lobby: Lobby, kind: type) -> list:
    return [event.data for event in lobby.events() if isinstance(event.data, kind)]


def test_a_promise_that_breaks_is_told_once(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    taken = lobby.wait()
    clock.advance(taken.wait.p90_s - 1)
    lobby.watch()
    assert of_type(lobby, triage.WaitPromiseBreached) == []
    clock.advance(2)
    for _ in range(3):
        lobby.watch()
        clock.advance(100)
    (breach,) = of_type(lobby, triage.WaitPromiseBreached)
    assert (breach.ticket_id, breach.quoted_p90_s, breach.waited_s) == (taken.ticket_id, 30.0, 31.0)
    lobby.next()
    assert len(of_type(lobby, triage.WaitPromiseBreached)) == 1


def test_a_call_tells_of_the_broken_promise_where_nobody_looked_before(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    taken = lobby.wait()
    clock.advance(40)
    lobby.next()
    assert lobby.names(taken.visit_id)[-2:] == ["wait_promise_breached", "ticket_called"]
    lobby.undo(taken.ticket_id)
    lobby.next()
    assert lobby.names(taken.visit_id).count("wait_promise_breached") == 1


def test_who_waits_too_long_is_alarmed_once_and_cleared_when_called(storage: Storage, clock: ManualClock) -> None:
    lobby = Lobby(storage, clock, starvation_s=600)
    lobby.open()
    taken = lobby.wait()
    clock.advance(601)
    lobby.watch()
    lobby.watch()
    (alarm,) = of_type(lobby, triage.StarvationAlarmed)
    assert (alarm.cause, alarm.limit_s, alarm.waited_s, alarm.number) == ("wait", 600, 601, taken.number)
    lobby.next()
    (cleared,) = of_type(lobby, triage.StarvationCleared)
    assert (cleared.number, cleared.by) == (taken.number, "ticket_called")


def test_who_may_not_be_overtaken_any_more_is_alarmed(storage: Storage, clock: ManualClock) -> None:
    lobby = Lobby(storage, clock, max_overtakes=2, starvation_s=9999)
    lobby.open()
    waiting = [lobby.wait() for _ in range(60)]
    clock.advance(1)
    for _ in range(2):
        urgent = lobby.wait(customer={"urgent": True})
        lobby.next()
        lobby.serve(urgent.ticket_id, 0)
        lobby.watch()
    alarms = of_type(lobby, triage.StarvationAlarmed)
    assert [(alarm.ticket_id, alarm.cause, alarm.times_overtaken) for alarm in alarms] == [
        (taken.ticket_id, "cap", 2) for taken in waiting
    ]
    lobby.watch()
    assert len(of_type(lobby, triage.StarvationAlarmed)) == 60


def test_a_line_that_is_too_long_is_told_and_told_back_with_some_slack(storage: Storage, clock: ManualClock) -> None:
    lobby = Lobby(storage, clock, line_limit=5, threshold_back=0.6, p90_limit_s=1e6, longest_wait_limit_s=1e6)
    lobby.open()
    for _ in range(8):
        lobby.wait()
        lobby.watch()
    while (called := lobby.next()) is not None:
        lobby.serve(called.ticket_id, 1)
        lobby.watch()
    crossed = of_type(lobby, triage.ThresholdCrossed)
    assert [(event.channel, event.measure, event.above, event.value, event.limit) for event in crossed] == [
        ("counter", "length", True, 6, 5), ("counter", "length", False, 3, 5)
    ]  # fmt: skip
    assert [event.sequence for event in lobby.events("line:demo:counter")] == [1, 2]


def test_a_line_in_which_somebody_waits_too_long_is_told_at_that_time(storage: Storage, clock: ManualClock) -> None:
    lobby = Lobby(storage, clock, longest_wait_limit_s=300, p90_limit_s=1e6)
    lobby.open()
    lobby.wait()
    lobby.watch()
    clock.advance(299)
    lobby.watch()
    assert of_type(lobby, triage.ThresholdCrossed) == []
    clock.advance(2)
    lobby.watch()
    (crossed,) = of_type(lobby, triage.ThresholdCrossed)
    assert (crossed.measure, crossed.above, crossed.value) == ("longest_wait", True, 301)
    lobby.next()
    lobby.watch()
    assert [event.above for event in of_type(lobby, triage.ThresholdCrossed)] == [True, False]


def test_the_frail_are_looked_after_sooner_and_first(storage: Storage, clock: ManualClock) -> None:
    lobby = Lobby(storage, clock, care_wait_s=1200, care_wait_frail_s=600, first_service_s=9999)
    lobby.open()
    plain = lobby.wait()
    lobby.wait()
    old = lobby.wait(customer={"age": 80})
    clock.advance(700)
    (need,) = [need for need in lobby.care().needs if need.ticket.ticket_id == old.ticket_id]
    assert [reason.rule for reason in need.reasons] == ["care.wait_frail", "care.promise"]
    assert need.reasons[0].zh == "老幼病残孕客户,已等候12分钟"
    clock.advance(600)
    needs = lobby.care().needs
    assert [need.ticket.ticket_id for need in needs][:2] == [old.ticket_id, plain.ticket_id]
    assert any(words.zh == "送水、请坐" for words in needs[0].suggestions)


def test_nobody_is_looked_after_twice(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    taken = lobby.wait()
    clock.advance(1300)
    (need,) = lobby.care().needs
    assert [reason.rule for reason in need.reasons] == ["care.wait", "care.promise"]
    assert need.suggestions[0].en.startswith("Apologise")
    lobby.cared(taken.ticket_id, "apology", by="li")
    assert lobby.care().needs == ()
    (event,) = of_type(lobby, triage.CustomerCared)
    assert (event.action, event.by, event.recorded_by) == ("apology", "li", None)
    clock.advance(lobby.policy.care_again_s + 1)
    (again,) = lobby.care().needs
    assert (again.last_cared_by, again.last_action) == ("li", "apology")
    lobby.triage.call(CARED, {"action": "water", "by": "wang"}, by="li", b=BRANCH, id=taken.ticket_id)
    event = of_type(lobby, triage.CustomerCared)[-1]
    assert (event.by, event.recorded_by) == ("wang", "li")


def test_who_is_overtaken_often_and_who_is_kept_on_hold_are_looked_after(storage: Storage, clock: ManualClock) -> None:
    lobby = Lobby(storage, clock, care_overtaken=2, first_service_s=9999)
    lobby.open()
    held = lobby.wait()
    lobby.next()
    lobby.do("start", held.ticket_id)
    lobby.do("hold", held.ticket_id)
    often = lobby.wait()
    lobby.wait()
    clock.advance(1)
    for _ in range(2):
        urgent = lobby.wait(customer={"urgent": True})
        lobby.next()
        lobby.serve(urgent.ticket_id, 0)
    rules = {need.ticket.ticket_id: [reason.rule for reason in need.reasons] for need in lobby.care().needs}
    assert rules[often.ticket_id] == ["care.overtaken"]
    assert held.ticket_id not in rules
    clock.advance(901)
    rules = {need.ticket.ticket_id: [reason.rule for reason in need.reasons] for need in lobby.care().needs}
    assert rules[held.ticket_id] == ["care.held"]


def test_who_is_gone_is_not_looked_after(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    taken = lobby.wait()
    clock.advance(1300)
    lobby.next()
    lobby.serve(taken.ticket_id)
    assert lobby.care().needs == ()
    with pytest.raises(Exception, match="is completed"):
        lobby.cared(taken.ticket_id)
