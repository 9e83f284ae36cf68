"""What triage knows of a branch now: the fold of the branch's log (T1-T12).

The state is immutable, so that readers keep the committed one. Visits that have ended leave an entry in the queue
for some days, for the day's figures; whoever wants more of them folds them anew from the log.
"""

from collections import Counter as Counted
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from immutables import Map

from services.triage.model.annotations import UNDER_WAY
from services.triage.model.appointment import Appointment
from services.triage.model.counters_and_devices import Block, Counter, Device, PaperReport
from services.triage.model.visit import IN_LOBBY, Diversion, Ticket, Visit
from services.triage.model.waiting_queue import WaitingQueue
from services.triage.policy.calling_order import ChannelQueue
from services.triage.policy.estimator import Estimator, Quote
from services.triage.policy.rules import Policy
from services.triage.policy.thresholds import LineNow
from shared.contracts.events.triage import Channel, TicketState
from shared.contracts.events.types import Customer, Reason

Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class PolicyInForce:
    """A branch's policy as it was recorded. ``overrides`` are the branch's own exceptions, set by HTTP."""

    version: int
    digest: str
    source: str
    since: datetime
    overrides: Document
    document: Document
    policy: Policy


@dataclass(frozen=True, kw_only=True)
class LedgerEntry:
    """A call that overtook somebody, in one of the lanes that it passed: the fairness ledger's (T12).

    ``whom`` is how many the call overtook, entered once a call. One that does not count passed only those whom its
    counter cannot serve.
    """

    at: datetime
    business_date: date
    ticket_id: str
    number: str
    counter: str
    line: str
    business: str | None
    lined: float
    seq: int
    reason: Reason
    counts: bool
    forced: bool
    whom: int
    more: bool


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """What a line is above, after ``version`` events (T8)."""

    version: int = 0
    above: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LobbyState:
    """A branch's lobby.

    ``recorded`` is when its last event was recorded. ``counter_of`` names the counter of each called or served ticket,
    ``quotes`` what was promised to those who were not called yet, ``expires`` until when a paper may be reported, and
    ``alarms`` when the next alarm of a ticket is due (epoch seconds, sorted).
    """

    branch: str
    recorded: datetime | None = None
    newest_day: date | None = None
    in_force: PolicyInForce | None = None
    default_policy: Policy = field(default_factory=Policy, compare=False, repr=False)
    visits: Map[str, Visit] = field(default_factory=Map)
    touched: Map[str, datetime] = field(default_factory=Map)
    touched_on: Map[date, datetime] = field(default_factory=Map)
    queue: WaitingQueue = field(default_factory=WaitingQueue)
    ledger: Map[tuple[str, str | None, int], LedgerEntry] = field(default_factory=Map)
    counter_of: Map[str, str] = field(default_factory=Map)
    counter_states: Map[str, Counter] = field(default_factory=Map)
    device_states: Map[str, Device] = field(default_factory=Map)
    appointments: Map[str, Appointment] = field(default_factory=Map)
    blocks: Map[str, Block] = field(default_factory=Map)
    numbers: Map[tuple[date, str], int] = field(default_factory=Map)
    reports: Map[tuple[date, str], tuple[PaperReport, ...]] = field(default_factory=Map)
    vip_credits: Map[str, float] = field(default_factory=Map)
    estimators: Map[str, Estimator] = field(default_factory=Map)
    quotes: Map[str, Quote] = field(default_factory=Map)
    expires: Map[str, datetime] = field(default_factory=Map)
    of_customer: Map[str, tuple[str, ...]] = field(default_factory=Map)
    thresholds: Map[str, Thresholds] = field(default_factory=Map)
    alarms: tuple[tuple[float, str], ...] = ()

    @property
    def policy(self) -> Policy:
        """The policy that the branch is run by."""
        return self.default_policy if self.in_force is None else self.in_force.policy

    @property
    def policy_version(self) -> int:
        """Which of its policies that is; 0 where none was recorded yet."""
        return 0 if self.in_force is None else self.in_force.version

    @property
    def policy_digest(self) -> str:
        """What identifies that policy's content."""
        return "" if self.in_force is None else self.in_force.digest

    # --- visits and tickets ---

    def visit_of(self, ticket_id: str) -> Visit | None:
        """Return the visit of a ticket, if it has not ended."""
        entry = self.queue.entries.get(ticket_id)
        return None if entry is None else self.visits.get(entry.visit_id)

    def found(self, ticket_id: str) -> tuple[Visit, Ticket]:
        """Return an open ticket with its visit; raise KeyError."""
        visit = self.visits[self.queue.entries[ticket_id].visit_id]
        return visit, visit.ticket(ticket_id)

    def open_tickets_of(self, business: str, customer: Customer) -> list[tuple[Visit, Ticket]]:
        """Return a known customer's open tickets for a business: of the same reference or card."""
        ids = dict.fromkeys(id_ for key in customer_keys(customer) for id_ in self.of_customer.get(key, ()))
        found = (self.found(ticket_id) for ticket_id in ids)
        return [(visit, ticket) for visit, ticket in found if ticket.business == business]

    def ticket_of_day(self, day: date, number: str) -> str | None:
        """Return the id of the ticket that has this number on this day, of those that the queue knows."""
        entries = self.queue.entries.values()
        return next(
            (entry.ticket_id for entry in entries if (entry.business_date, entry.number) == (day, number)), None
        )

    def ticket_with_number(self, number: str) -> str | None:
        """Return the id of the newest ticket with this number, of those that the queue knows."""
        found = [(one.business_date, one.ticket_id) for one in self.queue.entries.values() if one.number == number]
        return max(found)[1] if found else None

    def waiting(self) -> list[tuple[Visit, Ticket]]:
        """Return the tickets that wait, by their rank; those too whose customers are elsewhere now."""
        waits = sorted((entry.rank, entry.ticket_id) for entry in self._entries_in("waiting"))
        return [self.found(ticket_id) for _, ticket_id in waits]

    def waiting_in(self, lines: Collection[str]) -> list[str]:
        """Return the ids of the tickets that wait in these lines, those too whose customers are elsewhere now."""
        waits = (entry for entry in self._entries_in("waiting") if entry.line in lines)
        return [entry.ticket_id for entry in sorted(waits, key=lambda entry: (entry.rank, entry.ticket_id))]

    def channel_lines(self, now: datetime) -> dict[Channel, ChannelQueue]:
        """Return how many wait for each channel that somebody waits for, and since when the first."""
        since: defaultdict[Channel, list[datetime]] = defaultdict(list)
        for _, ticket in self.waiting():
            since[ticket.channel].append(waits_from(ticket, now))
        return {channel: ChannelQueue(waiting=len(all_), longest_from=min(all_)) for channel, all_ in since.items()}

    def line_now(self, line: str, now: datetime) -> LineNow:
        """Return a line as it is: who stands there, and what it is above (T8)."""
        standing, known = self.queue.line(line).lined, self.thresholds.get(line, Thresholds())
        longest = min((waits_from(self.found(ticket_id)[1], now) for _, ticket_id in standing), default=None)
        return LineNow(line=line, waiting=len(standing), longest_from=longest, above=known.above, version=known.version)

    def unprinted(self, before: datetime) -> list[str]:
        """Return the tickets whose paper should have been reported by then, the longest overdue first (T4)."""
        return [ticket_id for at, ticket_id in sorted((at, id_) for id_, at in self.expires.items()) if at <= before]

    def unended(self, day: date) -> list[tuple[Visit, datetime]]:
        """Return the open visits of days before this one, the oldest first, and when each was recorded last."""
        found = [visit for visit in self.visits.values() if visit.business_date < day]
        found.sort(key=lambda visit: (visit.business_date, visit.visit_id))
        return [(visit, self.touched[visit.visit_id]) for visit in found]

    def last_touched(self, since: date) -> datetime | None:
        """Return when anything of the visits since that day was recorded last."""
        return max((at for day, at in self.touched_on.items() if day >= since), default=None)

    def totals(self, day: date) -> Mapping[TicketState, int]:
        """Return how many of the day's tickets are in each state."""
        return Counted(entry.state for entry in self.queue.entries.values() if entry.business_date == day)

    def diversions(self, day: date) -> Mapping[tuple[Diversion, bool], int]:
        """Return how many of the day's diversions are where, and whether the customer went to the device (T3)."""
        of_day = (entry for entry in self.queue.entries.values() if entry.business_date == day)
        return Counted((one.diversion, one.went_to_device) for one in of_day if one.diversion is not None)

    def diverted(self) -> list[tuple[str, str]]:
        """Return the ids and businesses of the tickets that are on the way to a device (T3)."""
        return sorted(
            (entry.ticket_id, entry.business)
            for entry in self.queue.entries.values()
            if entry.state in IN_LOBBY and entry.line == "self_service" and entry.diversion in UNDER_WAY
        )

    # --- counters, devices and the rest ---

    def counter(self, name: str) -> Counter:
        """Return a counter; a closed one where it never opened."""
        return self.counter_states.get(name) or Counter(counter=name)

    @property
    def counters(self) -> Sequence[Counter]:
        """Every counter that was ever opened, by name."""
        return [counter for _, counter in sorted(self.counter_states.items())]

    @property
    def devices(self) -> Sequence[Device]:
        """Every device that ever reported, by id."""
        return [device for _, device in sorted(self.device_states.items())]

    def at_counters(self) -> dict[str, tuple[Visit, Ticket]]:
        """Return the called or served ticket of each counter that has one."""
        return {counter: self.found(ticket_id) for ticket_id, counter in sorted(self.counter_of.items())}

    def at_counter(self, name: str) -> tuple[Visit, Ticket] | None:
        """Return the called or served ticket of one counter."""
        ticket_id = min((id_ for id_, counter in self.counter_of.items() if counter == name), default=None)
        return None if ticket_id is None else self.found(ticket_id)

    @property
    def busy(self) -> Collection[str]:
        """The counters that have a called or served ticket."""
        return set(self.counter_of.values())

    def blocks_of(self, terminal_id: str, day: date) -> list[Block]:
        """Return the blocks that a terminal has for a day."""
        found = (
            block for block in self.blocks.values() if (block.terminal_id, block.business_date) == (terminal_id, day)
        )
        return sorted(found, key=lambda block: block.first)

    def appointments_between(self, begin: datetime, end: datetime) -> list[Appointment]:
        """Return the appointments with a slot from ``begin`` until ``end``, in their order."""
        found = [
            (one.slot_at, one.appointment_id, one)
            for one in self.appointments.values()
            if one.slot_at is not None and begin <= one.slot_at < end
        ]
        return [appointment for *_, appointment in sorted(found, key=lambda each: each[:2])]

    def _entries_in(self, state: TicketState) -> list[Any]:
        return [entry for entry in self.queue.entries.values() if entry.state == state]


def customer_keys(customer: Customer) -> list[str]:
    """Return what a customer is known by."""
    refs = (("ref", customer.customer_ref), ("card", customer.card_token))
    return [f"{kind}:{value}" for kind, value in refs if value is not None]


def waits_from(ticket: Ticket, now: datetime) -> datetime:
    """Return since when a ticket would have waited without a break; its wait may stand still now."""
    return (ticket.waiting_since or now) - timedelta(seconds=ticket.waited_s)
