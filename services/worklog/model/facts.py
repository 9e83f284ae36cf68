"""What the day's figures count (W7), without the rest of the events that say so. Pure."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitBegan:
    """A ticket was issued to a visit; the first one begins it.

    ``offline``: by a terminal without a network, that told of it later. ``late``: it was heard of only
    after its business day.
    """

    visit_id: str
    channel: str
    offline: bool = False
    late: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitEnded:
    """A visit is over; ``day_end``: by the day's end, nobody said how. ``late`` as of its beginning."""

    visit_id: str
    outcome: Literal["served", "left"]
    wait_ms: int
    day_end: bool = False
    late: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TicketCalled:
    """A ticket that was promised a wait is called: within what was promised, or not (T9)."""

    kept: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class NoShow:
    """A number was called and nobody came."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallUndone:
    """A call was a mistake: what it said of the promise is taken back (T7)."""

    kept: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class NoShowUndone:
    """That nobody came was a mistake (T7)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Diverted:
    """A customer's guidance to a device came so far (T3)."""

    business: str
    step: Literal["offered", "accepted", "declined", "completed", "fell_back"]


@dataclass(frozen=True, kw_only=True, slots=True)
class VipArrived:
    """A VIP customer is in the lobby (V1)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HandoffCompleted:
    """A manager has looked after a customer (V3)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IncidentOpened:
    """An incident began (I1-I4)."""

    kind: str


@dataclass(frozen=True, kw_only=True, slots=True)
class IncidentClosed:
    """An incident is over."""

    kind: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CounterOpened:
    """A counter serves from now on (T10)."""

    counter: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RosterSet:
    """So many managers are on duty from now on (V8)."""

    on_duty: int


Fact = (
    Diverted | VisitBegan | VisitEnded | TicketCalled | NoShow | CallUndone | NoShowUndone | VipArrived
    | HandoffCompleted | IncidentOpened | IncidentClosed | CounterOpened | RosterSet
)  # fmt: skip
