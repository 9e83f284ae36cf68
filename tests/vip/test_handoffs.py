"""Hand-offs through the real database: offered, accepted, declined, timed out, completed (V1-V3, V8)."""

from contextlib import closing
from dataclasses import asdict
from datetime import timedelta

import pytest

from services.vip.errors import HandoffNotFound, HandoffState, ManagerListedTwice, NotOnRoster
from services.vip.store import StoredLobby
from shared.contracts.events.vip import HandoffAccepted, HandoffCompleted
from shared.contracts.http import vip as calls
from shared.storage import Storage
from shared.storage.storage import declared_storage
from tests.vip.lobby import BRANCH, Lobby, manager, visit_ended


def test_an_arrival_is_offered_to_the_fitting_manager(lobby: Lobby) -> None:
    lobby.roster(manager("m1"), manager("m2", "wealth"))
    handoff = lobby.arrive(business="fund_purchase")
    assert (handoff.state, handoff.manager_id, handoff.attempt) == ("offered", "m2", 1)
    assert handoff.offered_until is not None
    assert (handoff.offered_until - lobby.clock.now()).total_seconds() == 120
    assert str(handoff.business_date) == "2026-11-24"


def test_the_business_date_is_the_branchs_local_day(lobby: Lobby) -> None:
    lobby.clock.advance(-2 * 3600)  # seven in the morning in Shanghai, still the day before in UTC
    assert lobby.clock.now().day == 23
    assert str(lobby.arrive().business_date) == "2026-11-24"


def test_the_events_of_a_hand_off_are_gapless_and_belong_to_its_visit(lobby: Lobby) -> None:
    lobby.roster(manager("m1"), manager("m2"))
    handoff = lobby.arrive(visit_id="v7")
    lobby.decline(handoff.handoff_id, "m1")
    lobby.accept(handoff.handoff_id, "m2")
    lobby.complete(handoff.handoff_id)
    events = lobby.events(handoff.handoff_id)
    assert [e.type for e in events] == [
        f"lobby.vip.{name}.v1"
        for name in (
            "customer_arrived", "handoff_offered", "handoff_declined", "handoff_offered", "handoff_accepted",
            "handoff_completed",
        )
    ]  # fmt: skip
    assert [e.sequence for e in events] == [1, 2, 3, 4, 5, 6]
    assert {e.correlationid for e in events} == {"v7"}


def test_the_customers_own_manager_is_asked_first(lobby: Lobby) -> None:
    lobby.roster(manager("m1"), manager("own", "corporate"))
    assert lobby.arrive(manager_id="own").manager_id == "own"


def test_a_second_report_of_the_same_visit_is_the_same_hand_off(lobby: Lobby) -> None:
    lobby.roster(manager("m1", max_load=5))
    first = lobby.arrive(visit_id="v1")
    assert lobby.arrive(visit_id="v1") == first


def test_personal_data_goes_to_the_vault_and_into_no_event(lobby: Lobby) -> None:
    handoff = lobby.arrive(customer={"name": "王小明", "phone": "13800000000"})
    assert handoff.customer_ref is not None
    assert lobby.vault.people == {handoff.customer_ref: {"name": "王小明", "phone": "13800000000"}}
    bodies = b"".join(event.to_json() for event in lobby.events())
    assert handoff.customer_ref.encode() in bodies
    assert "王小明".encode() not in bodies
    assert b"13800000000" not in bodies


def test_accepting_twice_is_accepting_once(lobby: Lobby) -> None:
    lobby.roster(manager("m1"))
    handoff = lobby.arrive()
    first = lobby.accept(handoff.handoff_id, "m1")
    assert lobby.accept(handoff.handoff_id, "m1") == first
    assert lobby.types(handoff.handoff_id).count("handoff_accepted") == 1


def test_who_speaks_for_a_manager_is_recorded(lobby: Lobby) -> None:
    lobby.roster(manager("m1"))
    handoff = lobby.arrive()
    lobby.vip.call(calls.ACCEPT, {"manager_id": "m1"}, roles=["lobby_manager"], by="li", id=handoff.handoff_id)
    lobby.vip.call(calls.COMPLETE, roles=["customer_manager"], by="m1", id=handoff.handoff_id)
    said = [event.data for event in lobby.vip.log()]
    assert [data.by for data in said if isinstance(data, HandoffAccepted | HandoffCompleted)] == ["li", None]


