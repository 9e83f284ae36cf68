"""What worklog does with every event: into the journal, and into the day's figures (W7, W10)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, tzinfo
from typing import Protocol

from services.worklog.errors import SubjectForked
from services.worklog.handlers.facts import fact_of, visit_of
from services.worklog.model.chain import Chain
from services.worklog.model.facts import Fact
from services.worklog.model.figures import Figures, Visit, count
from shared.contracts.envelope import Event
from shared.errors import PredecessorMissing
from shared.storage import Transaction

DayKey = tuple[str, date]
"""A branch and one of its days."""

SubjectKey = tuple[str, str]
"""The service whose log has a subject, and the subject: sequences are gapless within it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """An event with its link: ``chain`` is the head that it makes, ``prev_hash`` the one before."""

    event: Event
    body: bytes
    chain: Chain
    prev_hash: str


@dataclass(kw_only=True)
class Page:
    """What one transaction reads first and writes last."""

    sequences: dict[SubjectKey, int] = field(default_factory=dict)
    chains: dict[DayKey, Chain] = field(default_factory=dict)
    figures: dict[DayKey, Figures] = field(default_factory=dict)
    visits: dict[str, tuple[str, Visit]] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    skipped: bool = False


class Ledger(Protocol):
    """Where one transaction's page comes from and goes to. ``store`` gives it."""

    def sequences(self, subjects: Collection[SubjectKey]) -> Mapping[SubjectKey, int]:
        """Return the last sequence of those subjects that are known."""
        ...

    def chains(self, days: Collection[DayKey]) -> Mapping[DayKey, Chain]:
        """Return the heads of those chains that exist."""
        ...

    def figures(self, days: Collection[DayKey]) -> Mapping[DayKey, Figures]:
        """Return the figures of those days that have any."""
        ...

    def visits(self, visit_ids: Collection[str]) -> Mapping[str, tuple[str, Visit]]:
        """Return the branch and the record of those visits that are known."""
        ...

    def has(self, event: Event) -> bool:
        """Whether the journal holds this very event."""
        ...

    def write(self, page: Page) -> None:
        """Write the page."""
        ...


class Recording:
    """Records the events of one transaction."""

    def __init__(self, ledger_of: Callable[[Transaction], Ledger], zone: tzinfo) -> None:
        """``zone`` is where the branches' days begin and end."""
        self._ledger_of = ledger_of
        self._zone = zone

    def record_all(self, tx: Transaction, events: Sequence[Event]) -> None:
        """Take the events of a transaction in. Raises PredecessorMissing and SubjectForked."""
        self.begin(tx, events)
        for event in events:
            self.record(tx, event)
        self.finish(tx)

    def begin(self, tx: Transaction, events: Sequence[Event]) -> None:
        """Read at once what the events' transaction needs."""
        self._ledger = self._ledger_of(tx)
        dated = {event.id: found for event in events if (found := fact_of(event, self._zone)) is not None}
        days = {(event.branchid, dated[event.id][0]) for event in events if event.id in dated}
        visits = {visit_id for _, fact in dated.values() if (visit_id := visit_of(fact)) is not None}
        self._dated = dated
        self._page = Page(
            sequences=dict(self._ledger.sequences({subject_key(event) for event in events})),
            chains=dict(self._ledger.chains({self._chain_key(event) for event in events})),
            figures=dict(self._ledger.figures(days)),
            visits=dict(self._ledger.visits(visits)),
        )

    def record(self, tx: Transaction, event: Event) -> None:
        """Take one event in. Raises PredecessorMissing and SubjectForked."""
        if not self._is_next(event):
            return
        self._link(event)
        if event.id in self._dated:
            day, fact = self._dated[event.id]
            self._count((event.branchid, day), fact)

    def finish(self, tx: Transaction) -> None:
        """Write what was taken in."""
        self._ledger.write(self._page)

    def skip(self, tx: Transaction, event: Event) -> None:
        """Pass over an event that an operator gave up: the journal lacks it, and its subject goes on behind it."""
        self.begin(tx, [event])
        key = subject_key(event)
        self._page.sequences[key] = max(self._page.sequences.get(key, 0), event.sequence)
        self._page.skipped = True
        self.finish(tx)

    def _is_next(self, event: Event) -> bool:
        """Whether the event goes on where its subject stands; False where it was recorded long ago."""
        key = subject_key(event)
        last = self._page.sequences.get(key, 0)
        if event.sequence > last + 1:
            raise PredecessorMissing(event.subject, key[0])
        if event.sequence <= last:
            if self._ledger.has(event):
                return False  # the inbox has forgotten it by now, the journal has not
            raise SubjectForked(
                f"{event.type} {event.id} claims place {event.sequence} of {event.subject}, which another event has"
            )
        self._page.sequences[key] = event.sequence
        return True

    def _link(self, event: Event) -> None:
        key = self._chain_key(event)
        before = self._page.chains.get(key) or Chain(branch=event.branchid, day=key[1])
        body = event.to_json()
        after = self._page.chains[key] = before.append(body, event.time)
        self._page.entries.append(Entry(event=event, body=body, chain=after, prev_hash=before.hash))

    def _count(self, key: DayKey, fact: Fact) -> None:
        visit_id = visit_of(fact)
        known = self._page.visits.get(visit_id) if visit_id is not None else None
        figures, visit = count(self._page.figures.get(key, Figures()), fact, known[1] if known else None)
        self._page.figures[key] = figures
        if visit_id is not None and visit is not None:
            self._page.visits[visit_id] = (key[0], visit)

    def _chain_key(self, event: Event) -> DayKey:
        return event.branchid, event.recordedtime.astimezone(self._zone).date()


def subject_key(event: Event) -> SubjectKey:
    """Return whose log has the event's subject, and the subject."""
    source = event.source
    producer = source.removeprefix("/services/") if source.startswith("/services/") else "gateway"
    return producer, event.subject
