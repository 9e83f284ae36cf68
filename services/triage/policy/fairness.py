"""Why somebody is called before others who stand earlier in the line, in words (T6, T12)."""

from typing import Literal

from services.triage.model.ticket import Ticket
from services.triage.policy.routing import green_reason
from services.triage.policy.rules import Policy
from shared.contracts.events.types import Reason

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
