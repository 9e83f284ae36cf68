"""What vip makes of triage's events, in any order and twice (V1)."""

from dataclasses import asdict
from datetime import timedelta

import pytest

from shared.errors import PredecessorMissing
from shared.storage.verification import verify
from tests.vip.lobby import BRANCH, TODAY, Lobby, called, issued, left, manager, printed, visit_ended


def arrived(lobby: Lobby) -> str:
    lobby.receive(issued(lobby.clock.now()), "t1")
    lobby.receive(printed(), "t1", 2)
    (handoff,) = lobby.view().handoffs
    return handoff.handoff_id


def test_the_customer_arrives_when_the_paper_is_printed_not_before(lobby: Lobby) -> None:
    lobby.roster(manager("r"), manager("w", "wealth"))
    lobby.receive(issued(lobby.clock.now()), "t1")
    assert lobby.view().handoffs == ()
    lobby.receive(printed(), "t1", 2)
    (handoff,) = lobby.view().handoffs
    assert (handoff.ticket_id, handoff.number, handoff.visit_id, handoff.tier, handoff.customer_ref) == (
        "t1", "V001", "v1", "platinum", "c1",
    )  # fmt: skip
    assert (handoff.state, handoff.manager_id) == ("offered", "w")
    assert asdict(lobby.events(handoff.handoff_id)[0].data)["recognised_by"] == "card"


def test_an_ordinary_ticket_is_none_of_vips_business(lobby: Lobby) -> None:
    lobby.receive(issued(lobby.clock.now(), channel="counter"), "t1")
    lobby.receive(printed(channel="counter"), "t1", 2)
    lobby.receive(called("3", channel="counter"), "t1", 3)
    lobby.receive(visit_ended("served", channel="counter"), "v1")
    assert lobby.events() == []


def test_a_paper_whose_ticket_is_unknown_asks_for_the_tickets_earlier_events(lobby: Lobby) -> None:
    with pytest.raises(PredecessorMissing) as caught:
        lobby.receive(printed(), "t1", 2)
    assert (caught.value.subject, caught.value.service) == ("t1", "triage")


def test_the_same_event_twice_changes_nothing(lobby: Lobby) -> None:
    lobby.roster(manager("m1", max_load=3))
    handoff_id = arrived(lobby)
    lobby.receive(issued(lobby.clock.now()), "t1")
    lobby.receive(printed(), "t1", 2)
    assert [h.handoff_id for h in lobby.view().handoffs] == [handoff_id]
    lobby.receive(left(), "t1", 3)
    lobby.receive(left(), "t1", 3)
    assert lobby.types(handoff_id) == ["customer_arrived", "handoff_offered", "handoff_withdrawn"]


def test_a_paper_that_is_heard_of_again_after_the_hand_off_ended_starts_no_second_one(lobby: Lobby) -> None:
    lobby.roster(manager("m1"))
    handoff_id = arrived(lobby)
    lobby.accept(handoff_id, "m1")
    lobby.complete(handoff_id)
    lobby.receive(printed(), "t1", 2)
    assert lobby.view().handoffs == ()


def test_a_customer_recognised_before_printing_has_one_hand_off_and_the_ticket_goes_with_it(lobby: Lobby) -> None:
    lobby.roster(manager("m1"))
    handoff = lobby.arrive(visit_id="v1")
    lobby.receive(issued(lobby.clock.now()), "t1")
    lobby.receive(printed(), "t1", 2)
    assert [h.handoff_id for h in lobby.view().handoffs] == [handoff.handoff_id]
    assert lobby.accept(handoff.handoff_id, "m1").ticket_id == "t1"


def test_a_vip_window_that_calls_the_ticket_withdraws_the_hand_off(lobby: Lobby) -> None:
    lobby.roster(manager("m1"))
    handoff_id = arrived(lobby)
    lobby.receive(called("V1"), "t1", 3)
    assert lobby.state(handoff_id) == "withdrawn"
    assert asdict(lobby.events(handoff_id)[-1].data)["reason"] == "served_at_window"


def test_the_managers_own_desk_does_not_withdraw_what_they_accepted(lobby: Lobby) -> None:
    lobby.roster(manager("m1"))
    handoff_id = arrived(lobby)
    lobby.accept(handoff_id, "m1")
    lobby.receive(called("m1"), "t1", 3)
    assert lobby.state(handoff_id) == "accepted"


