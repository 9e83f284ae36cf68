"""What can be seen of a lobby in memory: every query of triage by its name, as in ``records``."""

from collections import Counter as Counted
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta

from services.triage.handlers.calling import MOST_NAMED
from services.triage.model import Appointment, Block, Counter, Device, PaperReport, Ticket, Visit
from services.triage.model.marks import UNDER_WAY
from services.triage.model.types import IN_LOBBY, Diversion
from services.triage.policy import Crowd, Estimator, Lane, Line, Quote, Standing
from services.triage.store.memory_lines import WaitingLines
from shared.clock import Clock
from shared.contracts.events.triage import Channel, Overtaken, TicketState
from shared.contracts.events.types import Customer


def same_customer(one: Customer, other: Customer) -> bool:
    """Whether both are known to be the same: by their reference or their card."""
    pairs = ((one.customer_ref, other.customer_ref), (one.card_token, other.card_token))
    return any(a is not None and a == b for a, b in pairs)


class MemoryRecords:
    """The whole state of some branches, for looking."""

    def __init__(self, clock: Clock) -> None:
        """Nothing has happened yet."""
        self._clock = clock
        self._visits: dict[str, Visit] = {}
        self._touched: dict[str, datetime] = {}
        self._visit_of: dict[str, str] = {}
        self._lines = WaitingLines()
        self._appointments: dict[tuple[str, str], Appointment] = {}
        self._credits: dict[tuple[str, str], float] = {}
        self._blocks: defaultdict[tuple[str, str, date], list[Block]] = defaultdict(list)
        self._reports: defaultdict[tuple[str, date, str], dict[str, PaperReport]] = defaultdict(dict)
        self._expires: dict[str, datetime] = {}
        self._open: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        self._taken: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self._counters: defaultdict[str, dict[str, Counter]] = defaultdict(dict)
        self._devices: defaultdict[str, dict[str, Device]] = defaultdict(dict)
        self._estimators: defaultdict[str, dict[str, Estimator]] = defaultdict(dict)
        self._quotes: dict[str, Quote] = {}
        self._numbers: Counted[tuple[str, date, str]] = Counted()

    @property
    def now(self) -> datetime:
        """The business time."""
        return self._clock.now()

    def branch_of(self, ticket_id: str) -> str | None:
        """Return the branch of a ticket."""
        visit = self._visits.get(self._visit_of.get(ticket_id, ""))
        return None if visit is None else visit.branch

    def visit_of(self, branch: str, ticket_id: str) -> Visit | None:
        """Return the visit that a ticket of this branch belongs to."""
        visit = self._visits.get(self._visit_of.get(ticket_id, ""))
        return visit if visit is not None and visit.branch == branch else None

    def visit(self, branch: str, visit_id: str) -> Visit | None:
        """Return a visit of this branch."""
        visit = self._visits.get(visit_id)
        return visit if visit is not None and visit.branch == branch else None

    def open_tickets_of(self, branch: str, business: str, customer: Customer) -> Sequence[tuple[Visit, Ticket]]:
        """Return a known customer's open tickets for a business: of the same reference or card."""
        found = (self._found(ticket_id) for ticket_id in self._open[branch, business])
        return [(visit, ticket) for visit, ticket in found if same_customer(ticket.customer, customer)]

    def counter(self, branch: str, counter: str) -> Counter:
        """Return a counter; a closed one where it never opened."""
        return self._counters[branch].get(counter) or Counter(counter=counter)

    def counters(self, branch: str) -> Sequence[Counter]:
        """Return every counter that was ever opened, by name."""
        return [counter for _, counter in sorted(self._counters[branch].items())]

    def devices(self, branch: str) -> Sequence[Device]:
        """Return every device that ever reported, by id."""
        return [device for _, device in sorted(self._devices[branch].items())]

    def at_counters(self, branch: str) -> Mapping[str, tuple[Visit, Ticket]]:
        """Return the called or served ticket of each counter that has one."""
        return {counter: self._found(ticket_id) for counter, ticket_id in self._taken[branch].items()}

    def at_counter(self, branch: str, counter: str) -> tuple[Visit, Ticket] | None:
        """Return the called or served ticket of one counter."""
        ticket_id = self._taken[branch].get(counter)
        return None if ticket_id is None else self._found(ticket_id)

    def busy(self, branch: str) -> Collection[str]:
        """Return the counters that have a called or served ticket."""
        return self._taken[branch].keys()

    def waiting(self, branch: str, limit: int) -> Sequence[tuple[Visit, Ticket, Standing]]:
        """Return the tickets that wait with their places, by their rank."""
        waiting = self._lines.in_order(branch)[:limit]
        return [(*self._found(ticket_id), self._lines.standing(ticket_id)) for ticket_id in waiting]

    def lines(self, branch: str) -> Mapping[Channel, Line]:
        """Return the line of each channel that somebody waits for."""
        waiting: defaultdict[Channel, list[datetime]] = defaultdict(list)
        for ticket_id in self._lines.in_order(branch):
            _, ticket = self._found(ticket_id)
            since = ticket.waiting_since or self.now  # the wait stands still while the customer is elsewhere
            waiting[ticket.channel].append(since - timedelta(seconds=ticket.waited_s))
        return {channel: Line(waiting=len(since), longest_from=min(since)) for channel, since in waiting.items()}

    def unprinted(self, before: datetime, limit: int) -> Mapping[str, Sequence[str]]:
        """Return the tickets whose paper should have been reported by then, by branch (T4)."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for ticket_id, expires in sorted(self._expires.items(), key=lambda entry: entry[1])[:limit]:
            if expires <= before:
                found[self._visits[self._visit_of[ticket_id]].branch].append(ticket_id)
        return found

    def overdue(self, day: date) -> Sequence[str]:
        """Return the branches that have open visits of days before this one."""
        return sorted({v.branch for v in self._visits.values() if not v.ended and v.business_date < day})

    def unended(self, branch: str, day: date, limit: int) -> Sequence[tuple[Visit, datetime | None]]:
        """Return a branch's open visits of days before this one, the oldest first, and when each was recorded last."""
        theirs = [v for v in self._visits.values() if v.branch == branch and not v.ended and v.business_date < day]
        theirs.sort(key=lambda visit: (visit.business_date, visit.visit_id))
        return [(visit, self._touched[visit.visit_id]) for visit in theirs[:limit]]

    def last_touched(self, branch: str, since: date) -> datetime | None:
        """Return when anything of the branch's visits since that day was recorded last."""
        theirs = (visit for visit in self._visits.values() if visit.branch == branch and visit.business_date >= since)
        return max((self._touched[visit.visit_id] for visit in theirs), default=None)

    def ahead(self, branch: str, lines: Collection[str], rank: float) -> int:
        """Return how many of these lines' waiting tickets are called before this rank."""
        return self._lines.up_to(branch, lines, rank)

    def behind(self, branch: str, lines: Collection[str], rank: float) -> int:
        """Return how many of these lines' waiting tickets are called after this rank."""
        crowds = self.crowds(branch)
        return sum(crowds[line].waiting for line in lines if line in crowds) - self.ahead(branch, lines, rank)

    def place(self, branch: str, ticket_id: str) -> tuple[float, float] | None:
        """Return a ticket's rank, and since when it stands in its line, in epoch seconds."""
        return self._lines.place(ticket_id)

    def earlier(self, branch: str, lines: Collection[str], lined: float) -> Mapping[str, int]:
        """Return how many of each of these lines stood there before."""
        return Counted(spot.line for spot in self._lines.lined_before(branch, lines, lined))

    def crowds(self, branch: str) -> Mapping[str, Crowd]:
        """Return how many stand in each line that anybody stands in, and since when the first."""
        return self._lines.crowds(branch)

    def estimators(self, branch: str) -> Mapping[str, Estimator]:
        """Return what each line has taught about waits."""
        return self._estimators[branch]

    def estimator(self, branch: str, line: str) -> Estimator:
        """Return what a line has taught about waits; at first, what is guessed."""
        return self._estimators[branch].get(line) or Estimator()

    def appointment(self, branch: str, appointment_id: str) -> Appointment | None:
        """Return an appointment of the branch (T11)."""
        return self._appointments.get((branch, appointment_id))

    def diverted(self, branch: str) -> Sequence[tuple[str, str]]:
        """Return the ids and businesses of the tickets that are on the way to a device (T3)."""
        tickets = (ticket for visit in self._visits.values() if visit.branch == branch for ticket in visit.tickets)
        return [
            (ticket.ticket_id, ticket.business)
            for ticket in tickets
            if ticket.state in IN_LOBBY and ticket.line == "self_service" and ticket.diversion in UNDER_WAY
        ]

    def diversions(self, branch: str, day: date) -> Mapping[tuple[Diversion, bool], int]:
        """Return how many of the day's diversions are where, and whether the customer went to the device (T3)."""
        todays = (visit for visit in self._visits.values() if visit.branch == branch and visit.business_date == day)
        tickets = [ticket for visit in todays for ticket in visit.tickets]
        return Counted((t.diversion, t.accepted_at is not None) for t in tickets if t.diversion is not None)

    def totals(self, branch: str, day: date) -> Mapping[TicketState, int]:
        """Return how many of the day's tickets are in each state."""
        todays = (visit for visit in self._visits.values() if visit.branch == branch and visit.business_date == day)
        return Counted(ticket.state for visit in todays for ticket in visit.tickets)

    def blocks_of(self, branch: str, terminal_id: str, day: date) -> Sequence[Block]:
        """Return the blocks that a terminal has for a day."""
        return self._blocks[branch, terminal_id, day]

    def ticket_of_day(self, branch: str, day: date, number: str) -> str | None:
        """Return the id of the ticket that has this number on this day."""
        todays = (visit for visit in self._visits.values() if (visit.branch, visit.business_date) == (branch, day))
        return next((t.ticket_id for visit in todays for t in visit.tickets if t.number == number), None)

    def ticket_with_number(self, branch: str, number: str) -> str | None:
        """Return the id of the newest ticket with this number."""
        found = [
            (visit.business_date, ticket.ticket_id)
            for visit in self._visits.values()
            for ticket in visit.tickets
            if visit.branch == branch and ticket.number == number
        ]
        return max(found)[1] if found else None

    def lanes(self, branch: str, counter: Counter) -> Sequence[Lane]:
        """Return the lanes that the counter serves and somebody waits in (T7, T12)."""
        return self._lines.lanes(branch, counter)

    def standing_in(self, branch: str, lines: Collection[str]) -> Sequence[str]:
        """Return the ids of the tickets that wait in these lines, those too whose customers are elsewhere now."""
        return [id_ for id_ in self._lines.in_order(branch) if self._found(id_)[1].line in lines]

    def overtaken(self, branch: str, counter: Counter, ticket: Ticket) -> Sequence[Overtaken]:
        """Return who stands earlier than this ticket and waits for the counter, the first 51 (T12)."""
        before = self._lines.lined_before(branch, counter.lines, ticket.lined_at.timestamp())
        fit = [spot for spot in before if counter.serves(spot.line, spot.business)][: MOST_NAMED + 1]
        found = [(self._found(spot.ticket_id)[1], spot) for spot in fit]
        return [Overtaken(ticket_id=t.ticket_id, number=t.number, times=spot.overtaken + 1) for t, spot in found]

    def vip_credit(self, branch: str, counter: str) -> float | None:
        """Return what VIPs have left of their share at this counter; None where nothing was kept yet (T7)."""
        return self._credits.get((branch, counter))

    def times_overtaken(self, ticket_id: str) -> int:
        """Return how often a ticket has been overtaken at its place (T12)."""
        return self._lines.times(ticket_id)

    def passed_for_skill(self, branch: str, counter: Counter, ticket: Ticket) -> bool:
        """Return whether somebody stands earlier in the counter's channels whom its skills cannot serve."""
        before = self._lines.lined_before(branch, counter.lines, ticket.lined_at.timestamp())
        return any(not counter.serves(spot.line, spot.business) for spot in before)

    def _found(self, ticket_id: str) -> tuple[Visit, Ticket]:
        visit = self._visits[self._visit_of[ticket_id]]
        return visit, visit.ticket(ticket_id)
