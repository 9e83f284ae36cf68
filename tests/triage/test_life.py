"""The ticket's life in the pure domain: what each state allows, and what each step does."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.triage.model import (
    AlreadyEnded,
    Elsewhere,
    NothingToUndo,
    Refusal,
    Visit,
    allowed_in,
    commands,
    decide,
)
from shared.contracts.events import triage as events
from shared.contracts.events.triage import TicketState
from tests.triage.visits import NINE, STEPS, TODAY, WAY_TO, after, at, brought, issue, visit

ALLOWED: dict[TicketState, set[str]] = {
    "reserved": {"printed", "print-failed", "reprint", "hand-off", "left"},
    "waiting": {"printed", "reprint", "call", "hand-off", "transfer", "left"},
    "called": {"printed", "reprint", "recall", "start", "no-show", "transfer", "left", "undo"},
    "serving": {"printed", "reprint", "complete", "hold", "transfer", "left", "undo"},
    "held": {"printed", "reprint", "resume", "transfer", "left", "undo"},
    "completed": {"printed"},
    "left": {"printed"},
}


@pytest.mark.parametrize("state", ALLOWED)
@pytest.mark.parametrize("step", STEPS)
def test_each_state_allows_its_steps_and_refuses_the_others(state: TicketState, step: str) -> None:
    stay = brought(state)
    if step in ALLOWED[state]:
        decide(stay, STEPS[step])
        return
    with pytest.raises(Refusal) as refused:
        decide(stay, STEPS[step])
    assert refused.value.state == state
    assert step not in refused.value.allowed
    assert set(refused.value.allowed) <= ALLOWED[state]


@pytest.mark.parametrize("state", [state for state in WAY_TO if state != "reserved"])
def test_a_paper_that_is_printed_twice_changes_nothing(state: TicketState) -> None:
    assert decide(brought(state), STEPS["printed"]) == []


@pytest.mark.parametrize("end", ["print-failed", "left"])
def test_a_paper_that_comes_out_after_its_number_was_given_up_is_refused(end: str) -> None:
    gone = after(visit(), STEPS[end], STEPS[end].at)
    with pytest.raises(Refusal, match="printed: ticket A001 is left") as refused:
        decide(gone, STEPS["printed"])
    assert (refused.value.state, refused.value.allowed) == ("left", ())


def test_who_was_handed_off_without_a_paper_may_get_it_late() -> None:
    served = after(after(visit(), STEPS["hand-off"], at(60)), STEPS["complete"], at(200))
    assert decide(served, STEPS["printed"]) == []


def test_a_ticket_whose_paper_was_not_printed_is_not_called() -> None:
    with pytest.raises(Refusal, match="A001 is reserved"):
        decide(visit(), STEPS["call"])


def test_the_wait_runs_from_the_request_to_the_call() -> None:
    (called,) = decide(brought("waiting"), STEPS["call"])
    assert isinstance(called, events.TicketCalled)
    assert (called.waited_s, called.quoted_p50_s, called.quoted_p90_s) == (60.0, 60.0, 120.0)


def test_the_wait_is_never_negative_though_a_terminals_clock_is_ahead() -> None:
    ahead = after(visit(), commands.Print(ticket_id="t1", at=NINE))
    (called,) = decide(ahead, commands.Call(ticket_id="t1", at=NINE - timedelta(seconds=30), counter="1"))
    assert isinstance(called, events.TicketCalled)
    assert called.waited_s == 0


def test_service_is_timed_without_the_time_that_it_was_held() -> None:
    completed, ended = decide(brought("held", "resume"), STEPS["complete"])
    assert isinstance(completed, events.TicketCompleted)
    assert isinstance(ended, events.VisitEnded)
    assert completed.service_s == (100 - 80) + (200 - 160)
    assert (ended.outcome, ended.waited_s, ended.service_s) == ("served", 60.0, 60.0)


def test_leaving_names_the_stage_and_ends_the_visit() -> None:
    left, ended = decide(brought("called"), STEPS["left"])
    assert isinstance(left, events.TicketLeft)
    assert isinstance(ended, events.VisitEnded)
    assert (left.stage, left.waited_s, ended.outcome) == ("called", 60.0, "left")


def test_who_does_not_come_waits_at_the_end_of_the_line() -> None:
    ticket = brought("called", "no-show").ticket("t1")
    assert (ticket.state, ticket.counter, ticket.no_shows, ticket.lined_at) == ("waiting", None, 1, at(120))
    assert ticket.requested_at == NINE


def test_the_third_no_show_ends_the_visit_as_left() -> None:
    stay = brought("called", "no-show", "call", "no-show", "call")
    happened = decide(stay, STEPS["no-show"])
    assert [type(event).__name__ for event in happened] == ["TicketNoShow", "TicketLeft", "VisitEnded"]
    left = happened[1]
    assert isinstance(left, events.TicketLeft)
    assert left.stage == "called"


def test_a_transferred_ticket_keeps_its_place_by_request_time() -> None:
    ticket = brought("serving", "transfer").ticket("t1")
    assert (ticket.state, ticket.channel, ticket.lined_at, ticket.counter) == ("waiting", "loan_desk", NINE, None)
    assert ticket.waited(at(150)) == 60 + (150 - 110)
    assert ticket.served_s == 110 - 80


def test_a_waiting_ticket_is_not_transferred_to_where_it_waits() -> None:
    with pytest.raises(Refusal, match="waits for counter already"):
        decide(brought("waiting"), commands.Transfer(ticket_id="t1", at=at(9), channel="counter"))


@pytest.mark.parametrize(
    ("state", "last", "again", "what"),
    [
        ("called", (), "waiting", "ticket_called"),
        ("serving", (), "called", "service_started"),
        ("held", (), "serving", "ticket_held"),
        ("held", ("resume",), "held", "ticket_resumed"),
        ("called", ("no-show",), "called", "ticket_no_show"),
        ("called", ("no-show", "return"), "waiting", "ticket_returned"),
        ("serving", ("transfer",), "serving", "ticket_transferred"),
        ("called", ("recall",), "waiting", "ticket_called"),
        ("called", ("reprint",), "waiting", "ticket_called"),
    ],
)
def test_undo_takes_the_last_step_back(
    state: TicketState, last: tuple[str, ...], again: TicketState, what: str
) -> None:
    stay = brought(state, *last)
    (undone,) = decide(stay, STEPS["undo"])
    assert isinstance(undone, events.StepUndone)
    assert (undone.state, undone.reason, undone.undone) == (again, "a mistake", what)
    ticket = after(stay, STEPS["undo"]).ticket("t1")
    assert (ticket.state, ticket.channel) == (again, "counter")


def test_only_one_step_is_taken_back() -> None:
    with pytest.raises(NothingToUndo, match="no step"):
        decide(brought("serving", "undo"), STEPS["undo"])


def test_a_step_is_not_taken_back_on_another_day() -> None:
    tomorrow = commands.Undo(ticket_id="t1", at=at(86400), reason="late", today=TODAY + timedelta(days=1))
    with pytest.raises(NothingToUndo, match="2026-11-24"):
        decide(brought("called"), tomorrow)


@pytest.mark.parametrize("state", ["completed", "left"])
def test_the_one_end_of_a_visit_is_not_taken_back(state: TicketState) -> None:
    with pytest.raises(AlreadyEnded):
        decide(brought(state), STEPS["undo"])


def test_an_undone_call_says_what_it_had_told_of_the_wait() -> None:
    (undone,) = decide(brought("called"), STEPS["undo"])
    assert isinstance(undone, events.StepUndone)
    assert (undone.waited_s, undone.quoted_p90_s) == (60.0, 120.0)


def test_who_missed_the_call_and_is_back_in_time_stands_where_they_stood() -> None:
    stay = brought("called", "no-show")
    assert "return" in allowed_in(stay, stay.ticket("t1"))
    (returned,) = decide(stay, STEPS["return"])
    assert isinstance(returned, events.TicketReturned)
    assert returned.away_s == 30
    ticket = after(stay, STEPS["return"], at(150)).ticket("t1")
    assert (ticket.state, ticket.lined_at, ticket.missed_at, ticket.no_shows) == ("waiting", NINE, None, 1)


def test_who_comes_back_too_late_keeps_the_new_place() -> None:
    stay = brought("called", "no-show")
    with pytest.raises(Refusal, match="601 s ago") as refused:
        decide(stay, commands.Return(ticket_id="t1", at=at(120 + 601), grace_s=600))
    assert "call" in refused.value.allowed
    assert "return" not in refused.value.allowed
    with pytest.raises(Refusal, match="missed no call"):
        decide(brought("waiting"), STEPS["return"])


def test_who_missed_two_calls_and_is_back_stands_where_they_stood_first() -> None:
    ticket = after(brought("called", "no-show", "call", "no-show"), STEPS["return"], at(150)).ticket("t1")
    assert (ticket.lined_at, ticket.no_shows) == (NINE, 2)


def test_a_number_whose_paper_failed_is_taken_back_at_once() -> None:
    left, ended = decide(visit(), STEPS["print-failed"])
    assert isinstance(left, events.TicketLeft)
    assert isinstance(ended, events.VisitEnded)
    assert (left.stage, left.reason, ended.outcome) == ("reserved", "print_failed", "left")


def test_each_copy_of_the_paper_is_counted() -> None:
    stay = brought("waiting", "reprint", "reprint")
    (again,) = decide(stay, STEPS["reprint"])
    assert isinstance(again, events.TicketReprinted)
    assert again.copies == 3
    assert stay.ticket("t1").state == "waiting"


def test_a_customer_is_not_called_for_two_tickets_at_once() -> None:
    stay = visit("t1", "t2")
    for command in (_paper("t1"), _paper("t2"), STEPS["call"]):
        stay = after(stay, command, command.at)
    with pytest.raises(Elsewhere, match="A002 is at counter 3 with A001") as refused:
        decide(stay, commands.Call(ticket_id="t2", at=at(70), counter="4"))
    assert "call" not in refused.value.allowed
    stay = after(stay, STEPS["start"], at(80))
    stay = after(stay, STEPS["hold"], at(100))  # filling a form: may be called for the other business
    stay = after(stay, commands.Call(ticket_id="t2", at=at(110), counter="4"), at(110))
    with pytest.raises(Elsewhere):
        decide(stay, STEPS["resume"])
    with pytest.raises(Elsewhere):
        decide(stay, STEPS["undo"])


def test_a_customer_waits_once_however_many_tickets_they_have_and_not_while_served() -> None:
    stay = visit("t1", "t2")
    for command in (_paper("t1"), _paper("t2"), STEPS["call"], STEPS["start"], STEPS["complete"]):
        stay = after(stay, command, command.at)  # called after 60 s, done after 200 s
    assert stay.waited(at(230)) == 60 + 30
    (called,) = decide(stay, commands.Call(ticket_id="t2", at=at(230), counter="4"))
    assert isinstance(called, events.TicketCalled)
    assert called.waited_s == 60 + 30
    undone = after(stay, STEPS["undo"], at(230))
    assert undone.waited(at(240)) == 60


def _paper(ticket_id: str) -> commands.Print:
    return commands.Print(ticket_id=ticket_id, at=at(5))


def test_a_visit_of_two_tickets_ends_with_the_last_of_them_and_was_served() -> None:
    stay = visit("t1", "t2")
    for name in ("printed", "call", "start", "complete"):
        stay = after(stay, STEPS[name], STEPS[name].at)
    assert not stay.ended
    left, ended = decide(stay, commands.Leave(ticket_id="t2", at=at(300)))
    assert isinstance(left, events.TicketLeft)
    assert isinstance(ended, events.VisitEnded)
    assert (left.stage, ended.outcome, ended.waited_s) == ("reserved", "served", 60.0 + 100.0)


def test_the_completion_of_a_ticket_can_be_undone_while_the_visit_goes_on() -> None:
    stay = visit("t1", "t2")
    for name in ("printed", "call", "start", "complete", "undo"):
        stay = after(stay, STEPS[name], STEPS[name].at)
    assert stay.ticket("t1").state == "serving"
    assert not stay.ended


def test_the_version_counts_the_events() -> None:
    empty = Visit(visit_id="v1", branch="demo", business_date=TODAY)
    assert after(empty, issue()).version == 1
    assert brought("completed").version == 1 + 3 + 2


def test_apply_leaves_the_visit_before_as_it_was() -> None:
    before = visit()
    copy = replace(before)
    after(before, STEPS["printed"])
    assert before == copy
