"""The fairness ledger, for writing: a call that overtakes is entered, and one that was a mistake is taken off (T12)."""

from collections.abc import Collection, Iterator
from typing import Any

from services.triage.model import Counter, Ticket, Visit
from services.triage.model.commands import Overtaking
from services.triage.policy import SKILL, Lane
from services.triage.store import line as lines
from services.triage.store import tables
from services.triage.store.places import Places
from services.triage.store.writing import upsert


class Overtakings(Places):
    """The places, with the calls that overtake somebody there."""

    def record_overtaking(
        self, visit: Visit, ticket: Ticket, counter: Counter, lanes: Collection[Lane], overtaking: Overtaking
    ) -> None:
        """Enter the call of a ticket, which waits, in the ledger: whom it overtakes is counted from now on (T12)."""
        whom = len(overtaking.whom)  # of the call: entered once, however many lanes it passes
        for key in _keys(ticket, lanes, overtaking):
            seq = self._next_seq(visit.branch, key["line"], key["business"])
            if key["counts"]:
                self._floor(visit.branch).lines[key["line"]].overtake(ticket.lined_at.timestamp(), key["business"])
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
            self.connection.execute(upsert(self._one, tables.overtaking), row)
            whom = 0

    def take_back_overtaking(self, visit: Visit, ticket: Ticket) -> None:
        """Take the last call of a ticket, which is at the counter yet, off the ledger: it was a mistake (T12)."""
        called = {"day": visit.business_date, "called_at": ticket.called_at, "of_ticket": ticket.ticket_id}
        entered = self.connection.execute(lines.OF_CALL, {"of_branch": visit.branch, **called}).all()
        for row in entered:
            key = {"of_line": row.line, "of_business": row.business, "at_lined": row.lined, "at_seq": row.seq}
            if row.counts:
                self.connection.execute(lines.UNCOUNT, {"of_branch": visit.branch, **key})
            self.connection.execute(lines.TAKE_BACK, {"of_branch": visit.branch, **key})
        for of_line in sorted({row.line for row in entered if row.counts}):
            self._raise_guards(visit.branch, of_line)
        if entered:
            self._floor(visit.branch).counts.clear()

    def _raise_guards(self, branch: str, of_line: str) -> None:
        """Let everybody be guarded as much as those behind them: what they kept of a count stands for itself."""
        least = 0
        for row in self.connection.execute(lines.GUARDS, {"of_branch": branch, "of_line": of_line}).all():
            least = max(least, row.guarded, row.times)
            if row.guarded < least:
                self.connection.execute(lines.RAISE_ONE, {"of_ticket": row.ticket_id, "more": least - row.guarded})

    def _next_seq(self, branch: str, of_line: str, business: str) -> int:
        """Return the number of one more call that overtakes in the line; a skill is remembered there."""
        line = self._floor(branch).lines[of_line]
        line.seq += 1
        if business and business not in line.skills:
            line.skills = (*line.skills, business)
        self._keep_line(branch, of_line)
        return line.seq


def _keys(ticket: Ticket, lanes: Collection[Lane], overtaking: Overtaking) -> Iterator[dict[str, Any]]:
    """Return the rows that a call is entered as: one a lane, and one for those whom the counter cannot serve."""
    for lane in lanes:
        yield {"line": lane.line, "business": lane.business or "", "counts": True}
    if overtaking.for_skill:
        yield {"line": ticket.line, "business": "", "counts": False}
