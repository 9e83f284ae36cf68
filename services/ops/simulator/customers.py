"""Who comes to which branch: from a trace file, or made up."""

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import chain
from pathlib import Path
from random import Random

from services.ops.errors import UsageError
from services.ops.simulator.plan import Customer, Options
from services.ops.simulator.trace import BadRow, Row, between, by_branch, read_trace

OPENS = time(9)
HOURLY = (0.9, 1.45, 1.35, 0.75, 0.7, 1.1, 1.05, 0.7)
"""Arrivals in each hour from nine, against the mean."""
DAY = 300
"""Tickets of a branch in a day."""
LEAVES = 0.06
"""The share of customers who would leave if they waited for long."""


@dataclass(frozen=True, kw_only=True)
class Business:
    """A business: how often it's wanted, how long it takes, whether an amount belongs to it."""

    name: str
    share: float
    median_s: float
    amounts: tuple[int, int] | None = None


BUSINESSES = (
    Business(name="cash_withdrawal", share=20, median_s=150, amounts=(200_00, 60_000_00)),
    Business(name="cash_deposit", share=14, median_s=170, amounts=(100_00, 80_000_00)),
    Business(name="transfer", share=10, median_s=240, amounts=(500_00, 200_000_00)),
    Business(name="bill_payment", share=9, median_s=120, amounts=(30_00, 900_00)),
    Business(name="query", share=8, median_s=80),
    Business(name="account_service", share=8, median_s=210),
    Business(name="account_opening", share=6, median_s=600),
    Business(name="card_replacement", share=5, median_s=300),
    Business(name="password_reset", share=4, median_s=200),
    Business(name="foreign_exchange", share=3, median_s=330, amounts=(1_000_00, 50_000_00)),
    Business(name="securities_trading", share=3, median_s=300),
    Business(name="corporate_settlement", share=4, median_s=360, amounts=(10_000_00, 2_000_000_00)),
    Business(name="wealth_product", share=3, median_s=700),
    Business(name="personal_loan", share=3, median_s=800),
)
_AMOUNTS = {business.name: business.amounts for business in BUSINESSES}


def day_of(day: date, zone: tzinfo, *, seed: int, tickets: int = DAY) -> list[Row]:
    """Return one day's customers, in the order of their arrival."""
    random = Random(f"{seed}/{day}")
    opens = datetime.combine(day, OPENS, zone)
    arrivals = sorted(_arrival_s(random) for _ in range(tickets))
    return [_row(random, opens + timedelta(seconds=s), line) for line, s in enumerate(arrivals, 2)]


def endless_rows(first: date, zone: tzinfo, *, seed: int, tickets: int = DAY) -> Iterator[Row]:
    """Return customers for ever, the nights left out: each day's opening follows the last one's closing."""
    open_for = timedelta(hours=len(HOURLY))
    opens = datetime.combine(first, OPENS, zone)
    number = 0
    while True:
        day = first + timedelta(days=number)
        for row in day_of(day, zone, seed=seed, tickets=tickets):
            shift = (opens + number * open_for) - datetime.combine(day, OPENS, zone)
            yield _moved(row, shift)
        number += 1


def _moved(row: Row, shift: timedelta) -> Row:
    return replace(row, arrived_at=row.arrived_at + shift)


def _arrival_s(random: Random) -> float:
    (hour,) = random.choices(range(len(HOURLY)), HOURLY)
    return 3600.0 * (hour + random.random())


def _row(random: Random, arrived_at: datetime, line: int) -> Row:
    (business,) = random.choices(BUSINESSES, [b.share for b in BUSINESSES])
    (priority,) = random.choices((0, 1, 2), (84, 10, 6))
    return Row(
        line=line,
        arrived_at=arrived_at,
        business=business.name,
        priority=priority,
        customer=f"c{random.randrange(20_000)}" if priority or random.random() < 0.4 else "",
        service_s=round(min(3600.0, random.lognormvariate(math.log(business.median_s), 0.6)), 1),
        patience_s=round(random.expovariate(1 / 900), 1) if random.random() < LEAVES else None,
        age=age_of(random),
        amount_minor=amount_of(random, business.name),
    )


def age_of(random: Random) -> int:
    """Make up a customer's age: one in eight is 65 or older."""
    return random.randrange(65, 90) if random.random() < 0.12 else random.randrange(18, 65)


def amount_of(random: Random, business: str) -> int | None:
    """Make up an amount, where one belongs to the business: small ones are more frequent."""
    amounts = _AMOUNTS.get(business)
    if amounts is None:
        return None
    low, high = amounts
    return round(math.exp(random.uniform(math.log(low), math.log(high))) / 100) * 100


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
    rows = endless_rows(now.date(), zone, seed=options.seed, tickets=BUSY_DAY)
    first = next(rows)
    for index, row in enumerate(chain((first,), rows)):
        arrived_at = row.arrived_at + (now - first.arrived_at)
        yield Customer(index=index, row=replace(row, arrived_at=arrived_at), leaves_after_s=row.patience_s)


def _made_up(options: Options, today: datetime) -> list[Row]:
    zone = today.tzinfo
    assert zone is not None
    return day_of(options.first or today.date(), zone, seed=options.seed)


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
