"""What a branch's lobby promises, and corrects, and learns (T9): through the use cases, on every storage."""

import pytest

from shared.clock import ManualClock
from shared.contracts.events import triage
from shared.contracts.http.triage import QueueView, TicketView
from tests.triage.lobby import Lobby


def line(lobby: Lobby, number: int, *, apart_s: float = 10) -> list[str]:
    """Let people wait, one after the other."""
    taken = []
    for _ in range(number):
        taken.append(lobby.wait().ticket_id)
        lobby.clock.advance(apart_s)
    return taken


def busy(lobby: Lobby, *channels: str) -> str:
    """Open the counter and give it a customer, so that the next has to queue; return the customer's ticket."""
    lobby.open("1", *channels)
    lobby.wait()
    called = lobby.next()
    assert called is not None
    return called.ticket_id


def serve_everybody(lobby: Lobby, seconds: float) -> None:
    while (called := lobby.next()) is not None:
        lobby.serve(called.ticket_id, seconds)


def wait_of(view: QueueView, channel: str) -> float:
    return next(each.wait.p50_s for each in view.channels if each.channel == channel)


def test_a_waiting_tickets_estimate_shrinks_as_those_ahead_are_called(lobby: Lobby) -> None:
    lobby.open()
    called, *_, last = line(lobby, 4)
    lobby.next()
    first = lobby.ticket(last).wait
    lobby.serve(called, 300)  # as long as it was thought to take
    lobby.next()
    moved = lobby.ticket(last).wait
    assert first is not None
    assert moved is not None
    assert moved.p50_s < first.p50_s
    assert moved.p50_s <= moved.p90_s


def test_the_queue_and_the_ticket_say_the_same_and_those_farther_back_never_less(lobby: Lobby) -> None:
    lobby.open()
    line(lobby, 3)
    lobby.wait(customer={"urgent": True})
    line(lobby, 2)
    waiting = lobby.queue().waiting
    assert len(waiting) == 6
    for ticket in waiting:
        assert ticket.wait == lobby.ticket(ticket.ticket_id).wait
    plain = [ticket.wait.p50_s for ticket in waiting if ticket.channel == "counter" and ticket.wait]
    assert plain == sorted(plain)


def send(lobby: Lobby, ticket_id: str, **to: str) -> None:
    lobby.do("transfer", ticket_id, **to)


@pytest.mark.parametrize("to", [{"counter": "1"}, {"person": "wang"}])
def test_who_waits_for_one_counter_or_person_is_told_what_that_one_has_to_do(lobby: Lobby, to: dict[str, str]) -> None:
    """The counter beside is free, which helps nobody who waits for this one."""
    first = lobby.wait()
    lobby.staff("1", "wang")
    lobby.open("2")
    lobby.next()
    sent = line(lobby, 3)
    for ticket_id in sent:
        send(lobby, ticket_id, **to)
    told = {ticket.ticket_id: ticket.wait for ticket in lobby.queue().waiting}
    assert [wait.p50_s for each in sent if (wait := told[each])] == [300, 600, 900]
    assert told == {each: lobby.ticket(each).wait for each in sent}
    lobby.serve(first.ticket_id, 60)
    ready = lobby.ticket(sent[0]).wait
    assert ready is not None
    assert ready.p50_s == 0


def test_who_waits_for_one_counter_waits_for_its_part_of_its_channels_too(lobby: Lobby) -> None:
    busy(lobby)
    lobby.open("2")
    *_, last = line(lobby, 5)
    send(lobby, last, counter="1")
    told = lobby.ticket(last).wait
    assert told is not None
    assert told.p50_s == 900  # after who is there, and two of the four who stand before: the other counter takes two
    assert lobby.queue().waiting[-1].wait == told


def test_who_waits_for_one_counter_is_told_by_the_services_of_the_line(lobby: Lobby) -> None:
    lobby.open()
    for _ in range(10):
        line(lobby, 5)
        serve_everybody(lobby, 100)
    busy(lobby)
    (sent,) = line(lobby, 1)
    send(lobby, sent, counter="1")
    told = lobby.ticket(sent).wait
    assert told is not None
    assert told.p50_s == pytest.approx(100)
    assert told.p90_s > 150


def test_who_is_called_or_gone_has_no_estimate_any_more(lobby: Lobby) -> None:
    lobby.open()
    first, second = line(lobby, 2)
    lobby.next()
    lobby.do("left", second)
    assert lobby.ticket(first).wait is None
    assert lobby.ticket(second).wait is None


def test_a_second_counter_shortens_the_promise_and_closing_it_makes_it_longer(lobby: Lobby) -> None:
    lobby.open("1")
    line(lobby, 5)
    lobby.next("1")
    one = wait_of(lobby.queue(), "counter")
    lobby.open("2")
    two = wait_of(lobby.queue(), "counter")
    lobby.close("2")
    assert two < one
    assert wait_of(lobby.queue(), "counter") == one


