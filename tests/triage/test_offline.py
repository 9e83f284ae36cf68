"""Terminals without a network: their own numbers, and what they tell later in any order and twice (T4)."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.triage.errors import IllegalTransition, NumberNotLeased
from shared.clock import ManualClock
from shared.contracts.envelope import EventData, validated
from shared.contracts.events import terminal, triage
from shared.errors import InvalidInput
from shared.settings import Settings
from tests.support.databases import MORNING
from tests.support.one_service import one_service
from tests.support.processes import wait_until
from tests.triage.lobby import BRANCH, Lobby
from tests.triage.test_day_end import MIDNIGHT, end_days
from tests.triage.test_paper import LATENCY_S, give_up
from tests.triage.test_service import Branch, said_by_triage, tell

TODAY = date(2026, 11, 24)


def offline(number: str, business: str = "transfer", **more: object) -> terminal.TicketIssuedOffline:
    given = {"number": number, "business": business, "terminal_id": "k1", **more}
    return validated(terminal.TicketIssuedOffline, given)


def test_a_block_is_nobody_elses(lobby: Lobby) -> None:
    assert lobby.take().number == "A001"
    block = lobby.lease(size=20)
    assert (block.prefix, block.from_, block.to) == ("A", 2, 21)
    assert (block.first_number, block.last_number, block.business_date) == ("A002", "A021", TODAY)
    assert block.expires_at == MIDNIGHT
    assert lobby.take().number == "A022"
    assert lobby.lease("k2").first_number == "A023"
    assert lobby.lease(channel="vip").first_number == "V001"
    (leased,) = (event for event in lobby.events(f"block:{block.block_id}"))
    assert isinstance(leased.data, triage.NumberBlockLeased)
    assert (leased.data.terminal_id, leased.data.first, leased.data.last) == ("k1", 2, 21)


def test_blocks_and_tickets_that_are_drawn_at_once_share_no_number(lobby: Lobby) -> None:
    def draw(n: int) -> list[str]:
        if n % 3:
            return [lobby.take().number]
        block = lobby.lease(f"k{n}", size=7)
        return [f"A{number:03d}" for number in range(block.from_, block.to + 1)]

    with ThreadPoolExecutor(6) as pool:
        drawn = [number for numbers in pool.map(draw, range(18)) for number in numbers]
    assert len(drawn) == 12 + 6 * 7
    assert len(set(drawn)) == len(drawn)


def test_a_block_is_for_today_or_tomorrow(lobby: Lobby) -> None:
    assert lobby.lease(business_date="2026-11-25").first_number == "A001"
    for day in ("2026-11-23", "2026-11-26"):
        with pytest.raises(InvalidInput):
            lobby.lease(business_date=day)
    with pytest.raises(InvalidInput, match="t:"):
        lobby.lease("a\0b")


def test_an_offline_ticket_stands_where_its_time_puts_it(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    block = lobby.lease()
    asked = clock.now()
    clock.advance(1200)
    online = lobby.wait()
    clock.advance(600)
    event = lobby.receive(offline(block.first_number), time=asked)
    issued = lobby.events()[-1]
    assert isinstance(issued.data, triage.TicketIssued)
    assert (issued.causationid, issued.time, issued.data.number) == (event.id, asked, "A001")
    assert (issued.data.offline, issued.data.late, issued.data.wait_p90_s) == (True, False, 0)
    assert lobby.next() is not None  # its paper was not told of yet: the one who came by network is called
    lobby.serve(online.ticket_id)
    lobby.receive(terminal.TicketPrinted(number="A001"), time=asked)
    called = lobby.next()
    assert called is not None
    assert (called.number, called.waited_s) == ("A001", 1860.0)


def test_what_was_said_of_a_number_before_it_was_heard_of_is_not_lost(lobby: Lobby, clock: ManualClock) -> None:
    lobby.lease()
    asked = clock.now()
    lobby.receive(terminal.TicketLeft(number="A001"), time=asked + timedelta(minutes=9))
    lobby.receive(terminal.TicketPrinted(number="A001"), time=asked + timedelta(seconds=5))
    assert lobby.names() == ["number_block_leased"]
    clock.advance(7200)
    lobby.receive(offline("A001"), time=asked)
    assert lobby.names()[1:] == ["ticket_issued", "ticket_printed", "ticket_left", "visit_ended"]
    ended = lobby.events()[-1].data
    assert isinstance(ended, triage.VisitEnded)
    assert (ended.outcome, ended.stage, ended.waited_s) == ("left", "waiting", 540)


def test_a_number_that_is_not_the_terminals_is_refused_by_an_event_and_nothing_is_lost(lobby: Lobby) -> None:
    lobby.lease(size=5)
    taken = lobby.take()
    for number, said in (("A006", {}), ("A1", {}), ("A0001", {}), ("B001", {}), ("A001", {"terminal_id": "k2"})):
        event = lobby.receive(offline(number, **said))
        refused = lobby.events()[-1]
        assert isinstance(refused.data, triage.TicketRefused)
        code = "number_taken" if number == taken.number else "number_not_leased"
        assert (refused.data.code, refused.data.number, refused.data.field) == (code, number, "number")
        assert refused.causationid == event.id
    lobby.receive(offline("A002", "nonsense"))
    refused = lobby.events()[-1]
    assert isinstance(refused.data, triage.TicketRefused)
    assert (refused.data.code, refused.data.number) == ("unknown_business", "A002")


def test_a_number_given_to_two_customers_is_refused_the_second_time(lobby: Lobby, clock: ManualClock) -> None:
    lobby.lease()
    asked = clock.now()
    lobby.receive(offline("A001"), time=asked)
    lobby.receive(offline("A001"), time=asked)  # told again with another id: the very same
    assert lobby.names().count("ticket_issued") == 1
    lobby.receive(offline("A001", "account_closing"), time=asked)
    refused = lobby.events()[-1].data
    assert isinstance(refused, triage.TicketRefused)
    assert (refused.code, refused.number) == ("number_taken", "A001")


def test_what_is_told_after_the_day_is_entered_and_called_by_nobody(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    lobby.lease()
    asked = clock.now()
    clock.time = MIDNIGHT + timedelta(hours=10)
    for number in ("A001", "A002"):
        lobby.receive(offline(number), time=asked)
        lobby.receive(terminal.TicketPrinted(number=number), time=asked)
    lobby.receive(terminal.TicketLeft(number="A002"), time=asked + timedelta(minutes=5))
    assert lobby.next() is None
    assert end_days(lobby) == 0
    clock.advance(lobby.policy.day_end_quiet_s - 10)
    lobby.wait()  # the branch is busy with today's customers
    clock.advance(20)
    assert end_days(lobby) == 1
    ends = [event for event in lobby.events() if isinstance(event.data, triage.VisitEnded)]
    assert [end.time for end in ends] == [asked + timedelta(minutes=5), MIDNIGHT]
    assert [end.data.reason for end in ends] == [None, "day_end"]


def test_a_number_of_a_day_gone_by_is_not_called_by_name_either(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    lobby.lease()
    asked = clock.now()
    clock.time = MIDNIGHT + timedelta(hours=10)
    lobby.receive(offline("A001"), time=asked)
    lobby.receive(terminal.TicketPrinted(number="A001"), time=asked)
    with pytest.raises(IllegalTransition, match="A001 is of 2026-11-24, a day gone by") as refused:
        lobby.call(number="A001")
    assert refused.value.extra["state"] == "waiting"
    assert "call" not in refused.value.extra["allowed"]
    today = lobby.wait()
    assert (today.number, lobby.call(number="A001").ticket_id) == ("A001", today.ticket_id)


def test_what_is_told_a_month_later_is_refused(lobby: Lobby, clock: ManualClock) -> None:
    lobby.lease()
    asked = clock.now()
    clock.advance(30 * 86400)
    lobby.receive(offline("A001"), time=asked)
    refused = lobby.events()[-1].data
    assert isinstance(refused, triage.TicketRefused)
    assert (refused.code, refused.number) == ("requested_too_long_ago", "A001")


def test_a_terminal_gives_a_number_up_by_an_event_too(lobby: Lobby) -> None:
    taken = lobby.take()
    lobby.receive(terminal.TicketPrintFailed(ticket_id=taken.ticket_id))
    lobby.receive(terminal.TicketPrintFailed(ticket_id=taken.ticket_id))
    assert lobby.names(taken.visit_id) == ["ticket_issued", "ticket_left", "visit_ended"]
    other = lobby.wait()
    lobby.receive(terminal.TicketLeft(ticket_id=other.ticket_id))
    assert lobby.ticket(other.ticket_id).outcome == "left"


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("printed_s", [60, 180])
def test_a_paper_that_failed_and_was_printed_is_printed_in_any_order(
    lobby: Lobby, clock: ManualClock, order: tuple[int, ...], printed_s: int
) -> None:
    lobby.lease()
    asked = clock.now()
    clock.advance(1800)
    said = (
        (offline("A001"), 0),
        (terminal.TicketPrintFailed(number="A001"), 120),
        (terminal.TicketPrinted(number="A001"), printed_s),
    )
    for data, after_s in (said[n] for n in order):
        lobby.receive(data, time=asked + timedelta(seconds=after_s))
    clock.advance(lobby.policy.reserved_expiry_s + LATENCY_S + 1)
    give_up(lobby)
    (waiting,) = lobby.queue().waiting
    assert (waiting.number, waiting.state) == ("A001", "waiting")
    assert lobby.names()[1:] == ["ticket_issued", "ticket_printed"]


@pytest.mark.parametrize("end", ["expiry", "day's end"])
@pytest.mark.parametrize("issued_first", [True, False])
def test_a_paper_that_only_failed_is_given_up_when_nobody_says_more(
    lobby: Lobby, clock: ManualClock, end: str, issued_first: bool
) -> None:
    lobby.lease()
    asked = clock.now()
    clock.advance(1800)
    said = [(offline("A001"), asked), (terminal.TicketPrintFailed(number="A001"), asked + timedelta(seconds=9))]
    for data, at in said if issued_first else said[::-1]:
        lobby.receive(data, time=at)
    assert lobby.names()[1:] == ["ticket_issued"]
    if end == "expiry":
        clock.advance(lobby.policy.reserved_expiry_s + LATENCY_S + 1)
        give_up(lobby)
    else:
        clock.time = MIDNIGHT + timedelta(hours=1)
        assert end_days(lobby) == 1
    left, ended = lobby.events()[-2:]
    assert isinstance(left.data, triage.TicketLeft)
    assert (left.data.stage, left.data.reason, left.time) == ("reserved", "print_failed", asked + timedelta(seconds=9))
    assert isinstance(ended.data, triage.VisitEnded)


def test_an_event_that_gives_a_number_up_frees_its_appointment(lobby: Lobby, clock: ManualClock) -> None:
    booked = lobby.book(clock.now())
    for _ in range(2):
        taken = lobby.take(customer={"appointment_id": booked.appointment_id})
        assert "appointment_arrived" in lobby.names(f"appointment:{BRANCH}:{booked.appointment_id}")
        lobby.receive(terminal.TicketPrintFailed(ticket_id=taken.ticket_id))
    names = lobby.names(f"appointment:{BRANCH}:{booked.appointment_id}")
    assert names == ["appointment_booked", *["appointment_arrived", "appointment_booked"] * 2]


def test_a_customer_whom_a_counter_has_did_not_leave_at_the_terminal(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    lobby.lease()
    lobby.receive(offline("A001"))
    lobby.receive(terminal.TicketPrinted(number="A001"))
    called = lobby.next()
    assert called is not None
    lobby.receive(terminal.TicketLeft(number="A001"))
    assert lobby.ticket(called.ticket_id).state == "called"


def test_a_paper_is_named_by_its_ticket_or_its_number() -> None:
    for wrong in ({}, {"ticket_id": "t", "number": "A001"}, {"number": "a1"}):
        with pytest.raises(ValueError, match=r"ticket_id or number|pattern"):
            validated(terminal.TicketPrinted, wrong)


def test_the_error_names_what_is_wrong() -> None:
    assert (NumberNotLeased.code, NumberNotLeased.status) == ("number_not_leased", 409)


@dataclass(frozen=True)
class Said:
    """One event of a terminal's spool."""

    id_: str
    data: EventData
    at: datetime


