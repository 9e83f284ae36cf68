"""Who is called next, and whom that overtakes: a choice among the heads of a counter's lanes (T7, T12).

Overtaking is counted by place in the line: a call overtakes everybody who stands earlier in a lane that
the counter serves. Among those who came in the order of their places, who stands earlier was overtaken
at least as often as who stands later; who comes late to an early place is shielded as much as the one
behind them. So the first of each lane tells whether anybody in it has reached the cap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal

from services.triage.policy.rules import Policy, line_of


@dataclass(frozen=True, kw_only=True)
class Place:
    """A ticket's place: since when it stands in line (epoch seconds), its rank, how often it was overtaken."""

    ticket_id: str
    line: str
    lined: float
    rank: float
    times: int = 0


@dataclass(frozen=True, kw_only=True)
class Standing(Place):
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
    next: Place
    oldest: Place
    overtaken: int


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Who is called, and by which turn: by rank, because of the cap, or because of the VIP share."""

    place: Place
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
        return Choice(place=min((lane.oldest for lane in lanes), key=_by_place), turn="cap")
    first = _by_rank(lanes)
    others = [lane for lane in lanes if lane.line != "vip"]
    if first.line == "vip" and others and not vip_may:
        return Choice(place=_by_rank(others), turn="share")
    return Choice(place=first)


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


def credit_after(policy: Policy, credit: float, place: Place) -> float:
    """Return what VIPs have left after a call while others waited: what they could have had, they can't save up."""
    earned = _earned(policy, credit)
    if place.line == "vip":
        return max(0.0, earned - A_CALL)
    return earned if earned < A_CALL else credit


def in_turn(policy: Policy, standings: Sequence[Standing]) -> list[str]:
    """Return the tickets in the order in which they would be called, if nobody else came.

    Who stands before one who may not be overtaken any more is called in the order of the places.
    """
    until: dict[tuple[str, ...], float] = {}
    for standing in standings:
        if standing.guarded >= policy.max_overtakes:
            lines = _served_with(standing.line)
            until[lines] = max(standing.lined, until.get(lines, standing.lined))

    def key(standing: Standing) -> tuple[int, float, str]:
        if standing.lined <= until.get(_served_with(standing.line), -inf):
            return 0, standing.lined, standing.ticket_id
        return 1, standing.rank, standing.ticket_id

    return [standing.ticket_id for standing in sorted(standings, key=key)]


def overtaken_lanes(lanes: Sequence[Lane], lined: float) -> list[Lane]:
    """Return the lanes in which somebody stands earlier than ``lined``."""
    return [lane for lane in lanes if lane.oldest.lined < lined]


def _earned(policy: Policy, credit: float) -> float:
    return round(credit + policy.vip_share, EXACT)


def _by_place(place: Place) -> tuple[float, str]:
    return place.lined, place.ticket_id


def _by_rank(lanes: Sequence[Lane]) -> Place:
    return min((lane.next for lane in lanes), key=lambda place: (place.rank, place.ticket_id))


def _served_with(line: str) -> tuple[str, ...]:
    """Return the lines that the same counters serve, this one among them."""
    return line_of(line)  # type: ignore[arg-type]  # a counter's or a person's line is one by itself, too
