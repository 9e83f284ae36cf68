"""Who waits in which line: who is next, who is overtaken, and how often that has happened (T6, T7, T12).

Overtaking is counted without touching whom it overtakes. A call that overtakes is kept in its line with the place of
who was called; how often a ticket was overtaken is how many of the calls since it joined lie behind its place. They
are few: once a ticket was overtaken as often as the cap allows, nobody overtakes it any more, and a call that lies
behind nobody is dropped. ``guard`` makes that count fall from the head of a lane to its end, also where somebody comes
late to an early place, so that the head alone tells whether anybody has reached the cap: see ``policy.calling_order``.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from sys import intern
from typing import NamedTuple

from immutables import Map

from services.triage.model.counters_and_devices import Counter
from services.triage.model.records import replace
from services.triage.model.visit import Diversion, Ticket, Visit
from services.triage.policy.calling_order import GuardedPosition, Lane, QueuePosition, QueueSnapshot
from shared.contracts.events.triage import Channel, OvertakenLane, TicketState

LAST = "\U0010ffff"
"""Sorts behind every ticket's id."""

Position = tuple[float, str]
"""A rank or a place (epoch seconds), with the ticket's id."""


class Passing(NamedTuple):
    """The ``seq``-th call of a line, which overtook who stood before ``lined``; of one business only, if named."""

    seq: int
    lined: float
    business: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueEntry:
    """What the queue keeps of a ticket for some days, whether or not it ``stands`` in its line.

    ``lined`` is its place (epoch seconds), ``rank`` who is called first. ``times`` is how often it had been overtaken
    when its line had counted ``counted_to`` calls, which since it joined were those after ``joined``.
    """

    ticket_id: str
    visit_id: str
    number: str
    channel: Channel
    business: str
    business_date: date
    state: TicketState
    diversion: Diversion | None
    went_to_device: bool
    line: str
    lined: float
    rank: float
    stands: bool = False
    times: int = 0
    joined: int = 0
    counted_to: int = 0
    shield: int = 0
    shield_skill: int = 0

    @classmethod
    def of(cls, visit: Visit, ticket: Ticket, rank: float) -> "QueueEntry":
        """Return the entry of a ticket that nobody has overtaken."""
        return cls(
            ticket_id=ticket.ticket_id,
            visit_id=visit.visit_id,
            number=ticket.number,
            channel=ticket.channel,
            business=intern(ticket.business),
            business_date=visit.business_date,
            state=ticket.state,
            diversion=ticket.diversion,
            went_to_device=ticket.accepted_at is not None,
            line=intern(ticket.line),
            lined=ticket.lined_at.timestamp(),
            rank=rank,
            stands=visit.stands(ticket),
        )


@dataclass(frozen=True, kw_only=True)
class WaitingLine:
    """Who stands in a line, sorted by rank and by place.

    ``seq`` counts the calls that overtook somebody here, ``passings`` are those that still count for somebody.
    ``last_lined`` is the latest place that anybody ever took, ``skills`` the businesses that were called by themselves.
    """

    ranked: tuple[Position, ...] = ()
    lined: tuple[Position, ...] = ()
    seq: int = 0
    last_lined: float = 0.0
    skills: tuple[str, ...] = ()
    passings: tuple[Passing, ...] = ()

    def with_entry(self, entry: QueueEntry) -> "WaitingLine":
        """Return the line with a ticket in it."""
        return replace(
            self,
            ranked=_inserted(self.ranked, (entry.rank, entry.ticket_id)),
            lined=_inserted(self.lined, (entry.lined, entry.ticket_id)),
            last_lined=max(self.last_lined, entry.lined),
        )

    def without(self, entry: QueueEntry) -> "WaitingLine":
        """Return the line without a ticket that stands in it."""
        lined = _removed(self.lined, (entry.lined, entry.ticket_id))
        return replace(
            self,
            ranked=_removed(self.ranked, (entry.rank, entry.ticket_id)),
            lined=lined,
            passings=_that_count(self.passings, lined),
        )

    def with_passing(self, lined: float, business: str | None, *, counts: bool) -> "WaitingLine":
        """Return the line after one more call that overtook somebody; one that doesn't count only has a number."""
        seq = self.seq + 1
        skills = self.skills if business is None or business in self.skills else (*self.skills, business)
        passings = (*self.passings, Passing(seq, lined, business)) if counts else self.passings
        return replace(self, seq=seq, skills=skills, passings=_that_count(passings, self.lined))

    def up_to(self, rank: float) -> int:
        """Return how many have at most this rank."""
        return bisect_right(self.ranked, (rank, LAST))

    def earlier(self, lined: float) -> int:
        """Return how many stood there before."""
        return bisect_left(self.lined, (lined, ""))

    def since(self, entry: QueueEntry, businesses: Collection[str | None]) -> int:
        """Return how many calls of these businesses have overtaken a ticket since it was counted."""
        return sum(
            passing.seq > entry.counted_to and passing.lined > entry.lined and passing.business in businesses
            for passing in self.passings
        )