@st.composite
def spools(draw: st.DrawFn) -> list[Said]:
    """What a terminal did without a network: customers who came, whose papers came out or not, who left or not."""
    spool = []
    for n in range(draw(st.integers(1, 6))):
        number, came = f"A{n + 1:03d}", MORNING + timedelta(seconds=draw(st.integers(0, 3600)))
        business = draw(st.sampled_from(["transfer", "account_closing"]))
        spool.append(Said(f"{n}-issued", offline(number, business), came))
        fate = draw(st.sampled_from(["printed", "failed", "left", "silent", "left only", "at last"]))
        if fate in ("printed", "left", "at last"):
            printed = came + timedelta(seconds=draw(st.integers(1, 60)))
            spool.append(Said(f"{n}-printed", terminal.TicketPrinted(number=number), printed))
        if fate in ("failed", "at last"):
            spool.append(Said(f"{n}-failed", terminal.TicketPrintFailed(number=number), came + timedelta(seconds=9)))
        if fate in ("left", "left only"):
            left = came + timedelta(seconds=draw(st.integers(61, 1800)))
            spool.append(Said(f"{n}-left", terminal.TicketLeft(number=number), left))
    return spool


def told(spool: Sequence[Said], later: timedelta) -> dict[str, object]:
    """Tell a spool in this order, let the day end, and return what became of each number."""
    clock = ManualClock(time=MORNING)
    lobby = Lobby(Settings(), clock)
    lobby.lease()
    clock.time = MORNING + timedelta(hours=2) + later
    for said in spool:
        lobby.receive(said.data, time=said.at, id_=said.id_)
    clock.time = max(MIDNIGHT, clock.time) + timedelta(hours=1)
    end_days(lobby)
    visits = {}
    for event in lobby.events():
        if isinstance(event.data, triage.TicketIssued):
            (ended,) = [e for e in lobby.events(event.subject) if isinstance(e.data, triage.VisitEnded)]
            assert isinstance(ended.data, triage.VisitEnded)
            view = lobby.ticket(event.data.ticket_id)
            end = ended.data
            visits[view.number] = (
                view.business, view.state, view.requested_at, view.ended_at, view.waited_s, end.outcome, end.stage,
                end.reason, end.waited_s, end.service_s, ended.time, event.data.late,
            )  # fmt: skip
    assert not [event for event in lobby.events() if isinstance(event.data, triage.TicketRefused)]
    return visits


