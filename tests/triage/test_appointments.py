"""Appointments: booked, and checked in early, in time and late (T11)."""

from datetime import timedelta

import pytest

from services.triage.errors import AppointmentNotFound, AppointmentUsed, UnknownBusiness
from shared.clock import ManualClock
from shared.contracts.events import triage
from tests.triage.lobby import Lobby
from tests.triage.test_paper import LATENCY_S


def comes(lobby: Lobby, appointment_id: str) -> triage.TicketIssued:
    """Let the customer of an appointment take a ticket that waits."""
    lobby.wait(customer={"appointment_id": appointment_id})
    return next(e.data for e in reversed(lobby.events()) if isinstance(e.data, triage.TicketIssued))


def order(lobby: Lobby) -> list[str]:
    return [ticket.ticket_id for ticket in lobby.queue().waiting]


@pytest.mark.parametrize("early_s", [900, 0, -900])
def test_who_comes_within_the_grace_has_priority(lobby: Lobby, clock: ManualClock, early_s: int) -> None:
    lobby.open()
    lobby.book(clock.now() + timedelta(seconds=early_s + 60), appointment_id="a-1")
    plain = lobby.wait()
    clock.advance(60)
    issued = comes(lobby, "a-1")
    assert (issued.priority, issued.appointment, issued.reasons[-1].rule) == (2, "on_time", "appointment.on_time")
    assert order(lobby) == [issued.ticket_id, plain.ticket_id]
    lobby.next()
    called = lobby.events(issued.visit_id)[-1].data
    assert isinstance(called, triage.TicketCalled)
    assert called.overtaking_reason is not None
    assert called.overtaking_reason.rule == "appointment"


def test_who_comes_too_early_stands_where_the_slot_is(lobby: Lobby, clock: ManualClock) -> None:
    slot = clock.now() + timedelta(hours=2)
    lobby.book(slot, appointment_id="a-1")
    before = lobby.wait()
    issued = comes(lobby, "a-1")
    assert (issued.appointment, issued.lined_at) == ("early", slot)
    clock.advance(3600)
    after = lobby.wait()
    assert order(lobby) == [before.ticket_id, after.ticket_id, issued.ticket_id]
    clock.advance(3600)
    late = lobby.wait()
    assert order(lobby) == [before.ticket_id, after.ticket_id, issued.ticket_id, late.ticket_id]


def test_who_comes_too_late_is_as_one_without(lobby: Lobby, clock: ManualClock) -> None:
    lobby.book(clock.now(), appointment_id="a-1")
    clock.advance(901)
    plain = lobby.wait()
    clock.advance(1)
    issued = comes(lobby, "a-1")
    assert (issued.priority, issued.appointment, issued.reasons[-1].zh) == (0, "late", "迟到超过宽限,按现场客户办理")
    assert order(lobby) == [plain.ticket_id, issued.ticket_id]


def test_an_appointment_is_good_for_one_ticket(lobby: Lobby, clock: ManualClock) -> None:
    lobby.book(clock.now(), appointment_id="a-1")
    comes(lobby, "a-1")
    assert comes(lobby, "a-1").reasons[-1].rule == "appointment.used"
    assert comes(lobby, "a-2").reasons[-1].rule == "appointment.unknown"
    arrived = [event.data for event in lobby.events() if isinstance(event.data, triage.AppointmentArrived)]
    assert [(event.appointment_id, event.arrival) for event in arrived] == [("a-1", "on_time")]


def issued(lobby: Lobby) -> list[triage.TicketIssued]:
    return [event.data for event in lobby.events() if isinstance(event.data, triage.TicketIssued)]


def test_an_appointment_is_for_its_business(lobby: Lobby, clock: ManualClock) -> None:
    lobby.book(clock.now(), "transfer", appointment_id="a-1")
    other = comes(lobby, "a-1")
    assert (other.priority, other.appointment) == (0, None)
    assert (other.reasons[-1].rule, other.reasons[-1].zh) == (
        "appointment.other_business",
        "预约的是其他业务,按现场客户办理",
    )
    assert lobby.names("appointment:demo:a-1") == ["appointment_booked"]
    lobby.wait("transfer", customer={"appointment_id": "a-1"})
    assert (issued(lobby)[-1].priority, issued(lobby)[-1].appointment) == (2, "on_time")


@pytest.mark.parametrize(("business", "others"), [("mortgage", ["transfer"]), ("transfer", ["mortgage"])])
def test_of_several_businesses_the_appointments_own_comes_to_it(
    lobby: Lobby, clock: ManualClock, business: str, others: list[str]
) -> None:
    lobby.book(clock.now(), "transfer", appointment_id="a-1")
    lobby.take(business, businesses=others, customer={"appointment_id": "a-1"})
    found = {ticket.business: ticket for ticket in issued(lobby)}
    assert (found["transfer"].priority, found["transfer"].appointment) == (2, "on_time")
    assert (found["mortgage"].priority, found["mortgage"].appointment) == (0, None)
    assert not [reason for reason in found["mortgage"].reasons if reason.rule.startswith("appointment")]


