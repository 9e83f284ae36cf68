"""What triage makes of events: terminals' and managers' (T4, T10, V3)."""

from datetime import date, timedelta
from itertools import permutations

import pytest

from shared.clock import ManualClock
from shared.contracts.envelope import validated
from shared.contracts.events import terminal, triage, vip
from shared.errors import PredecessorMissing
from tests.triage.lobby import Lobby

TODAY = date(2026, 11, 24)


def accepted(ticket_id: str | None, visit_id: str = "v") -> vip.HandoffAccepted:
    return vip.HandoffAccepted(
        handoff_id="h1", visit_id=visit_id, business_date=TODAY, manager_id="m1", ticket_id=ticket_id
    )


def completed(ticket_id: str | None, visit_id: str = "v") -> vip.HandoffCompleted:
    return vip.HandoffCompleted(
        handoff_id="h1", visit_id=visit_id, business_date=TODAY, manager_id="m1", ticket_id=ticket_id
    )


def test_a_terminals_request_becomes_a_ticket_that_names_it_as_its_cause(lobby: Lobby, clock: ManualClock) -> None:
    asked = clock.now() - timedelta(seconds=30)
    request = lobby.receive(terminal.TicketRequested(business="transfer", terminal_id="k1"), time=asked)
    (event,) = lobby.events()
    assert isinstance(event.data, triage.TicketIssued)
    assert (event.causationid, event.time, event.data.requested_at) == (request.id, asked, asked)
    assert event.data.terminal_id == "k1"


def test_a_request_that_cannot_be_served_is_refused_by_an_event(lobby: Lobby) -> None:
    request = lobby.receive(terminal.TicketRequested(business="cash_withdrawl", terminal_id="k1"))
    (event,) = lobby.events()
    refused = event.data
    assert isinstance(refused, triage.TicketRefused)
    assert (event.subject, event.sequence, event.causationid) == (request.id, 1, request.id)
    assert (refused.code, refused.field, refused.terminal_id) == ("unknown_business", "business", "k1")


def test_a_request_of_the_day_before_yesterday_is_refused(lobby: Lobby, clock: ManualClock) -> None:
    lobby.receive(terminal.TicketRequested(business="transfer"), time=clock.now() - timedelta(hours=37))
    assert lobby.names() == ["ticket_refused"]


def test_a_terminal_whose_clock_is_ahead_is_served_as_of_now(lobby: Lobby, clock: ManualClock) -> None:
    lobby.receive(terminal.TicketRequested(business="transfer"), time=clock.now() + timedelta(minutes=10))
    (event,) = lobby.events()
    assert event.time == clock.now()


def test_a_terminals_report_of_the_paper_lets_the_ticket_wait(lobby: Lobby) -> None:
    taken = lobby.take()
    lobby.receive(terminal.TicketPrinted(ticket_id=taken.ticket_id))
    lobby.receive(terminal.TicketPrinted(ticket_id=taken.ticket_id))
    assert lobby.ticket(taken.ticket_id).state == "waiting"
    assert lobby.names(taken.visit_id) == ["ticket_issued", "ticket_printed"]


def test_the_paper_of_an_unknown_ticket_waits_for_its_predecessor(lobby: Lobby) -> None:
    with pytest.raises(PredecessorMissing):
        lobby.receive(terminal.TicketPrinted(ticket_id="nobody's"), subject="s1")
    assert lobby.events() == []


def test_a_device_that_reports_changes_the_route(lobby: Lobby) -> None:
    lobby.receive(terminal.DeviceReported(device_id="kiosk-1", kind="kiosk", status="up"))
    assert lobby.take("query").channel == "self_service"
    lobby.receive(terminal.DeviceReported(device_id="kiosk-1", kind="kiosk", status="down", detail="paper jam"))
    assert lobby.take("query").channel == "counter"
    assert lobby.queue().devices[0].detail == "paper jam"


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_devices_newest_report_counts_whatever_comes_last(
    lobby: Lobby, clock: ManualClock, order: tuple[int, ...]
) -> None:
    said = (("up", 60), ("down", 30), ("up", 5))  # the last one may change nothing, and is the newest still
    for status, minutes in (said[n] for n in order):
        report = validated(terminal.DeviceReported, {"device_id": "atm-1", "kind": "atm", "status": status})
        lobby.receive(report, time=clock.now() - timedelta(minutes=minutes))
    assert lobby.queue().devices[0].status == "up"
    assert lobby.take("query").channel == "self_service"


def test_of_two_reports_of_a_device_of_one_time_the_later_arrival_counts(lobby: Lobby, clock: ManualClock) -> None:
    for status in ("up", "down"):
        lobby.receive(validated(terminal.DeviceReported, {"device_id": "atm-1", "kind": "atm", "status": status}))
    assert lobby.queue().devices[0].status == "down"


