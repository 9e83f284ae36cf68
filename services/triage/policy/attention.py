"""Whom to look after, when and why; and when alarms are due (T8, T12).

What is due at a time is written beside each ticket, so that a look at the clock finds it by an index.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.triage.model.annotations import PROMISE, STARVATION
from services.triage.model.visit import Ticket, seconds_between
from services.triage.policy.rules import Policy
from shared.contracts.events.types import Customer, LocalizedText, Reason

WATER = LocalizedText(zh="送水、请坐", en="Offer water and a seat")
APOLOGY = LocalizedText(zh="致歉并说明还要等多久", en="Apologise, and say how long it will take")
OTHER = LocalizedText(zh="建议其他渠道", en="Suggest another channel")
ASK = LocalizedText(zh="询问柜员并告知客户进展", en="Ask at the counter, and tell the customer")


@dataclass(frozen=True, kw_only=True)
class Need:
    """Why somebody should be looked after, what to offer, and how urgent it is: higher first."""

    reasons: tuple[Reason, ...]
    suggestions: tuple[LocalizedText, ...]
    urgency: float


def limit_s(policy: Policy, customer: Customer) -> float:
    """Return how long the customer may wait before somebody looks after them: the frail sooner."""
    return policy.care_wait_frail_s if is_frail(policy, customer) else policy.care_wait_s


def is_frail(policy: Policy, customer: Customer) -> bool:
    """Whether standing and waiting is harder for the customer than for others."""
    old = policy.green_age is not None and customer.age is not None and customer.age >= policy.green_age
    return old or customer.pregnant or customer.mobility_impaired or customer.with_infant


def alarm_due(policy: Policy, ticket: Ticket) -> datetime | None:
    """Return when the ticket's next alarm is due; None where none will be while it stays as it is."""
    begun = _waits_from(ticket)
    if begun is None:
        return None
    limits = {STARVATION: policy.starvation_s}
    if ticket.quoted_p90_s > 0:  # a terminal without a network promises nothing
        limits[PROMISE] = ticket.quoted_p90_s
    due = [begun + timedelta(seconds=limit) for alarm, limit in limits.items() if alarm not in ticket.raised]
    return min(due, default=None)


def attention_due(policy: Policy, ticket: Ticket) -> datetime | None:
    """Return from when somebody should look after the customer; None where nobody need."""
    if ticket.state == "held" and ticket.held_at is not None:
        due = ticket.held_at + timedelta(seconds=policy.care_hold_s)
    else:
        begun = _waits_from(ticket)
        if begun is None:
            return None
        limits = [limit_s(policy, ticket.customer), *([ticket.quoted_p90_s] if ticket.quoted_p90_s > 0 else [])]
        due = begun + timedelta(seconds=min(limits))
    if ticket.attended_at is None:
        return due
    return max(due, ticket.attended_at + timedelta(seconds=policy.care_again_s))


def need(policy: Policy, ticket: Ticket, times_overtaken: int, now: datetime) -> Need | None:
    """Return why somebody should look after the customer now, or None; not twice in ``care_again_s``."""
    if ticket.attended_at is not None and seconds_between(ticket.attended_at, now) < policy.care_again_s:
        return None
    reasons = _reasons(policy, ticket, times_overtaken, now)
    if not reasons:
        return None
    rules = {reason.rule for reason in reasons}
    suggestions = [WATER]
    if rules & {"care.promise", "care.overtaken"}:
        suggestions.insert(0, APOLOGY)
    if "care.held" in rules:
        suggestions.insert(0, ASK)
    if rules & {"care.wait", "care.wait_frail"}:
        suggestions.append(OTHER)
    share = ticket.waited(now) / limit_s(policy, ticket.customer)
    weight = 2.0 if is_frail(policy, ticket.customer) else 1.0
    return Need(reasons=tuple(reasons), suggestions=tuple(suggestions), urgency=round(weight * share + len(reasons), 3))


def _reasons(policy: Policy, ticket: Ticket, times_overtaken: int, now: datetime) -> Sequence[Reason]:
    waited, found = ticket.waited(now), []
    if ticket.state == "held":
        held = seconds_between(ticket.held_at, now)
        if ticket.held_at is not None and held >= policy.care_hold_s:
            zh, en = f"业务搁置已{_minutes(held)}分钟", f"On hold for {_minutes(held)} minutes"
            found.append(Reason(rule="care.held", zh=zh, en=en))
        return found
    if _waits_from(ticket) is None:
        return found
    if waited >= limit_s(policy, ticket.customer):
        frail = is_frail(policy, ticket.customer)
        zh, en = f"已等候{_minutes(waited)}分钟", f"Has waited {_minutes(waited)} minutes"
        rule = "care.wait_frail" if frail else "care.wait"
        found.append(Reason(rule=rule, zh=f"老幼病残孕客户,{zh}" if frail else zh, en=en))
    if waited > ticket.quoted_p90_s > 0:
        promised = _minutes(ticket.quoted_p90_s)
        zh, en = f"超过承诺的{promised}分钟", f"Longer than the {promised} minutes that were promised"
        found.append(Reason(rule="care.promise", zh=zh, en=en))
    if times_overtaken >= policy.care_overtaken:
        zh, en = f"已被超越{times_overtaken}次", f"Was overtaken {times_overtaken} times"
        found.append(Reason(rule="care.overtaken", zh=zh, en=en))
    return found


def _waits_from(ticket: Ticket) -> datetime | None:
    """Return since when the customer waits, breaks left out; None while they don't."""
    if ticket.state != "waiting" or ticket.waiting_since is None:
        return None
    return ticket.waiting_since - timedelta(seconds=ticket.waited_s)


def _minutes(seconds: float) -> int:
    return round(seconds / 60)
