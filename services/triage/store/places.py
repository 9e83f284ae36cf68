"""Places in the lines: who is next, who is overtaken, and what that does to the count (T7, T12)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from services.triage.model import Counter, Device, Ticket, Visit
from services.triage.policy import Crowd, Estimator, Lane, Place, Policy
from services.triage.store import line as lines
from services.triage.store import tables
from services.triage.store.bodies import ticket_row
from services.triage.store.floor import Count, Floor, read_floor
from services.triage.store.records import Records
from services.triage.store.writing import keys_of, upsert, write_line, write_ticket
from shared.contracts.events.triage import Overtaken
from shared.storage import Transaction
from shared.storage.bulk import insert_document


class Places(Records):
    """The records, with what changes a line, inside a transaction that has the branch's partition locked."""

    def __init__(self, tx: Transaction, policy: Policy) -> None:
        """Append to the transaction's log; ``policy`` gives the places in the line."""
        self._tx = tx
        self._policy = policy
        self._one: Any = insert_sqlite if tx.is_sqlite else insert_postgresql
        self._insert: Any = insert_sqlite if tx.is_sqlite else insert_document

    @property
    def connection(self) -> Connection:
        """The transaction's, which has written by then what was put off."""
        return self._tx.connection

    @property
    def now(self) -> datetime:
        """The business time at which the transaction began."""
        return self._tx.now

    def visit_of(self, branch: str, ticket_id: str) -> Visit | None:
        """Return the visit that a ticket of this branch belongs to."""
        floor = self._floor(branch)
        if ticket_id in floor.visit_of:
            return floor.visits[floor.visit_of[ticket_id]]
        return self._known(branch, super().visit_of(branch, ticket_id))

    def visit(self, branch: str, visit_id: str) -> Visit | None:
        """Return a visit of this branch."""
        floor = self._floor(branch)
        return floor.visits.get(visit_id) or self._known(branch, super().visit(branch, visit_id))

    def counter(self, branch: str, counter: str) -> Counter:
        """Return a counter; a closed one where it never opened."""
        return self._floor(branch).counters.get(counter) or Counter(counter=counter)

    def counters(self, branch: str) -> Sequence[Counter]:
        """Return every counter that was ever opened."""
        return list(self._floor(branch).counters.values())

    def devices(self, branch: str) -> Sequence[Device]:
        """Return every device that ever reported."""
        return list(self._floor(branch).devices.values())

    def at_counter(self, branch: str, counter: str) -> tuple[Visit, Ticket] | None:
        """Return the called or served ticket of one counter."""
        ticket_id = self._floor(branch).at_counter(counter)
        visit = None if ticket_id is None else self.visit_of(branch, ticket_id)
        return None if visit is None or ticket_id is None else (visit, visit.ticket(ticket_id))

    def busy(self, branch: str) -> Collection[str]:
        """Return the counters that have a called or served ticket."""
        return set(self._floor(branch).taken.values())

    def ahead(self, branch: str, lines: Collection[str], rank: float) -> int:
        """Return how many of these lines' waiting tickets are called before this rank."""
        return self._floor(branch).ahead(lines, rank)

    def behind(self, branch: str, lines: Collection[str], rank: float) -> int:
        """Return how many of these lines' waiting tickets are called after this rank."""
        return self._floor(branch).behind(lines, rank)

    def earlier(self, branch: str, lines: Collection[str], lined: float) -> Mapping[str, int]:
        """Return how many of each of these lines stood there before."""
        return self._floor(branch).earlier(lines, lined)

    def crowds(self, branch: str) -> Mapping[str, Crowd]:
        """Return how many stand in each line that anybody stands in, and since when the first."""
        return self._floor(branch).crowds()

    def estimator(self, branch: str, line: str) -> Estimator:
        """Return what a line has taught about waits; at first, what is guessed."""
        known = self._floor(branch).estimators
        if line not in known:
            known[line] = super().estimator(branch, line)
        return known[line]

    def lanes(self, branch: str, counter: Counter) -> Sequence[Lane]:
        """Return the lanes that the counter serves and somebody waits in (T7, T12)."""
        floor = self._floor(branch)
        keys = [key for key in counter.lanes if floor.waiting(key[0])]
        known = [lane for key in keys if (lane := floor.lane(*key)) is not None]
        return known if len(known) == len(keys) else self._lanes(branch, keys)

    def overtaken(self, branch: str, counter: Counter, ticket: Ticket) -> Sequence[Overtaken]:
        """Return who stands earlier than this ticket and waits for the counter, the first 51 (T12)."""
        rows = self.connection.execute(lines.OVERTAKEN, _earlier(branch, counter, ticket))
        return [Overtaken(ticket_id=row[0], number=row[1], times=row[2] + 1) for row in rows]

    def times_overtaken(self, ticket_id: str) -> int:
        """Return how often a ticket has been overtaken at its place (T12)."""
        return self.connection.execute(lines.TIMES, {"of_ticket": ticket_id}).scalar() or 0

    def passed_for_skill(self, branch: str, counter: Counter, ticket: Ticket) -> bool:
        """Return whether somebody stands earlier in the counter's lines whom its skills cannot serve."""
        return self.connection.execute(lines.UNSKILLED, _earlier(branch, counter, ticket)).first() is not None

    def keep(self, visit: Visit, after: Visit, ticket: Ticket) -> None:
        """Write a ticket's row; where it leaves its line or joins one, the line knows it.

        ``visit`` is as it was before, ``after`` and ``ticket`` as they are now.
        """
        before = next((one for one in visit.tickets if one.ticket_id == ticket.ticket_id), None)
        was, now = _place_of(visit, before), _place_of(after, ticket)
        if ticket == before and was == now:
            return
        left, joined = was is not None and was != now, now is not None and was != now
        row, floor = ticket_row(self._policy, after, ticket, self.now), self._floor(after.branch)
        floor.move(ticket)
        if before is None:
            floor.counts[ticket.ticket_id] = Count(business=ticket.business)
        if was is not None and left:
            floor.leave(ticket.ticket_id)
            row["counted_to"] = floor.lines[was[0]].seq
            self._keep_line(after.branch, was[0])
        if joined:
            later = before is not None and before.lined_at < ticket.lined_at
            row |= self._joining(after.branch, ticket, row["rank"], later=later)
        statement = write_ticket(self._insert, left=left, joined=joined)
        self._later(tables.ticket, statement, row, replaces=not left and not joined)
        if joined and before is not None and before.state != "reserved" and ticket.lined_at <= before.lined_at:
            self._shield_those_ahead(after.branch, ticket)

    def _lanes(self, branch: str, keys: Sequence[tuple[str, str | None]]) -> list[Lane]:
        if not keys:
            return []
        given: dict[str, Any] = {"of_branch": branch}
        for n, (of_line, business) in enumerate(keys):
            given |= {f"line{n}": of_line} if business is None else {f"line{n}": of_line, f"business{n}": business}
        rows = self.connection.execute(lines.ends(tuple(business is not None for _, business in keys)), given)
        ends = {(row.lane, row.end): row for row in rows}
        return [
            self._lane(branch, of_line, business, ends[n, 0], ends[n, 1])
            for n, (of_line, business) in enumerate(keys)
            if (n, 0) in ends
        ]

    def _lane(self, branch: str, of_line: str, business: str | None, first: Any, oldest: Any) -> Lane:
        guarded = oldest.guarded
        if business is None and oldest.skills:
            skilled = self._lanes(branch, [(of_line, skill) for skill in oldest.skills.split(",")])
            guarded = max([guarded, *(lane.overtaken for lane in skilled)])
        return Lane(
            line=of_line,
            business=business,
            next=_place(of_line, first),
            oldest=_place(of_line, oldest),
            overtaken=guarded,
        )

    def _joining(self, branch: str, ticket: Ticket, rank: float, *, later: bool) -> dict[str, Any]:
        """Return how a place begins: one before others is shielded as they are, one ``later`` than before is new."""
        lined, floor = ticket.lined_at.timestamp(), self._floor(branch)
        floor.join(ticket.ticket_id, ticket.line, rank, lined)
        self._keep_line(branch, ticket.line)
        place = self._shields(branch, ticket, lined)
        before = floor.counts.get(ticket.ticket_id)
        if before is not None:
            floor.counts[ticket.ticket_id] = Count(
                business=ticket.business,
                times=0 if later else before.times,
                guarded=place.get("shield", 0) + place.get("shield_skill", 0),
                seq=place["counted_to"],
            )
        return place

    def _shields(self, branch: str, ticket: Ticket, lined: float) -> dict[str, Any]:
        line = self._floor(branch).lines[ticket.line]
        place = {"joined_seq": line.seq, "counted_to": line.seq}
        if line.last_lined <= lined:
            return place
        behind = {
            "of_branch": branch,
            "of_line": ticket.line,
            "of_business": ticket.business,
            "of_ticket": ticket.ticket_id,
            "from_lined": lined,
        }
        shield = self.connection.execute(lines.BEHIND, behind).scalar() or 0
        shield_skill = self.connection.execute(lines.BEHIND_SKILL, behind).scalar() or 0
        return {**place, "shield": shield, "shield_skill": shield_skill}

    def _shield_those_ahead(self, branch: str, ticket: Ticket) -> None:
        """Let nobody ahead hide that one who came back was overtaken often."""
        times = self.times_overtaken(ticket.ticket_id)
        if times:
            self._floor(branch).forget_counts(ticket.line)
            given = {"of_branch": branch, "of_line": ticket.line, "to_lined": ticket.lined_at.timestamp()}
            self.connection.execute(lines.RAISE, {**given, "least": times})

    def _floor(self, branch: str) -> Floor:
        return self._tx.recall(branch, Floor, lambda: read_floor(self.connection, branch))

    def _known(self, branch: str, visit: Visit | None) -> Visit | None:
        if visit is not None:
            self._floor(branch).keep(visit)
        return visit

    def _keep_line(self, branch: str, name: str) -> None:
        line = self._floor(branch).lines[name]
        row = {
            "branch": branch,
            "line": name,
            "waiting": len(line.lined),
            "seq": line.seq,
            "last_lined": line.last_lined,
            "skills": ",".join(line.skills),
            "version": 0,
            "above": "",
            "check_at": self.now,
        }
        self._later(tables.line_state, write_line(self._insert), row, replaces=True)

    def _put(self, table: Table, row: dict[str, Any]) -> None:
        self._later(table, upsert(self._insert, table), row, replaces=True)

    def _later(self, table: Table, statement: Any, row: dict[str, Any], *, replaces: bool) -> None:
        self._tx.later(statement, row, (table.name, *(row[name] for name in keys_of(table))), replaces=replaces)


def _place_of(visit: Visit, ticket: Ticket | None) -> tuple[str, datetime] | None:
    """Return where a ticket stands; None where it stands in no line."""
    if ticket is None or not visit.stands(ticket):
        return None
    return ticket.line, ticket.lined_at


def _place(of_line: str, row: Any) -> Place:
    return Place(ticket_id=row.ticket_id, line=of_line, lined=row.lined, rank=row.rank, times=row.times)


def _earlier(branch: str, counter: Counter, ticket: Ticket) -> dict[str, Any]:
    return {
        "of_branch": branch,
        "lines": sorted(counter.lines),
        "channels": sorted(counter.channels),
        "own_lines": [of_line for of_line in counter.lines if of_line not in counter.channels],
        "businesses": sorted(counter.businesses),
        "any_business": not counter.businesses,
        "lined_before": ticket.lined_at.timestamp(),
    }
