"""Who is called next, and whom that overtakes: a choice among the heads of a counter's lanes (T6, T7, T12).

Overtaking is counted by place in the line: a call overtakes everybody who stands earlier in a lane that
the counter serves. Among those who came in the order of their places, who stands earlier was overtaken
at least as often as who stands later; who comes late to an early place is shielded as much as the one
behind them. So the first of each lane tells whether anybody in it has reached the cap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Literal

from services.triage.model.visit import Ticket
from services.triage.policy.routing import green_reason
from services.triage.policy.rules import Policy, line_of
from shared.contracts.events.types import Reason


@dataclass(frozen=True, kw_only=True)
class ChannelQueue:
    """A channel's line: how many wait, and since when the one who has waited longest."""

    waiting: int
    longest_from: datetime


@dataclass(frozen=True, kw_only=True)
class QueueSnapshot:
    """How many stand in a line now, and since when (in epoch seconds) the one who came first."""

    waiting: int
    oldest: float


def rank(policy: Policy, lined_at: datetime, priority: int) -> float:
    """Return the place in the line: the lowest rank is called first.

    A ticket's priority grows by one with every ``ageing_s`` it waits. All of them grow alike, so their
    order never changes while they wait: who stands ``priority`` units of ageing earlier is ahead.
    """
    return lined_at.timestamp() - priority * policy.ageing_s


@dataclass(frozen=True, kw_only=True)
class QueuePosition:
    """A ticket's place: since when it stands in line (epoch seconds), its rank, how often it was overtaken."""

    ticket_id: str
    line: str
    lined: float
    rank: float
    times: int = 0


@dataclass(frozen=True, kw_only=True)
class GuardedPosition(QueuePosition):
    """A place in the line with its guard: nobody behind it in its lane was overtaken more often."""

    guarded: int


@dataclass(frozen=True, kw_only=True)
class Lane:
    """Those in a line whom the counter could call (of one business, where it has skills).

    ``next`` has the lowest rank, ``oldest`` stands in line the longest, and nobody in the lane was
    overtaken more often than ``overtaken`` times.
    """

    line: str
    business: str | None
    next: QueuePosition
    oldest: QueuePosition
    overtaken: int


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Who is called, and by which turn: by rank, because of the cap, or because of the VIP share."""

    position: QueuePosition
    turn: Literal["rank", "cap", "share"] = "rank"


def choose(policy: Policy, lanes: Sequence[Lane], *, vip_may: bool = True) -> Choice | None:
    """Return who is next in these lanes, or None where nobody waits.

    While somebody in them has been overtaken ``max_overtakes`` times, they are called by the time they
    have stood in line: that overtakes nobody, so that the cap holds however crowded the line is.
    ``vip_may`` is False while VIPs have had their share of the counter's calls.
    """
    if not lanes:
        return None
    if any(lane.overtaken >= policy.max_overtakes for lane in lanes):
        return Choice(position=min((lane.oldest for lane in lanes), key=_by_place), turn="cap")
    first = _by_rank(lanes)
    others = [lane for lane in lanes if lane.line != "vip"]
    if first.line == "vip" and others and not vip_may:
        return Choice(position=_by_rank(others), turn="share")
    return Choice(position=first)


A_CALL = 1.0
EXACT = 9
"""To so many digits a share adds up: ten tenths are a call."""


def is_contested(lanes: Sequence[Lane]) -> bool:
    """Whether VIPs and others wait for the counter."""
    return len({lane.line == "vip" for lane in lanes}) == 2


def first_credit(policy: Policy) -> float:
    """Return what VIPs have of a counter's calls at first: enough that the next may be theirs."""
    return A_CALL - policy.vip_share


def vip_may(policy: Policy, credit: float) -> bool:
    """Whether a VIP may be called while others wait: their share of the counter's calls is bounded.

    Each call earns them their share of one. Of any number of calls in a row VIPs get their share at most,
    rounded up, as long as less than a whole call is ever left: see :func:`credit_after`.
    """
    return policy.vip_share > 0 and _earned(policy, credit) >= A_CALL


