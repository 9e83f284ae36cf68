"""The figures say the same whatever the order in which visits are heard of, and however often (W7)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from immutables import Map

from services.worklog.handlers.event_handlers import Entry, Page, Recording, fact_of, subject_key
from services.worklog.model import facts
from services.worklog.model.figures import Counted, Figures, VisitNotBegun, count, visit_of
from shared.contracts.envelope import Event
from shared.contracts.registry import all_types
from tests.worklog.happened import TODAY, Happened

CHANNELS = ("counter", "self_service", "green", "vip")


class Memory:
    """A projection in memory: what the handlers' port asks for, and nothing else."""

    def __init__(self) -> None:
        self.page = Page()

    def sequences(self, subjects: Iterable[Any]) -> dict[Any, int]:
        return {key: self.page.sequences[key] for key in subjects if key in self.page.sequences}

    def chains(self, days: Iterable[Any]) -> dict[Any, Any]:
        return {key: self.page.chains[key] for key in days if key in self.page.chains}

    def counted(self, days: Iterable[Any], visits: Iterable[Any]) -> Counted:
        known = self.page.counted
        return Counted(
            figures=Map({key: known.figures[key] for key in days if key in known.figures}),
            visits=Map({key: known.visits[key] for key in visits if key in known.visits}),
        )

    def has(self, event: Event) -> bool:
        return any(_same(entry, event) for entry in self.page.entries)

    def write(self, page: Page) -> None:
        self.page.sequences.update(page.sequences)
        self.page.chains.update(page.chains)
        known = self.page.counted
        self.page.counted = Counted(
            figures=known.figures.update(page.counted.figures), visits=known.visits.update(page.counted.visits)
        )
        self.page.entries.extend(page.entries)


def _same(entry: Entry, event: Event) -> bool:
    return (entry.event.id, subject_key(entry.event)) == (event.id, subject_key(event))


@st.composite
def visits(draw: st.DrawFn, branch: str = "demo") -> list[list[Event]]:
    """The events of some visits, each visit's in order."""
    happened = Happened(branch)
    streams = []
    for n in range(draw(st.integers(1, 6))):
        visit = f"{branch}-v{n}"
        channel, outcome = draw(st.sampled_from(CHANNELS)), draw(st.sampled_from(("served", "left")))
        waited_s = draw(st.floats(0, 5000, allow_nan=False))
        stream = [happened.issued(visit, channel)]
        for _ in range(draw(st.integers(0, 2))):
            stream.append(happened.called(visit, channel, waited_s=waited_s))
        if draw(st.booleans()):
            stream.append(happened.no_show(visit, channel))
        if draw(st.booleans()):
            stream.append(happened.issued(visit, draw(st.sampled_from(CHANNELS)), ticket="second"))
        if draw(st.booleans()):
            stream.append(happened.ended(visit, outcome, channel=channel, waited_s=waited_s))
        streams.append(stream)
    return streams


@st.composite
def interleaved(draw: st.DrawFn, streams: list[list[Event]]) -> list[Event]:
    """One order in which they may come: each visit's events in theirs, some of them again later."""
    left = [list(stream) for stream in streams]
    said: list[Event] = []
    while any(left):
        if said and draw(st.integers(0, 3)) == 0:
            said.append(draw(st.sampled_from(said)))
        said.append(draw(st.sampled_from([stream for stream in left if stream])).pop(0))
    return said


def figures_after(events: list[Event], batch: int) -> dict[Any, Figures]:
    memory = Memory()
    recording = Recording(memory, UTC)
    for start in range(0, len(events), batch):
        new = list({event.id: event for event in events[start : start + batch]}.values())  # as the inbox lets through
        recording.record_all(new)
    return dict(memory.page.counted.figures)


@given(data=st.data(), batch=st.integers(1, 20))
def test_any_order_and_any_repetition_gives_the_same_figures(data: st.DataObject, batch: int) -> None:
    streams = data.draw(visits())
    straight = figures_after([event for stream in streams for event in stream], 1)
    assert figures_after(data.draw(interleaved(streams)), batch) == straight
    (figures,) = straight.values()
    assert figures.total.visits == len(streams)
    assert figures.in_progress == sum(not stream[-1].type.startswith("lobby.triage.visit_ended") for stream in streams)
    assert sum(tally.visits for tally in figures.channels.values()) == figures.total.visits
    assert sum(tally.served for tally in figures.channels.values()) == figures.total.served
    assert max((tally.max_wait_ms for tally in figures.channels.values()), default=0) == figures.total.max_wait_ms


def test_an_end_without_a_beginning_is_an_error() -> None:
    with pytest.raises(VisitNotBegun, match="v1"):
        count(Figures(), facts.VisitEnded(visit_id="v1", outcome="served", wait_ms=0))


