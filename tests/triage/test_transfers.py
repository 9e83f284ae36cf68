"""Transfers: to a line, to a counter, to a person; and never to where nobody calls (T7, T10)."""

import pytest

from services.triage.errors import CounterClosed, IllegalTransition, PersonAway
from shared.clock import ManualClock
from shared.contracts.events import triage
from shared.contracts.http import triage as calls
from shared.errors import InvalidInput
from shared.storage import Storage
from tests.triage.lobby import Lobby


def move(lobby: Lobby, ticket_id: str, **to: str) -> calls.TicketView:
    return lobby.do("transfer", ticket_id, **to)


def called(lobby: Lobby, counter: str) -> str | None:
    ticket = lobby.next(counter)
    return None if ticket is None else ticket.number


def test_only_the_counter_that_a_ticket_was_sent_to_calls_it(lobby: Lobby, clock: ManualClock) -> None:
    for counter in ("1", "2"):
        lobby.open(counter)
    first = lobby.wait()
    clock.advance(10)
    lobby.wait()
    assert called(lobby, "1") == "A001"
    lobby.do("start", first.ticket_id)
    view = move(lobby, first.ticket_id, counter="2")
    assert (view.state, view.channel, view.for_counter) == ("waiting", "counter", "2")
    moved = lobby.events(first.visit_id)[-1].data
    assert isinstance(moved, triage.TicketTransferred)
    assert (moved.from_channel, moved.channel, moved.to_counter) == ("counter", "counter", "2")
    assert called(lobby, "1") == "A002"
    assert called(lobby, "2") == "A001"
    assert lobby.ticket(first.ticket_id).for_counter is None


def test_a_person_calls_who_was_sent_to_them_at_whatever_counter_they_work(lobby: Lobby) -> None:
    lobby.open("1")
    lobby.staff("2", "wang")
    first = lobby.wait()
    move(lobby, first.ticket_id, person="wang")
    assert called(lobby, "1") is None
    lobby.staff("3", "wang")
    assert called(lobby, "3") == first.number


def test_a_ticket_is_sent_to_a_counter_of_another_channel(lobby: Lobby) -> None:
    lobby.open("7", "loan_desk")
    first = lobby.wait()
    view = move(lobby, first.ticket_id, counter="7", channel="loan_desk")
    assert (view.channel, view.for_counter) == ("loan_desk", "7")
    assert called(lobby, "7") == first.number


@pytest.mark.parametrize("end", ["close", "somebody else"])
def test_who_waits_for_somebody_that_goes_waits_for_the_channel_again(lobby: Lobby, end: str) -> None:
    lobby.open("1")
    lobby.staff("2", "wang")
    to_counter, to_person = lobby.wait(), lobby.wait()
    move(lobby, to_person.ticket_id, person="wang")
    move(lobby, to_counter.ticket_id, counter="2")
    if end == "close":
        lobby.close("2")
        assert called(lobby, "1") == to_counter.number
        lobby.serve(to_counter.ticket_id)
    else:
        lobby.staff("2", "zhao")
        assert lobby.ticket(to_counter.ticket_id).for_counter == "2"
    assert lobby.ticket(to_person.ticket_id).for_person is None
    assert called(lobby, "1") == to_person.number


def test_who_is_at_a_counter_with_another_business_is_freed_too(lobby: Lobby) -> None:
    lobby.open("1")
    lobby.open("2", "loan_desk")
    taken = lobby.take("transfer", businesses=["mortgage"])
    for ticket_id in (taken.ticket_id, taken.others[0].ticket_id):
        lobby.do("printed", ticket_id)
    move(lobby, taken.others[0].ticket_id, counter="2")
    lobby.next("1")
    lobby.close("2")
    lobby.serve(taken.ticket_id)
    lobby.open("3", "loan_desk")
    assert called(lobby, "3") == taken.others[0].number


def test_a_call_that_is_taken_back_after_the_target_went_leaves_nobody_behind(lobby: Lobby) -> None:
    lobby.open("1")
    lobby.open("2")
    first = lobby.wait()
    move(lobby, first.ticket_id, counter="2")
    lobby.call("1", number=first.number)
    lobby.close("2")
    view = lobby.undo(first.ticket_id)
    assert (view.state, view.for_counter) == ("waiting", None)
    assert called(lobby, "1") == first.number


def test_nobody_is_sent_to_where_nobody_calls(lobby: Lobby) -> None:
    lobby.staff("1", "wang")
    first = lobby.wait()
    with pytest.raises(CounterClosed):
        move(lobby, first.ticket_id, counter="9")
    with pytest.raises(PersonAway) as away:
        move(lobby, first.ticket_id, person="li")
    assert away.value.extra["present"] == ["wang"]
    for wrong in ({}, {"counter": "1", "person": "wang"}):
        with pytest.raises(InvalidInput):
            move(lobby, first.ticket_id, **wrong)
    move(lobby, first.ticket_id, counter="1")
    with pytest.raises(IllegalTransition, match="waits for 1 already"):
        move(lobby, first.ticket_id, counter="1")


@pytest.mark.parametrize(("stands", "first"), [("request_time", "A001"), ("end", "L001")])
def test_policy_says_where_a_transferred_ticket_stands(
    storage: Storage, clock: ManualClock, stands: str, first: str
) -> None:
    lobby = Lobby(storage, clock, transfer_place=stands)
    lobby.open("2", "loan_desk")
    moved = lobby.wait()
    clock.advance(10)
    lobby.wait("mortgage")
    clock.advance(10)
    move(lobby, moved.ticket_id, channel="loan_desk")
    assert called(lobby, "2") == first


def test_a_person_of_the_longest_name_calls_who_was_sent_to_them(lobby: Lobby) -> None:
    name = "w" * 128
    lobby.staff("1", name, "counter")
    ticket = lobby.wait()
    move(lobby, ticket.ticket_id, person=name)
    assert lobby.ticket(ticket.ticket_id).for_person == name
    assert called(lobby, "1") == ticket.number
