"""Calling: who is next, who may be overtaken, and what a counter may do (T7, T10, T12)."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from services.triage.errors import CounterBusy, CounterClosed, NothingToUndo, TicketNotFound, VisitEnded
from shared.clock import ManualClock
from shared.contracts.events import triage
from shared.errors import InvalidInput
from shared.storage import Storage
from tests.triage.lobby import Lobby


def called_by(lobby: Lobby, counter: str = "1") -> str:
    called = lobby.next(counter)
    assert called is not None
    return called.number


def test_a_closed_counter_calls_nobody(lobby: Lobby) -> None:
    lobby.wait()
    with pytest.raises(CounterClosed):
        lobby.next()
    lobby.open()
    lobby.close()
    with pytest.raises(CounterClosed):
        lobby.next()


def test_nobody_fits_when_nobody_waits_for_the_counters_channels(lobby: Lobby) -> None:
    lobby.open("1")
    assert lobby.next("1") is None
    lobby.wait("mortgage")
    assert lobby.next("1") is None
    lobby.open("2", "loan_desk")
    assert called_by(lobby, "2") == "L001"


def test_an_unprinted_ticket_is_passed_over(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    lobby.take()
    clock.advance(10)
    lobby.wait()
    assert called_by(lobby) == "A002"


def test_a_counter_with_a_customer_calls_no_other(lobby: Lobby) -> None:
    lobby.open()
    first, _ = lobby.wait(), lobby.wait()
    lobby.next()
    with pytest.raises(CounterBusy, match="A001") as refused:
        lobby.next()
    assert refused.value.extra["ticket_id"] == first.ticket_id
    lobby.serve(first.ticket_id)
    assert called_by(lobby) == "A002"


def test_the_call_says_what_was_waited_and_what_was_promised(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    taken = lobby.wait()
    clock.advance(90)
    lobby.next()
    called = lobby.events(taken.visit_id)[-1].data
    assert isinstance(called, triage.TicketCalled)
    assert (called.counter, called.waited_s, called.overtakes) == ("1", 90.0, ())
    assert (called.quoted_p50_s, called.quoted_p90_s) == (taken.wait.p50_s, taken.wait.p90_s)


def test_gold_and_green_are_ahead_within_their_head_start(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    old = lobby.wait()
    clock.advance(601)
    recent = lobby.wait()
    clock.advance(60)
    gold = lobby.wait(customer={"card_tier": "gold"})
    green = lobby.wait(customer={"age": 80})
    order = []
    while (called := lobby.next()) is not None:
        order.append(called.ticket_id)
        lobby.serve(called.ticket_id, 0)
    assert order == [old.ticket_id, green.ticket_id, gold.ticket_id, recent.ticket_id]


def test_a_call_names_whom_it_overtakes(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    plain = lobby.wait()
    loan = lobby.wait("mortgage")
    lobby.take()  # not printed: can't be overtaken
    clock.advance(5)
    green = lobby.wait(customer={"pregnant": True})
    lobby.next()
    called = lobby.events(green.visit_id)[-1].data
    assert isinstance(called, triage.TicketCalled)
    assert called.overtakes == (plain.ticket_id,)
    assert loan.ticket_id not in called.overtakes


def test_nobody_is_overtaken_more_often_than_policy_allows(storage: Storage, clock: ManualClock) -> None:
    lobby = Lobby(storage, clock, max_overtakes=3)
    lobby.open()
    first = lobby.wait()
    clock.advance(1)
    second = lobby.wait()
    for _ in range(8):
        clock.advance(1)
        lobby.wait(customer={"urgent": True})
    order = []
    while (called := lobby.next()) is not None:
        order.append(called.number)
        lobby.serve(called.ticket_id, 1)
    assert order[:6] == ["G001", "G002", "G003", first.number, second.number, "G004"]
    overtaken = [
        ticket_id
        for event in lobby.events()
        if isinstance(event.data, triage.TicketCalled)
        for ticket_id in event.data.overtakes
    ]
    assert overtaken.count(first.ticket_id) == 3
    # The second was overtaken by the three only: the first asked earlier.
    assert overtaken.count(second.ticket_id) == 3


def test_an_undone_call_gives_the_place_back(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    first = lobby.wait()
    clock.advance(10)
    lobby.wait()
    lobby.next()
    assert lobby.undo(first.ticket_id).state == "waiting"
    clock.advance(30)
    called = lobby.next()
    assert called is not None
    assert (called.ticket_id, called.waited_s) == (first.ticket_id, 40)


def test_who_did_not_come_is_called_after_the_others_and_leaves_after_the_third_time(
    lobby: Lobby, clock: ManualClock
) -> None:
    lobby.open()
    first = lobby.wait()
    clock.advance(10)
    lobby.wait()
    lobby.next()
    clock.advance(10)
    assert lobby.do("no_show", first.ticket_id).state == "waiting"
    assert called_by(lobby) == "A002"
    lobby.serve(lobby.queue().counters[0].serving.ticket_id)  # type: ignore[union-attr]
    for _ in range(2):
        lobby.next()
        last = lobby.do("no_show", first.ticket_id)
    assert (last.state, last.outcome) == ("left", "left")
    assert lobby.names(first.visit_id)[-3:] == ["ticket_no_show", "ticket_left", "visit_ended"]
    assert lobby.next() is None


def test_who_missed_the_call_and_is_back_in_time_is_called_next(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    first = lobby.wait()
    clock.advance(10)
    second, third = lobby.wait(), lobby.wait()
    lobby.next()
    clock.advance(20)
    lobby.do("no_show", first.ticket_id)
    clock.advance(60)
    assert called_by(lobby) == second.number
    assert lobby.do("return_after_no_show", first.ticket_id).state == "waiting"
    lobby.serve(second.ticket_id)
    assert called_by(lobby) == first.number
    called = lobby.events(first.visit_id)[-1].data
    assert isinstance(called, triage.TicketCalled)
    assert called.overtakes == ()
    assert third.ticket_id in {ticket.ticket_id for ticket in lobby.queue().waiting}


def test_coming_back_gives_no_new_allowance_to_those_who_overtake(storage: Storage, clock: ManualClock) -> None:
    lobby = Lobby(storage, clock, max_overtakes=2)
    lobby.open()
    first = lobby.wait()
    lobby.next()
    lobby.do("no_show", first.ticket_id)
    clock.advance(1)
    urgent = [lobby.wait(customer={"urgent": True}) for _ in range(4)]
    for ticket in urgent[:2]:
        assert called_by(lobby) == ticket.number
        lobby.serve(ticket.ticket_id, 1)
    lobby.do("return_after_no_show", first.ticket_id)
    assert called_by(lobby) == first.number


def test_a_number_can_be_called_out_of_turn(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    first = lobby.wait()
    clock.advance(10)
    second = lobby.wait()
    loan = lobby.wait("mortgage")
    assert lobby.call(number=second.number).ticket_id == second.ticket_id
    called = lobby.events(second.visit_id)[-1].data
    assert isinstance(called, triage.TicketCalled)
    assert called.overtakes == (first.ticket_id,)
    lobby.serve(second.ticket_id)
    assert lobby.call(ticket_id=loan.ticket_id).counter == "1"
    with pytest.raises(CounterBusy):
        lobby.call(number=first.number)


def test_a_call_names_a_ticket_that_exists(lobby: Lobby) -> None:
    lobby.open()
    with pytest.raises(TicketNotFound):
        lobby.call(number="A999")
    with pytest.raises(TicketNotFound):
        lobby.call(ticket_id="nothing")
    for unclear in ({}, {"number": "A\0"}, {"ticket_id": "\0"}):
        with pytest.raises(InvalidInput):
            lobby.call(**unclear)


def test_numbers_of_today_come_before_those_of_yesterday(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    lobby.wait()
    clock.advance(86400)
    today = lobby.wait()
    assert lobby.call(number="A001").ticket_id == today.ticket_id


def test_a_held_ticket_frees_the_counter_and_is_resumed_there_when_it_is_free(lobby: Lobby) -> None:
    lobby.open()
    first, second = lobby.wait(), lobby.wait()
    lobby.next()
    lobby.do("start", first.ticket_id)
    lobby.do("hold", first.ticket_id)
    lobby.next()
    with pytest.raises(CounterBusy, match=second.number):
        lobby.do("resume", first.ticket_id)
    with pytest.raises(CounterBusy, match=second.number):
        lobby.undo(first.ticket_id)
    lobby.serve(second.ticket_id)
    assert lobby.do("resume", first.ticket_id).state == "serving"
    lobby.do("hold", first.ticket_id)
    lobby.close()
    with pytest.raises(CounterClosed):
        lobby.do("resume", first.ticket_id)


def test_a_step_is_taken_back_at_the_counter_that_still_has_it(lobby: Lobby) -> None:
    lobby.open()
    taken = lobby.wait()
    lobby.next()
    lobby.do("start", taken.ticket_id)
    assert lobby.undo(taken.ticket_id).state == "called"
    with pytest.raises(NothingToUndo):
        lobby.undo(taken.ticket_id)
    lobby.serve(taken.ticket_id)
    with pytest.raises(VisitEnded):
        lobby.undo(taken.ticket_id)
    assert lobby.names(taken.visit_id).count("visit_ended") == 1


def test_an_undo_needs_its_reason(lobby: Lobby) -> None:
    lobby.open()
    taken = lobby.wait()
    lobby.next()
    with pytest.raises(InvalidInput, match="reason"):
        lobby.undo(taken.ticket_id, None)


def test_a_transferred_ticket_keeps_its_place(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    early = lobby.wait()
    clock.advance(10)
    lobby.wait("mortgage")
    lobby.next()
    assert lobby.transfer(early.ticket_id, "loan_desk").state == "waiting"
    lobby.open("2", "loan_desk")
    assert called_by(lobby, "2") == early.number


def test_a_counter_is_opened_once_and_changes_what_it_serves(lobby: Lobby) -> None:
    lobby.open()
    assert lobby.open().channels == ("counter", "green")
    assert lobby.open("1", "vip").channels == ("vip",)
    assert lobby.names("counter:demo:1") == ["counter_opened", "counter_opened"]
    lobby.close()
    assert lobby.close().state == "closed"
    assert [event.sequence for event in lobby.events("counter:demo:1")] == [1, 2, 3]


def test_a_counter_is_not_closed_on_a_customer(lobby: Lobby) -> None:
    lobby.open()
    taken = lobby.wait()
    lobby.next()
    with pytest.raises(CounterBusy):
        lobby.close()
    lobby.serve(taken.ticket_id)
    assert lobby.close().state == "closed"


@pytest.mark.parametrize("name", ["a\nb", "", "x" * 65, "号;drop"])
def test_a_counter_has_a_name_that_an_event_can_carry(lobby: Lobby, name: str) -> None:
    with pytest.raises(InvalidInput):
        lobby.open(name)


def test_a_device_that_says_the_same_again_is_no_event(lobby: Lobby) -> None:
    lobby.device("atm-1", "atm", "up")
    lobby.device("atm-1", "atm", "up")
    assert lobby.device("atm-1", "atm", "down").status == "down"
    assert lobby.names("device:demo:atm-1") == ["device_changed", "device_changed"]


def test_two_counters_never_get_one_ticket(lobby: Lobby) -> None:
    counters = [str(n) for n in range(1, 7)]
    for counter in counters:
        lobby.open(counter)
    tickets = [lobby.wait().ticket_id for _ in range(24)]

    def work(counter: str) -> list[str]:
        served = []
        while (called := lobby.next(counter)) is not None:
            served.append(called.ticket_id)
            lobby.do("start", called.ticket_id)
            lobby.do("complete", called.ticket_id)
        return served

    with ThreadPoolExecutor(len(counters)) as pool:
        served = [ticket_id for got in pool.map(work, counters) for ticket_id in got]
    assert sorted(served) == sorted(tickets)
    assert lobby.names().count("visit_ended") == 24


def test_concurrent_customers_get_numbers_without_a_gap(lobby: Lobby) -> None:
    with ThreadPoolExecutor(6) as pool:
        numbers = list(pool.map(lambda _: lobby.take().number, range(30)))
    assert sorted(numbers) == [f"A{n:03d}" for n in range(1, 31)]


def test_a_branch_calls_its_own_customers_only(lobby: Lobby) -> None:
    lobby.open()
    lobby.open(branch="other")
    lobby.wait()
    assert lobby.next(branch="other") is None
    other = lobby.queue("other")
    assert (other.waiting, other.issued_today) == ((), 0)
    assert lobby.next() is not None


def test_who_was_overtaken_too_often_stays_first_when_the_call_is_taken_back(
    storage: Storage, clock: ManualClock
) -> None:
    lobby = Lobby(storage, clock, max_overtakes=1)
    lobby.open()
    first = lobby.wait()
    clock.advance(1)
    urgent = [lobby.wait(customer={"urgent": True}) for _ in range(2)]
    assert called_by(lobby) == urgent[0].number
    lobby.serve(urgent[0].ticket_id)
    assert called_by(lobby) == first.number
    lobby.undo(first.ticket_id)
    assert [ticket.number for ticket in lobby.queue().waiting] == [first.number, urgent[1].number]
    assert called_by(lobby) == first.number
