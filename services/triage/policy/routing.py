"""Where a customer is guided to, and why: a function of policy, lobby and request (T2, T3, T6)."""

from collections.abc import Collection
from dataclasses import dataclass

from services.triage.model.words import Channel, Customer, Reason
from services.triage.policy.catalogue import Business
from services.triage.policy.rules import Policy


@dataclass(frozen=True, kw_only=True)
class Route:
    """A channel with the priority in its line, and the rules that led there."""

    channel: Channel
    priority: int
    reasons: tuple[Reason, ...]


def route(
    policy: Policy, business: Business, amount_minor: int | None, customer: Customer, devices_up: Collection[str]
) -> Route:
    """Choose the channel. ``devices_up`` are the kinds of self-service devices that work now."""
    green = green_reason(policy, customer)
    gold = policy.priority_of_tier.get(customer.card_tier, 0)
    if customer.card_tier in ("platinum", "private"):
        return Route(channel="vip", priority=gold, reasons=(_vip(customer.card_tier),))
    if business.channel != "counter":
        priority = max(gold, policy.green_priority if green else 0)
        return Route(channel=business.channel, priority=priority, reasons=_both(_desk(business), green))
    if green is not None:
        return Route(channel="green", priority=max(gold, policy.green_priority), reasons=(green,))
    if is_small(policy, business, amount_minor):
        return _divert(business, gold, devices_up)
    return Route(channel="counter", priority=gold, reasons=_both(_counter(business), _gold(gold)))


def is_small(policy: Policy, business: Business, amount_minor: int | None) -> bool:
    """Whether the business is one that a device can do; a withdrawal must name its amount (T3)."""
    if business.diversion == "small":
        return amount_minor is not None and amount_minor <= policy.small_withdrawal_minor
    return business.diversion == "always"


def green_reason(policy: Policy, customer: Customer) -> Reason | None:
    """Return why the customer is served ahead, or None (T6)."""
    if customer.age is not None and customer.age >= policy.green_age:
        years = policy.green_age
        return Reason(rule="green.age", zh=f"{years}岁以上,走绿色通道", en=f"Aged {years} or over: green channel")
    if customer.mobility_impaired:
        return Reason(rule="green.mobility", zh="行动不便,走绿色通道", en="Reduced mobility: green channel")
    if customer.pregnant:
        return Reason(rule="green.pregnant", zh="孕妇,走绿色通道", en="Expecting: green channel")
    if customer.with_infant:
        return Reason(rule="green.infant", zh="携带婴幼儿,走绿色通道", en="With an infant: green channel")
    if customer.urgent:
        return Reason(rule="green.urgent", zh="情况紧急,走绿色通道", en="Urgent need: green channel")
    return None


def _divert(business: Business, priority: int, devices_up: Collection[str]) -> Route:
    if any(kind in devices_up for kind in business.devices):
        why = Reason(
            rule="divert.small",
            zh=f"{business.name.zh}可在自助设备上办理",
            en=f"{business.name.en} can be done at a self-service device",
        )
        return Route(channel="self_service", priority=priority, reasons=(why,))
    why = Reason(
        rule="divert.no_device",
        zh="可办理的自助设备暂不可用,请到柜台办理",
        en="No fitting self-service device works now: served at the counter",
    )
    return Route(channel="counter", priority=priority, reasons=_both(why, _gold(priority)))


def _both(first: Reason, second: Reason | None) -> tuple[Reason, ...]:
    return (first,) if second is None else (first, second)


def _vip(tier: str) -> Reason:
    zh = {"platinum": "白金卡", "private": "私人银行"}[tier]
    return Reason(rule="vip.tier", zh=f"{zh}客户,由贵宾通道接待", en=f"{tier.capitalize()} card: VIP service")


def _gold(priority: int) -> Reason | None:
    if not priority:
        return None
    return Reason(rule="priority.gold", zh="金卡客户,优先叫号", en="Gold card: called with priority")


def _desk(business: Business) -> Reason:
    rules = {
        "corporate": ("route.corporate", "对公业务,请到对公窗口", "Corporate business: the corporate window"),
        "corporate_desk": ("route.corporate_desk", "请到公司客户经理处", "Served by a corporate customer manager"),
        "loan_desk": ("route.loan", "贷款业务,请到信贷客户经理处", "Loans: served at the loan desk"),
        "wealth_desk": ("route.wealth", "理财业务,请到理财经理处", "Wealth products: served at the wealth desk"),
    }
    rule, zh, en = rules[business.channel]
    return Reason(rule=rule, zh=zh, en=en)


def _counter(business: Business) -> Reason:
    zh, en = f"{business.name.zh}在柜台办理", f"{business.name.en} is done at the counter"
    return Reason(rule="route.counter", zh=zh, en=en)
