"""A hand-off is never dropped, whatever managers, customers and time do (V3): a state machine on the pure model."""

from datetime import date, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.vip import model, policy
from services.vip.model import Handoff, NotAllowed, Roster
from shared.contracts.events import vip
from shared.contracts.events.vip import Manager

START = datetime.fromisoformat("2026-11-24T09:00:00+08:00")
MANAGERS = st.lists(
    st.builds(
        Manager,
        manager_id=st.sampled_from("abcd"),
        kind=st.sampled_from(["retail", "wealth", "credit", "corporate", "product", "lobby"]),
        on_duty=st.booleans(),
        max_load=st.integers(1, 2),
    ),
    max_size=4,
    unique_by=lambda m: m.manager_id,
).map(tuple)


class Life(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.roster = Roster(branch="demo")
        self.handoffs: dict[str, Handoff] = {}
        self.offers: dict[str, list[str]] = {}

    def _record(self, handoff: Handoff, events: tuple[vip.HandoffEvent, ...]) -> None:
        assert not (handoff.ended and events)
        for event in events:
            handoff = model.apply(handoff, event, at=self.now)
            if isinstance(event, vip.HandoffOffered):
                self.offers.setdefault(handoff.handoff_id, []).append(event.manager_id)
        self.handoffs[handoff.handoff_id] = handoff

    def _loads(self) -> dict[str, int]:
        loads: dict[str, int] = {}
        for handoff in self.handoffs.values():
            if handoff.state in ("accepted", "offered") and handoff.manager_id:
                loads[handoff.manager_id] = loads.get(handoff.manager_id, 0) + 1
        return loads

    def _dispatch(self) -> None:
        for ahead, handoff in enumerate([h for h in self.handoffs.values() if h.state == "waiting"]):
            self._record(handoff, policy.place(handoff, self.roster, self._loads(), ahead=ahead, now=self.now))

    @rule(managers=MANAGERS)
    def set_roster(self, managers: tuple[Manager, ...]) -> None:
        for event in model.set_roster(self.roster, managers):
            self.roster = model.apply_roster(self.roster, event)
        self._dispatch()

    @rule(business=st.sampled_from([None, "mortgage", "fund"]), own=st.sampled_from([None, "a"]))
    def arrive(self, business: str | None, own: str | None) -> None:
        handoff_id = f"h{len(self.handoffs)}"
        arrival = vip.CustomerArrived(
            handoff_id=handoff_id, visit_id=f"v{handoff_id}", business_date=date(2026, 11, 24), tier="gold",
            recognised_by="word", business=business, own_manager_id=own,
        )  # fmt: skip
        self.handoffs[handoff_id] = model.begin(arrival, branch="demo", at=self.now)
        self._dispatch()

    @precondition(lambda self: self.handoffs)
    @rule(data=st.data(), manager_id=st.sampled_from("abcd"), act=st.sampled_from(["accept", "decline", "complete"]))
    def act(self, data: st.DataObject, manager_id: str, act: str) -> None:
        handoff = data.draw(st.sampled_from(list(self.handoffs.values())))
        try:
            if act == "accept":
                events = model.accept(handoff, manager_id)
            elif act == "decline":
                events = model.decline(handoff, manager_id)
            else:
                events = model.complete(handoff)
        except NotAllowed as error:
            refusal = error
        else:
            self._record(handoff, events)
            self._dispatch()
            return
        assert refusal.state == handoff.state
        assert act not in refusal.allowed

    @precondition(lambda self: self.handoffs)
    @rule(data=st.data(), reason=st.sampled_from(["left", "served_at_window"]))
    def withdraw(self, data: st.DataObject, reason: model.WithdrawReason) -> None:
        handoff = data.draw(st.sampled_from(list(self.handoffs.values())))
        self._record(handoff, model.withdraw(handoff, reason))
        self._dispatch()

    @rule(seconds=st.integers(1, 300))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        for handoff in list(self.handoffs.values()):
            self._record(handoff, model.time_out(handoff, now=self.now))
        self._dispatch()

    @invariant()
    def nobody_is_dropped(self) -> None:
        """Who has not ended is being asked, is somebody's, is the supervisor's, or waits for who is busy."""
        loads = self._loads()
        for handoff in self.handoffs.values():
            if handoff.state == "waiting":
                left = [m for m in self.roster.managers if m.on_duty and m.manager_id not in handoff.asked]
                assert left
                assert all(loads.get(m.manager_id, 0) >= m.max_load for m in left)
                assert handoff.in_lounge
            if handoff.state in ("offered", "accepted"):
                assert handoff.manager_id
            if handoff.state == "offered":
                assert handoff.expires_at is not None
                assert handoff.expires_at > self.now

    @invariant()
    def nobody_is_asked_twice(self) -> None:
        for asked in self.offers.values():
            assert len(asked) == len(set(asked))


Life.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestLife = Life.TestCase