def credit_after(policy: Policy, credit: float, place: QueuePosition) -> float:
    """Return what VIPs have left after a call while others waited: what they could have had, they can't save up."""
    earned = _earned(policy, credit)
    if place.line == "vip":
        return max(0.0, earned - A_CALL)
    return earned if earned < A_CALL else credit


def in_turn(policy: Policy, positions: Sequence[GuardedPosition]) -> list[str]:
    """Return the tickets in the order in which they would be called, if nobody else came.

    Who stands before one who may not be overtaken any more is called in the order of the places.
    """
    until: dict[tuple[str, ...], float] = {}
    for position in positions:
        if position.guarded >= policy.max_overtakes:
            lines = _served_with(position.line)
            until[lines] = max(position.lined, until.get(lines, position.lined))

    def key(position: GuardedPosition) -> tuple[int, float, str]:
        if position.lined <= until.get(_served_with(position.line), -inf):
            return 0, position.lined, position.ticket_id
        return 1, position.rank, position.ticket_id

    return [position.ticket_id for position in sorted(positions, key=key)]


def overtaken_lanes(lanes: Sequence[Lane], lined: float) -> list[Lane]:
    """Return the lanes in which somebody stands earlier than ``lined``."""
    return [lane for lane in lanes if lane.oldest.lined < lined]


def _earned(policy: Policy, credit: float) -> float:
    return round(credit + policy.vip_share, EXACT)


def _by_place(place: QueuePosition) -> tuple[float, str]:
    return place.lined, place.ticket_id


def _by_rank(lanes: Sequence[Lane]) -> QueuePosition:
    return min((lane.next for lane in lanes), key=lambda place: (place.rank, place.ticket_id))


def _served_with(line: str) -> tuple[str, ...]:
    """Return the lines that the same counters serve, this one among them."""
    return line_of(line)  # type: ignore[arg-type]  # a counter's or a person's line is one by itself, too


Way = Literal["next", "share", "number", "handoff"]
"""How a call came about: the next in turn, the turn of who is no VIP, by number, by a manager."""

NUMBER = Reason(rule="call.number", zh="按号呼叫,由工作人员指定", en="Called by number: a member of staff chose")
HANDOFF = Reason(rule="call.handoff", zh="客户经理接走贵宾客户", en="A manager takes the VIP customer")
SHARE = Reason(
    rule="vip.share",
    zh="贵宾叫号已达比例上限,轮到普通客户",
    en="VIPs have had their share: an ordinary turn",
)
SKILL = Reason(rule="skill", zh="该窗口不办理前面客户的业务", en="The counter does not do what those ahead want")
RETURNED = Reason(rule="return.no_show", zh="过号后返回,按原位置呼叫", en="Came back after a missed call")
PRIORITY = Reason(rule="priority", zh="优先级较高", en="Higher priority")
APPOINTMENT = Reason(rule="appointment", zh="预约客户按时赴约,优先", en="Came to an appointment: priority")
GOLD = Reason(rule="priority.gold", zh="金卡客户优先", en="Gold card: priority")
VIP = Reason(rule="vip.tier", zh="贵宾客户优先", en="VIP customer: priority")
_OF_TIER = {"gold": GOLD, "platinum": VIP, "private": VIP}


def why_ahead(policy: Policy, ticket: Ticket, way: Way) -> Reason:
    """Return the rule that lets this ticket be called before those who stand earlier."""
    if way != "next":
        return {"number": NUMBER, "handoff": HANDOFF, "share": SHARE}[way]
    of_tier = _OF_TIER.get(ticket.customer.card_tier)
    green = green_reason(policy, ticket.customer)
    if green is not None and policy.green_priority >= policy.priority_of_tier.get(ticket.customer.card_tier, 0):
        return green
    if ticket.appointment in ("on_time", "early"):
        return APPOINTMENT
    if of_tier is not None:
        return of_tier
    return RETURNED if ticket.no_shows else PRIORITY
