"""Diversion, measured: offered, accepted, declined, completed, fell back; and devices that go down (T3, T10)."""

from itertools import pairwise

import pytest

from services.triage.errors import IllegalTransition, NoFittingDevice
from shared.clock import ManualClock
from shared.contracts.events import triage
from tests.triage.lobby import Lobby


def offered(lobby: Lobby, *, printed: bool = True) -> str:
    """Let somebody be guided to a device."""
    lobby.device("atm-1", "atm", "up")
    taken = (lobby.wait if printed else lobby.take)("query")
    assert taken.channel == "self_service"
    return taken.ticket_id


def names_of(lobby: Lobby, ticket_id: str) -> list[str]:
    found = [event for event in lobby.events() if getattr(event.data, "ticket_id", None) == ticket_id]
    return [event.type.split(".")[2] for event in found]


def test_a_ticket_that_is_guided_to_a_device_is_an_offer(lobby: Lobby) -> None:
    ticket_id = offered(lobby)
    assert names_of(lobby, ticket_id) == ["ticket_issued", "diversion_offered", "ticket_printed"]
    (offer,) = [event.data for event in lobby.events() if isinstance(event.data, triage.DiversionOffered)]
    assert "atm" in offer.devices
    plain = lobby.wait("remittance")
    assert "diversion_offered" not in names_of(lobby, plain.ticket_id)


def test_who_wants_another_currency_is_not_guided_to_a_device(lobby: Lobby) -> None:
    lobby.device("atm-1", "atm", "up")
    for currency, channel in (("CNY", "self_service"), ("USD", "counter")):
        assert lobby.take("cash_withdrawal", amount_minor=2_000_000, currency=currency).channel == channel


def test_who_is_served_by_a_device_accepted_it_and_completed(lobby: Lobby) -> None:
    ticket_id = offered(lobby)
    lobby.open("atm-1", "self_service")
    called = lobby.next("atm-1")
    assert called is not None
    lobby.serve(ticket_id, 40)
    assert names_of(lobby, ticket_id)[3:] == [
        "ticket_called", "diversion_accepted", "service_started", "ticket_completed", "diversion_completed"
    ]  # fmt: skip
    view = lobby.queue().diversion
    assert (view.offered, view.accepted, view.completed, view.under_way, view.completed_share) == (1, 1, 1, 0, 1.0)


def test_a_customer_who_says_it_is_done_waited_until_they_went(lobby: Lobby, clock: ManualClock) -> None:
    ticket_id = offered(lobby)
    clock.advance(30)
    lobby.divert(ticket_id, "accepted", device_id="atm-1")
    lobby.divert(ticket_id, "accepted")
    clock.advance(50)
    done = lobby.divert(ticket_id, "completed")
    assert (done.state, done.outcome, done.waited_s, done.counter) == ("completed", "served", 30, "atm-1")
    (completed,) = [event.data for event in lobby.events() if isinstance(event.data, triage.TicketCompleted)]
    assert (completed.service_s, completed.counter) == (50, "atm-1")
    assert names_of(lobby, ticket_id).count("diversion_accepted") == 1
    assert lobby.names()[-1] == "visit_ended"


@pytest.mark.parametrize(("step", "event"), [("declined", "diversion_declined"), ("fell_back", "diversion_fell_back")])
def test_who_does_not_use_the_device_waits_at_the_place_of_their_request(
    lobby: Lobby, clock: ManualClock, step: str, event: str
) -> None:
    ticket_id = offered(lobby)
    clock.advance(60)
    later = lobby.wait("remittance")
    back = lobby.divert(ticket_id, step, reason="the machine has no receipts")
    assert (back.state, back.channel) == ("waiting", "counter")
    assert names_of(lobby, ticket_id)[-2:] == ["ticket_transferred", event]
    assert [ticket.ticket_id for ticket in lobby.queue().waiting] == [ticket_id, later.ticket_id]
    view = lobby.queue().diversion
    assert (view.declined + view.fell_back, view.completed_share) == (1, 0.0)
    with pytest.raises(IllegalTransition, match="its diversion"):
        lobby.divert(ticket_id, "completed")


def test_who_declines_at_the_terminal_has_no_paper_yet(lobby: Lobby) -> None:
    ticket_id = offered(lobby, printed=False)
    assert lobby.divert(ticket_id, "declined").state == "reserved"
    assert lobby.do("printed", ticket_id).channel == "counter"


