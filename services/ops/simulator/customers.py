"""Who comes to which branch: from a trace file, or made up."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from itertools import chain
from pathlib import Path

from services.ops.errors import UsageError
from services.ops.simulator import generate
from services.ops.simulator.options import Options
from services.ops.simulator.plan import Customer
from services.ops.simulator.trace import BadRow, Row, between, by_branch, read_trace

BUSY_DAY = 800
"""Customers a day of an endless run: enough that some wait."""
SHOWN = 20


def rows_of(options: Options, today: datetime) -> dict[str, list[Row]]:
    """Return each branch's customers, in the order of their arrival. ``today`` carries the local time zone.

    Raises :class:`UsageError` for a trace with bad rows (unless they're to be skipped), or when nobody comes.
    """
    if options.trace is None:
        rows = _made_up(options, today)
    else:
        assert today.tzinfo is not None
        every = good_rows(options.trace, today.tzinfo, skip_bad_rows=options.skip_bad_rows)
        rows = list(between(every, options.first, options.last))
    if not rows:
        raise UsageError("nobody comes: no row of the trace lies between these dates")
    return by_branch(rows, options.branches)


def endless(options: Options, now: datetime) -> Iterator[Customer]:
    """Make up one branch's customers for ever, the first one now. Who isn't patient for ever leaves."""
    zone = now.tzinfo
    assert zone is not None
    rows = generate.endless(now.date(), zone, seed=options.seed, tickets=BUSY_DAY)
    first = next(rows)
    for index, row in enumerate(chain((first,), rows)):
        arrived_at = row.arrived_at + (now - first.arrived_at)
        yield Customer(index=index, row=replace(row, arrived_at=arrived_at), leaves_after_s=row.patience_s)


def _made_up(options: Options, today: datetime) -> list[Row]:
    zone = today.tzinfo
    assert zone is not None
    return generate.day_of(options.first or today.date(), zone, seed=options.seed)


def good_rows(file: Path, zone: tzinfo, *, skip_bad_rows: bool) -> Sequence[Row]:
    """Return a trace's rows; raise :class:`UsageError` where some are bad, unless they're to be skipped."""
    trace = read_trace(file, zone)
    _report(trace.bad)
    if trace.bad and not skip_bad_rows:
        raise UsageError(f"{len(trace.bad)} bad rows in {file}; --skip-bad-rows plays the rest")
    return trace.rows


def _report(bad: Sequence[BadRow]) -> None:
    for row in bad[:SHOWN]:
        sys.stderr.write(f"{row}\n")
    if len(bad) > SHOWN:
        sys.stderr.write(f"… and {len(bad) - SHOWN} more bad rows\n")