def test_a_manager_who_is_not_asked_cannot_accept_or_decline(lobby: Lobby) -> None:
    lobby.roster(manager("m1"), manager("m2"))
    handoff = lobby.arrive()
    for refused in (lobby.accept, lobby.decline):
        with pytest.raises(HandoffState) as caught:
            refused(handoff.handoff_id, "m2")
        assert caught.value.extra == {"state": "offered", "allowed": [], "manager_id": "m1"}


def test_a_manager_whose_offer_has_timed_out_is_told_who_is_asked_now(lobby: Lobby) -> None:
    lobby.roster(manager("m1"), manager("m2"))
    handoff = lobby.arrive()
    lobby.clock.advance(120)
    lobby.tick()
    with pytest.raises(HandoffState) as caught:
        lobby.accept(handoff.handoff_id, "m1")
    assert caught.value.extra["manager_id"] == "m2"
    assert lobby.accept(handoff.handoff_id, "m2").state == "accepted"


def test_an_offer_stands_until_its_time_is_up(lobby: Lobby) -> None:
    lobby.roster(manager("m1"), manager("m2"))
    handoff = lobby.arrive()
    lobby.clock.advance(119)
    lobby.tick()
    assert lobby.types(handoff.handoff_id) == ["customer_arrived", "handoff_offered"]


def test_when_all_have_declined_or_been_silent_the_supervisor_has_it(lobby: Lobby) -> None:
    lobby.roster(manager("m1"), manager("m2"))
    handoff = lobby.arrive()
    assert lobby.decline(handoff.handoff_id, "m1").manager_id == "m2"
    lobby.clock.advance(121)
    lobby.tick()
    assert lobby.state(handoff.handoff_id) == "escalated"
    assert asdict(lobby.events(handoff.handoff_id)[-1].data)["reason"] == "all_asked"


def test_without_anybody_on_duty_it_is_escalated_at_once_and_a_listed_manager_may_take_it(lobby: Lobby) -> None:
    lobby.roster(manager("m1", on_duty=False))
    handoff = lobby.arrive()
    assert handoff.state == "escalated"
    assert lobby.accept(handoff.handoff_id, "m1").state == "accepted"


def test_only_a_supervisor_may_take_it_without_being_on_the_roster(lobby: Lobby) -> None:
    handoff = lobby.arrive()
    with pytest.raises(NotOnRoster):
        lobby.accept(handoff.handoff_id, "boss", "customer_manager")
    assert lobby.accept(handoff.handoff_id, "boss", "supervisor").manager_id == "boss"


def test_when_all_are_busy_the_customer_waits_in_the_lounge_until_one_is_free(lobby: Lobby) -> None:
    lobby.roster(manager("m1"), manager("host", "lobby"))
    first, second = lobby.arrive(), lobby.arrive()
    lobby.accept(first.handoff_id, "m1")
    lobby.accept(second.handoff_id, "host")
    third = lobby.arrive()
    assert (third.state, third.in_lounge) == ("waiting", True)
    assert third.promised_at is not None
    assert third.promised_at > lobby.clock.now()
    tasks = [asdict(e.data) for e in lobby.events(third.handoff_id) if "task_due" in e.type]
    assert [(task["task"], task["owner"]) for task in tasks] == [("tea", "host"), ("magazines", "host")]
    lobby.complete(first.handoff_id)
    view = {h.handoff_id: h for h in lobby.view().handoffs}[third.handoff_id]
    assert (view.state, view.manager_id) == ("offered", "m1")


def test_who_waits_behind_others_is_promised_a_later_time(lobby: Lobby) -> None:
    lobby.roster(manager("m1"))
    lobby.arrive()
    promises = [lobby.arrive().promised_at for _ in range(3)]
    assert None not in promises
    assert sorted(set(promises), key=str) == promises


