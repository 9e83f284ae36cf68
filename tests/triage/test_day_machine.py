"""Random days of a branch through the real use cases: what holds whatever people and machines do (T4, T7, T12).

``LOBBY_EXAMPLES`` sets how many days run in memory; a few run on a database too. What must hold is checked
by books of the test's own, that know nothing but the events.
"""

import os
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.clock import ManualClock
from shared.contracts.envelope import Event
from shared.contracts.events import terminal, triage
from shared.contracts.http import triage as calls
from shared.errors import LobbyError
from shared.settings import Settings
from shared.storage import Storage
from shared.storage.storage import declared_storage
from tests.support.databases import MORNING, empty_storage
from tests.triage.lobby import BRANCH, Lobby

EXAMPLES = int(os.environ.get("LOBBY_EXAMPLES", "200"))
ON_A_DATABASE = 10
CAP = 2
SILENCE_S = 1.0
COUNTERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "1": ("li", ("counter", "green")),
    "2": ("wang", ("counter", "green", "vip")),
    "3": ("zhao", ("loan_desk", "counter")),
}
AT_COUNTER, ENDED = ("called", "serving"), ("completed", "left")
ODD = 11
"""The pick that takes a ticket of any state, whatever the step needs."""
FITS = {
    "printed": ("reserved",), "print_failed": ("reserved",), "start": ("called",), "complete": ("serving",),
    "recall": ("called",), "hold": ("serving",), "resume": ("held",), "no_show": ("called",),
    "return_after_no_show": ("waiting",), "left": ("waiting", "called", "serving", "held"),
    "undo": ("waiting", "called", "serving", "held", "completed"),
}  # fmt: skip
"""The states in which each step is mostly asked for."""

counters = st.sampled_from(sorted(COUNTERS))
businesses = st.sampled_from(["account_service", "transfer", "mortgage", "account_opening"])
customers = st.sampled_from(
    [{}, {}, {"age": 80}, {"urgent": True}, {"card_tier": "gold"}, {"card_tier": "private"}, {"customer_ref": "c1"},
     {"card_token": "t1", "customer_ref": "c2"}]
)  # fmt: skip
targets = st.sampled_from(
    [{"channel": "counter"}, {"channel": "loan_desk"}, {"channel": "vip"}, {"counter": "1"}, {"counter": "3"},
     {"person": "wang"}, {"person": "li", "channel": "counter"}]
)  # fmt: skip
spooled = st.sampled_from(["issued", "issued", "printed", "print_failed", "left"])
mishaps = st.sampled_from(["no_show", "no_show", "return_after_no_show", "undo", "left", "start", "hold"])
picks = st.integers(0, ODD)


@dataclass
class Paper:
    """A ticket as its events make it; of the calls that overtook it, some may have been ``taken_back``."""

    visit: str
    number: str
    day: str
    state: str = "reserved"
    counter: str | None = None
    overtaken: int = 0
    taken_back: int = 0
    late: bool = False


