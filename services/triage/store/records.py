"""The lobby's state, for looking: every query of triage by its name."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Select

from services.triage.model import Counter, Device, Ticket, Visit
from services.triage.model.types import Diversion
from services.triage.policy import Crowd, Estimator, Line, Standing
from services.triage.store import queries
from services.triage.store.bodies import COUNTER, DEVICE, ESTIMATOR, VISIT
from shared.contracts.events.triage import Channel, TicketState
from shared.contracts.events.types import Customer


class Records:
    """What a connection can see of the lobby."""

    def __init__(self, connection: Connection) -> None:
        """Read with this connection."""
        self._connection = connection

    @property
    def connection(self) -> Connection:
        """What is read with."""
        return self._connection

    def branch_of(self, ticket_id: str) -> str | None:
        """Return the branch of a ticket."""
        branch: str | None = self.connection.execute(queries.BRANCH_OF, {"ticket_id": ticket_id}).scalar()
        return branch

    def visit_of(self, branch: str, ticket_id: str) -> Visit | None:
        """Return the visit that a ticket of this branch belongs to."""
        body = self.connection.execute(queries.VISIT_OF, {"of_branch": branch, "ticket_id": ticket_id}).scalar()
        return None if body is None else VISIT.validate_json(body)

    def visit(self, branch: str, visit_id: str) -> Visit | None:
        """Return a visit of this branch."""
        body = self.connection.execute(queries.VISIT, {"of_branch": branch, "visit_id": visit_id}).scalar()
        return None if body is None else VISIT.validate_json(body)

    def open_tickets_of(self, branch: str, business: str, customer: Customer) -> Sequence[tuple[Visit, Ticket]]:
        """Return a known customer's open tickets for a business: of the same reference or card."""
        of = {"of_branch": branch, "business": business}
        found = []
        if customer.customer_ref is not None:
            found += self._tickets(queries.OPEN_OF_CUSTOMER, **of, customer_ref=customer.customer_ref)
        if customer.card_token is not None:
            found += self._tickets(queries.OPEN_OF_CARD, **of, card_token=customer.card_token)
        return found

    def counter(self, branch: str, counter: str) -> Counter:
        """Return a counter; a closed one where it never opened."""
        body = self.connection.execute(queries.COUNTER, {"of_branch": branch, "counter": counter}).scalar()
        return Counter(counter=counter) if body is None else COUNTER.validate_json(body)

    def counters(self, branch: str) -> Sequence[Counter]:
        """Return every counter that was ever opened, by name."""
        bodies = self.connection.execute(queries.COUNTERS, {"of_branch": branch}).scalars()
        return [COUNTER.validate_json(body) for body in bodies]

    def devices(self, branch: str) -> Sequence[Device]:
        """Return every device that ever reported, by id."""
        bodies = self.connection.execute(queries.DEVICES, {"of_branch": branch}).scalars()
        return [DEVICE.validate_json(body) for body in bodies]

    def at_counters(self, branch: str) -> Mapping[str, tuple[Visit, Ticket]]:
        """Return the called or served ticket of each counter that has one."""
        found = self._tickets(queries.AT_COUNTERS, of_branch=branch)
        return {ticket.counter: (visit, ticket) for visit, ticket in found if ticket.counter is not None}

    def at_counter(self, branch: str, counter: str) -> tuple[Visit, Ticket] | None:
        """Return the called or served ticket of one counter."""
        found = self._tickets(queries.AT_ONE_COUNTER, of_branch=branch, counter=counter)
        return found[-1] if found else None

    def busy(self, branch: str) -> Collection[str]:
        """Return the counters that have a called or served ticket."""
        return set(self.connection.execute(queries.BUSY, {"of_branch": branch}).scalars())

    def waiting(self, branch: str, limit: int) -> Sequence[tuple[Visit, Ticket, Standing]]:
        """Return the tickets that wait with their places, by their rank."""
        found = []
        for row in self.connection.execute(queries.WAITING, {"of_branch": branch, "most": limit}):
            visit = VISIT.validate_json(row.body)
            ticket = visit.ticket(row.ticket_id)
            standing = Standing(
                ticket_id=row.ticket_id,
                line=ticket.line,
                lined=row.lined,
                rank=row.rank,
                times=row.times,
                guarded=row.guarded,
            )
            found.append((visit, ticket, standing))
        return found

    def lines(self, branch: str) -> Mapping[Channel, Line]:
        """Return the line of each channel that somebody waits for."""
        rows = self.connection.execute(queries.LINES, {"of_branch": branch})
        return {row[0]: Line(waiting=row[1], longest_from=row[2]) for row in rows}

    def unprinted(self, before: datetime, limit: int) -> Mapping[str, Sequence[str]]:
        """Return the tickets whose paper should have been reported by then, by branch (T4)."""
        found: dict[str, list[str]] = {}
        for row in self.connection.execute(queries.UNPRINTED, {"before": before, "most": limit}):
            found.setdefault(row[0], []).append(row[1])
        return found

    def overdue(self, day: date) -> Sequence[str]:
        """Return the branches that have open visits of days before this one."""
        return list(self.connection.execute(queries.OVERDUE, {"day": day}).scalars())

    def unended(self, branch: str, day: date, limit: int) -> Sequence[tuple[Visit, datetime | None]]:
        """Return a branch's open visits of days before this one, the oldest first, and when each was recorded last."""
        rows = self.connection.execute(queries.UNENDED, {"of_branch": branch, "day": day, "most": limit})
        return [(VISIT.validate_json(row[0]), row[1]) for row in rows]

    def last_touched(self, branch: str, since: date) -> datetime | None:
        """Return when anything of the branch's visits since that day was recorded last."""
        given = {"of_branch": branch, "day": since}
        touched: datetime | None = self.connection.execute(queries.TOUCHED, given).scalar()
        return touched

    def ahead(self, branch: str, lines: Collection[str], rank: float) -> int:
        """Return how many of these lines' waiting tickets are called before this rank."""
        given = {"of_branch": branch, "lines": sorted(lines), "rank": rank}
        return self.connection.execute(queries.AHEAD, given).scalar_one()

    def behind(self, branch: str, lines: Collection[str], rank: float) -> int:
        """Return how many of these lines' waiting tickets are called after this rank."""
        given = {"of_branch": branch, "lines": sorted(lines), "rank": rank}
        return self.connection.execute(queries.BEHIND, given).scalar_one()

    def place(self, branch: str, ticket_id: str) -> tuple[float, float] | None:
        """Return a ticket's rank, and since when it stands in its line, in epoch seconds."""
        row = self.connection.execute(queries.PLACE, {"ticket_id": ticket_id}).one_or_none()
        return None if row is None else (row[0], row[1])

    def earlier(self, branch: str, lines: Collection[str], lined: float) -> Mapping[str, int]:
        """Return how many of each of these lines stood there before."""
        given = {"of_branch": branch, "lines": sorted(lines), "lined_before": lined}
        return {row[0]: row[1] for row in self.connection.execute(queries.EARLIER, given)}

    def crowds(self, branch: str) -> Mapping[str, Crowd]:
        """Return how many stand in each line that anybody stands in, and since when the first."""
        rows = self.connection.execute(queries.CROWDS, {"of_branch": branch})
        return {row[0]: Crowd(waiting=row[1], oldest=row[2]) for row in rows if row[2] is not None}

    def estimators(self, branch: str) -> Mapping[str, Estimator]:
        """Return what each line has taught about waits."""
        rows = self.connection.execute(queries.ESTIMATORS, {"of_branch": branch})
        return {row[0]: ESTIMATOR.validate_json(row[1]) for row in rows}

    def estimator(self, branch: str, line: str) -> Estimator:
        """Return what a line has taught about waits; at first, what is guessed."""
        body = self.connection.execute(queries.ESTIMATOR, {"of_branch": branch, "line": line}).scalar()
        return Estimator() if body is None else ESTIMATOR.validate_json(body)

    def diverted(self, branch: str) -> Sequence[tuple[str, str]]:
        """Return the ids and businesses of the tickets that are on the way to a device (T3)."""
        rows = self.connection.execute(queries.DIVERTED, {"of_branch": branch})
        return [(row[0], row[1]) for row in rows]

    def diversions(self, branch: str, day: date) -> Mapping[tuple[Diversion, bool], int]:
        """Return how many of the day's diversions are where, and whether the customer went to the device (T3)."""
        rows = self.connection.execute(queries.DIVERSIONS, {"of_branch": branch, "day": day})
        return {(row[0], row[1]): row[2] for row in rows}

    def totals(self, branch: str, day: date) -> Mapping[TicketState, int]:
        """Return how many of the day's tickets are in each state."""
        return {row[0]: row[1] for row in self.connection.execute(queries.TOTALS, {"of_branch": branch, "day": day})}

    def _tickets(self, query: Select[Any], **given: object) -> list[tuple[Visit, Ticket]]:
        found = []
        for row in self.connection.execute(query, given):
            visit = VISIT.validate_json(row[1])
            found.append((visit, visit.ticket(row[0])))
        return found
