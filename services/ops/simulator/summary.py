"""What a run says at its end."""

import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from rich.console import Console
from rich.table import Table

from services.ops.simulator.ledger import Ledger

TOTALS = ("requested", "visits", "served", "left", "vip_handoffs", "incidents")
MOST_LINES = 20


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
    ledger: Ledger, *, mismatches: list[str], unended: int, requests: int, retries: int, wall_s: float
) -> Summary:
    """Close the books."""
    dates: dict[str, list[str]] = {}
    for branch, day in sorted(ledger.days):
        dates.setdefault(branch, []).append(day)
    return Summary(
        **{name: getattr(ledger, name) for name in (*TOTALS, "foreign", "refused")},
        by_channel=dict(sorted(ledger.by_channel.items())),
        dates=dates,
        mismatches=[*_own(ledger, unended), *mismatches],
        problems=ledger.problems,
        requests=requests,
        retries=retries,
        wall_s=round(wall_s, 1),
    )


def _own(ledger: Ledger, unended: int) -> list[str]:
    """Return where the books themselves don't add up: every row is one visit with one end."""
    found = []
    if ledger.refused:
        found.append(f"{ledger.refused} of {ledger.requested} ticket requests were refused")
    if len(ledger.visit_ids) != ledger.visits:
        found.append(f"{ledger.visits} requests were answered with {len(ledger.visit_ids)} different visits")
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
    for line in lines[:MOST_LINES]:
        console.print(f"  {mark}: {line}", markup=False, highlight=False, soft_wrap=True)
    if len(lines) > MOST_LINES:
        console.print(f"  … and {len(lines) - MOST_LINES} more; --json has them all")
