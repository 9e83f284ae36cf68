"""Places in the lines: who is next, who is overtaken, and what that does to the count (T7, T12)."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from services.triage.model import Counter, Overtaken, Ticket, Visit
from services.triage.model.commands import Overtaking
from services.triage.policy import SKILL, Lane, Place, Policy
from services.triage.store import line, tables
from services.triage.store.bodies import ticket_row
from services.triage.store.records import Records
from services.triage.store.writing import enter_line, upsert, write_ticket


class Places(Records):
    """The records, with what changes a line."""

    def __init__(self, connection: Connection, policy: Policy) -> None:
        """``policy`` gives the places in the line."""
        super().__init__(connection)
        self._policy = policy
        self._insert: Any = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql

    @property
    def now(self) -> datetime:
        """The business time."""
        raise NotImplementedError

    def lanes(self, branch: str, counter: Counter) -> Sequence[Lane]:
        """Return the lanes that the counter serves and somebody waits in (T7, T12)."""
        return self._lanes(branch, counter.lanes)

    def overtaken(self, branch: str, counter: Counter, ticket: Ticket) -> Sequence[Overtaken]:
        """Return who stands earlier than this ticket and waits for the counter, the first 51 (T12)."""
        rows = self.connection.execute(line.OVERTAKEN, _earlier(branch, counter, ticket))
        return [Overtaken(ticket_id=row[0], number=row[1], times=row[2] + 1) for row in rows]

    def times_overtaken(self, ticket_id: str) -> int:
        """Return how often a ticket has been overtaken at its place (T12)."""
        return self.connection.execute(line.TIMES, {"of_ticket": ticket_id}).scalar() or 0

    def passed_for_skill(self, branch: str, counter: Counter, ticket: Ticket) -> bool:
        """Return whether somebody stands earlier in the counter's lines whom its skills cannot serve."""
        return self.connection.execute(line.UNSKILLED, _earlier(branch, counter, ticket)).first() is not None

    def keep(self, visit: Visit, after: Visit, ticket: Ticket) -> None:
        """Write a ticket's row; where it leaves its line or joins one, the line knows it.

        ``visit`` is as it was before, ``after`` and ``ticket`` as they are now.
        """
        before = next((one for one in visit.tickets if one.ticket_id == ticket.ticket_id), None)
        was, now = _place_of(visit, before), _place_of(after, ticket)
        if ticket == before and was == now:
            return
        left, joined = was is not None and was != now, now is not None and was != now
        row = ticket_row(self._policy, after, ticket, self.now)
        if was is not None and left:
            given = {"of_branch": after.branch, "of_line": was[0], "now": self.now}
            row["counted_to"] = self.connection.execute(line.LEAVE, given).scalar() or 0
        if joined:
            row |= self._joining(after.branch, ticket)
        self.connection.execute(write_ticket(self._insert, left=left, joined=joined), row)
        if joined and before is not None and before.state != "reserved" and ticket.lined_at <= before.lined_at:
            self._shield_those_ahead(after.branch, ticket)

    def record_overtaking(
        self, visit: Visit, ticket: Ticket, counter: Counter, lanes: Collection[Lane], overtaking: Overtaking
    ) -> None:
        """Enter the call of a ticket, which waits, in the ledger: whom it overtakes is counted from now on (T12)."""
        whom = len(overtaking.whom)  # of the call: entered once, however many lanes it passes
        for key in _keys(ticket, lanes, overtaking):
            seq = self._next_seq(visit.branch, key["line"], key["business"])
            why = (overtaking.why if key["counts"] else SKILL) or SKILL
            row = {
                **key,
                "branch": visit.branch,
                "lined": ticket.lined_at.timestamp(),
                "seq": seq,
                "ticket_id": ticket.ticket_id,
                "number": ticket.number,
                "counter": counter.counter,
                "rule": why.rule,
                "zh": why.zh,
                "en": why.en,
                "forced": overtaking.forced and key["counts"],
                "whom": whom if key["counts"] else 0,
                "more": overtaking.more,
                "business_date": visit.business_date,
                "at": self.now,
            }
            self.connection.execute(upsert(self._insert, tables.overtaking), row)
            whom = 0

    def _next_seq(self, branch: str, of_line: str, business: str) -> int:
        """Return the number of one more call that overtakes in the line; a skill is remembered there."""
        given = {"of_branch": branch, "of_line": of_line}
        seq, skills = self.connection.execute(line.PASS, {**given, "now": self.now}).one()
        known = [skill for skill in skills.split(",") if skill]
        if business and business not in known:
            self.connection.execute(line.LEARN_SKILL, {**given, "skills_after": ",".join([*known, business])})
        return int(seq)

    def _lanes(self, branch: str, keys: Sequence[tuple[str, str | None]]) -> list[Lane]:
        given: dict[str, Any] = {"of_branch": branch}
        for n, (of_line, business) in enumerate(keys):
            given |= {f"line{n}": of_line} if business is None else {f"line{n}": of_line, f"business{n}": business}
        rows = self.connection.execute(line.ends(tuple(business is not None for _, business in keys)), given)
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

    def _joining(self, branch: str, ticket: Ticket) -> dict[str, Any]:
        """Return how a place begins: nobody overtook it, but one before others is shielded as they are."""
        lined = ticket.lined_at.timestamp()
        given = {"branch": branch, "line": ticket.line, "waiting": 1, "seq": 0, "last_lined": lined, "skills": ""}
        given["check_at"] = self.now
        seq, last_lined = self.connection.execute(enter_line(self._insert), given).one()
        place = {"joined_seq": seq, "counted_to": seq}
        if last_lined <= lined:
            return place
        behind = {
            "of_branch": branch,
            "of_line": ticket.line,
            "of_business": ticket.business,
            "of_ticket": ticket.ticket_id,
            "from_lined": lined,
        }
        shield = self.connection.execute(line.BEHIND, behind).scalar() or 0
        shield_skill = self.connection.execute(line.BEHIND_SKILL, behind).scalar() or 0
        return {**place, "shield": shield, "shield_skill": shield_skill}

    def _shield_those_ahead(self, branch: str, ticket: Ticket) -> None:
        """Let nobody ahead hide that one who came back was overtaken often."""
        times = self.times_overtaken(ticket.ticket_id)
        if times:
            given = {"of_branch": branch, "of_line": ticket.line, "to_lined": ticket.lined_at.timestamp()}
            self.connection.execute(line.RAISE, {**given, "least": times})


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


def _keys(ticket: Ticket, lanes: Collection[Lane], overtaking: Overtaking) -> Iterator[dict[str, Any]]:
    """Return the rows that a call is entered as: one a lane, and one for those whom the counter cannot serve."""
    for lane in lanes:
        yield {"line": lane.line, "business": lane.business or "", "counts": True}
    if overtaking.for_skill:
        yield {"line": ticket.line, "business": "", "counts": False}
