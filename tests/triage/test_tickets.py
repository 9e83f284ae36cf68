"""Taking tickets: numbers, routes, promises, refusals (T1-T6, T9)."""

from datetime import timedelta

import pytest

from services.triage.errors import (
    IllegalTransition,
    RequestedInFuture,
    RequestedTooLongAgo,
    TicketNotFound,
    UnknownBusiness,
)
from shared.clock import ManualClock
from shared.contracts.events import triage
from shared.errors import InvalidInput
from tests.triage.lobby import Lobby


def test_a_ticket_is_reserved_numbered_and_explained(lobby: Lobby) -> None:
    taken = lobby.take("cash_deposit", customer={"card_tier": "gold", "customer_ref": "c-9"}, terminal_id="k1")
    assert (taken.number, taken.channel, taken.position, taken.priority) == ("A001", "counter", 1, 1)
    assert [form.code for form in taken.forms] == ["passbook_or_card", "transaction_slip"]
    assert [reason.rule for reason in taken.reasons] == ["route.counter", "priority.gold"]
    assert taken.wait.p90_s > taken.wait.p50_s > 0
    (event,) = lobby.events()
    issued = event.data
    assert isinstance(issued, triage.TicketIssued)
    assert (event.subject, event.correlationid, event.sequence) == (taken.visit_id, taken.visit_id, 1)
    assert (issued.number, issued.terminal_id, issued.customer.customer_ref) == ("A001", "k1", "c-9")
    assert (issued.wait_p50_s, issued.wait_p90_s) == (taken.wait.p50_s, taken.wait.p90_s)
    assert lobby.ticket(taken.ticket_id).state == "reserved"


def test_each_channel_counts_its_own_numbers_and_each_day_begins_again(lobby: Lobby, clock: ManualClock) -> None:
    assert [lobby.take().number for _ in range(2)] == ["A001", "A002"]
    assert lobby.take(customer={"age": 70}).number == "G001"
    assert lobby.take(customer={"card_tier": "private"}).number == "V001"
    assert lobby.take("mortgage").number == "L001"
    assert lobby.take().number == "A003"
    assert lobby.take(branch="other").number == "A001"
    clock.advance(86400)
    assert lobby.take().number == "A001"


def test_the_business_day_is_the_branchs_own(lobby: Lobby, clock: ManualClock) -> None:
    clock.advance(14.5 * 3600)  # 23:30 in Shanghai
    assert str(lobby.take().business_date) == "2026-11-24"
    clock.advance(3600)  # 00:30, and still the 24th in UTC
    assert str(lobby.take().business_date) == "2026-11-25"


def test_an_unknown_business_is_refused_with_what_was_meant(lobby: Lobby) -> None:
    with pytest.raises(UnknownBusiness, match="cash_withdrawal") as refused:
        lobby.take("cash_withdrawl")
    assert (refused.value.code, refused.value.status) == ("unknown_business", 422)
    assert refused.value.extra["field"] == "business"
    assert "cash_withdrawal" in refused.value.extra["suggestions"]
    assert lobby.events() == []
    assert lobby.take().number == "A001"


def test_who_asked_earlier_has_waited_since_then(lobby: Lobby, clock: ManualClock) -> None:
    asked = clock.now() - timedelta(minutes=20)
    taken = lobby.wait(requested_at=asked)
    assert lobby.events(taken.visit_id)[0].time == asked
    lobby.open()
    called = lobby.next()
    assert called is not None
    assert called.waited_s == 1200


@pytest.mark.parametrize("time", ["1970-01-01T00:00:00+14:00", "2199-12-31T23:59:59-14:00"])
def test_the_ends_of_time_are_refused_too(lobby: Lobby, time: str) -> None:
    with pytest.raises((RequestedInFuture, RequestedTooLongAgo)):
        lobby.take(requested_at=time)


@pytest.mark.parametrize(
    ("offset", "error"),
    [(timedelta(seconds=61), RequestedInFuture), (timedelta(hours=-36, seconds=-1), RequestedTooLongAgo)],
)
def test_a_time_that_cannot_be_is_refused(
    lobby: Lobby, clock: ManualClock, offset: timedelta, error: type[Exception]
) -> None:
    with pytest.raises(error):
        lobby.take(requested_at=clock.now() + offset)


def test_a_clock_that_is_slightly_ahead_counts_as_now(lobby: Lobby, clock: ManualClock) -> None:
    taken = lobby.take(requested_at=clock.now() + timedelta(seconds=59))
    assert lobby.ticket(taken.ticket_id).requested_at == clock.now()


def test_printing_twice_is_one_event(lobby: Lobby) -> None:
    taken = lobby.wait()
    assert lobby.do("printed", taken.ticket_id).state == "waiting"
    assert lobby.names(taken.visit_id) == ["ticket_issued", "ticket_printed"]


def test_a_ticket_that_nobody_knows_is_not_found(lobby: Lobby) -> None:
    with pytest.raises(TicketNotFound):
        lobby.do("printed", "nothing")
    with pytest.raises(TicketNotFound):
        lobby.ticket("nothing")


def test_a_refused_step_says_the_state_and_what_it_allows(lobby: Lobby) -> None:
    taken = lobby.wait()
    with pytest.raises(IllegalTransition) as refused:
        lobby.do("start", taken.ticket_id)
    assert (refused.value.status, refused.value.code) == (409, "illegal_transition")
    assert refused.value.extra == {"state": "waiting", "allowed": ["reprint", "call", "hand-off", "transfer", "left"]}


def test_small_business_goes_to_a_device_only_while_one_works(lobby: Lobby) -> None:
    assert lobby.take("query").channel == "counter"
    lobby.device("atm-1", "atm", "up")
    taken = lobby.take("query")
    assert (taken.channel, taken.number) == ("self_service", "S001")
    lobby.device("atm-1", "atm", "down")
    assert lobby.take("query").reasons[0].rule == "divert.no_device"


def test_a_promise_follows_the_branchs_own_history(lobby: Lobby) -> None:
    lobby.open()
    cold = lobby.take().wait
    for _ in range(12):
        lobby.wait()
        called = lobby.next()
        assert called is not None
        lobby.serve(called.ticket_id, 20)
    lobby.wait()
    assert lobby.next() is not None
    busy = lobby.take().wait
    assert cold.p50_s == 0  # the counter was free
    assert 0 < busy.p50_s < 60
    assert busy.p50_s < busy.p90_s


def test_an_amount_is_one_that_every_reader_of_json_can_hold(lobby: Lobby) -> None:
    taken = lobby.take("cash_withdrawal", amount_minor=2**53)
    issued = lobby.events(taken.visit_id)[0].data
    assert isinstance(issued, triage.TicketIssued)
    assert issued.amount_minor == 2**53
    with pytest.raises(InvalidInput) as refused:
        lobby.take("cash_withdrawal", amount_minor=2**53 + 1)
    assert refused.value.extra["errors"][0]["field"] == "amount_minor"