def test_a_counter_that_does_not_do_the_business_promises_nothing(lobby: Lobby) -> None:
    """The one for everything is taken, the one for English is free: that helps only who wants English."""
    busy(lobby)
    lobby.open_for("7", ["account_service_en"])
    english, plain = lobby.take("account_service_en"), lobby.wait()
    assert (english.wait.p50_s, plain.wait.p50_s) == (0, 300)
    assert lobby.next("7") is None
    (shown,) = lobby.queue().waiting
    assert shown.wait == lobby.ticket(plain.ticket_id).wait == plain.wait


def test_whoever_no_open_counter_serves_is_promised_what_a_closed_branch_promises(lobby: Lobby) -> None:
    before = lobby.take()
    lobby.open_for("7", ["account_service_en"])
    skilled = lobby.wait()
    assert skilled.wait == before.wait
    assert lobby.queue().waiting[0].wait == lobby.ticket(skilled.ticket_id).wait == skilled.wait
    assert skilled.wait.p50_s == 300


def test_the_promise_becomes_what_the_branch_takes(lobby: Lobby) -> None:
    """The policy guesses 300 s a service; here it is 100 s, and the fourth in line learns it."""
    lobby.open()
    said = []
    for _ in range(25):
        line(lobby, 4)
        said.append(lobby.queue().waiting[-1].wait)
        serve_everybody(lobby, 100)
    assert said[0] is not None
    assert said[-1] is not None
    assert said[0].p50_s > 800
    assert said[-1].p50_s == pytest.approx(300, abs=90)


def test_quoted_against_waited_is_shown_by_channel(lobby: Lobby) -> None:
    lobby.open()
    assert all(channel.promises is None for channel in lobby.queue().channels)
    line(lobby, 3)
    serve_everybody(lobby, 60)
    shown = {channel.channel: channel.promises for channel in lobby.queue().channels}
    assert shown["green"] is None
    counter = shown["counter"]
    assert counter is not None
    assert counter.judged == 2  # the first found a counter ready
    assert 0 <= counter.kept <= 1


def test_a_promise_is_learned_from_once_however_often_its_ticket_is_called(lobby: Lobby) -> None:
    first = busy(lobby)
    taken = lobby.wait()
    lobby.serve(first)
    lobby.next()
    lobby.do("no_show", taken.ticket_id)
    lobby.next()
    assert judged(lobby) == 1


def test_a_ticket_that_was_asked_for_while_the_network_was_down_teaches_nothing(
    lobby: Lobby, clock: ManualClock
) -> None:
    """Nobody was promised anything at that time."""
    first = busy(lobby)
    asked = clock.now()
    clock.advance(1800)
    late = lobby.wait(requested_at=asked)
    lobby.serve(first)
    assert lobby.next() is not None
    assert judged(lobby) == 0
    assert isinstance(lobby.ticket(late.ticket_id), TicketView)


def test_who_is_sent_to_another_channel_teaches_that_channel_nothing(lobby: Lobby) -> None:
    first = busy(lobby, "counter", "loan_desk")
    taken = lobby.wait()
    lobby.transfer(taken.ticket_id, "loan_desk")
    lobby.serve(first)
    assert lobby.next() is not None
    assert judged(lobby) == 0


def test_lines_are_counted_as_they_are_through_a_whole_life(lobby: Lobby) -> None:
    lobby.open("1", "counter", "loan_desk")
    first, second, third = line(lobby, 3)
    counts = [waiting_per_line(lobby)]
    lobby.next()
    counts.append(waiting_per_line(lobby))
    lobby.do("no_show", first)
    counts.append(waiting_per_line(lobby))
    lobby.transfer(second, "loan_desk")
    counts.append(waiting_per_line(lobby))
    lobby.do("left", third)
    counts.append(waiting_per_line(lobby))
    lobby.next()
    assert counts == [
        {"counter": 3}, {"counter": 2}, {"counter": 3}, {"counter": 2, "loan_desk": 1}, {"counter": 1, "loan_desk": 1},
    ]  # fmt: skip
    assert sum(waiting_per_line(lobby).values()) == len(lobby.queue().waiting)


def test_the_place_of_a_newcomer_is_the_number_of_those_called_before(lobby: Lobby) -> None:
    line(lobby, 3)
    gold = lobby.wait(customer={"card_tier": "gold"})
    plain = lobby.wait()
    green = lobby.wait(customer={"urgent": True})
    assert (gold.position, plain.position, green.position) == (1, 5, 1)
    order = [ticket.ticket_id for ticket in lobby.queue().waiting]
    assert order.index(plain.ticket_id) == 5


def test_the_event_of_a_call_says_what_was_promised_and_what_was_waited(lobby: Lobby) -> None:
    lobby.open()
    taken = lobby.wait()
    lobby.clock.advance(75)
    lobby.next()
    called = lobby.events(taken.visit_id)[-1].data
    assert isinstance(called, triage.TicketCalled)
    assert (called.quoted_p50_s, called.quoted_p90_s, called.waited_s) == (taken.wait.p50_s, taken.wait.p90_s, 75)


def waiting_per_line(lobby: Lobby) -> dict[str, int]:
    return {channel.channel: channel.waiting for channel in lobby.queue().channels if channel.waiting}


def judged(lobby: Lobby) -> int:
    return sum(channel.promises.judged for channel in lobby.queue().channels if channel.promises is not None)
