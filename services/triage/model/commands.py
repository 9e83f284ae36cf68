"""What can be asked of a visit, and why the domain says no. ``at`` is the business time of the step."""

from dataclasses import dataclass
from datetime import date, datetime

from services.triage.model.visit import DiversionStep, PaperReason
from shared.contracts.events.triage import (
    Arrival,
    CallWay,
    CareAction,
    Channel,
    Form,
    Overtaken,
    OvertakenLane,
    TicketState,
)
from shared.contracts.events.types import Customer, Reason


class Refusal(Exception):
    """A step that the state does not allow; ``allowed`` are the steps that it does."""

    code = "illegal_transition"

    def __init__(self, detail: str, *, state: TicketState, allowed: tuple[str, ...]) -> None:
        """``state`` is the ticket's now."""
        super().__init__(detail)
        self.detail = detail
        self.state = state
        self.allowed = allowed


class AlreadyEnded(Refusal):
    """The visit is over; readers have its one end already, so that it can't be taken back."""

    code = "visit_ended"


class Elsewhere(Refusal):
    """The customer is at a counter with another ticket of the same visit."""

    code = "customer_elsewhere"


class NothingToUndo(Refusal):
    """No step is left to take back, or its day is over."""

    code = "nothing_to_undo"


class NoDevice(Refusal):
    """No device works that the customer could be guided to."""

    code = "no_fitting_device"


@dataclass(frozen=True, kw_only=True)
class Overtaking:
    """Whom a call overtakes, the first of them by name, and why (T12).

    ``more`` says that there are others; ``forced`` that somebody was pushed beyond policy's cap;
    ``for_skill`` that others stand earlier whom the counter cannot serve; ``times_before`` is how often
    the called one was overtaken. ``lanes`` are those in which somebody is overtaken, ``way`` is how the call came
    about, and ``vip_credit`` what VIPs have left of their share of the counter's calls after it, where others wait too.
    """

    whom: tuple[Overtaken, ...] = ()
    more: bool = False
    why: Reason | None = None
    forced: bool = False
    for_skill: bool = False
    times_before: int = 0
    lanes: tuple[OvertakenLane, ...] = ()
    way: CallWay = "next"
    vip_credit: float | None = None


NOBODY = Overtaking()


@dataclass(frozen=True, kw_only=True)
class Issue:
    """Reserve a ticket, after policy chose its channel and priority (T4)."""

    ticket_id: str
    number: str
    channel: Channel
    business: str
    priority: int
    customer: Customer
    amount_minor: int | None
    currency: str
    requested_at: datetime
    terminal_id: str | None
    reasons: tuple[Reason, ...]
    forms: tuple[Form, ...]
    position: int
    wait_p50_s: float
    wait_p90_s: float
    promised: bool
    estimated_from: tuple[float, ...]
    offline: bool = False
    late: bool = False
    policy_version: int = 0
    policy_digest: str = ""
    devices: tuple[str, ...] = ()
    lined_at: datetime | None = None
    appointment: Arrival | None = None


@dataclass(frozen=True, kw_only=True)
class _Step:
    ticket_id: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Print(_Step):
    """The paper is in the customer's hand; once is enough, and too late once the ticket has ended without."""


@dataclass(frozen=True, kw_only=True)
class GiveUpPaper(_Step):
    """The paper never reached the customer: the printer failed, or nobody reported it in time (T4)."""

    reason: PaperReason


@dataclass(frozen=True, kw_only=True)
class Reprint(_Step):
    """Print the paper once more; each copy is counted (T4)."""


@dataclass(frozen=True, kw_only=True)
class Call(_Step):
    """Call the ticket to a counter, past those whom ``overtaking`` names."""

    counter: str
    overtaking: Overtaking = NOBODY


@dataclass(frozen=True, kw_only=True)
class HandOff(_Step):
    """A manager takes the customer: called and served in one step.

    Possible for a ticket that was not reported as printed too: the customer stands before the manager.
    """

    counter: str
    overtaking: Overtaking = NOBODY


@dataclass(frozen=True, kw_only=True)
class Recall(_Step):
    """Call the number again."""


@dataclass(frozen=True, kw_only=True)
class Start(_Step):
    """The customer is at the counter."""


@dataclass(frozen=True, kw_only=True)
class Complete(_Step):
    """The business is done."""


@dataclass(frozen=True, kw_only=True)
class NoShow(_Step):
    """Nobody came; at the ``limit``-th time the customer counts as left."""

    limit: int


@dataclass(frozen=True, kw_only=True)
class Return(_Step):
    """Who did not come is back: within ``grace_s`` of the no-show they stand where they stood before it."""

    grace_s: float


@dataclass(frozen=True, kw_only=True)
class Hold(_Step):
    """Set the business aside."""


@dataclass(frozen=True, kw_only=True)
class Resume(_Step):
    """Go on with it, at the counter that set it aside."""


@dataclass(frozen=True, kw_only=True)
class Transfer(_Step):
    """Let the ticket wait for another channel, or for one counter or one person only.

    It stands where its request time puts it, or at the end of the line where it doesn't keep its place.
    ``devices`` are the kinds of device that do the business and work now, where the customer is guided to one (T3).
    """

    channel: Channel
    counter: str | None = None
    person: str | None = None
    keeps_place: bool = True
    devices: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Leave(_Step):
    """The customer left, for a reason that somebody may have given."""

    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Undo(_Step):
    """Take the last step back; only on the visit's own business day."""

    reason: str
    today: date


@dataclass(frozen=True, kw_only=True)
class EndDay:
    """The business day is over: the visit ends as far as it came."""

    at: datetime


@dataclass(frozen=True, kw_only=True)
class Reprioritise(_Step):
    """Another policy gives the ticket another priority; nothing happens where it has it already, or has ended."""

    priority: int
    policy_version: int


@dataclass(frozen=True, kw_only=True)
class Divert(_Step):
    """A diversion goes on or ends (T3); ``why`` in words, or ``note`` as the customer said it."""

    step: DiversionStep
    device_id: str | None = None
    note: str | None = None
    why: Reason | None = None
    automatic: bool = False


@dataclass(frozen=True, kw_only=True)
class Attend(_Step):
    """Somebody looked after the customer (T8)."""

    action: CareAction
    note: str | None
    by: str
    recorded_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class Watch(_Step):
    """Look whether alarms are due: after ``limit_s`` of waiting, or ``cap`` times of being overtaken (T8, T12)."""

    limit_s: float
    cap: int | None = None
    times_overtaken: int = 0


Step = (
    Print | GiveUpPaper | Reprint | Call | HandOff | Recall | Start | Complete | NoShow | Return | Hold | Resume
    | Transfer | Leave | Undo | Reprioritise | Divert | Attend | Watch
)  # fmt: skip
VisitCommand = Issue | EndDay | Step
