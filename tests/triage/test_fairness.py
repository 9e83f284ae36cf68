"""Fairness: who is overtaken by whom, why and how often, and the cap under any load (T6, T12)."""

from datetime import timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.triage.policy import Policy, QueuePosition, credit_after, first_credit, vip_may
from shared.clock import ManualClock
from shared.contracts.events import triage
from shared.storage import Storage
from tests.support.databases import MORNING
from tests.triage.lobby import Lobby

URGENT = {"urgent": True}


def calls_of(lobby: Lobby) -> list[triage.TicketCalled]:
    return [event.data for event in lobby.events() if isinstance(event.data, triage.TicketCalled)]


def serve_next(lobby: Lobby, counter: str = "1") -> triage.TicketCalled | None:
    called = lobby.next(counter)
    if called is None:
        return None
    lobby.serve(called.ticket_id, 1)
    return calls_of(lobby)[-1]


def test_a_call_says_why_it_overtakes_and_how_often_each_was_overtaken(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    plain = lobby.wait()
    clock.advance(1)
    for _ in range(2):
        lobby.wait(customer={"age": 80})
    first, second, last = serve_next(lobby), serve_next(lobby), serve_next(lobby)
    assert first is not None
    assert second is not None
    assert last is not None
    assert first.overtaking_reason is not None
    assert (first.overtaking_reason.rule, first.overtaking_reason.zh) == ("green.age", "65岁以上,走绿色通道")
    assert [(one.number, one.times) for one in first.overtaken] == [(plain.number, 1)]
    assert [(one.number, one.times) for one in second.overtaken] == [(plain.number, 2)]
    assert (last.number, last.times_overtaken, last.overtaken) == (plain.number, 2, ())
    assert last.overtaking_reason is None


def test_gold_and_a_chosen_number_are_reasons_too(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    lobby.wait()
    clock.advance(1)
    lobby.wait(customer={"card_tier": "gold"})
    clock.advance(1)
    plain = lobby.wait()
    called = serve_next(lobby)
    assert called is not None
    assert called.overtaking_reason is not None
    assert called.overtaking_reason.rule == "priority.gold"
    lobby.call(ticket_id=plain.ticket_id)
    called = calls_of(lobby)[-1]
    assert called.overtaking_reason is not None
    assert (called.overtaking_reason.rule, called.forced) == ("call.number", False)


def test_the_cap_holds_for_more_than_can_be_named(storage: Storage, clock: ManualClock) -> None:
    lobby = Lobby(storage, clock, max_overtakes=2)
    lobby.open()
    waiting = [lobby.wait() for _ in range(60)]
    clock.advance(1)
    for _ in range(4):
        lobby.wait(customer=URGENT)
    first, second = serve_next(lobby), serve_next(lobby)
    assert first is not None
    assert second is not None
    assert (len(second.overtaken), second.overtakes_more) == (50, True)
    order = [serve_next(lobby) for _ in range(62)]
    assert [called.number for called in order if called is not None][:60] == [taken.number for taken in waiting]
    assert all(called is not None and called.times_overtaken == 2 for called in order[:60])
    assert {called.number for called in order if called is not None and called.channel == "green"} == {"G003", "G004"}


def test_a_number_called_beyond_the_cap_is_recorded_as_forced(storage: Storage, clock: ManualClock) -> None:
    lobby = Lobby(storage, clock, max_overtakes=1)
    lobby.open()
    first = lobby.wait()
    clock.advance(1)
    others = [lobby.wait() for _ in range(2)]
    lobby.call(ticket_id=others[0].ticket_id)
    lobby.serve(others[0].ticket_id)
    lobby.call(ticket_id=others[1].ticket_id)
    called = calls_of(lobby)
    assert [call.forced for call in called] == [False, True]
    assert called[1].overtaken[0].times == 2
    assert lobby.queue().waiting[0].ticket_id == first.ticket_id


def test_who_comes_late_to_an_early_place_hides_nobody_who_was_overtaken_often(
    storage: Storage, clock: ManualClock
) -> None:
    lobby = Lobby(storage, clock, max_overtakes=3)
    lobby.open()
    asked = clock.now()
    clock.advance(600)
    often = lobby.wait()
    clock.advance(1)
    for _ in range(3):
        lobby.wait(customer=URGENT)
        serve_next(lobby)
    late = lobby.wait(requested_at=asked.isoformat())
    lobby.wait(customer=URGENT)
    order = [serve_next(lobby) for _ in range(3)]
    assert [called.number for called in order if called is not None] == [late.number, often.number, "G004"]


def test_a_call_taken_back_keeps_how_often_one_was_overtaken(storage: Storage, clock: ManualClock) -> None:
    lobby = Lobby(storage, clock, max_overtakes=2)
    lobby.open()
    earlier = lobby.wait(requested_at=(clock.now() - timedelta(seconds=5)).isoformat())
    plain = lobby.wait()
    clock.advance(1)
    lobby.wait(customer=URGENT)
    serve_next(lobby)
    lobby.call(ticket_id=plain.ticket_id)
    lobby.undo(plain.ticket_id)
    assert {ticket.number: ticket.overtaken for ticket in lobby.queue().waiting} == {earlier.number: 1, plain.number: 1}


def test_a_call_taken_back_overtook_nobody(lobby: Lobby, clock: ManualClock) -> None:
    """Whoever is at another counter meanwhile is told so too, and the cap is not used up."""
    lobby.open()
    lobby.open("2")
    come = []
    for _ in range(3):
        come.append(lobby.wait())
        clock.advance(1)
    first, second, wrong = come
    for _ in range(5):
        lobby.call(ticket_id=wrong.ticket_id)
        clock.advance(1)
        lobby.undo(wrong.ticket_id)
    lobby.call(ticket_id=wrong.ticket_id)
    lobby.call("2", ticket_id=first.ticket_id)
    assert calls_of(lobby)[-1].times_overtaken == 1
    lobby.undo(wrong.ticket_id)
    lobby.undo(first.ticket_id)
    waiting = {ticket.number: ticket.overtaken for ticket in lobby.queue().waiting}
    assert waiting == {first.number: 0, second.number: 0, wrong.number: 0}
    clock.advance(1)
    urgent = lobby.wait(customer=URGENT)
    called = serve_next(lobby)
    assert called is not None
    assert called.number == urgent.number


@pytest.mark.parametrize("place", ["sqlite", "postgresql"])
def test_a_call_taken_back_is_off_the_ledger(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    lobby.wait()
    clock.advance(1)
    wrong = lobby.wait()
    lobby.call(ticket_id=wrong.ticket_id)
    lobby.undo(wrong.ticket_id)
    view = lobby.fairness(MORNING.date().isoformat())
    assert (view.overtakings, view.most_overtaken, view.ledger) == (0, (), ())


def test_a_counter_with_skills_calls_only_what_it_does_and_says_so(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open_for("7", ["account_service_en"])
    first = lobby.wait("account_service")
    clock.advance(1)
    english = lobby.wait("account_service_en")
    assert lobby.queue().counters[0].businesses == ("account_service_en",)
    called = serve_next(lobby, "7")
    assert called is not None
    assert (called.number, called.for_skill, called.overtaken) == (english.number, True, ())
    assert lobby.next("7") is None
    lobby.open("1")
    plain = serve_next(lobby, "1")
    assert plain is not None
    assert (plain.number, plain.times_overtaken) == (first.number, 0)


def test_the_cap_holds_among_those_whom_a_counter_with_skills_serves(storage: Storage, clock: ManualClock) -> None:
    lobby = Lobby(storage, clock, max_overtakes=2)
    lobby.open_for("7", ["account_service_en"])
    lobby.open("1")
    old = lobby.wait("account_service")
    english = lobby.wait("account_service_en")
    clock.advance(1)
    for _ in range(3):
        lobby.wait("account_service_en", customer=URGENT)
    assert [called.number for _ in range(3) if (called := serve_next(lobby, "7"))] == ["G001", "G002", english.number]
    lobby.wait(customer=URGENT)
    called = serve_next(lobby, "1")
    assert called is not None
    assert [(one.number, one.times) for one in called.overtaken] == [(old.number, 1)]


def test_a_skill_is_a_business_of_the_branch(lobby: Lobby) -> None:
    with pytest.raises(Exception, match="banking_in_latin"):
        lobby.open_for("7", ["banking_in_latin"])


@pytest.mark.parametrize(("share", "vips_of_twelve"), [(0.1, 2), (0.25, 3), (0.5, 6), (0.75, 9), (1.0, 12), (0.0, 0)])
def test_vips_have_their_share_of_a_counter_that_serves_others_too(
    storage: Storage, clock: ManualClock, share: float, vips_of_twelve: int
) -> None:
    lobby = Lobby(storage, clock, vip_share=share, max_overtakes=1000)
    lobby.open("1", "counter", "green", "vip")
    for _ in range(12):
        lobby.wait()
        lobby.wait(customer={"card_tier": "private"})
    channels = [called.channel for _ in range(12) if (called := serve_next(lobby))]
    assert channels.count("vip") == vips_of_twelve
    assert (channels[0] == "vip") == (share > 0)


def test_without_a_share_vips_are_called_when_nobody_else_waits(storage: Storage, clock: ManualClock) -> None:
    lobby = Lobby(storage, clock, vip_share=0)
    lobby.open("1", "counter", "vip")
    lobby.wait(customer={"card_tier": "private"})
    clock.advance(1)
    lobby.wait()
    assert [called.channel for _ in range(2) if (called := serve_next(lobby))] == ["counter", "vip"]


def test_the_cap_comes_before_the_share(storage: Storage, clock: ManualClock) -> None:
    lobby = Lobby(storage, clock, vip_share=0, max_overtakes=2)
    lobby.open("1", "counter", "vip")
    lobby.wait(customer={"card_tier": "private"})
    for _ in range(4):
        clock.advance(1)
        lobby.wait()
    channels = [called.channel for _ in range(4) if (called := serve_next(lobby))]
    assert channels == ["counter", "counter", "vip", "counter"]


PLACES = {line: QueuePosition(ticket_id=line, line=line, lined=0.0, rank=0.0) for line in ("vip", "counter")}


@given(tenths=st.integers(0, 10), vips=st.lists(st.booleans(), min_size=1, max_size=60))
def test_of_any_calls_in_a_row_vips_get_their_share_at_most_rounded_up(tenths: int, vips: list[bool]) -> None:
    """``vips``: whether a VIP is first in turn; now and then they are not, and save nothing up by it."""
    policy = Policy(vip_share=tenths / 10)
    credit, got = first_credit(policy), []
    for vip in vips:
        place = PLACES["vip" if vip and vip_may(policy, credit) else "counter"]
        credit = credit_after(policy, credit, place)
        got.append(place.line == "vip")
    for begin, end in combinations(range(len(got) + 1), 2):
        assert sum(got[begin:end]) <= -(-(end - begin) * tenths // 10)
    if all(vips):
        assert sum(got) >= len(got) * tenths // 10, "nor do they get less"


def test_vips_who_wait_alone_take_nothing_of_their_share(storage: Storage, clock: ManualClock) -> None:
    lobby = Lobby(storage, clock, vip_share=0.5)
    lobby.open("1", "counter", "vip")
    for _ in range(4):
        lobby.wait(customer={"card_tier": "private"})
    assert [serve_next(lobby) is not None for _ in range(3)] == [True] * 3
    plain = lobby.wait()
    clock.advance(1)
    first, second = serve_next(lobby), serve_next(lobby)
    assert first is not None
    assert (first.channel, second and second.number) == ("vip", plain.number)