def test_a_device_whose_clock_is_ahead_can_be_contradicted(lobby: Lobby, clock: ManualClock) -> None:
    down = terminal.DeviceReported(device_id="atm-1", kind="atm", status="down")
    lobby.receive(down, time=clock.now() + timedelta(hours=1))
    assert lobby.device("atm-1", "atm", "up").status == "up"
    lobby.receive(down, time=clock.now() - timedelta(seconds=1))
    assert lobby.queue().devices[0].status == "up"


def test_a_manager_who_takes_a_vip_calls_serves_and_completes_the_ticket(lobby: Lobby, clock: ManualClock) -> None:
    taken = lobby.wait(customer={"card_tier": "private"})
    clock.advance(120)
    lobby.receive(accepted(taken.ticket_id, taken.visit_id))
    view = lobby.ticket(taken.ticket_id)
    assert (view.state, view.counter, view.waited_s) == ("serving", "m1", 120)
    clock.advance(300)
    lobby.receive(completed(taken.ticket_id, taken.visit_id))
    assert lobby.names(taken.visit_id)[2:] == [
        "ticket_called", "service_started", "ticket_completed", "visit_ended",
    ]  # fmt: skip
    ended = lobby.events(taken.visit_id)[-1].data
    assert isinstance(ended, triage.VisitEnded)
    assert (ended.outcome, ended.waited_s, ended.service_s) == ("served", 120, 300)


def test_a_manager_can_take_a_vip_whose_paper_was_not_reported_and_the_late_report_changes_nothing(
    lobby: Lobby,
) -> None:
    taken = lobby.take(customer={"card_tier": "platinum"})
    lobby.receive(accepted(taken.ticket_id))
    lobby.receive(terminal.TicketPrinted(ticket_id=taken.ticket_id))
    assert lobby.ticket(taken.ticket_id).state == "serving"


def test_what_a_manager_set_aside_goes_on_at_the_managers_desk(lobby: Lobby) -> None:
    taken = lobby.wait(customer={"card_tier": "platinum"})
    lobby.receive(accepted(taken.ticket_id))
    lobby.do("hold", taken.ticket_id)
    assert lobby.do("resume", taken.ticket_id).counter == "m1"
    assert lobby.undo(taken.ticket_id).state == "held"


def test_a_vip_whom_a_window_serves_stays_there(lobby: Lobby) -> None:
    taken = lobby.wait(customer={"card_tier": "platinum"})
    lobby.open("9", "vip")
    lobby.next("9")
    lobby.receive(accepted(taken.ticket_id))
    lobby.receive(completed(taken.ticket_id))
    view = lobby.ticket(taken.ticket_id)
    assert (view.state, view.counter) == ("called", "9")
    lobby.serve(taken.ticket_id)
    lobby.receive(completed(taken.ticket_id))
    assert lobby.names(taken.visit_id).count("visit_ended") == 1


def test_a_vip_who_is_at_a_window_with_another_ticket_is_the_managers_afterwards(lobby: Lobby) -> None:
    taken = lobby.wait("wealth_product", customer={"card_tier": "gold"}, businesses=["transfer"])
    (other,) = taken.others
    lobby.do("printed", other.ticket_id)
    lobby.open("1", "counter")
    lobby.next("1")
    lobby.receive(accepted(taken.ticket_id))
    assert (lobby.ticket(taken.ticket_id).state, lobby.ticket(other.ticket_id).state) == ("waiting", "called")
    lobby.receive(completed(taken.ticket_id))
    assert lobby.ticket(taken.ticket_id).state == "waiting"
    lobby.serve(other.ticket_id)
    lobby.receive(completed(taken.ticket_id))
    view = lobby.ticket(taken.ticket_id)
    assert (view.state, view.counter) == ("completed", "m1")
    assert lobby.names(taken.visit_id).count("visit_ended") == 1


def test_what_a_manager_sends_to_a_counter_waits_there_when_the_hand_off_is_completed(lobby: Lobby) -> None:
    taken = lobby.wait(customer={"card_tier": "platinum"})
    lobby.receive(accepted(taken.ticket_id))
    lobby.transfer(taken.ticket_id, "counter")
    lobby.receive(completed(taken.ticket_id))
    assert lobby.ticket(taken.ticket_id).state == "waiting"


def test_a_vip_who_left_stays_left(lobby: Lobby) -> None:
    taken = lobby.wait(customer={"card_tier": "gold"})
    lobby.do("left", taken.ticket_id)
    before = lobby.names()
    lobby.receive(accepted(taken.ticket_id))
    lobby.receive(completed(taken.ticket_id))
    assert lobby.names() == before


def test_a_hand_off_without_a_ticket_is_none_of_triages_business(lobby: Lobby) -> None:
    lobby.receive(accepted(None))
    lobby.receive(completed(None))
    assert lobby.events() == []


def test_a_hand_off_of_an_unknown_ticket_waits_for_its_predecessor(lobby: Lobby) -> None:
    with pytest.raises(PredecessorMissing):
        lobby.receive(accepted("unknown"))
