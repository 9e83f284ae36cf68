"""The paper: reported, failed, copied, or never heard of. No number is left that nobody holds (T4)."""

import pytest

from services.triage.errors import IllegalTransition
from shared.clock import ManualClock
from shared.contracts.events import terminal, triage
from tests.triage.lobby import Lobby

LATENCY_S = 45.0


def give_up(lobby: Lobby, rate: float = 1.0) -> list[str]:
    """Let the service look for papers that nobody reported; return whose was given up."""
    lobby.clock.rate = rate
    before = len(lobby.events())
    lobby.keep_time()
    left = [event.data for event in lobby.events()[before:] if isinstance(event.data, triage.TicketLeft)]
    return [each.ticket_id for each in left if each.stage == "reserved"]


def test_a_failed_paper_takes_the_number_back_and_nobody_waits_for_it(lobby: Lobby) -> None:
    lobby.open()
    taken = lobby.take()
    view = lobby.do("print_failed", taken.ticket_id)
    assert (view.state, view.outcome) == ("left", "left")
    left, _ = (event.data for event in lobby.events(taken.visit_id)[1:])
    assert isinstance(left, triage.TicketLeft)
    assert (left.stage, left.reason) == ("reserved", "print_failed")
    assert lobby.next() is None
    assert lobby.take().number == "A002"


@pytest.mark.parametrize("how", ["print_failed", "given up", "left"])
def test_a_terminal_learns_that_its_late_paper_is_of_a_number_that_was_given_up(
    lobby: Lobby, clock: ManualClock, how: str
) -> None:
    taken = lobby.take()
    if how == "given up":
        clock.advance(lobby.policy.reserved_expiry_s + LATENCY_S + 1)
        give_up(lobby)
    else:
        lobby.do(how, taken.ticket_id)
    with pytest.raises(IllegalTransition) as refused:
        lobby.do("printed", taken.ticket_id)
    assert (refused.value.extra["state"], refused.value.extra["allowed"]) == ("left", [])
    lobby.receive(terminal.TicketPrinted(ticket_id=taken.ticket_id))  # nobody waits for an answer to an event
    assert lobby.names(taken.visit_id) == ["ticket_issued", "ticket_left", "visit_ended"]


def test_a_paper_that_is_reported_again_after_the_visit_changes_nothing(lobby: Lobby) -> None:
    taken = lobby.wait()
    lobby.do("left", taken.ticket_id)
    assert lobby.do("printed", taken.ticket_id).state == "left"


def test_a_paper_that_came_out_did_not_fail(lobby: Lobby) -> None:
    taken = lobby.wait()
    with pytest.raises(IllegalTransition) as refused:
        lobby.do("print_failed", taken.ticket_id)
    assert refused.value.extra["state"] == "waiting"


def test_a_copy_is_counted_and_keeps_the_place(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    first, _ = lobby.wait(), lobby.wait()
    assert [lobby.do("reprint", first.ticket_id).copies for _ in range(2)] == [1, 2]
    assert lobby.names(first.visit_id)[2:] == ["ticket_reprinted", "ticket_reprinted"]
    called = lobby.next()
    assert called is not None
    assert called.ticket_id == first.ticket_id


def test_a_number_is_printed_again_after_its_printer_had_no_paper(lobby: Lobby) -> None:
    taken = lobby.take()
    assert lobby.do("reprint", taken.ticket_id).state == "reserved"
    assert lobby.do("printed", taken.ticket_id).state == "waiting"


def test_a_paper_that_nobody_reports_is_given_up_after_policys_time(lobby: Lobby, clock: ManualClock) -> None:
    silent = lobby.take()
    lobby.wait()
    clock.advance(lobby.policy.reserved_expiry_s + LATENCY_S - 1)
    assert give_up(lobby) == []
    clock.advance(2)
    assert give_up(lobby) == [silent.ticket_id]
    left = lobby.events(silent.visit_id)[-2].data
    assert isinstance(left, triage.TicketLeft)
    assert (left.stage, left.reason) == ("reserved", "not_printed")
    assert give_up(lobby) == []
    assert lobby.names(silent.visit_id).count("visit_ended") == 1


def test_a_fast_clock_does_not_take_a_machines_latency_for_a_missing_paper(lobby: Lobby, clock: ManualClock) -> None:
    lobby.take()
    rate = 2000.0
    clock.advance(lobby.policy.reserved_expiry_s + rate * (LATENCY_S - 1))
    assert give_up(lobby, rate) == []
    clock.advance(rate * 2)
    assert len(give_up(lobby, rate)) == 1


def test_at_a_fast_clock_a_busy_branch_says_that_reports_are_slow(lobby: Lobby, clock: ManualClock) -> None:
    silent, rate = lobby.take(), 2000.0
    clock.advance(lobby.policy.reserved_expiry_s + rate * (LATENCY_S + 1))
    lobby.wait()
    give_up(lobby, rate)
    assert lobby.ticket(silent.ticket_id).state == "reserved"
    clock.advance(rate * LATENCY_S)
    give_up(lobby, rate)
    assert lobby.ticket(silent.ticket_id).state == "left"


def test_a_paper_that_is_reported_while_it_is_given_up_goes_on(
    lobby: Lobby, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = lobby.take()
    clock.advance(lobby.policy.reserved_expiry_s + LATENCY_S + 1)
    transaction = lobby.storage.transaction

    def printed_first(*branches: str, **how: object) -> object:
        monkeypatch.undo()
        lobby.do("printed", taken.ticket_id)
        return transaction(*branches, **how)

    monkeypatch.setattr(lobby.storage, "transaction", printed_first)
    assert give_up(lobby) == []
    assert lobby.ticket(taken.ticket_id).state == "waiting"
