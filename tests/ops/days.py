"""A small day for runs on the real system, and what has to come of it."""

import json
import subprocess
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

DAY = "2026-02-02"
NINE = datetime(2026, 2, 2, 9, tzinfo=timezone(timedelta(hours=8)))
RATE = 600
ROWS, SERVED, LEFT, HANDOFFS = 60, 48, 12, 12


def scaled_clock(ahead_s: float) -> str:
    """The business clock shows ``ahead_s`` before nine now, and runs at RATE."""
    return f"{(NINE - timedelta(seconds=ahead_s)).isoformat()}@{RATE}@{datetime.now(UTC).isoformat()}"


def write_trace(file: Path) -> str:
    """A customer every 20 s; every fourth is a VIP, every fifth leaves. Return the file's name."""
    lines = ["arrived_at,business,priority,customer,service_s,patience_s,observed_outcome"]
    for n in range(ROWS):
        fate = "30,abandoned" if n % 5 == 4 else ",served"
        business = ("cash_withdrawal", "account_service", "account_opening")[n % 3]
        arrived_at = (NINE + timedelta(seconds=20 * n)).isoformat()
        lines.append(f"{arrived_at},{business},{(0, 0, 1, 2)[n % 4]},c{n},90,{fate}")
    file.write_text("\n".join(lines) + "\n")
    return str(file)


def summary_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return the summary of a run of that trace, after checking that it is what the trace says."""
    assert done.stdout, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    assert summary["mismatches"] == [], summary
    assert done.returncode == 0
    assert summary["worklog_matches"] is True
    assert (summary["requested"], summary["visits"], summary["served"]) == (ROWS, ROWS, SERVED)
    assert (summary["left"], summary["vip_handoffs"]) == (LEFT, HANDOFFS)
    assert summary["dates"] == {"demo": [DAY]}
    return summary


def finished(run: "subprocess.Popen[str]", *, within_s: float = 110) -> subprocess.CompletedProcess[str]:
    """Wait for a run that was begun."""
    out, err = run.communicate(timeout=within_s)
    return subprocess.CompletedProcess(run.args, run.returncode, out, err)