def test_a_manager_is_asked_for_no_more_customers_at_once_than_they_can_take(lobby: Lobby) -> None:
    lobby.roster(manager("m1"))
    assert lobby.arrive().state == "offered"
    assert lobby.arrive().state == "waiting"


def test_who_waits_is_offered_in_the_order_of_arrival_when_the_roster_grows(lobby: Lobby) -> None:
    lobby.roster(manager("m1"))
    lobby.accept(lobby.arrive().handoff_id, "m1")
    waiting = [lobby.arrive().handoff_id for _ in range(3)]
    lobby.roster(manager("m1"), manager("m2"), manager("m3"))
    assert [lobby.state(handoff_id) for handoff_id in waiting] == ["offered", "offered", "waiting"]


def crowd(lobby: Lobby, count: int) -> list[str]:
    lobby.roster(manager("m1"))
    lobby.accept(lobby.arrive().handoff_id, "m1")
    return [lobby.arrive().handoff_id for _ in range(count)]


def test_everybody_in_a_full_lounge_is_offered_when_there_are_managers_enough(lobby: Lobby) -> None:
    waiting = crowd(lobby, 40)
    lobby.roster(manager("m1"), *(manager(f"n{n:02}") for n in range(40)))
    assert {lobby.state(handoff_id) for handoff_id in waiting} == {"offered"}


def test_everybody_in_a_full_lounge_is_the_supervisors_when_nobody_is_on_duty_any_more(lobby: Lobby) -> None:
    waiting = crowd(lobby, 40)
    lobby.roster(manager("m1", on_duty=False))
    assert {lobby.state(handoff_id) for handoff_id in waiting} == {"escalated"}


def test_who_is_further_back_is_offered_when_all_in_front_have_been_declined(lobby: Lobby) -> None:
    lobby.roster(manager("m1", max_load=31), manager("m2", max_load=1))
    lobby.accept(lobby.arrive().handoff_id, "m1")
    lobby.accept(lobby.arrive().handoff_id, "m2")
    front = [lobby.arrive().handoff_id for _ in range(30)]  # all offered to m1
    back = lobby.arrive().handoff_id
    assert lobby.state(back) == "waiting"
    lobby.roster(manager("m1", max_load=1), manager("m2"))
    for handoff_id in front:
        lobby.decline(handoff_id, "m1")
    assert {lobby.state(handoff_id) for handoff_id in front} == {"waiting"}
    lobby.roster(manager("m1", max_load=2), manager("m2"))
    assert lobby.state(back) == "offered"


def test_a_customer_who_waits_is_offered_by_the_timer_when_a_time_out_frees_a_manager(lobby: Lobby) -> None:
    lobby.roster(manager("m1"))
    first, second = lobby.arrive(), lobby.arrive()
    lobby.clock.advance(121)
    lobby.tick()
    assert lobby.state(first.handoff_id) == "escalated"
    assert lobby.state(second.handoff_id) == "offered"


def test_only_an_accepted_hand_off_can_be_completed(lobby: Lobby) -> None:
    lobby.roster(manager("m1"))
    handoff = lobby.arrive()
    with pytest.raises(HandoffState) as caught:
        lobby.complete(handoff.handoff_id)
    assert caught.value.extra["allowed"] == ["accept", "decline"]
    lobby.accept(handoff.handoff_id, "m1")
    assert lobby.complete(handoff.handoff_id).state == "completed"
    with pytest.raises(HandoffState) as caught:
        lobby.complete(handoff.handoff_id)
    assert caught.value.extra == {"state": "completed", "allowed": [], "manager_id": "m1"}


def test_an_unknown_hand_off_is_not_found(lobby: Lobby) -> None:
    with pytest.raises(HandoffNotFound):
        lobby.accept("nobody", "m1")


