"""The comparison as a picture that a branch manager reads: who waits how long under A and B, and who works.

matplotlib draws it, since it makes SVG and PNG alike and finds a font for each letter; it's an optional
extra (``lobby[experiments]``), so that a branch's server doesn't carry it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from services.ops.experiments.picture_file import lettering, require_picture, save
from services.ops.experiments.policy_comparison.comparison import Compared, Comparison, Interval
from services.ops.experiments.policy_comparison.figures import ALL
from services.ops.experiments.policy_comparison.report import MEASURES, group_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = (".svg", ".png")
COLOURS = {"A": "#5b8db8", "B": "#d9822b"}
PANELS = ("mean", "p50", "p90", "p99")
GROUPS_LIMIT = 10
HALF = 0.19
"""How far a bar's middle is from its group's."""


def require_kind(file: Path) -> None:
    """Refuse what can't be drawn, before anything is computed; raise :class:`UsageError`."""
    require_picture(file, *KINDS)


def draw(found: Comparison, file: Path) -> None:
    """Draw it into the file, whose ending says as what."""
    from matplotlib.figure import Figure

    with lettering() as chinese:
        figure = Figure(figsize=(13, 9.5), layout="constrained")
        _compose(figure, found, chinese=chinese)
        save(figure, file)


def _compose(figure: "Figure", found: Comparison, *, chinese: bool) -> None:
    def say(zh: str, en: str) -> str:
        return f"{zh} {en}" if chinese else en

    groups = _groups(found)
    axes = figure.subplots(3, 2, height_ratios=(len(groups), len(groups), max(5, len(groups) * 0.7)), squeeze=False)
    names = [say(*group_names(group, found.businesses)) for group in groups]
    for number, measure in enumerate(PANELS):
        lines = [found.of(group, measure) for group in groups]
        title = say(*MEASURES[measure])
        _bars(axes[number // 2][number % 2], names, lines, f"{title} ({say('秒', 's')})")
    counters = [f"counter:{name}" for name in found.counters]
    _bars(axes[2][0], [say(*group_names(counter, {})) for counter in counters],
          [found.of(counter, "utilisation") for counter in counters],
          say("窗口忙碌率 (%)", "counters: busy share (%)"), scale=100)  # fmt: skip
    fairness = ("left", "overtakings", "most_overtaken", "capped")
    _bars(axes[2][1], [say(*MEASURES[measure]) for measure in fairness],
          [found.of(ALL, measure) for measure in fairness],
          say("离开与超越", "who left, who was overtaken"), numbers=True)  # fmt: skip
    span = found.dates[0] if len(found.dates) == 1 else f"{found.dates[0]} – {found.dates[-1]}"
    figure.suptitle(
        f"{say('两种规则的比较', 'Two policies compared')}\n"
        f"A = {Path(found.policies[0]).name}    B = {Path(found.policies[1]).name}    {span}, "
        f"{found.customers} {say('位客户', 'customers')}, {found.seeds} {say('次抽样', 'seeds')};  "
        f"* {say('差异超出偶然', 'more than chance')}"
    )
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="upper right", ncols=2, frameon=False)


def _groups(found: Comparison) -> list[str]:
    channels, businesses = found.groups("channel:"), found.groups("business:")
    groups = [ALL, *channels, *found.groups("priority:"), *businesses]
    waited = [group for group in groups if found.of(group, "mean") is not None]
    return waited[:GROUPS_LIMIT] or [ALL]


def _bars(
    axes: "Axes",
    names: Sequence[str],
    lines: Sequence[Compared | None],
    title: str,
    *,
    scale: float = 1,
    numbers: bool = False,
) -> None:
    """Draw a bar for A and one for B beside each name, with their intervals."""
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    for label, shift in (("A", -HALF), ("B", HALF)):
        sides = [None if each is None else (each.a if label == "A" else each.b) for each in lines]
        means = [0.0 if side is None else side.mean * scale for side in sides]
        whiskers = [_half(side) * scale for side in sides]
        axes.barh([n + shift for n in range(len(lines))], means, 2 * HALF, xerr=whiskers, label=label,
                  color=COLOURS[label], error_kw={"elinewidth": 1, "ecolor": "#444444"})  # fmt: skip
        for n, (side, mean, half) in enumerate(zip(sides, means, whiskers, strict=True)):
            text = "–" if side is None else f"{mean:,.1f}" if numbers else f"{mean:,.0f}"
            axes.annotate(text, (mean + half, n + shift), (4, 0), textcoords="offset points", va="center", fontsize=8)
    marks = ["" if each is None or each.evidence == "none" else "*" for each in lines]
    axes.set_yticks(range(len(lines)), [f"{name} {mark}".strip() for name, mark in zip(names, marks, strict=True)])
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.margins(x=0.12)
    axes.set_xlim(left=0)


def _half(side: Interval | None) -> float:
    return 0.0 if side is None else min(side.high - side.mean, 1e9)
