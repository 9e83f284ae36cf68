"""Blocks of numbers that a terminal gives out by itself, and what it says of them later (T4)."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from shared.contracts.events.triage import Channel

PRINTED_NUMBER = re.compile(r"([A-Z]{1,4})([0-9]{1,6})")
"""A number as it is printed: the series' prefix, and which of the series it is."""

PaperReportKind = Literal["printed", "print_failed", "left"]
PAPER_REPORTS: tuple[PaperReportKind, ...] = ("printed", "print_failed", "left")
"""What a terminal says of a paper, in the order in which it is believed, whatever the order in which it comes."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """Numbers that only one terminal gives out, on one day."""

    block_id: str
    terminal_id: str
    channel: Channel
    prefix: str
    first: int
    last: int
    width: int
    business_date: date

    def number(self, drawn: int) -> str:
        """Return one of its numbers as it is printed."""
        return f"{self.prefix}{drawn:0{self.width}d}"

    def has(self, number: str) -> bool:
        """Whether a printed number is one of its own."""
        match = PRINTED_NUMBER.fullmatch(number)
        return match is not None and self.first <= int(match[2]) <= self.last and self.number(int(match[2])) == number


@dataclass(frozen=True, kw_only=True)
class PaperReport:
    """What a terminal said of a number that it gave out by itself."""

    number: str
    business_date: date
    kind: PaperReportKind
    at: datetime

    def happened(self, asked: datetime, now: datetime) -> datetime:
        """Return when it happened: not before the number was asked for, and not after now."""
        return max(asked, min(self.at, now))
