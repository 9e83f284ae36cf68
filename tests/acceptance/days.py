"""A day of customers whose fates are in the trace, and what two such days must have in common."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from tests.ops.days import DAY, NINE

BUSINESSES = ("account_service", "account_opening", "cash_withdrawal", "securities_trading", "callback_request")

NOT_TIMED = (
    "visits", "served", "left", "in_progress", "diverted", "vip_arrivals", "vip_handoffs", "incidents",
    "counters_opened", "managers_on_duty", "state",
)  # fmt: skip
"""The figures that don't depend on how fast a machine was."""


@dataclass(frozen=True, kw_only=True)
class Trace:
    """A trace file and what it says will happen."""

    file: str
    rows: int
    served: int
    left: int
    vip_handoffs: int

    def confirm(self, done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
        """Return the summary of a run, after checking that it's what the trace says."""
        assert done.stdout, done.stderr
        summary: dict[str, Any] = json.loads(done.stdout)
        assert summary["mismatches"] == [], summary
        assert (done.returncode, summary["worklog_matches"]) == (0, True)
        assert (summary["requested"], summary["visits"]) == (self.rows, self.rows)
        assert (summary["served"], summary["left"]) == (self.served, self.left)
        assert (summary["vip_handoffs"], summary["incidents"]) == (self.vip_handoffs, 2)
        assert summary["dates"] == {"demo": [DAY]}
        return summary


def figures_of(log: Mapping[str, Any]) -> dict[str, Any]:
    """Return what two runs of a trace must have in common in their work logs."""
    channels = [{name: c[name] for name in ("channel", "visits", "served", "left")} for c in log["channels"]]
    return {name: log[name] for name in NOT_TIMED} | {"channels": channels}


def write_trace(file: Path, *, rows: int = 300, every_s: float = 45) -> Trace:
    """Write the trace, the same each time; ``every_s`` is the mean time between two of them."""
    dice = Random(20260202)
    lines = ["arrived_at,business,priority,customer,service_s,patience_s,observed_outcome"]
    fates = {"served": 0, "abandoned": 0}
    vips, at = 0, NINE
    for n in range(rows):
        at += timedelta(seconds=dice.expovariate(1 / every_s))
        fate = "abandoned" if dice.random() < 0.15 else "served"
        priority = dice.choices((0, 1, 2), (80, 12, 8))[0]
        patience = round(dice.uniform(5, 120), 1) if fate == "abandoned" else ""
        lines.append(
            f"{at.isoformat()},{dice.choice(BUSINESSES)},{priority},c{n},{dice.randint(20, 240)},{patience},{fate}"
        )
        fates[fate] += 1
        vips += priority == 2 and fate == "served"
    file.write_text("\n".join(lines) + "\n")
    return Trace(file=str(file), rows=rows, served=fates["served"], left=fates["abandoned"], vip_handoffs=vips)
