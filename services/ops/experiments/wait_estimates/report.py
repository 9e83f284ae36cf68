"""The figures of an evaluation, for programs and for people."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from statistics import fmean, quantiles
from typing import Any

from rich.console import Console
from rich.table import Table

from services.ops.experiments.wait_estimates.evaluate import LOOK_AFTER_S, NAMES, Judged
from services.ops.experiments.wait_estimates.picture import Told


def document(judged: Sequence[Judged], first: date | None, last: date | None) -> dict[str, Any]:
    """Return what ``--json`` prints, of those who came between the dates; seconds unless the name says else."""
    found = [one for one in judged if _between(one.customer.came.date(), first, last)]
    took = sorted(one.took_s * 1e6 for one in found)
    return {
        "from": None if first is None else first.isoformat(),
        "to": None if last is None else last.isoformat(),
        **_figures(found),
        "baselines": {name: {"mae_s": _mae(found, _baseline(name))} for name in NAMES},
        "after_a_minute": _later(found),
        "estimate_us": {"mean": _round(fmean(took)), "p99": _round(_p99(took))} if took else None,
        "days": [
            {"date": day, **_figures(ones)} for day, ones in _by(found, lambda one: str(one.customer.came.date()))
        ],
        "groups": [{"group": group, **_figures(ones)} for group, ones in _by(found, lambda one: one.quote.group)],
    }


def told(judged: Sequence[Judged], first: date | None, last: date | None) -> list[Told]:
    """Return what a picture shows of those who came between the dates."""
    return [
        Told(
            came=one.customer.came,
            waited_s=one.customer.waited_s,
            p50_s=one.quote.p50_s,
            p90_s=one.quote.p90_s,
            hol_s=one.baselines["hol"],
        )
        for one in judged
        if _between(one.customer.came.date(), first, last)
    ]


def show(figures: Mapping[str, Any], console: Console) -> None:
    """Print the figures as tables."""
    table = Table(title=f"等候时间预估 · waiting estimates from {figures['from'] or 'the beginning'}")
    for heading in ("n", "等候 wait s", "误差 MAE s", "p90 覆盖 covered"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for named, name in (("days", "date"), ("groups", "group")):
        for line in figures[named]:
            table.add_row(*_cells(line), line[name])
        table.add_section()
    table.add_row(*_cells(figures), "全部 all", style="bold")
    console.print(table)
    beside = Table(title="对照 · beside")
    beside.add_column("误差 MAE s", justify="right")
    beside.add_column("")
    for name, words in NAMES.items():
        beside.add_row(_text(figures["baselines"][name]["mae_s"]), words)
    console.print(beside)
    _say(figures, console)


def _say(figures: Mapping[str, Any], console: Console) -> None:
    later, took = figures["after_a_minute"], figures["estimate_us"]
    if later["n"]:
        console.print(
            f"等了一分钟后更正 · corrected after {LOOK_AFTER_S:.0f} s: n {later['n']}, MAE {later['mae_s']} s; "
            f"若不更正 · uncorrected {later['uncorrected_mae_s']} s; p90 {later['p90_coverage']:.1%}"
        )
    if took:
        console.print(f"每次预估 · an estimate takes {took['mean']} µs, p99 {took['p99']} µs")


def _figures(found: Sequence[Judged]) -> dict[str, Any]:
    return {
        "n": len(found),
        "mean_wait_s": _round(fmean(one.customer.waited_s for one in found)) if found else None,
        "mae_s": _mae(found, lambda one: one.quote.p50_s),
        "p90_coverage": _share(one.customer.waited_s <= one.quote.p90_s for one in found),
    }


def _later(found: Sequence[Judged]) -> dict[str, Any]:
    pairs = [(one, one.later, one.customer.waited_s - LOOK_AFTER_S) for one in found if one.later is not None]
    old = [abs(max(0.0, one.quote.p50_s - LOOK_AFTER_S) - rest_s) for one, _, rest_s in pairs]
    return {
        "n": len(pairs),
        "mae_s": _mean(abs(later.p50_s - rest_s) for _, later, rest_s in pairs),
        "uncorrected_mae_s": _mean(old),
        "p90_coverage": _share(rest_s <= later.p90_s for _, later, rest_s in pairs),
    }


def _by(found: Iterable[Judged], key: Callable[[Judged], str]) -> list[tuple[str, list[Judged]]]:
    groups: dict[str, list[Judged]] = {}
    for one in found:
        groups.setdefault(key(one), []).append(one)
    return sorted(groups.items())


def _baseline(name: str) -> Callable[[Judged], float]:
    return lambda one: one.baselines[name]


def _mae(found: Sequence[Judged], said: Callable[[Judged], float]) -> float | None:
    return _mean(abs(said(one) - one.customer.waited_s) for one in found)


def _mean(values: Iterable[float]) -> float | None:
    given = list(values)
    return _round(fmean(given)) if given else None


def _share(values: Iterable[bool]) -> float | None:
    given = list(values)
    return round(fmean(given), 4) if given else None


def _p99(values: Sequence[float]) -> float:
    return quantiles(values, n=100)[-1] if len(values) > 1 else values[0]


def _between(day: date, first: date | None, last: date | None) -> bool:
    return (first is None or day >= first) and (last is None or day <= last)


def _round(value: float) -> float:
    return round(value, 2)


def _text(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _cells(figures: Mapping[str, Any]) -> tuple[str, str, str, str]:
    covered = figures["p90_coverage"]
    return (
        str(figures["n"]),
        _text(figures["mean_wait_s"]),
        _text(figures["mae_s"]),
        "–" if covered is None else f"{covered:.1%}",
    )