def test_a_ticket_that_was_not_guided_has_no_diversion(lobby: Lobby) -> None:
    plain = lobby.wait("remittance")
    with pytest.raises(IllegalTransition, match="not offered"):
        lobby.divert(plain.ticket_id, "accepted")


def test_who_waits_for_a_device_falls_back_with_the_last_one_that_fits(lobby: Lobby, clock: ManualClock) -> None:
    lobby.device("kiosk-1", "kiosk", "up")
    lobby.device("atm-1", "atm", "up")
    query = lobby.wait("query")
    bill = lobby.wait("bill_payment")
    clock.advance(60)
    later = lobby.wait("remittance")
    lobby.device("kiosk-1", "kiosk", "down")
    assert {ticket.ticket_id: ticket.channel for ticket in lobby.queue().waiting} == {
        query.ticket_id: "self_service", bill.ticket_id: "counter", later.ticket_id: "counter"
    }  # fmt: skip
    lobby.device("atm-1", "atm", "down")
    waiting = lobby.queue().waiting
    assert [ticket.ticket_id for ticket in waiting] == [query.ticket_id, bill.ticket_id, later.ticket_id]
    fell = [event.data for event in lobby.events() if isinstance(event.data, triage.DiversionFellBack)]
    assert [(event.ticket_id, event.automatic, event.reason.rule) for event in fell] == [
        (bill.ticket_id, True, "divert.device_down"), (query.ticket_id, True, "divert.device_down")
    ]  # fmt: skip
    lobby.device("atm-1", "atm", "up")
    assert all(ticket.channel == "counter" for ticket in lobby.queue().waiting), "nobody is sent to and fro"


def test_who_is_at_a_device_that_goes_down_stays_until_they_say_so(lobby: Lobby) -> None:
    ticket_id = offered(lobby)
    lobby.open("atm-1", "self_service")
    lobby.next("atm-1")
    lobby.device("atm-1", "atm", "down")
    assert lobby.ticket(ticket_id).state == "called"
    assert lobby.divert(ticket_id, "fell_back").channel == "counter"


def test_a_transfer_by_a_teller_ends_the_diversion(lobby: Lobby) -> None:
    ticket_id = offered(lobby)
    lobby.transfer(ticket_id, "counter")
    assert names_of(lobby, ticket_id)[-2:] == ["ticket_transferred", "diversion_fell_back"]
    assert lobby.undo(ticket_id).channel == "self_service"
    assert lobby.divert(ticket_id, "completed").state == "completed"


def guided(lobby: Lobby) -> str:
    """Let staff guide somebody to a device who waits at the counter."""
    ticket_id = lobby.wait("query").ticket_id
    lobby.device("atm-1", "atm", "up")
    assert lobby.transfer(ticket_id, "self_service").channel == "self_service"
    return ticket_id


def test_whom_staff_guide_to_a_device_is_measured_like_everybody(lobby: Lobby, clock: ManualClock) -> None:
    ticket_id = guided(lobby)
    assert names_of(lobby, ticket_id)[-2:] == ["ticket_transferred", "diversion_offered"]
    offer = lobby.events()[-1].data
    assert isinstance(offer, triage.DiversionOffered)
    assert (offer.devices, offer.channel) == (("atm",), "self_service")
    lobby.divert(ticket_id, "accepted", device_id="atm-1")
    clock.advance(50)
    assert lobby.divert(ticket_id, "completed").outcome == "served"
    view = lobby.queue().diversion
    assert (view.offered, view.accepted, view.completed) == (1, 1, 1)


def test_whom_staff_guide_to_a_device_falls_back_with_it(lobby: Lobby) -> None:
    ticket_id = guided(lobby)
    lobby.device("atm-1", "atm", "down")
    assert lobby.ticket(ticket_id).channel == "counter"
    assert lobby.queue().diversion.fell_back == 1


def test_who_declined_may_be_guided_anew(lobby: Lobby, clock: ManualClock) -> None:
    ticket_id = guided(lobby)
    lobby.divert(ticket_id, "accepted", device_id="atm-1")
    clock.advance(60)
    lobby.divert(ticket_id, "fell_back")
    clock.advance(60)
    lobby.transfer(ticket_id, "self_service")
    assert (lobby.queue().diversion.accepted, lobby.queue().diversion.under_way) == (0, 1)
    clock.advance(60)
    lobby.divert(ticket_id, "accepted")
    clock.advance(20)
    assert lobby.divert(ticket_id, "completed").waited_s == 180


