"""An incident's life under whatever people try: a state machine on the pure model (I1-I4, I6)."""

from datetime import date, datetime, timedelta
from typing import get_args

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.incidents import model, policy
from shared.contracts.events import incidents

START = datetime.fromisoformat("2026-11-24T09:00:00+08:00")


class Life(RuleBasedStateMachine):
    incident: model.Incident

    @initialize(kind=st.sampled_from(get_args(policy.IncidentKind)))
    def open(self, kind: policy.IncidentKind) -> None:
        self.now = START
        opened = incidents.OPENED[kind](
            incident_id="i", business_date=date(2026, 11, 24), summary="s", happened_at=START, reported_by="li"
        )
        self.incident = model.begin(opened, branch="demo", at=START)
        self.history: list[tuple[datetime, incidents.Opened | incidents.IncidentEvent]] = [(START, opened)]
        self.when_closed: model.Incident | None = None

    def _record(self, events: tuple[incidents.IncidentEvent, ...]) -> None:
        self.now += timedelta(seconds=1)
        for event in events:
            self.incident = model.apply(self.incident, event, at=self.now)
            self.history.append((self.now, event))

    @rule(step=st.sampled_from(get_args(policy.StepKind)))
    def step(self, step: policy.StepKind) -> None:
        possible = policy.allowed(self.incident.kind, self.incident.taken)
        try:
            events = model.record_step(self.incident, step, by="li")
        except (model.IsClosed, model.NotOfThisKind, model.TooEarly):
            events = ()
        assert bool(events) == (self.incident.state == "open" and step in possible)
        self._record(events)

    @rule()
    def close(self) -> None:
        try:
            events = model.close(self.incident, "done", by="li", now=self.now)
        except (model.IsClosed, model.Unfinished):
            return
        self._record(events)
        self.when_closed = self.incident

    @rule()
    def amend(self) -> None:
        try:
            events = model.amend(self.incident, "more", by="li")
        except model.IsOpen:
            return
        self._record(events)

    @invariant()
    def a_disruption_keeps_its_order(self) -> None:
        taken = self.incident.taken
        if self.incident.kind == "disruption" and "colleagues_alerted" in taken:
            assert "people_secured" in taken[: taken.index("colleagues_alerted")]

    @invariant()
    def what_is_closed_has_its_end_and_never_changes(self) -> None:
        if self.incident.state == "closed":
            assert self.when_closed is not None
            assert not policy.missing(self.incident.kind, self.incident.taken).steps
            assert self.incident.steps == self.when_closed.steps
            assert self.incident.resolution == self.when_closed.resolution
            assert self.incident.closed_at == self.when_closed.closed_at

    @invariant()
    def the_events_alone_give_the_same_record(self) -> None:
        (at, opened), *rest = self.history
        folded = model.begin(opened, branch="demo", at=at)  # type: ignore[arg-type]
        for at, event in rest:
            folded = model.apply(folded, event, at=at)  # type: ignore[arg-type]
        assert folded == self.incident


Life.TestCase.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
TestLife = Life.TestCase
