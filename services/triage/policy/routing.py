"""Where a customer is guided to, and why: a function of policy, lobby and request (T2, T3, T6)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from services.triage.policy.rules import CURRENCY, Business, Policy
from shared.contracts.events.triage import Channel
from shared.contracts.events.types import CardTier, Customer, Reason

_CARDS: Mapping[CardTier, tuple[str, str]] = MappingProxyType(
    {
        "none": ("普通", "No card"),
        "gold": ("金卡", "Gold card"),
        "platinum": ("白金卡", "Platinum card"),
        "private": ("私人银行", "Private card"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Route:
    """A channel with the priority in its line, and the rules that led there."""

    channel: Channel
    priority: int
    reasons: tuple[Reason, ...]


def route(
    policy: Policy,
    business: Business,
    amount_minor: int | None,
    customer: Customer,
    devices_up: Collection[str],
    *,
    currency: str = CURRENCY,
) -> Route:
    """Choose the channel. ``devices_up`` are the kinds of self-service devices that work now."""
    green, tier = green_reason(policy, customer), customer.card_tier
    priority = priority_of(policy, customer)
    if tier in policy.vip_tiers:
        return Route(channel="vip", priority=priority, reasons=(_vip(tier),))
    if business.channel != "counter":
        return Route(channel=business.channel, priority=priority, reasons=_both(_desk(business), green))
    if green is not None:
        return Route(channel="green", priority=priority, reasons=(green,))
    if is_small(policy, business, amount_minor, currency):
        return _divert(business, tier, priority, devices_up)
    return Route(channel="counter", priority=priority, reasons=_both(_counter(business), _preferred(tier, priority)))


def priority_of(policy: Policy, customer: Customer) -> int:
    """Return what policy gives this customer in whatever line: the card's priority, or the green channel's (T6)."""
    tier = policy.priority_of_tier.get(customer.card_tier, 0)
    if customer.card_tier in policy.vip_tiers or green_reason(policy, customer) is None:
        return tier
    return max(tier, policy.green_priority)


def is_small(policy: Policy, business: Business, amount_minor: int | None, currency: str) -> bool:
    """Whether the business is one that a device can do; a withdrawal must name its amount, and in yuan (T3)."""
    if business.diversion == "small":
        return currency == CURRENCY and amount_minor is not None and amount_minor <= policy.small_withdrawal_minor
    return business.diversion == "always"


def green_reason(policy: Policy, customer: Customer) -> Reason | None:
    """Return why the customer is served ahead, or None (T6)."""
    if policy.green_age is not None and customer.age is not None and customer.age >= policy.green_age:
        years = policy.green_age
        return Reason(rule="green.age", zh=f"{years}岁以上,走绿色通道", en=f"Aged {years} or over: green channel")
    if policy.green_mobility and customer.mobility_impaired:
        return Reason(rule="green.mobility", zh="行动不便,走绿色通道", en="Reduced mobility: green channel")
    if policy.green_pregnant and customer.pregnant:
        return Reason(rule="green.pregnant", zh="孕妇,走绿色通道", en="Expecting: green channel")
    if policy.green_infant and customer.with_infant:
        return Reason(rule="green.infant", zh="携带婴幼儿,走绿色通道", en="With an infant: green channel")
    if policy.green_urgent and customer.urgent:
        return Reason(rule="green.urgent", zh="情况紧急,走绿色通道", en="Urgent need: green channel")
    return None


def _divert(business: Business, tier: CardTier, priority: int, devices_up: Collection[str]) -> Route:
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
    return Route(channel="counter", priority=priority, reasons=_both(why, _preferred(tier, priority)))


def _both(first: Reason, second: Reason | None) -> tuple[Reason, ...]:
    return (first,) if second is None else (first, second)


def _vip(tier: CardTier) -> Reason:
    zh, en = _CARDS[tier]
    return Reason(rule="vip.tier", zh=f"{zh}客户,由贵宾通道接待", en=f"{en}: VIP service")


def _preferred(tier: CardTier, priority: int) -> Reason | None:
    if not priority:
        return None
    zh, en = _CARDS[tier]
    return Reason(rule=f"priority.{tier}", zh=f"{zh}客户,优先叫号", en=f"{en}: called with priority")


def _desk(business: Business) -> Reason:
    rules = {
        "corporate": ("route.corporate", "对公业务,请到对公窗口", "Corporate business: the corporate window"),
        "corporate_desk": ("route.corporate_desk", "请到公司客户经理处", "Served by a corporate customer manager"),
        "loan_desk": ("route.loan", "贷款业务,请到信贷客户经理处", "Loans: served at the loan desk"),
        "wealth_desk": ("route.wealth", "理财业务,请到理财经理处", "Wealth products: served at the wealth desk"),
        "self_service": ("route.self_service", "请使用自助设备办理", "Done at a self-service device"),
        "phone_bank": ("route.phone_bank", "请使用电话银行办理", "Done by phone: the phone bank"),
        "online": ("route.online", "请使用网上银行或手机银行办理", "Done online"),
        "green": ("route.green", "该业务走绿色通道", "This business is served in the green channel"),
        "vip": ("route.vip", "该业务由贵宾通道接待", "This business is served as a VIP service"),
    }
    rule, zh, en = rules[business.channel]
    return Reason(rule=rule, zh=zh, en=en)


def _counter(business: Business) -> Reason:
    zh, en = f"{business.name.zh}在柜台办理", f"{business.name.en} is done at the counter"
    return Reason(rule="route.counter", zh=zh, en=en)