class Books:
    """The test's own account of what has happened, kept from the events alone."""

    def __init__(self) -> None:
        self.papers: dict[str, Paper] = {}
        self.before: dict[str, tuple[str, str | None]] = {}
        self.ends: Counter[str] = Counter()
        self.outcomes: dict[str, str] = {}
        self.served: Counter[str] = Counter()
        self.sequences: Counter[str] = Counter()
        self.said = 0
        self.passed: dict[str, list[Paper]] = {}
        self.unnamed = False

    def read(self, events: list[Event]) -> None:
        for event in events[self.said :]:
            assert event.sequence == self.sequences[event.subject] + 1, "no gap, and nothing twice"
            self.sequences[event.subject] += 1
            self._enter(event.data)
        self.said = len(events)

    def _enter(self, data: object) -> None:
        match data:
            case triage.TicketIssued():
                taken = [paper for paper in self.papers.values() if paper.day == str(data.business_date)]
                assert data.number not in {paper.number for paper in taken}, "a number is given out once a day"
                self.papers[data.ticket_id] = Paper(
                    visit=data.visit_id, number=data.number, day=str(data.business_date), late=data.late
                )
            case triage.VisitEnded():
                self.ends[data.visit_id] += 1
                self.outcomes[data.visit_id] = data.outcome
            case triage.TicketPrinted():
                self.papers[data.ticket_id].state = "waiting"
            case triage.TicketCalled():
                self._called(data)
            case triage.StepUndone():
                self._undone(data)
            case triage.ServiceStarted() | triage.TicketResumed():
                self._go(data.ticket_id, "serving", data.counter)
            case triage.TicketHeld():
                self._go(data.ticket_id, "held", data.counter)
            case triage.TicketNoShow():
                self._go(data.ticket_id, "waiting", None)
                self.papers[data.ticket_id].overtaken = 0  # a later place begins anew
            case triage.TicketTransferred():
                self._go(data.ticket_id, "waiting", None)
            case triage.TicketReturned():
                self._go(data.ticket_id, "waiting", None)
            case triage.TicketCompleted():
                self._go(data.ticket_id, "completed", None)
                self.served[data.ticket_id] += 1
            case triage.TicketLeft():
                where = "called" if data.reason == "no_show" else self.papers[data.ticket_id].state
                assert data.stage == where, "who left, left where they were"
                self._go(data.ticket_id, "left", None)

    def _called(self, data: triage.TicketCalled) -> None:
        assert self.papers[data.ticket_id].state in ("waiting", "reserved")
        for one in data.overtaken:
            passed = self.papers[one.ticket_id]
            assert passed.state == "waiting", "only who waits is overtaken"
            passed.overtaken += 1
            least = passed.overtaken - passed.taken_back  # who has another place since keeps the count
            assert least <= one.times <= passed.overtaken or self.unnamed, "the ledger counts as we do"
            passed.overtaken, passed.taken_back = one.times, 0
            assert data.forced or passed.overtaken <= CAP, "nobody is overtaken beyond the cap"
        self.passed[data.ticket_id] = [self.papers[one.ticket_id] for one in data.overtaken]
        self.unnamed = self.unnamed or data.overtakes_more  # an event names fifty at the most
        self._go(data.ticket_id, "called", data.counter)

    def _undone(self, data: triage.StepUndone) -> None:
        if data.undone == "ticket_called":
            for passed in self.passed.pop(data.ticket_id):
                passed.taken_back += 1
        state, counter = self.before[data.ticket_id]
        assert (data.state, data.undone is not None) == (state, True)
        if self.papers[data.ticket_id].state == "completed":
            self.served[data.ticket_id] -= 1
        self.papers[data.ticket_id].state, self.papers[data.ticket_id].counter = state, counter

    def _go(self, ticket_id: str, state: str, counter: str | None) -> None:
        paper = self.papers[ticket_id]
        self.before[ticket_id] = (paper.state, paper.counter)
        paper.state, paper.counter = state, counter


