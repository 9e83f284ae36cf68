"""Random days of a lobby: nobody is overtaken beyond the cap, none is lost, none is served twice (T7, T12).

Each day runs in memory and on a database, which must agree. Another count is the test's own: who waited for the
counter, and earlier, when somebody was called. ``LOBBY_DAYS`` sets how many days run (in memory only, where it is
more than the default).
"""

import os
import tempfile
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from shared.clock import ManualClock
from shared.contracts.events import triage
from shared.contracts.http.triage import TicketView
from shared.errors import Conflict
from shared.settings import Settings
from tests.support.databases import MORNING, empty_storage
from tests.triage.lobby import Lobby

CAP = 2
ENGLISH = "account_service_en"
DAYS = int(os.environ.get("LOBBY_DAYS", "25"))
WINDOWS = {"1": ("counter", "green"), "2": ("counter", "green", "vip"), "7": ("counter", "green")}
SKILLS = {"7": [ENGLISH]}

businesses = st.sampled_from(["account_service", ENGLISH])
customers = st.sampled_from([{}, {}, {"urgent": True}, {"age": 80}, {"card_tier": "gold"}, {"card_tier": "private"}])
counters = st.sampled_from(sorted(WINDOWS))
picks = st.integers(0, 30)


class Day(RuleBasedStateMachine):
    """Customers come, are called, slip back, and are served; the clock goes on by a little each time."""

    def __init__(self) -> None:
        super().__init__()
        self._open = ExitStack()
        self.clock = ManualClock(time=MORNING)
        folder = Path(self._open.enter_context(tempfile.TemporaryDirectory()))
        given = Settings(data_dir=folder)
        self.lobbies = [Lobby(given, self.clock, max_overtakes=CAP)]
        if DAYS <= 100:
            stored = self._open.enter_context(empty_storage(given, "triage", self.clock))
            self.lobbies.append(Lobby(stored, self.clock, max_overtakes=CAP))
        for lobby in self.lobbies:
            for counter, channels in WINDOWS.items():
                lobby.open_for(counter, SKILLS.get(counter, []), *channels)
        self.ids: list[dict[int, str]] = [{} for _ in self.lobbies]
        self.times: Counter[int] = Counter()
        self.passed: dict[int, set[int]] = {}
        self.calls = 0

    def teardown(self) -> None:
        self._open.close()

    @rule(business=businesses, customer=customers, late=st.sampled_from([0, 0, 0, 0, 30, 400]))
    def arrive(self, business: str, customer: dict, late: int) -> None:
        asked = (self.clock.now() - timedelta(seconds=late)).isoformat()
        for lobby, ids in zip(self.lobbies, self.ids, strict=True):
            ids[len(ids)] = lobby.wait(business, customer=customer, requested_at=asked).ticket_id
        self.clock.advance(7)

    @rule(counter=counters, serve=st.booleans())
    def call_next(self, counter: str, serve: bool) -> None:
        self._called(counter, lambda lobby, _ids: lobby.next(counter), serve=serve)

    @rule(counter=counters, pick=picks)
    def call_by_number(self, counter: str, pick: int) -> None:
        if pick < len(self.ids[0]):
            self._called(counter, lambda lobby, ids: lobby.call(counter, ticket_id=ids[pick]), serve=True)

    @rule(pick=picks, step=st.sampled_from(["undo", "no_show", "return_after_no_show", "left", "transfer"]))
    def slip(self, pick: int, step: str) -> None:
        if pick >= len(self.ids[0]):
            return
        done = []
        called = self.lobbies[0].ticket(self.ids[0][pick]).state == "called"
        for lobby, ids in zip(self.lobbies, self.ids, strict=True):
            try:
                if step == "undo":
                    lobby.undo(ids[pick])
                elif step == "transfer":
                    lobby.transfer(ids[pick], "green")
                else:
                    lobby.do(step, ids[pick])
                done.append("done")
            except Conflict as refused:
                done.append(refused.code)
        assert len(set(done)) == 1, (step, done)
        if done[0] == "done" and step == "no_show":
            self.times[pick] = 0  # the end of the line is a place of its own
        if done[0] == "done" and step == "undo" and called:
            self.times.subtract(self.passed.pop(pick, ()))
        if done[0] == "done":  # at another place, a count is kept or gone as it is
            for passed in self.passed.values():
                passed.discard(pick)
        self.clock.advance(3)

    @invariant()
    def the_lobbies_agree(self) -> None:
        seen = [self._line(lobby, ids) for lobby, ids in zip(self.lobbies, self.ids, strict=True)]
        assert all(line == seen[0] for line in seen), seen
        lanes = [self._lanes(lobby, ids) for lobby, ids in zip(self.lobbies, self.ids, strict=True)]
        assert all(found == lanes[0] for found in lanes), lanes

    @invariant()
    def each_count_is_what_was_seen(self) -> None:
        for number, times in self._line(self.lobbies[0], self.ids[0]):
            assert times == self.times[number], (number, times, self.times)

    @invariant()
    def a_lane_tells_of_who_was_overtaken_most(self) -> None:
        state = self.lobbies[0].state()
        for counter in map(state.counter, WINDOWS):
            for lane in state.queue.lanes(counter):
                standing = state.queue.line(lane.line).lined
                times = [
                    state.queue.times(id_) for _, id_ in standing
                    if lane.business in (None, state.queue.entries[id_].business)
                ]  # fmt: skip
                assert max(times) <= lane.overtaken

    @invariant()
    def none_is_lost_or_served_twice(self) -> None:
        ends = Counter(
            event.data.ticket_id
            for event in self.lobbies[0].events()
            if isinstance(event.data, triage.TicketCompleted | triage.TicketLeft)
        )
        assert all(count == 1 for count in ends.values())
        states = [self.lobbies[0].ticket(ticket_id).state for ticket_id in self.ids[0].values()]
        waiting = len(self.lobbies[0].queue().waiting)
        assert states.count("waiting") == waiting
        assert len(states) - waiting - states.count("called") - states.count("serving") == len(ends)

    def _called(self, counter: str, call: object, *, serve: bool) -> None:
        before = {ticket.ticket_id: ticket for ticket in self.lobbies[0].queue().waiting}
        lined = {id_: entry.lined for id_, entry in self.lobbies[0].state().queue.entries.items()}
        results: list[TicketView | str | None] = []
        for lobby, ids in zip(self.lobbies, self.ids, strict=True):
            try:
                results.append(call(lobby, ids))  # type: ignore[operator]
            except Conflict as refused:
                results.append(refused.code)
        numbers = [view.number if isinstance(view, TicketView) else view for view in results]
        assert all(number == numbers[0] for number in numbers), numbers
        called = results[0]
        if not isinstance(called, TicketView):
            return
        self.calls += 1
        event = self._last_call(self.lobbies[0])
        for lobby in self.lobbies[1:]:
            assert self._said(self._last_call(lobby)) == self._said(event)
        passed = {
            id_ for id_, ticket in before.items()
            if lined[id_] < lined[called.ticket_id] and self._fits(counter, ticket)
        }  # fmt: skip
        assert set(event.overtakes) == passed
        numbered = {ticket_id: number for number, ticket_id in self.ids[0].items()}
        self.passed[numbered[called.ticket_id]] = {numbered[ticket_id] for ticket_id in passed}
        self.times.update(self.passed[numbered[called.ticket_id]])
        assert {one.times for one in event.overtaken} == {self.times[numbered[id_]] for id_ in passed}
        beyond = [id_ for id_ in passed if self.times[numbered[id_]] > CAP]
        assert event.forced == bool(beyond)
        if event.overtaking_reason is None or event.overtaking_reason.rule != "call.number":
            assert not beyond, "nobody is overtaken beyond the cap"
        if serve:
            for lobby, ids in zip(self.lobbies, self.ids, strict=True):
                ticket_id = ids[numbered[called.ticket_id]]
                lobby.do("start", ticket_id)
                lobby.do("complete", ticket_id)
        self.clock.advance(5)

    def _fits(self, counter: str, ticket: TicketView) -> bool:
        skills = SKILLS.get(counter)
        return ticket.channel in WINDOWS[counter] and (skills is None or ticket.business in skills)

    def _line(self, lobby: Lobby, ids: dict[int, str]) -> list[tuple[int, int | None]]:
        numbered = {ticket_id: number for number, ticket_id in ids.items()}
        return [(numbered[ticket.ticket_id], ticket.overtaken) for ticket in lobby.queue().waiting]

    @staticmethod
    def _lanes(lobby: Lobby, ids: dict[int, str]) -> list[object]:
        numbered = {ticket_id: number for number, ticket_id in ids.items()}
        state = lobby.state()
        lanes = [lane for counter in WINDOWS for lane in state.queue.lanes(state.counter(counter))]
        return [(lane.line, lane.business, numbered[lane.oldest.ticket_id], lane.overtaken) for lane in lanes]

    @staticmethod
    def _last_call(lobby: Lobby) -> triage.TicketCalled:
        return next(e.data for e in reversed(lobby.events()) if isinstance(e.data, triage.TicketCalled))

    @staticmethod
    def _said(event: triage.TicketCalled) -> object:
        return event.number, event.counter, [(one.number, one.times) for one in event.overtaken], event.forced


TestDay = Day.TestCase
TestDay.settings = settings(max_examples=DAYS, stateful_step_count=50, deadline=None)
