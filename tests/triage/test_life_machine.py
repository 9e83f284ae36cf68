"""A random walk through the ticket's life: what holds for a visit whatever is asked of it."""

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.triage.model import Refusal, Visit, apply, commands, decide
from shared.contracts.events import triage as events
from tests.triage.visits import NINE, TODAY, issue

COUNTERS = st.sampled_from(["1", "2"])
TICKETS = st.sampled_from(["t1", "t2"])
CHANNELS = st.sampled_from(["counter", "green", "loan_desk"])


class TicketLife(RuleBasedStateMachine):
    """One visit with one or two tickets."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NINE
        self.history: list[tuple[events.VisitEvent, object]] = []
        self.start = Visit(visit_id="v1", branch="demo", business_date=TODAY)
        self.visit = self.start

    @initialize(two=st.booleans())
    def take(self, two: bool) -> None:
        self._ask(issue("t1", "A001"))
        if two:
            self._ask(issue("t2", "A002"))

    @rule(seconds=st.integers(0, 900))
    def pass_time(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(kind=st.sampled_from([commands.Print, commands.Reprint, commands.Recall, commands.Start, commands.Complete,
                                commands.Hold, commands.Resume, commands.Leave]), ticket=TICKETS)  # fmt: skip
    def step(self, kind: type, ticket: str) -> None:
        self._ask(kind(ticket_id=ticket, at=self.now))

    @rule(kind=st.sampled_from([commands.Call, commands.HandOff]), ticket=TICKETS, counter=COUNTERS)
    def call(self, kind: type, ticket: str, counter: str) -> None:
        self._ask(kind(ticket_id=ticket, at=self.now, counter=counter))

    @rule(ticket=TICKETS)
    def no_show(self, ticket: str) -> None:
        self._ask(commands.NoShow(ticket_id=ticket, at=self.now, limit=3))

    @rule(ticket=TICKETS)
    def return_after_no_show(self, ticket: str) -> None:
        self._ask(commands.Return(ticket_id=ticket, at=self.now, grace_s=600))

    @rule(ticket=TICKETS, reason=st.sampled_from(["print_failed", "not_printed"]))
    def give_up_the_paper(self, ticket: str, reason: str) -> None:
        self._ask(commands.GiveUpPaper(ticket_id=ticket, at=self.now, reason=reason))  # type: ignore[arg-type]

    @rule(ticket=TICKETS, channel=CHANNELS)
    def transfer(self, ticket: str, channel: str) -> None:
        self._ask(commands.Transfer(ticket_id=ticket, at=self.now, channel=channel))  # type: ignore[arg-type]

    @rule(ticket=TICKETS)
    def undo(self, ticket: str) -> None:
        self._ask(commands.Undo(ticket_id=ticket, at=self.now, reason="slip", today=TODAY))

    @precondition(lambda self: self.visit.ended)
    @rule(ticket=TICKETS)
    def nothing_happens_after_the_end(self, ticket: str) -> None:
        if not self._has(ticket):
            return
        for kind in (commands.Print, commands.Start, commands.Leave):
            before = len(self.history)
            self._ask(kind(ticket_id=ticket, at=self.now))
            assert len(self.history) == before

    @invariant()
    def has_one_end_when_all_tickets_have(self) -> None:
        ends = sum(isinstance(event, events.VisitEnded) for event, _ in self.history)
        over = bool(self.visit.tickets) and all(ticket.ended for ticket in self.visit.tickets)
        assert ends == (1 if over else 0)
        assert self.visit.ended == over

    @invariant()
    def is_what_its_events_make_it(self) -> None:
        again = self.start
        for event, time in self.history:
            again = apply(again, event, time)  # type: ignore[arg-type]
        assert again == self.visit
        assert again.version == len(self.history)

    @invariant()
    def times_are_never_negative_and_end_with_their_spell(self) -> None:
        for ticket in self.visit.tickets:
            assert ticket.waited(self.now) >= 0
            assert ticket.served(self.now) >= 0
            waits = ticket.state in ("reserved", "waiting") and not self.visit.at_counter
            assert (ticket.waiting_since is not None) == waits
            assert (ticket.serving_since is not None) == (ticket.state == "serving")

    @invariant()
    def a_customer_is_at_one_counter_and_waits_once(self) -> None:
        assert sum(ticket.state in ("called", "serving") for ticket in self.visit.tickets) <= 1
        assert 0 <= self.visit.waited(self.now) <= (self.now - NINE).total_seconds()
        assert self.visit.waited(self.now) <= sum(ticket.waited(self.now) for ticket in self.visit.tickets) + 1e-6

    @invariant()
    def is_at_a_counter_when_it_says_so(self) -> None:
        for ticket in self.visit.tickets:
            if ticket.state in ("called", "serving", "held"):
                assert ticket.counter is not None
            if ticket.state in ("reserved", "waiting"):
                assert ticket.counter is None

    @invariant()
    def no_window_calls_what_was_not_printed(self) -> None:
        printed: set[str] = set()
        for n, (event, _) in enumerate(self.history):
            if isinstance(event, events.TicketPrinted | events.ServiceStarted):  # a manager took who stood there
                printed.add(event.ticket_id)
            following = self.history[n + 1][0] if n + 1 < len(self.history) else None
            if isinstance(event, events.TicketCalled) and not isinstance(following, events.ServiceStarted):
                assert event.ticket_id in printed

    def _has(self, ticket_id: str) -> bool:
        return any(ticket.ticket_id == ticket_id for ticket in self.visit.tickets)

    def _ask(self, command: commands.VisitCommand) -> None:
        if not isinstance(command, commands.Issue) and not self._has(command.ticket_id):
            return
        try:
            happened = decide(self.visit, command)
        except Refusal:
            return
        for event in happened:
            self.visit = apply(self.visit, event, self.now)
            self.history.append((event, self.now))


TestTicketLife = TicketLife.TestCase
TestTicketLife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