def test_a_business_that_is_wanted_later_in_the_visit_comes_to_its_appointment(
    lobby: Lobby, clock: ManualClock
) -> None:
    lobby.book(clock.now(), "transfer", appointment_id="a-1")
    other = comes(lobby, "a-1")
    lobby.wait("mortgage", visit_id=other.visit_id)
    lobby.wait("transfer", visit_id=other.visit_id)
    lobby.wait("transfer", visit_id=other.visit_id, again=True)
    assert [ticket.appointment for ticket in issued(lobby)] == [None, None, "on_time", None]
    rules = [[reason.rule for reason in ticket.reasons if "appointment" in reason.rule] for ticket in issued(lobby)]
    assert rules == [["appointment.other_business"], [], ["appointment.on_time"], []]


def test_an_appointment_is_moved_until_its_customer_has_come(lobby: Lobby, clock: ManualClock) -> None:
    first = lobby.book(clock.now(), appointment_id="a-1")
    assert lobby.book(clock.now(), appointment_id="a-1") == first
    moved = lobby.book(clock.now() + timedelta(minutes=5), appointment_id="a-1")
    comes(lobby, "a-1")
    again = lobby.book(clock.now() + timedelta(hours=5), appointment_id="a-1")
    assert (again.slot_at, again.state) == (moved.slot_at, "arrived")
    assert lobby.names("appointment:demo:a-1") == [
        "appointment_booked", "appointment_booked", "appointment_arrived"
    ]  # fmt: skip


def test_an_appointment_is_for_a_business_of_the_branch(lobby: Lobby, clock: ManualClock) -> None:
    with pytest.raises(UnknownBusiness) as refused:
        lobby.book(clock.now(), "tea")
    assert refused.value.extra["field"] == "appointments.0.business"


def test_appointments_whose_ids_differ_only_at_the_end_are_two(lobby: Lobby, clock: ManualClock) -> None:
    slot = clock.now() + timedelta(hours=1)
    ids = ["a" * 127 + end for end in "12"]
    for appointment_id in ids:
        lobby.book(slot, appointment_id=appointment_id)
    booked = [event for event in lobby.events() if isinstance(event.data, triage.AppointmentBooked)]
    assert [event.data.appointment_id for event in booked if isinstance(event.data, triage.AppointmentBooked)] == ids
    assert len({event.subject for event in booked}) == 2
    assert comes(lobby, ids[0]).appointment is not None


def test_who_cancelled_is_a_walk_in_until_it_is_booked_again(lobby: Lobby, clock: ManualClock) -> None:
    lobby.book(clock.now(), appointment_id="a-1")
    assert lobby.cancel("a-1", "改日再来").state == lobby.cancel("a-1").state == "cancelled"
    assert comes(lobby, "a-1").reasons[-1].rule == "appointment.cancelled"
    assert lobby.book(clock.now(), appointment_id="a-1").state == "booked"
    assert comes(lobby, "a-1").appointment == "on_time"
    said = [event.data for event in lobby.events() if isinstance(event.data, triage.AppointmentCancelled)]
    assert [(event.slot_at, event.business, event.reason) for event in said] == [
        (clock.now(), "account_service", "改日再来")
    ]


def test_only_a_known_appointment_whose_customer_has_not_come_is_cancelled(lobby: Lobby, clock: ManualClock) -> None:
    with pytest.raises(AppointmentNotFound):
        lobby.cancel("a-1")
    lobby.book(clock.now(), appointment_id="a-1")
    issued = comes(lobby, "a-1")
    with pytest.raises(AppointmentUsed) as refused:
        lobby.cancel("a-1")
    assert refused.value.extra["ticket_id"] == issued.ticket_id


@pytest.mark.parametrize("how", ["print_failed", "never_reported"])
def test_a_number_that_was_never_on_paper_uses_no_appointment(lobby: Lobby, clock: ManualClock, how: str) -> None:
    lobby.book(clock.now() + timedelta(seconds=900), appointment_id="a-1")
    ticket = lobby.take(customer={"appointment_id": "a-1"})
    if how == "print_failed":
        lobby.do("print_failed", ticket.ticket_id)
    else:
        clock.advance(lobby.policy.reserved_expiry_s + LATENCY_S + 1)
        lobby.keep_time()
    assert lobby.names("appointment:demo:a-1") == [
        "appointment_booked", "appointment_arrived", "appointment_booked"
    ]  # fmt: skip
    again = comes(lobby, "a-1")
    assert (again.appointment, again.priority) == ("on_time", 2)