@settings(max_examples=200, deadline=None)
@given(data=st.data(), late=st.booleans())
def test_any_order_and_any_repetition_of_a_spool_gives_the_same_visits(data: st.DataObject, late: bool) -> None:
    spool = data.draw(spools())
    later = timedelta(hours=22) if late else timedelta()
    shuffled = data.draw(st.permutations(spool + data.draw(st.lists(st.sampled_from(spool), max_size=6))))
    straight = told(spool, later)
    assert told(shuffled, later) == straight
    assert len(straight) == sum(said.id_.endswith("-issued") for said in spool)


def test_a_spool_that_was_told_while_triage_was_away_is_taken_in_once_it_is_back(tmp_path: Path) -> None:
    with one_service("triage", tmp_path) as service:
        branch = Branch(service, BRANCH)
        leased = branch.post(f"{branch.path}/terminals/k1/number-blocks", {"size": 10}, role="terminal")
        assert leased.status == 201
        assert (leased.json["prefix"], leased.json["from"], leased.json["to"]) == ("A", 1, 10)
        assert branch.take()["number"] == "A011"
    day = datetime.now(UTC).astimezone(Settings(data_dir=tmp_path).default_timezone).date()
    tell(
        tmp_path,
        "gateway",
        ("s1", terminal.TicketPrinted(number="A001", business_date=day)),
        ("s2", terminal.TicketLeft(number="A002", business_date=day)),
        ("s3", offline("A002", business_date=day)),
        ("s4", offline("A001", business_date=day)),
        ("s5", offline("A099", business_date=day)),
    )
    with one_service("triage", tmp_path) as service:
        branch = Branch(service, BRANCH)
        wait_until(lambda: branch.queue()["left_today"] == 1, within_s=20, what="the spool")
        assert [ticket["number"] for ticket in branch.queue()["waiting"]] == ["A001"]
        refused = [event.data for event in said_by_triage(tmp_path) if isinstance(event.data, triage.TicketRefused)]
    assert [(one.code, one.number) for one in refused] == [("number_not_leased", "A099")]
