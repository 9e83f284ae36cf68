"""The comparison as tables, for people."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite

from rich.console import Console
from rich.table import Table

from services.ops.experiments.policy_comparison.comparison import Compared, Comparison, Interval
from services.ops.experiments.policy_comparison.figures import ALL, EITHER, WAITS

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
GROUP_NAMES: Mapping[str, tuple[str, str]] = {
    "all": ("全部客户", "everybody"),
    "green": ("优先照顾", "green (either)"),
    "vip": ("贵宾客户", "VIP (either)"),
}
DEVICE_KINDS: Mapping[str, tuple[str, str]] = {
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
    if group in GROUP_NAMES:
        return GROUP_NAMES[group]
    kind, _, name = group.partition(":")
    known = {"channel": CHANNELS, "priority": CARDS, "business": businesses}.get(kind, {})
    if kind == "counter":
        return f"{name}号窗口", f"counter {name}"
    return known.get(name, (name, name))


MARKS = {"none": "", "some": "*", "strong": "**"}
FAIRNESS = ("overtakings", "most_overtaken", "capped", "left", "promise_kept")
KINDS = ("channel:", "priority:", "business:")
BUSINESSES_LIMIT = 8
NOTE = (
    "± 为95%置信区间;* 差异超出偶然,** 考虑到全部指标后仍然如此。"
    "± is the 95 % interval over seeds; * more than chance, ** even with all figures in mind."
)


def show(found: Comparison, console: Console) -> None:
    """Print waits, fairness and load."""
    a, b = found.policies
    span = found.dates[0] if len(found.dates) == 1 else f"{found.dates[0]} – {found.dates[-1]}"
    console.print(f"A = {a}\nB = {b}")
    console.print(
        f"{found.trace}, {span}: {found.customers} 位客户 customers, {found.seeds} 次抽样 seeds, "
        f"{len(found.counters)} 个窗口 counters, {found.events_per_s:,.0f} events/s"
    )
    groups = _groups(found)
    console.print(_table(found, "等候 · waits", groups, ("customers", *WAITS)))
    console.print(_table(found, "公平与离开 · fairness, who left", groups, FAIRNESS))
    counters = [ALL, *(f"counter:{name}" for name in found.counters), *_devices(found)]
    console.print(_table(found, "窗口负荷 · load", counters, ("utilisation", "served")))
    console.print(NOTE)


def _groups(found: Comparison) -> list[str]:
    by_kind = [found.groups(kind)[: BUSINESSES_LIMIT if kind == "business:" else None] for kind in KINDS]
    either = [group for group in EITHER if _moved(found, group)]
    return [ALL, *by_kind[0], *either, *by_kind[1], *by_kind[2]]


def _moved(found: Comparison, group: str) -> bool:
    """Tell whether the policies guide different people to the channel; else its own lines say the same."""
    own = found.of(f"channel:{group}", "customers")
    return own is not None and (own.difference is None or own.difference.low != 0 or own.difference.high != 0)


def _devices(found: Comparison) -> list[str]:
    known = {f"counter:{name}" for name in found.counters}
    devices = {
        each.group for each in found.compared
        if each.group.startswith("counter:") and each.group not in known and each.measure == "served"
        and any(side is not None and side.mean for side in (each.a, each.b))
    }  # fmt: skip
    return sorted(devices)


def _table(found: Comparison, title: str, groups: Sequence[str], measures: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("", min_width=24)
    for heading in ("A", "B", "B - A"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for group in groups:
        table.add_row(" ".join(dict.fromkeys(group_names(group, found.businesses))), style="bold")
        for measure in measures:
            each = found.of(group, measure)
            if each is not None:
                table.add_row(*_cells(each))
        table.add_section()
    return table


def _cells(each: Compared) -> Iterable[str]:
    yield f"  {SHORT.get(each.measure) or ' '.join(MEASURES[each.measure])}"
    for side in (each.a, each.b, each.difference):
        yield in_words(side, each.measure)
    yield MARKS[each.evidence]


def in_words(side: Interval | None, measure: str) -> str:
    """Return a mean with its interval, in what people read: seconds, percent, or a plain number."""
    if side is None:
        return "–"
    scale, digits = (1, 0) if measure in SECONDS else (100, 1) if measure in SHARES else (1, 1)
    half = side.high - side.mean
    if measure not in SHARES and not half and side.mean.is_integer():
        return f"{side.mean:,.0f}"
    text = f"{side.mean * scale:,.{digits}f}"
    return f"{text} ± {half * scale:,.{digits}f}" if isfinite(half) else text