class BranchDay(RuleBasedStateMachine):
    """People and machines do what they do, in any order, for days."""

    def __init__(self) -> None:
        super().__init__()
        self._open = ExitStack()
        self.clock = ManualClock(time=MORNING)
        self.lobby = self.lobby_of(self.storage())
        self.books = Books()
        self.ids: list[str] = []
        self.offline: list[str] = []
        for counter in ("1", "2"):
            self._open_counter(counter)

    def lobby_of(self, storage: Storage | Settings) -> Lobby:
        return Lobby(storage, self.clock, max_overtakes=CAP, max_no_shows=2, ageing_s=600)

    def storage(self) -> Storage | Settings:
        return Settings(silence_s=SILENCE_S)

    def teardown(self) -> None:
        try:
            if self.ids:
                self._everybody_is_called_in_the_end()
        finally:
            self._open.close()

    @rule(customer=customers, n=st.integers(1, 4))
    def several_arrive(self, customer: dict, n: int) -> None:
        for _ in range(n):
            self._ask(lambda: self.lobby.wait(customer=customer, again=True))
            self.clock.advance(5)

    @rule(business=businesses, customer=customers, more=st.lists(businesses, max_size=2), print_it=st.booleans())
    def arrive(self, business: str, customer: dict, more: list[str], print_it: bool) -> None:
        def take() -> None:
            taken = self.lobby.take(business, customer=customer, businesses=more)
            for ticket in (taken, *taken.others):
                self.ids.append(ticket.ticket_id)
                if print_it:
                    self.lobby.do("printed", ticket.ticket_id)

        self._ask(take)

    @rule(pick=picks, business=businesses, again=st.booleans())
    def want_more(self, pick: int, business: str, again: bool) -> None:
        if (ticket_id := self._one(pick)) is not None:
            visit = self.books.papers[ticket_id].visit

            def take() -> None:
                self.ids.append(self.lobby.wait(business, visit_id=visit, again=again).ticket_id)

            self._ask(take)

    @rule(pick=picks, step=st.sampled_from(["printed", "print_failed", "reprint"]))
    def paper(self, pick: int, step: str) -> None:
        self._step(pick, step)

    @rule(counter=counters)
    def call_next(self, counter: str) -> None:
        self._ask(lambda: self.lobby.next(counter))

    @rule(counter=counters, n=st.integers(1, 4))
    def serve_some(self, counter: str, n: int) -> None:
        for _ in range(n):
            self._ask(lambda: self._serve_next(counter))

    @rule(counter=counters, then=st.lists(mishaps, max_size=3))
    def call_and(self, counter: str, then: list[str]) -> None:
        called = self._ask(lambda: self.lobby.next(counter))
        if isinstance(called, calls.TicketView):
            for step in then:
                self.clock.advance(10)
                self._do(called.ticket_id, step)

    @rule(counter=counters, pick=picks)
    def call_number(self, counter: str, pick: int) -> None:
        if (ticket_id := self._one(pick, "waiting")) is not None:
            self._ask(lambda: self.lobby.call(counter, ticket_id=ticket_id))

    @rule(pick=picks, step=st.sampled_from(["start", "start", "complete", "complete", "recall", "hold", "resume"]))
    def serve(self, pick: int, step: str) -> None:
        self._step(pick, step)

    @rule(pick=picks, step=st.sampled_from(["no_show", "no_show", "return_after_no_show", "left", "undo"]))
    def slip(self, pick: int, step: str) -> None:
        self._step(pick, step)

    @rule(pick=picks, to=targets)
    def transfer(self, pick: int, to: dict[str, str]) -> None:
        if (ticket_id := self._one(pick, "waiting", "called", "serving", "held")) is not None:
            self._ask(lambda: self.lobby.do("transfer", ticket_id, **to))

    @rule(counter=counters, teller=st.sampled_from([None, "li", "wang"]))
    def open_counter(self, counter: str, teller: str | None) -> None:
        self._ask(lambda: self._open_counter(counter, teller))

    @rule(counter=counters)
    def close_counter(self, counter: str) -> None:
        self._ask(lambda: self.lobby.close(counter))

    def lease(self, size: int) -> None:
        block = self.lobby.lease(size=size)
        self.offline += [f"A{n:03d}" for n in range(block.from_, block.to + 1)]

    @rule(pick=picks, kind=spooled, ago=st.integers(0, 900))
    def spool(self, pick: int, kind: str, ago: int) -> None:
        if not self.offline:
            self.lease(2)
        number, at = self.offline[pick % len(self.offline)], self.clock.now() - timedelta(seconds=ago)
        said = {
            "issued": lambda: terminal.TicketIssuedOffline(number=number, business="transfer", terminal_id="k1"),
            "printed": lambda: terminal.TicketPrinted(number=number),
            "print_failed": lambda: terminal.TicketPrintFailed(number=number),
            "left": lambda: terminal.TicketLeft(number=number),
        }[kind]()
        self.lobby.receive(said, time=at)

    @rule(seconds=st.sampled_from([5, 60, 400, 1000]))
    def pass_time(self, seconds: int) -> None:
        self.clock.advance(seconds)
        self._time_decides()

    @precondition(lambda self: len(self.ids) > 5)
    @rule(sure=st.integers(0, 3))
    def end_the_day(self, sure: int) -> None:
        if sure == 3:
            self.go_home()

    def go_home(self) -> None:
        self.clock.time = _midnight_after(self.clock.now()) + timedelta(seconds=601)
        self._time_decides()
        open_today = [p for p in self.books_now().papers.values() if p.state not in ENDED]
        assert open_today == [], "nobody waits overnight"
        self.clock.advance(9 * 3600)
        self.offline = []

    @invariant()
    def no_counter_has_two_and_no_customer_is_at_two(self) -> None:
        papers = self.books_now().papers.values()
        at_counter = [paper for paper in papers if paper.state in AT_COUNTER]
        assert len({paper.counter for paper in at_counter}) == len(at_counter)
        assert len({paper.visit for paper in at_counter}) == len(at_counter)

    @invariant()
    def each_visit_ends_once_when_all_its_tickets_have_and_nobody_is_served_twice(self) -> None:
        books = self.books_now()
        states: dict[str, list[str]] = {}
        for paper in books.papers.values():
            states.setdefault(paper.visit, []).append(paper.state)
        for visit, of in states.items():
            over = all(state in ENDED for state in of)
            assert books.ends[visit] == (1 if over else 0)
            assert not over or (books.outcomes[visit] == "served") == ("completed" in of)
        assert all(n <= 1 for n in books.served.values())

    @invariant()
    def the_services_say_what_the_events_say(self) -> None:
        books, queue = self.books_now(), self.lobby.queue()
        waiting = {id_ for id_, paper in books.papers.items() if paper.state == "waiting"}
        assert {ticket.ticket_id for ticket in queue.waiting} == waiting
        serving = {c.serving.ticket_id: c.counter for c in queue.counters if c.serving is not None}
        assert serving == {id_: paper.counter for id_, paper in books.papers.items() if paper.state in AT_COUNTER}

    def books_now(self) -> Books:
        self.books.read(self.lobby.events())
        self.ids += [id_ for id_ in self.books.papers if id_ not in self.ids]
        return self.books

    def _everybody_is_called_in_the_end(self) -> None:
        """Let the branch finish its day: whoever still waits is called, sooner or later, by some counter."""
        for counter in COUNTERS:
            self._ask(lambda counter=counter: self._open_counter(counter))
        for id_, paper in list(self.books_now().papers.items()):
            if paper.state in (*AT_COUNTER, "held", "reserved"):
                self.lobby.do("left", id_)
        while sum(bool(self._ask(lambda counter=counter: self._serve_next(counter))) for counter in COUNTERS):
            pass
        papers = self.books_now().papers.values()
        left = {paper.number for paper in papers if paper.state not in ENDED and not paper.late}
        assert left == set(), "nobody is lost"
        self.go_home()

    def _serve_next(self, counter: str) -> bool:
        called = self.lobby.next(counter)
        if called is not None:
            self.lobby.serve(called.ticket_id, 1)
        return called is not None

    def _open_counter(self, counter: str, teller: str | None = None) -> None:
        usual, channels = COUNTERS[counter]
        self.lobby.staff(counter, teller or usual, *channels)

    def _time_decides(self) -> None:
        self.lobby.keep_time()

    def _one(self, pick: int, *states: str) -> str | None:
        """Return one of the tickets, mostly one in these states: what can't be done is asked for, too, but seldom."""
        papers = self.books_now().papers
        fit = [id_ for id_ in self.ids if not states or papers[id_].state in states]
        among = self.ids if pick == ODD or not fit else fit
        return among[pick % len(among)] if among else None

    def _step(self, pick: int, step: str) -> None:
        if (ticket_id := self._one(pick, *FITS.get(step, ()))) is not None:
            self._do(ticket_id, step)

    def _do(self, ticket_id: str, step: str) -> None:
        undo = {"undo": lambda: self.lobby.undo(ticket_id)}
        self._ask(undo.get(step, lambda: self.lobby.do(step, ticket_id)))

    def _ask(self, what: Callable[[], object]) -> object:
        """Ask for something; a refusal is an answer too, of one that changes nothing."""
        before = len(self.lobby.events())
        try:
            return what()
        except LobbyError:
            assert len(self.lobby.events()) == before
            return None


