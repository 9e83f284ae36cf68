"""What is looked at by the clock: alarms, care and thresholds, each found by an index (T8, T12)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import and_, bindparam, false, func, select, union, update

from services.triage.model import Ticket, Visit
from services.triage.policy.thresholds import LineNow, above_after
from services.triage.store import tables
from services.triage.store.bodies import VISIT
from services.triage.store.desk import Desk
from services.triage.store.line import GUARDED, OFTEN
from services.triage.store.records import Records
from services.triage.store.subjects import subject_of
from shared.contracts.events.triage import ThresholdCrossed

_ticket, _visit, _line = tables.ticket.c, tables.visit.c, tables.line_state.c
_branch = _ticket.branch == bindparam("of_branch")
_of_line = and_(_line.branch == bindparam("of_branch"), _line.line == bindparam("of_line"))
_stands = and_(_branch, _ticket.state == "waiting", _ticket.line == bindparam("of_line"))

ALARMS_DUE = (
    select(_ticket.branch, _ticket.ticket_id)
    .where(_ticket.watch_at <= bindparam("now"))
    .order_by(_ticket.watch_at)
    .limit(bindparam("most"))
)
LINES_DUE = (
    select(_line.branch, _line.line)
    .where(_line.check_at <= bindparam("now"))
    .order_by(_line.check_at)
    .limit(bindparam("most"))
)
_due = (
    select(_ticket.ticket_id)
    .where(_branch, _ticket.care_at <= bindparam("now"))
    .order_by(_ticket.care_at)
    .limit(bindparam("most"))
)
_often = (
    select(_ticket.ticket_id)
    .where(_branch, _ticket.state == "waiting", bindparam("often") <= GUARDED)
    .order_by(_ticket.lined)
    .limit(bindparam("most"))
)
CARE_DUE = (
    select(_ticket.ticket_id, _visit.body, OFTEN.label("times"))
    .join(tables.visit, _visit.visit_id == _ticket.visit_id)
    .where(_ticket.ticket_id.in_(union(select(_due.subquery()), select(_often.subquery()))))
)
STATE = select(_line.waiting, _line.above, _line.version).where(_of_line)
LONGEST = select(func.min(_ticket.waiting_from)).where(_stands)
CAPPED = (
    select(_ticket.ticket_id)
    .where(_stands, _ticket.alarmed == false(), bindparam("cap") <= GUARDED, bindparam("cap") <= OFTEN)
    .order_by(_ticket.lined)
    .limit(bindparam("most"))
)
KEEP = (
    update(tables.line_state)
    .where(_of_line)
    .values(above=bindparam("above_now"), version=bindparam("version_now"), check_at=bindparam("check_next"))
)
WATCH = (
    update(tables.ticket).where(_ticket.ticket_id == bindparam("of_ticket")).values(watch_at=bindparam("watch_next"))
)


class Due(Records):
    """What is due, of any branch."""

    def alarms_due(self, now: datetime, most: int) -> Mapping[str, list[str]]:
        """Return the tickets whose next alarm is due, by branch."""
        return self._by_branch(ALARMS_DUE, now, most)

    def lines_due(self, now: datetime, most: int) -> Mapping[str, list[str]]:
        """Return the lines that changed, or whose longest wait is due, by branch."""
        return self._by_branch(LINES_DUE, now, most)

    def _by_branch(self, query: object, now: datetime, most: int) -> Mapping[str, list[str]]:
        found: defaultdict[str, list[str]] = defaultdict(list)
        for branch, name in self.connection.execute(query, {"now": now, "most": most}):  # type: ignore[call-overload]
            found[branch].append(name)
        return found

    def care_due(self, branch: str, now: datetime, often: int, most: int) -> Sequence[tuple[Visit, Ticket, int]]:
        """Return whose care is due, or who was overtaken so often, each with how often."""
        given = {"of_branch": branch, "now": now, "often": often, "most": most}
        found = []
        for row in self.connection.execute(CARE_DUE, given):
            visit = VISIT.validate_json(row.body)
            found.append((visit, visit.ticket(row.ticket_id), int(row.times)))
        return found


class WatchDesk(Desk, Due):
    """A desk that looks at the clock."""

    def line_state(self, branch: str, line: str) -> LineNow | None:
        """Return a line as it is; None where nobody ever stood there."""
        given = {"of_branch": branch, "of_line": line}
        row = self.connection.execute(STATE, given).one_or_none()
        if row is None:
            return None
        longest = self.connection.execute(LONGEST, given).scalar()
        above = tuple(name for name in row.above.split(",") if name)
        return LineNow(line=line, waiting=row.waiting, longest_from=longest, above=above, version=row.version)

    def capped(self, branch: str, line: str, cap: int, most: int) -> Sequence[str]:
        """Return who may not be overtaken any more and was not alarmed, the earliest first (T12)."""
        given = {"of_branch": branch, "of_line": line, "cap": cap, "most": most}
        return list(self.connection.execute(CAPPED, given).scalars())

    def keep_line(
        self, branch: str, line: LineNow, happened: Sequence[ThresholdCrossed], check_at: datetime | None
    ) -> None:
        """Record what a line crossed, and when it is looked at next."""
        version = line.version
        for event in happened:
            version += 1
            self._append(branch, subject_of("line", branch, line.line), version, event)
        above = above_after(line, [(event.measure, event.above) for event in happened])
        given = {"of_branch": branch, "of_line": line.line, "above_now": ",".join(sorted(above))}
        self.connection.execute(KEEP, {**given, "version_now": version, "check_next": check_at})

    def watch_at(self, ticket_id: str, due: datetime | None) -> None:
        """Write anew when the ticket's next alarm is due."""
        self.connection.execute(WATCH, {"of_ticket": ticket_id, "watch_next": due})