def test_a_visit_begins_and_ends_once() -> None:
    began, ended = facts.VisitBegan(visit_id="v", channel="green"), facts.VisitEnded(
        visit_id="v", outcome="left", wait_ms=5
    )  # fmt: skip
    figures, visit = count(Figures(), began)
    assert count(figures, facts.VisitBegan(visit_id="v", channel="vip"), visit) == (figures, visit)
    figures, visit = count(figures, ended, visit)
    assert count(figures, ended, visit) == (figures, visit)
    assert (figures.total.left, figures.total.served, figures.total.wait_ms) == (1, 0, 0)


def test_waits_are_of_those_who_were_served() -> None:
    figures = Figures()
    for n, (outcome, wait_ms) in enumerate([("served", 1000), ("left", 90_000), ("served", 2001)]):
        figures, visit = count(figures, facts.VisitBegan(visit_id=str(n), channel="counter"))
        figures, _ = count(figures, facts.VisitEnded(visit_id=str(n), outcome=outcome, wait_ms=wait_ms), visit)  # type: ignore[arg-type]
    assert (figures.total.mean_wait_s, figures.total.max_wait_s) == (1.5, 2.001)


def test_what_came_after_its_day_or_from_the_days_end_makes_the_figures_inexact() -> None:
    happened = Happened()
    tomorrow = happened.at + timedelta(days=1)
    exact = [happened.issued("v1"), happened.ended("v1"), happened.issued("v2")]
    assert figures_after(exact, 1)["demo", TODAY].inexact == {}
    late = [happened.issued("v3", recorded=tomorrow), happened.ended("v3", recorded=tomorrow)]
    closed = [happened.ended("v2", "left", reason="day_end", time=tomorrow, recorded=tomorrow)]
    half = [happened.issued("v4"), happened.ended("v4", "left", recorded=tomorrow)]
    assert figures_after([*exact, *late, *closed], 2)["demo", TODAY].inexact == {"late": 1, "day_end": 1}
    for batches in range(1, 5):
        assert figures_after([*late, *half], batches)["demo", TODAY].inexact == {"late": 2}, "each visit once"


def test_an_offline_ticket_was_promised_nothing_and_makes_the_figures_inexact() -> None:
    happened = Happened()
    issued = happened.issued("v1")
    offline = issued.model_copy(update={"data": replace(issued.data, offline=True)})
    called = happened.called("v1", promised_s=0)
    figures = figures_after([offline, called], 1)["demo", TODAY]
    assert (figures.promises, figures.promises_kept, figures.inexact) == (0, 0, {"offline": 1})
    undone = happened.undone("v1", "ticket_called", promised_s=0)
    assert figures_after([offline, called, undone], 1)["demo", TODAY].promises == 0


def test_what_is_undone_was_never_counted() -> None:
    happened = Happened()
    issued, called = happened.issued("v"), happened.called("v", waited_s=30)
    assert figures_after([issued, called, happened.undone("v", "ticket_called", waited_s=30)], 1) == figures_after(
        [issued], 1
    )
    late, missed = Happened(), Happened()
    events = [late.issued("v"), late.called("v", waited_s=300)]
    assert figures_after([*events, late.undone("v", "ticket_called", waited_s=300)], 2) == figures_after(events[:1], 1)
    events = [missed.issued("v"), missed.called("v"), missed.no_show("v")]
    assert figures_after([*events, missed.undone("v", "ticket_no_show")], 4) == figures_after(events[:2], 1)
    counted = [missed.issued("w"), missed.undone("w", "ticket_held")]
    assert figures_after(counted, 2) == figures_after(counted[:1], 1)


def test_an_event_without_a_business_date_counts_on_its_local_day() -> None:
    happened = Happened(at=datetime(2026, 11, 24, 23, 59, 59, tzinfo=UTC))
    assert fact_of(happened.counter_opened("1"), UTC) == (date(2026, 11, 25), facts.CounterOpened(counter="1"))


def test_only_a_visits_beginning_and_end_need_its_record() -> None:
    happened = Happened()
    events = [happened.issued("v"), happened.called("v"), happened.no_show("v"), happened.ended("v")]
    found = [fact_of(event, UTC) for event in events]
    assert [visit_of("demo", fact[1]) for fact in found if fact] == [("demo", "v"), None, None, ("demo", "v")]


def test_every_incident_kind_that_can_be_opened_is_counted() -> None:
    from services.worklog.handlers.event_handlers import _FACTS

    opened = {
        model for type_, model in all_types().items() if type_.startswith("lobby.incidents.") and "_opened." in type_
    }
    assert opened <= set(_FACTS)