class BranchDayOnADatabase(BranchDay):
    """The same on SQLite, in two processes that take turns and restart: what they know is the fold of the log."""

    def storage(self) -> Storage:
        folder = Path(self._open.enter_context(tempfile.TemporaryDirectory()))
        given = Settings(data_dir=folder, silence_s=SILENCE_S)
        first = self._open.enter_context(empty_storage(given, "triage", self.clock))
        second = declared_storage(given, "triage", self.clock)
        self._open.callback(second.close)
        self.other = self.lobby_of(second)
        return first

    @rule()
    def another_process_goes_on(self) -> None:
        self.lobby, self.other = self.other, self.lobby

    @rule(snapshot=st.booleans())
    def the_process_restarts(self, snapshot: bool) -> None:
        if snapshot:
            self.lobby.storage.take_snapshots(all_changed=True)
        self.lobby.storage.states.forget()

    @invariant()
    def what_is_known_is_the_fold_of_the_log(self) -> None:
        storage = self.lobby.storage
        with storage.read() as connection:
            known = storage.known(connection, BRANCH)
            assert known.state == storage.states.refolded(connection, BRANCH, known.pos).state


def _midnight_after(now: datetime) -> datetime:
    zone = Settings().default_timezone
    local = now.astimezone(zone)
    return local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


TestBranchDay = BranchDay.TestCase
TestBranchDay.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestBranchDayOnADatabase = BranchDayOnADatabase.TestCase
TestBranchDayOnADatabase.settings = settings(
    max_examples=ON_A_DATABASE, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
