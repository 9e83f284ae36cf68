"""The fairness ledger's entries and sums (T12)."""

from dataclasses import dataclass
from datetime import datetime

from shared.contracts.events.triage import TicketState
from shared.contracts.events.types import Reason


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A call that overtook ``whom`` people (counted to 50; ``more`` says that there were others)."""

    at: datetime
    ticket_id: str
    number: str
    counter: str
    reason: Reason
    counts: bool
    forced: bool
    whom: int
    more: bool


@dataclass(frozen=True, kw_only=True)
class Sufferer:
    """Somebody who was overtaken ``times`` times, and by which calls at the last place in the line."""

    ticket_id: str
    number: str
    channel: str
    state: TicketState
    times: int
    by: tuple[Entry, ...]


@dataclass(frozen=True, kw_only=True)
class Totals:
    """A day's sums: tickets, those overtaken, those as often as the cap, those beyond it, and overtakings."""

    tickets: int
    overtaken: int
    capped: int
    beyond: int
    overtakings: int
    most: int