def test_a_window_that_was_faster_than_the_manager_withdraws_what_they_accepted(lobby: Lobby) -> None:
    lobby.roster(manager("m1"))
    handoff_id = arrived(lobby)
    lobby.accept(handoff_id, "m1")
    lobby.receive(called("V1"), "t1", 3)
    assert lobby.state(handoff_id) == "withdrawn"


@pytest.mark.parametrize("accept_first", [False, True])
def test_a_customer_who_leaves_withdraws_the_hand_off(lobby: Lobby, accept_first: bool) -> None:
    lobby.roster(manager("m1"))
    handoff_id = arrived(lobby)
    if accept_first:
        lobby.accept(handoff_id, "m1")
    lobby.receive(left(), "t1", 3)
    lobby.receive(visit_ended("left"), "v1")
    assert lobby.state(handoff_id) == "withdrawn"
    assert lobby.types(handoff_id).count("handoff_withdrawn") == 1


def test_the_end_of_a_visit_without_a_ticket_of_ours_withdraws_too(lobby: Lobby) -> None:
    handoff = lobby.arrive(visit_id="v1")
    lobby.receive(visit_ended("left", channel="counter"), "v1")
    assert lobby.state(handoff.handoff_id) == "withdrawn"


def test_a_withdrawal_frees_the_manager_for_who_waits(lobby: Lobby) -> None:
    lobby.roster(manager("m1"))
    arrived(lobby)
    waiting = lobby.arrive()
    assert waiting.state == "waiting"
    lobby.receive(left(), "t1", 3)
    assert lobby.state(waiting.handoff_id) == "offered"


def test_a_served_visit_frees_the_manager_who_did_not_say_that_they_are_done(lobby: Lobby) -> None:
    lobby.roster(manager("m1"))
    handoff_id = arrived(lobby)
    lobby.accept(handoff_id, "m1")
    lobby.receive(visit_ended("served"), "v1")
    assert lobby.state(handoff_id) == "completed"


@pytest.mark.parametrize("gone", [left(), called("V1")])
def test_a_paper_that_is_heard_of_after_the_end_brings_nobody_back(lobby: Lobby, gone: object) -> None:
    lobby.receive(gone, "t1", 3)  # type: ignore[arg-type]
    lobby.receive(issued(lobby.clock.now()), "t1")
    lobby.receive(printed(), "t1", 2)
    assert lobby.view().handoffs == ()


def test_the_state_and_the_look_ups_are_what_the_log_says(lobby: Lobby) -> None:
    lobby.roster(manager("m1", max_load=3), manager("m2"))
    ended = arrived(lobby)
    lobby.accept(ended, "m1")
    recognised = lobby.arrive(visit_id="v2")
    lobby.receive(issued(lobby.clock.now(), ticket_id="t2", visit_id="v2", number="V002"), "t2")
    lobby.receive(printed(ticket_id="t2", visit_id="v2", number="V002"), "t2", 2)
    lobby.receive(left(), "t1", 3)
    assert verify(lobby.vip.storage, BRANCH) == []
    assert lobby.accept(recognised.handoff_id, "m2").ticket_id == "t2"


def test_only_what_changes_what_vip_knows_is_kept_in_its_log(lobby: Lobby) -> None:
    for counter in ("3", "V1"):
        lobby.receive(issued(lobby.clock.now(), channel="counter"), "t1")
        lobby.receive(printed(channel="counter"), "t1", 2)
        lobby.receive(called(counter, channel="counter"), "t1", 3)
    assert lobby.heard() == []
    for _ in range(2):
        lobby.receive(issued(lobby.clock.now()), "t1")
        lobby.receive(printed(), "t1", 2)
        lobby.receive(called("V1"), "t1", 3)
        lobby.receive(left(), "t1", 4)
    assert lobby.heard() == ["ticket_issued", "ticket_called"]


def test_a_paper_that_is_heard_of_days_later_brings_nobody(lobby: Lobby) -> None:
    lobby.receive(issued(lobby.clock.now()), "t1")
    later = TODAY + timedelta(days=4)
    lobby.receive(issued(lobby.clock.now(), ticket_id="t2", visit_id="v2", business_date=later), "t2")
    lobby.receive(printed(), "t1", 2)
    assert lobby.view().handoffs == ()
    lobby.receive(printed(ticket_id="t2", visit_id="v2", business_date=later), "t2", 2)
    assert [handoff.ticket_id for handoff in lobby.view().handoffs] == ["t2"]
