"""Trace files: who came when, wanted what, needed how long, would have waited how long.

Reading and checking only, nothing of the running system. The format is in docs/traces.md.
"""

import csv
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from services.ops.errors import UsageError
from shared.contracts.base import BRANCH_PATTERN
from shared.contracts.events.types import CardTier

REQUIRED = ("arrived_at", "business", "priority", "customer", "service_s", "patience_s")
NAME = re.compile(r"[\w .:+/-]{1,64}")
LONGEST_S = 86_400.0
CARDS: Mapping[int, CardTier] = MappingProxyType({0: "none", 1: "gold", 2: "platinum"})
"""The card that a ``priority`` means."""

Observed = Literal["served", "abandoned"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One customer. ``patience_s`` None: waits for ever; ``observed`` None: nobody wrote down what became of them.

    ``observed_wait_s`` and ``observed_server``: how long they really waited, and who served them.
    A trace has no column for ``age`` and ``amount_minor``; customers who are made up have them.
    """

    line: int
    arrived_at: datetime
    business: str
    priority: int = 0
    customer: str = ""
    service_s: float
    patience_s: float | None = None
    branch: str | None = None
    observed: Observed | None = None
    observed_wait_s: float | None = None
    observed_server: str = ""
    age: int | None = None
    amount_minor: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class BadRow:
    """A row that can't be used, and why."""

    line: int
    reason: str

    def __str__(self) -> str:
        """Name the line first, as compilers do."""
        return f"line {self.line}: {self.reason}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """The good rows in the order of their arrival, and the bad ones in the file's."""

    rows: tuple[Row, ...]
    bad: tuple[BadRow, ...]


class _Bad(ValueError):
    """What is wrong with a field."""


def read_trace(file: Path, zone: tzinfo) -> Trace:
    """Read a file; times without an offset are local times of ``zone``.

    Raises :class:`UsageError` where the file can't be read at all or lacks a column.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            return parse_trace(lines, zone)
    except OSError as error:
        raise UsageError(f"--trace {file}: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error, _Bad) as error:
        raise UsageError(f"--trace {file}: {error}") from None


def parse_trace(lines: Iterable[str], zone: tzinfo) -> Trace:
    """As :func:`read_trace`, from the file's lines."""
    reader = csv.DictReader(lines, strict=True)
    missing = [name for name in REQUIRED if name not in (reader.fieldnames or ())]
    if missing:
        raise _Bad(f"the header lacks {', '.join(missing)}")
    rows: list[Row] = []
    bad: list[BadRow] = []
    for record in reader:
        try:
            rows.append(_row(reader.line_num, record, zone))
        except _Bad as error:
            bad.append(BadRow(line=reader.line_num, reason=str(error)))
    rows.sort(key=lambda row: row.arrived_at)
    return Trace(rows=tuple(rows), bad=tuple(bad))


def between(rows: Iterable[Row], first: date | None, last: date | None) -> Iterator[Row]:
    """Return the rows whose local date (as written in the file) lies between these, both included."""
    for row in rows:
        day = row.arrived_at.date()
        if (first is None or day >= first) and (last is None or day <= last):
            yield row


def by_branch(rows: Iterable[Row], default: Iterable[str]) -> dict[str, list[Row]]:
    """Return each branch's rows; a row that names no branch happens in every one of ``default``."""
    found: dict[str, list[Row]] = {}
    everywhere = tuple(default)
    for row in rows:
        for branch in (row.branch,) if row.branch else everywhere:
            found.setdefault(branch, []).append(replace(row, branch=branch))
    return found


def _row(line: int, record: Mapping[str | None, str | None], zone: tzinfo) -> Row:
    if None in record:
        raise _Bad("more fields than the header has")
    if None in record.values():
        raise _Bad("fewer fields than the header has")
    fields = {str(name): (value or "").strip() for name, value in record.items()}
    observed = _observed(fields.get("observed_outcome", ""))
    waited = fields.get("observed_wait_s", "")
    patience_s = _seconds("patience_s", fields["patience_s"]) if fields["patience_s"] else None
    if observed == "abandoned" and patience_s is None:
        patience_s = _seconds("observed_wait_s", waited)
    return Row(
        line=line,
        arrived_at=_time(fields["arrived_at"], zone),
        business=_business(fields["business"]),
        priority=_priority(fields["priority"]),
        customer=fields["customer"],
        service_s=_seconds("service_s", fields["service_s"]),
        patience_s=patience_s,
        branch=_branch(fields.get("branch", "")),
        observed=observed,
        observed_wait_s=_seconds("observed_wait_s", waited) if waited else None,
        observed_server=fields.get("observed_server", ""),
    )


def _time(text: str, zone: tzinfo) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise _Bad(f"arrived_at: {text!r} is not an ISO 8601 time") from None
    return time if time.tzinfo else time.replace(tzinfo=zone)


def _business(text: str) -> str:
    if not NAME.fullmatch(text):
        raise _Bad(f"business: {text!r} is not a name of 1 to 64 letters, digits and . : + / - _")
    return text


def _priority(text: str) -> int:
    if text not in ("0", "1", "2"):
        raise _Bad(f"priority: {text!r} is not 0, 1 or 2")
    return int(text)


def _seconds(name: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise _Bad(f"{name}: {text!r} is not a number of seconds") from None
    if not math.isfinite(seconds) or not 0 <= seconds <= LONGEST_S:
        raise _Bad(f"{name}: {text} is not between 0 and {LONGEST_S:.0f}")
    return seconds


def _branch(text: str) -> str | None:
    if text and not re.fullmatch(BRANCH_PATTERN, text):
        raise _Bad(f"branch: {text!r} is not 1 to 32 lower-case letters, digits and hyphens")
    return text or None


def _observed(text: str) -> Observed | None:
    if text not in ("", "served", "abandoned"):
        raise _Bad(f"observed_outcome: {text!r} is neither served nor abandoned")
    return text or None  # type: ignore[return-value]  # narrowed by the line above