def test_the_view_shows_who_is_in_the_lobby_and_what_each_manager_has_in_hand(lobby: Lobby) -> None:
    lobby.roster(manager("m1", max_load=2), manager("m2", on_duty=False))
    first, second = lobby.arrive(), lobby.arrive()
    lobby.accept(first.handoff_id, "m1")
    view = lobby.view()
    assert (view.branch, view.at) == (BRANCH, lobby.clock.now())
    assert [(h.handoff_id, h.state) for h in view.handoffs] == [
        (first.handoff_id, "accepted"), (second.handoff_id, "offered"),
    ]  # fmt: skip
    assert [(m.manager_id, m.load, m.max_load, m.on_duty) for m in view.managers] == [
        ("m1", 1, 2, True), ("m2", 0, 1, False),
    ]  # fmt: skip
    lobby.complete(first.handoff_id)
    assert [h.handoff_id for h in lobby.view().handoffs] == [second.handoff_id]


def test_setting_the_same_roster_again_says_nothing_and_a_new_one_is_an_event(lobby: Lobby) -> None:
    lobby.roster(manager("m1"))
    lobby.roster(manager("m1"))
    lobby.roster(manager("m1", name="李经理", skills=("fx",)))
    events = lobby.events(f"roster:{BRANCH}")
    assert [event.sequence for event in events] == [1, 2]
    assert asdict(events[-1].data)["managers"][0]["name"] == "李经理"


def test_a_manager_who_is_listed_twice_is_refused_with_the_place(lobby: Lobby) -> None:
    with pytest.raises(ManagerListedTwice) as caught:
        lobby.roster(manager("m1"), manager("m1"))
    assert caught.value.extra["errors"][0]["field"] == "managers.1.manager_id"
    assert lobby.events() == []


def test_an_offer_runs_out_though_the_process_that_made_it_is_gone(lobby: Lobby, storage: Storage) -> None:
    lobby.roster(manager("m1"), manager("m2"))
    handoff = lobby.arrive()
    assert storage.take_snapshots(all_changed=True) == 1
    with closing(declared_storage(storage.settings, "vip", lobby.clock)) as other:
        lobby.clock.advance(120)
        Lobby(other, lobby.clock).tick()
    assert lobby.types(handoff.handoff_id)[-2:] == ["handoff_timed_out", "handoff_offered"]
    assert lobby.accept(handoff.handoff_id, "m2").state == "accepted"


def test_a_look_at_the_clock_reads_only_branches_in_which_an_offer_has_run_out(lobby: Lobby, storage: Storage) -> None:
    lobby.roster(manager("m1"))
    handoff = lobby.arrive()
    lobby.accept(handoff.handoff_id, "m1")
    assert storage.branches_due(limit=10) == []
    lobby.clock.advance(121)
    assert storage.branches_due(limit=10) == [BRANCH]  # the offer that was accepted meanwhile
    lobby.tick()
    assert storage.branches_due(limit=10) == []


def test_what_is_owed_in_the_lounge_is_owed_until_the_customer_leaves_it(lobby: Lobby, storage: Storage) -> None:
    lobby.roster(manager("m1"))
    first = lobby.arrive()
    lobby.accept(first.handoff_id, "m1")
    waiting, gone = lobby.arrive(), lobby.arrive(visit_id="v9")
    now = lobby.clock.now()
    assert [(task.task, task.owner, task.due_at) for task in waiting.lounge_tasks] == [
        ("tea", "lobby_manager", now + timedelta(seconds=180)),
        ("magazines", "lobby_manager", now + timedelta(seconds=300)),
    ]
    lobby.receive(visit_ended("left", visit_id="v9"), "v9")
    lobby.complete(first.handoff_id)
    lobby.clock.advance(30)
    assert len(lobby.view().handoffs[0].lounge_tasks) == 2, "offered, and still in the lounge"
    assert lobby.accept(waiting.handoff_id, "m1").lounge_tasks == ()
    with storage.read() as connection:
        reader = StoredLobby(storage, connection, BRANCH)
        kept = [reader.handoff(handoff_id) for handoff_id in (waiting.handoff_id, gone.handoff_id)]
    fates = [[(t.fate, t.ended and t.ended.by, t.ended and t.ended.why) for t in h.lounge_tasks] for h in kept if h]
    assert fates == [[("waived", "m1", "accepted")] * 2, [("waived", None, "left")] * 2]
