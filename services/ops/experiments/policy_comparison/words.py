"""What groups, measures and evidence are called, in Chinese first."""

from collections.abc import Mapping

CHANNELS: Mapping[str, tuple[str, str]] = {
    "counter": ("柜台", "counter"),
    "self_service": ("自助设备", "self-service"),
    "phone_bank": ("电话银行", "phone bank"),
    "online": ("网上银行", "online"),
    "green": ("绿色通道", "green channel"),
    "vip": ("贵宾", "VIP"),
    "corporate": ("对公窗口", "corporate"),
    "loan_desk": ("信贷经理", "loan desk"),
    "wealth_desk": ("理财经理", "wealth desk"),
    "corporate_desk": ("公司客户经理", "corporate desk"),
}
CARDS: Mapping[str, tuple[str, str]] = {
    "none": ("普通客户", "no card"),
    "gold": ("金卡", "gold card"),
    "platinum": ("白金卡", "platinum card"),
    "private": ("私人银行", "private banking"),
}
GROUPS: Mapping[str, tuple[str, str]] = {
    "all": ("全部客户", "everybody"),
    "green": ("优先照顾", "green (either)"),
    "vip": ("贵宾客户", "VIP (either)"),
}
KINDS: Mapping[str, tuple[str, str]] = {
    "channel": ("渠道", "channel"),
    "priority": ("客户等级", "card"),
    "business": ("业务", "business"),
    "counter": ("窗口", "counter"),
}
MEASURES: Mapping[str, tuple[str, str]] = {
    "customers": ("客户数", "customers"),
    "mean": ("平均等候", "mean wait"),
    "p50": ("一半客户等候不超过", "half wait at most"),
    "p90": ("九成客户等候不超过", "90 % wait at most"),
    "p99": ("99%客户等候不超过", "99 % wait at most"),
    "promise_kept": ("九成预估兑现率", "90 % promises kept"),
    "left": ("中途离开", "left"),
    "overtakings": ("被超越次数", "times overtaken"),
    "most_overtaken": ("单人最多被超越", "most of one person"),
    "capped": ("达到上限的客户", "reached the cap"),
    "utilisation": ("忙碌率", "busy"),
    "served": ("办理笔数", "served"),
    "refused": ("未取到号", "got no ticket"),
}
SHORT: Mapping[str, str] = {
    "mean": "平均 mean, s",
    "p50": "p50, s",
    "p90": "p90, s",
    "p99": "p99, s",
    "promise_kept": "兑现 promises kept, %",
    "most_overtaken": "单人最多 most of one",
    "utilisation": "忙碌率 busy, %",
}
"""Measures in a table, where there is no room for their sentence; their unit beside them."""
SECONDS = frozenset(("mean", "p50", "p90", "p99"))
SHARES = frozenset(("utilisation", "promise_kept"))


def group_names(group: str, businesses: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    """Return a group's names; ``businesses`` are those of the policies."""
    if group in GROUPS:
        return GROUPS[group]
    kind, _, name = group.partition(":")
    known = {"channel": CHANNELS, "priority": CARDS, "business": businesses}.get(kind, {})
    if kind == "counter":
        return f"{name}号窗口", f"counter {name}"
    return known.get(name, (name, name))
