"""Draws the pictures of docs/triage.md: ``.venv/bin/python -m docs.pictures``.

What they show is not drawn by hand: the customers of the example come to triage's own code, and the comparison
is the command's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any

from services.ops.cli.main import main
from services.ops.experiments.picture_file import lettering, save
from services.ops.experiments.policy_comparison.customers import Arrival, drawn, shown
from services.ops.experiments.policy_comparison.engine import Crew, run
from services.ops.experiments.policy_comparison.figures import Fate
from services.ops.experiments.policy_comparison.staffing import Staffing, windows
from services.ops.experiments.wait_estimates.picture import Told
from services.ops.experiments.wait_estimates.picture import draw as picture_of_waits
from services.ops.simulator.customers import day_of
from services.triage.policy import Policy
from services.triage.policy_file import default
from shared.contracts.events.terminal import TicketRequest
from shared.contracts.events.types import Customer

HERE = Path(__file__).parent
BEIJING = timezone(timedelta(hours=8))
OPENS = datetime(2026, 3, 2, 9, tzinfo=BEIJING)
SERVICE = timedelta(minutes=4)
WAIT, SERVE, HEAD_START = "#f1c27d", "#3d7a57", "#9aa5b1"


@dataclass(frozen=True, kw_only=True)
class Guest:
    """A customer of the example, with the minute after nine when they come."""

    minute: int
    zh: str
    en: str
    customer: Customer


GUESTS = (
    Guest(minute=0, zh="普通", en="ordinary", customer=Customer()),
    Guest(minute=1, zh="普通", en="ordinary", customer=Customer()),
    Guest(minute=2, zh="普通", en="ordinary", customer=Customer()),
    Guest(minute=5, zh="金卡", en="gold card", customer=Customer(card_tier="gold")),
    Guest(minute=6, zh="70岁", en="aged 70", customer=Customer(age=70)),
    Guest(minute=12, zh="普通", en="ordinary", customer=Customer()),
    Guest(minute=13, zh="孕妇", en="expecting", customer=Customer(pregnant=True)),
)


def calling_order(policy: Policy) -> list[Fate]:
    """Let the guests come to one counter under this policy; return what becomes of each."""
    arrivals = [
        Arrival(
            at=OPENS + timedelta(minutes=guest.minute),
            request=TicketRequest(business="account_service", customer=guest.customer),
            service_s=SERVICE.total_seconds(),
        )
        for guest in GUESTS
    ]
    staffing = Staffing(shifts={time(0): {"1": ("counter", "green")}}, devices={})
    result = run(policy, BEIJING, arrivals, Crew(staffing=staffing))
    return [fate for fate in result.fates if fate is not None]


def draw_calling_order(file: Path) -> None:
    """Draw the example under the default policy, and with a cap of one overtaking."""
    from matplotlib.figure import Figure

    policy = default().of().policy
    with lettering() as chinese:
        figure = Figure(figsize=(11, 8), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True)
        _timeline(above, policy, "默认规则:优先一级抵5分钟 Default: a level of priority is worth five minutes", chinese)
        _timeline(below, replace(policy, max_overtakes=1),
                  "每人最多被超越1次 Nobody is overtaken more than once", chinese)  # fmt: skip
        below.set_xlabel("上午9点以后的分钟 minutes after nine" if chinese else "minutes after nine")
        save(figure, file)


def draw_waits(file: Path) -> None:
    """Draw promised against waited, in two weeks of a made-up branch whose tellers take turns at lunch."""
    file.write_text(picture_of_waits(two_weeks()), encoding="utf-8")


def two_weeks() -> list[Told]:
    """Let customers come to a branch; return what those of the second week were told who had to queue."""
    monday = OPENS.date()
    rows = [row for n in range(12) for row in day_of(monday + timedelta(days=n), BEIJING, seed=1)]
    arrivals = drawn(rows, shown(rows), Random(1))
    shifts = {time(0): windows(5), time(12): windows(4), time(14): windows(5)}
    result = run(default().of().policy, BEIJING, arrivals, Crew(staffing=Staffing(shifts=shifts)))
    return [
        Told(came=arrival.at, waited_s=fate.waited_s, p50_s=fate.quoted_p50_s, p90_s=fate.quoted_p90_s)
        for arrival, fate in zip(arrivals, result.fates, strict=True)
        if fate is not None
        and fate.outcome == "served"
        and fate.waited_s > 0
        and arrival.at.date() >= monday + timedelta(days=6)
    ]


def _timeline(axes: Any, policy: Policy, title: str, chinese: bool) -> None:
    axes.set_title(title if chinese else title.split(" ", 1)[1], loc="left", fontsize=11, fontweight="bold")
    fates = calling_order(policy)
    names = []
    for row, (guest, fate) in enumerate(zip(GUESTS, fates, strict=True)):
        start, wait, serve = guest.minute, fate.waited_s / 60, SERVICE.total_seconds() / 60
        head = fate.priority * policy.ageing_s / 60
        axes.plot([start - head, start], [row, row], linestyle=":", linewidth=2, color=HEAD_START)
        axes.plot([start - head], [row], marker="|", markersize=10, color=HEAD_START)
        axes.barh(row, wait, 0.5, left=start, color=WAIT)
        axes.barh(row, serve, 0.5, left=start + wait, color=SERVE)
        end = start + wait + serve
        axes.annotate(_told(fate, chinese), (end, row), (5, 0), textcoords="offset points", va="center", fontsize=9)
        names.append(f"{fate.number} {guest.zh} {guest.en}" if chinese else f"{fate.number} {guest.en}")
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(-5, 38)
    _legend(axes, chinese)


def _legend(axes: Any, chinese: bool) -> None:
    words = (("优先抵等候", "head start"), ("等候", "waits"), ("办理", "is served"))
    for colour, (zh, en) in zip((HEAD_START, WAIT, SERVE), words, strict=True):
        axes.barh([0], [0], color=colour, label=f"{zh} {en}" if chinese else en)
    axes.legend(loc="lower left", frameon=False, fontsize=9)


def _told(fate: Fate, chinese: bool) -> str:
    minutes, times = round(fate.waited_s / 60), fate.overtaken
    zh = f"等{minutes}分" + (f",被超越{times}次" if times else "")
    en = f"{minutes} min" + (f", overtaken {times}×" if times else "")
    return f"{zh} · {en}" if chinese else en


def draw_all(arguments: Sequence[str] = ()) -> int:
    """Draw every picture; return the exit code."""
    draw_calling_order(HERE / "img" / "calling-order.svg")
    draw_waits(HERE / "img" / "waiting-estimates.svg")
    policies = [str(HERE / "examples" / name) for name in ("policy-today.yaml", "policy-trial.yaml")]
    staffing, picture = str(HERE / "examples" / "staffing.yaml"), str(HERE / "img" / "policy-comparison.svg")
    return main(["simulate", "--compare", *policies, "--staffing", staffing, "--picture", picture, *arguments])


if __name__ == "__main__":
    raise SystemExit(draw_all())