def test_guidance_that_is_taken_back_was_none(lobby: Lobby) -> None:
    ticket_id = guided(lobby)
    assert lobby.undo(ticket_id).channel == "counter"
    assert lobby.queue().diversion.offered == 0


@pytest.mark.parametrize(("kind", "status"), [("atm", "down"), ("printer", "up"), (None, None)])
def test_nobody_is_sent_to_where_no_device_does_their_business(
    lobby: Lobby, kind: str | None, status: str | None
) -> None:
    ticket_id = lobby.wait("query").ticket_id
    if kind is not None and status is not None:
        lobby.device("d1", kind, status)
    with pytest.raises(NoFittingDevice, match="query") as refused:
        lobby.transfer(ticket_id, "self_service")
    assert (refused.value.status, refused.value.extra["state"]) == (409, "waiting")
    assert "call" in refused.value.extra["allowed"]
    assert lobby.ticket(ticket_id).channel == "counter"
    lobby.do("left", ticket_id)
    with pytest.raises(IllegalTransition):
        lobby.transfer(ticket_id, "self_service")


def test_who_is_at_a_counter_with_another_business_falls_back_too(lobby: Lobby) -> None:
    lobby.device("atm-1", "atm", "up")
    lobby.open()
    taken = lobby.take("remittance", businesses=["query"])
    query = taken.others[0].ticket_id
    for ticket_id in (taken.ticket_id, query):
        lobby.do("printed", ticket_id)
    lobby.next()
    lobby.device("atm-1", "atm", "down")
    assert lobby.ticket(query).channel == "counter"
    lobby.serve(taken.ticket_id)
    called = lobby.next()
    assert called is not None
    assert called.ticket_id == query


def test_events_of_a_visit_stay_in_a_row(lobby: Lobby) -> None:
    ticket_id = offered(lobby)
    lobby.divert(ticket_id, "declined")
    (visit_id,) = {event.subject for event in lobby.events() if getattr(event.data, "ticket_id", None) == ticket_id}
    sequences = [event.sequence for event in lobby.events(visit_id)]
    assert all(after == before + 1 for before, after in pairwise(sequences))


@pytest.mark.parametrize("device", ["atm-9", "atm-2", "printer-1"])
def test_nobody_goes_to_a_device_that_does_not_do_their_business(lobby: Lobby, device: str) -> None:
    ticket_id = offered(lobby)
    lobby.device("atm-2", "atm", "down")
    lobby.device("printer-1", "printer", "up")
    with pytest.raises(NoFittingDevice, match=f"device_id: '{device}'") as refused:
        lobby.divert(ticket_id, "accepted", device_id=device)
    assert (refused.value.extra["field"], refused.value.extra["devices"]) == ("device_id", ["atm-1"])
    assert lobby.queue().diversion.accepted == 0
    lobby.divert(ticket_id, "accepted", device_id="atm-1")
    lobby.device("atm-3", "atm", "up")
    lobby.device("atm-1", "atm", "down")
    assert lobby.divert(ticket_id, "accepted", device_id="atm-1").state == "waiting", "said once more, nothing changes"


def test_who_is_sent_back_to_a_device_that_went_down_meanwhile_waits_for_the_counter(lobby: Lobby) -> None:
    lobby.device("atm-1", "atm", "up")
    ticket_id = lobby.wait("cash_withdrawal", amount_minor=10_000).ticket_id
    assert lobby.transfer(ticket_id, "counter").channel == "counter"
    lobby.device("atm-1", "atm", "down")
    assert lobby.undo(ticket_id).channel == "counter"
    assert names_of(lobby, ticket_id)[-3:] == ["step_undone", "ticket_transferred", "diversion_fell_back"]


def test_an_offer_names_the_kinds_of_device_that_work(lobby: Lobby) -> None:
    lobby.device("atm-1", "atm", "up")
    lobby.device("crs-1", "crs", "down")
    lobby.wait("cash_withdrawal", amount_minor=10_000)
    (offer,) = (event.data for event in lobby.events() if isinstance(event.data, triage.DiversionOffered))
    assert offer.devices == ("atm",)