EMPTY = WaitingLine()


@dataclass(frozen=True, kw_only=True)
class WaitingQueue:
    """The lines of a branch, and the tickets of its last days.

    ``calls`` keeps the calls of tickets that are at a counter now, so that one that is undone overtook nobody.
    """

    entries: Map[str, QueueEntry] = field(default_factory=Map)
    lines: Map[str, WaitingLine] = field(default_factory=Map)
    calls: Map[str, tuple[tuple[str, Passing], ...]] = field(default_factory=Map)

    # --- looking ---

    def line(self, name: str) -> WaitingLine:
        """Return a line; an empty one where nobody ever stood."""
        return self.lines.get(name, EMPTY)

    def ahead(self, lines: Collection[str], rank: float) -> int:
        """Return how many of these lines are called before this rank, or at it."""
        return sum(self.line(name).up_to(rank) for name in lines)

    def behind(self, lines: Collection[str], rank: float) -> int:
        """Return how many of these lines are called after this rank."""
        return sum(len(self.line(name).ranked) for name in lines) - self.ahead(lines, rank)

    def earlier(self, lines: Collection[str], lined: float) -> dict[str, int]:
        """Return how many of each of these lines stood there before."""
        return {name: count for name in lines if (count := self.line(name).earlier(lined))}

    def snapshots(self) -> dict[str, QueueSnapshot]:
        """Return how many stand in each line that anybody stands in, and since when the first."""
        found = [(name, line.lined) for name, line in self.lines.items() if line.lined]
        return {name: QueueSnapshot(waiting=len(lined), oldest=lined[0][0]) for name, lined in sorted(found)}

    def times(self, ticket_id: str) -> int:
        """Return how often a ticket has been overtaken at its place (T12)."""
        entry = self.entries.get(ticket_id)
        return 0 if entry is None else self._times(entry)

    def guarded_position(self, ticket_id: str) -> GuardedPosition:
        """Return a ticket's place with its guard."""
        entry = self.entries[ticket_id]
        return GuardedPosition(
            ticket_id=ticket_id, line=entry.line, lined=entry.lined, rank=entry.rank, times=self._times(entry),
            guarded=self._guard(entry),
        )  # fmt: skip

    def guard(self, ticket_id: str) -> int:
        """Return how often the ticket, or anybody behind it in its lane, may have been overtaken."""
        return self._guard(self.entries[ticket_id])

    def lanes(self, counter: Counter) -> list[Lane]:
        """Return the lanes that the counter serves and somebody waits in (T7, T12)."""
        found = (self._lane(line, business) for line, business in counter.lanes if self.line(line).ranked)
        return [lane for lane in found if lane is not None]

    def standing_before(self, counter: Counter, lined: float) -> Iterator[QueueEntry]:
        """Return who stands earlier in the counter's lines and wants what it does, the earliest first."""
        return (entry for entry in self._before(counter.lines, lined) if counter.serves(entry.line, entry.business))

    def passes_for_skill(self, counter: Counter, lined: float) -> bool:
        """Return whether somebody stands earlier in the counter's channels whom its skills cannot serve."""
        return any(entry.business not in counter.businesses for entry in self._before(counter.channels, lined))

    # --- changing ---

    def with_ticket(self, visit: Visit, ticket: Ticket, rank: float) -> "WaitingQueue":
        """Return the queue after a ticket has changed: it may have left its line or joined one.

        One that joins keeps its count unless it goes to a later place: two places don't make two allowances.
        """
        entry, old = QueueEntry.of(visit, ticket, rank), self.entries.get(ticket.ticket_id)
        if old is None:
            return self._joined(entry, None) if entry.stands else self._with(entry)
        stays = entry.stands and old.stands and (entry.line, entry.lined) == (old.line, old.lined)
        kept = replace(
            entry, times=old.times, joined=old.joined, counted_to=old.counted_to, shield=old.shield,
            shield_skill=old.shield_skill,
        )  # fmt: skip
        if stays:
            return self._moved(old, kept)
        queue = self
        if old.stands:
            line = self.line(old.line)
            kept = replace(kept, times=self._times(old), counted_to=line.seq)
            queue = queue._with_line(old.line, line.without(old))
        if not entry.stands:
            return queue._with(kept)
        queue = queue._joined(kept, old)
        if old.state != "reserved" and entry.lined <= old.lined:
            queue = queue._shielding_ahead(queue.entries[entry.ticket_id])
        return queue

    def reranked(self, ranks: Mapping[str, float]) -> "WaitingQueue":
        """Return the queue with other ranks for these tickets, as another policy gives them."""
        queue = self
        for ticket_id, rank in ranks.items():
            entry = queue.entries[ticket_id]
            queue = queue._moved(entry, replace(entry, rank=rank))
        return queue

    def overtaken_by(
        self, ticket: Ticket, lanes: Sequence[OvertakenLane], *, for_skill: bool
    ) -> tuple["WaitingQueue", list[tuple[str, str | None, int]]]:
        """Count the call of a ticket, which stands in its line yet, with everybody ahead of it in these lanes.

        Return the queue after it, and each lane with the number of the call in its line; a call past those whom the
        counter can't serve has a number, and counts for nobody.
        """
        queue, lined = self, ticket.lined_at.timestamp()
        numbered, passed = list[tuple[str, str | None, int]](), list[tuple[str, Passing]]()
        for lane in lanes:
            line = queue.line(lane.line).with_passing(lined, lane.business, counts=True)
            queue = queue._with_line(lane.line, line)
            numbered.append((lane.line, lane.business, line.seq))
            passed.append((lane.line, Passing(line.seq, lined, lane.business)))
        if for_skill:
            line = queue.line(ticket.line).with_passing(lined, None, counts=False)
            queue = queue._with_line(ticket.line, line)
            numbered.append((ticket.line, None, line.seq))
        return (replace(queue, calls=queue.calls.set(ticket.ticket_id, tuple(passed))) if passed else queue), numbered

    def called_off(self, ticket_id: str) -> "WaitingQueue":
        """Return the queue as if the last call of a ticket, which is at the counter yet, had overtaken nobody."""
        passed = self.calls.get(ticket_id, ())
        queue = self.forgetting_call(ticket_id)
        for name, passing in passed:
            line = queue.line(name)
            rest = tuple(one for one in line.passings if one.seq != passing.seq)
            queue = queue._with_line(name, replace(line, passings=rest))._uncounted(name, passing)
        for name in sorted({name for name, _ in passed}):
            queue = queue._guards_raised(name)
        return queue

    def forgetting_call(self, ticket_id: str) -> "WaitingQueue":
        """Return the queue without what it kept of a ticket's call: it can't be undone any more."""
        return replace(self, calls=self.calls.delete(ticket_id)) if ticket_id in self.calls else self

    def without_days_before(self, day: date, keep: Collection[str]) -> "WaitingQueue":
        """Return the queue without the entries of days before this one, but those that are to be kept."""
        gone = [
            entry.ticket_id
            for entry in self.entries.values()
            if entry.business_date < day and not entry.stands and entry.ticket_id not in keep
        ]
        entries = self.entries
        for ticket_id in gone:
            entries = entries.delete(ticket_id)
        return replace(self, entries=entries) if gone else self

    # --- how ---

    def _times(self, entry: QueueEntry) -> int:
        return entry.times + (self.line(entry.line).since(entry, (None, entry.business)) if entry.stands else 0)

    def _guard(self, entry: QueueEntry) -> int:
        shielded = entry.shield + entry.shield_skill
        return shielded + (self.line(entry.line).since(entry, (None, entry.business)) if entry.stands else 0)

    def _before(self, lines: Collection[str], lined: float) -> list[QueueEntry]:
        found: list[Position] = []
        for name in lines:
            line = self.line(name)
            found += line.lined[: line.earlier(lined)]
        return [self.entries[ticket_id] for _, ticket_id in sorted(found)]

    def _lane(self, name: str, business: str | None) -> Lane | None:
        line = self.line(name)
        first, oldest = self._first(line.ranked, business), self._first(line.lined, business)
        if first is None or oldest is None:
            return None
        guards = [self._guard(oldest)]
        if business is None:
            alone = (self._first(line.lined, skill) for skill in line.skills)
            guards += [self._guard(entry) for entry in alone if entry is not None]
        return Lane(
            line=name,
            business=business,
            next=self._position_of(first),
            oldest=self._position_of(oldest),
            overtaken=max(guards),
        )

    def _first(self, positions: Sequence[Position], business: str | None) -> QueueEntry | None:
        for _, ticket_id in positions:
            entry = self.entries[ticket_id]
            if business is None or entry.business == business:
                return entry
        return None

    def _position_of(self, entry: QueueEntry) -> QueuePosition:
        return QueuePosition(
            ticket_id=entry.ticket_id, line=entry.line, lined=entry.lined, rank=entry.rank, times=self._times(entry)
        )

    def _with(self, entry: QueueEntry) -> "WaitingQueue":
        return replace(self, entries=self.entries.set(entry.ticket_id, entry))

    def _with_line(self, name: str, line: WaitingLine) -> "WaitingQueue":
        return replace(self, lines=self.lines.set(name, line))

    def _moved(self, old: QueueEntry, entry: QueueEntry) -> "WaitingQueue":
        """Return the queue with a ticket at the same place, perhaps with another rank."""
        queue = self._with(entry)
        if not old.stands or old.rank == entry.rank:
            return queue
        line = self.line(old.line)
        ranked = _removed(line.ranked, (old.rank, old.ticket_id))
        ranked = _inserted(ranked, (entry.rank, entry.ticket_id))
        return queue._with_line(old.line, replace(line, ranked=ranked))

    def _joined(self, entry: QueueEntry, old: QueueEntry | None) -> "WaitingQueue":
        """Return the queue with a ticket that joins a line; before others it is shielded as they are."""
        line = self.line(entry.line)
        later = old is not None and old.lined < entry.lined
        shield, shield_skill = self._shields(line, entry)
        entry = replace(
            entry, times=0 if later else entry.times, joined=line.seq, counted_to=line.seq, shield=shield,
            shield_skill=shield_skill,
        )  # fmt: skip
        return self._with_line(entry.line, line.with_entry(entry))._with(entry)

    def _shields(self, line: WaitingLine, entry: QueueEntry) -> tuple[int, int]:
        if line.last_lined <= entry.lined:
            return 0, 0
        behind = line.lined[line.earlier(entry.lined) :]
        nearest, alike = self._first(behind, None), self._first(behind, entry.business)
        shield = 0 if nearest is None else nearest.shield + line.since(nearest, (None,))
        shield_skill = 0 if alike is None else alike.shield_skill + line.since(alike, (alike.business,))
        return shield, shield_skill

    def _shielding_ahead(self, entry: QueueEntry) -> "WaitingQueue":
        """Let nobody ahead hide that one who came back was overtaken often."""
        times, line = self._times(entry), self.line(entry.line)
        queue = self
        for _, ticket_id in line.lined[: bisect_right(line.lined, (entry.lined, LAST))] if times else ():
            ahead = self.entries[ticket_id]
            if (guard := self._guard(ahead)) < times:
                queue = queue._with(replace(ahead, shield=ahead.shield + times - guard))
        return queue

    def _uncounted(self, name: str, passing: Passing) -> "WaitingQueue":
        """Count a call off for those who have left their place since; those who stand there were not counted yet."""
        queue = self
        for entry in self.entries.values():
            counted = entry.joined < passing.seq <= entry.counted_to
            passed = entry.line == name and entry.lined < passing.lined
            if counted and passed and entry.state != "waiting" and passing.business in (None, entry.business):
                queue = queue._with(replace(entry, times=entry.times - 1))
        return queue

    def _guards_raised(self, name: str) -> "WaitingQueue":
        """Let everybody be guarded as much as those behind them: what they kept of a count stands for itself."""
        queue, least = self, 0
        for _, ticket_id in reversed(self.line(name).lined):
            entry = self.entries[ticket_id]
            guard = self._guard(entry)
            least = max(least, guard, self._times(entry))
            if guard < least:
                queue = queue._with(replace(entry, shield=entry.shield + least - guard))
        return queue


def _that_count(passings: tuple[Passing, ...], lined: Sequence[Position]) -> tuple[Passing, ...]:
    """Return the calls that overtook somebody who stands in the line yet."""
    if not passings:
        return passings
    if not lined:
        return ()
    first = lined[0][0]
    return tuple([passing for passing in passings if passing.lined > first])


def _inserted(positions: tuple[Position, ...], new: Position) -> tuple[Position, ...]:
    index = bisect_left(positions, new)
    return (*positions[:index], new, *positions[index:])


def _removed(positions: tuple[Position, ...], gone: Position) -> tuple[Position, ...]:
    index = bisect_left(positions, gone)
    return positions[:index] + positions[index + 1 :]
