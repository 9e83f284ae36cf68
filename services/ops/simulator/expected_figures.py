"""What was asked for, counted as the answers came, and what a run says of it at its end."""

import json
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

Day = tuple[str, str]
"""A branch and one of its business dates, as ISO text."""

Figure = Literal["visits", "served", "left", "vip_handoffs", "incidents_opened", "incidents_closed", "checks", "notes"]
FIGURES: tuple[Figure, ...] = (
    "visits", "served", "left", "vip_handoffs", "incidents_opened", "incidents_closed", "checks", "notes",
)  # fmt: skip


@dataclass(kw_only=True)
class ExpectedFigures:
    """The run's books.

    ``days`` is what each day's work log must have gained, whoever's visit it was; the totals are of
    this run's own rows.
    """

    days: dict[Day, Counter[Figure]] = field(default_factory=dict)
    by_channel: Counter[str] = field(default_factory=Counter)
    requested: int = 0
    visits: int = 0
    served: int = 0
    left: int = 0
    vip_handoffs: int = 0
    incidents: int = 0
    foreign: int = 0
    refused: int = 0
    visit_ids: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def day(self, branch: str, figure: Figure, business_date: str) -> None:
        """Book one on a day."""
        self.days.setdefault((branch, business_date), Counter())[figure] += 1

    def issued(self, branch: str, visit_id: str, channel: str, business_date: str) -> None:
        """Book a visit that began; a visit id that was given before is a problem."""
        if visit_id in self.visit_ids:
            self.problems.append(f"{branch}: two requests were answered with the same visit {visit_id}")
        self.visit_ids.add(visit_id)
        self.visits += 1
        self.by_channel[channel] += 1
        self.day(branch, "visits", business_date)

    def ended(self, branch: str, outcome: Literal["served", "left"], business_date: str, *, own: bool) -> None:
        """Book the end of a visit: one of this run's, or one that waited before it began."""
        self.day(branch, outcome, business_date)
        if not own:
            self.foreign += 1
        elif outcome == "served":
            self.served += 1
        else:
            self.left += 1

    def handed_off(self, branch: str, business_date: str, *, own: bool) -> None:
        """Book a hand-off that a manager completed."""
        self.day(branch, "vip_handoffs", business_date)
        self.vip_handoffs += own


TOTALS = ("requested", "visits", "served", "left", "vip_handoffs", "incidents")
LINES_LIMIT = 20


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The run's totals, and whether the services and the work log say the same.

    ``requests`` and ``retries`` are HTTP calls; ``problems`` are refusals on the way, which leave the
    totals in agreement or not.
    """

    requested: int
    visits: int
    served: int
    left: int
    vip_handoffs: int
    incidents: int
    foreign: int
    refused: int
    requests: int
    retries: int
    wall_s: float
    by_channel: dict[str, int] = field(default_factory=dict)
    dates: dict[str, list[str]] = field(default_factory=dict)
    mismatches: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def worklog_matches(self) -> bool:
        """Whether what was asked for is what happened, everywhere."""
        return not self.mismatches

    @property
    def totals(self) -> str:
        """A digest of the totals: equal for two runs that agree."""
        text = json.dumps({name: getattr(self, name) for name in TOTALS}, sort_keys=True)
        return f"sha256:{sha256(text.encode()).hexdigest()}"

    def document(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        head = {name: getattr(self, name) for name in TOTALS}
        rest = {name: value for name, value in vars(self).items() if name not in TOTALS}
        return {**head, "worklog_matches": self.worklog_matches, "totals": self.totals, **rest}


def summarise(
    expected: ExpectedFigures, *, mismatches: list[str], unended: int, requests: int, retries: int, wall_s: float
) -> Summary:
    """Close the books."""
    dates: dict[str, list[str]] = {}
    for branch, day in sorted(expected.days):
        dates.setdefault(branch, []).append(day)
    return Summary(
        **{name: getattr(expected, name) for name in (*TOTALS, "foreign", "refused")},
        by_channel=dict(sorted(expected.by_channel.items())),
        dates=dates,
        mismatches=[*_own(expected, unended), *mismatches],
        problems=expected.problems,
        requests=requests,
        retries=retries,
        wall_s=round(wall_s, 1),
    )


def _own(expected: ExpectedFigures, unended: int) -> list[str]:
    """Return where the books themselves don't add up: every row is one visit with one end."""
    found = []
    if expected.refused:
        found.append(f"{expected.refused} of {expected.requested} ticket requests were refused")
    if len(expected.visit_ids) != expected.visits:
        found.append(f"{expected.visits} requests were answered with {len(expected.visit_ids)} different visits")
    if unended:
        found.append(f"{unended} visits have no end")
    return found


def show(summary: Summary, console: Console) -> None:
    """Print a summary for people."""
    table = Table(title="Simulated", title_justify="left", show_header=False, min_width=44)
    table.add_column()
    table.add_column(justify="right")
    for name in (*TOTALS, "foreign", "refused", "requests", "retries"):
        table.add_row(name.replace("_", " "), f"{getattr(summary, name):,}")
    table.add_row("wall time", f"{summary.wall_s:.1f} s")
    table.add_section()
    for channel, count in summary.by_channel.items():
        table.add_row(f"visits: {channel}", f"{count:,}")
    console.print(table)
    for branch, days in summary.dates.items():
        console.print(f"{branch}: {days[0]}" + (f" … {days[-1]}, {len(days)} days" if len(days) > 1 else ""))
    console.print(f"totals: {summary.totals}", soft_wrap=True)
    _lines(console, "on the way", summary.problems)
    if summary.worklog_matches:
        console.print("[bold green]Everything agrees:[/] the services and the work log say what was asked for.")
    else:
        console.print("[bold red]It does not agree:[/]")
        _lines(console, "differs", summary.mismatches)


def _lines(console: Console, mark: str, lines: list[str]) -> None:
    for line in lines[:LINES_LIMIT]:
        console.print(f"  {mark}: {line}", markup=False, highlight=False, soft_wrap=True)
    if len(lines) > LINES_LIMIT:
        console.print(f"  … and {len(lines) - LINES_LIMIT} more; --json has them all")
