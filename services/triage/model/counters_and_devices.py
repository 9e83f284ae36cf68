"""What serves: counters, devices, and the numbers that terminals hold to give out by themselves (T4, T10)."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from services.triage.model.records import replace
from services.triage.model.visit import line_of_counter, line_of_person
from shared.contracts.events.triage import Channel, CounterClosed, CounterEvent, CounterOpened, DeviceChanged


@dataclass(frozen=True, kw_only=True)
class Counter:
    """A numbered window with the channels that it serves, after ``version`` events.

    ``businesses`` are its skills: the only ones that it does; it does all of them where there are none.
    """

    counter: str
    channels: tuple[Channel, ...] = ()
    teller_ref: str | None = None
    businesses: tuple[str, ...] = ()
    is_open: bool = False
    opened_by: str | None = None
    version: int = 0

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines that it calls from: its channels', its own, and that of the person who works there."""
        own = (line_of_counter(self.counter), line_of_person(self.teller_ref))
        return (*self.channels, *(line for line in own if line is not None))

    @property
    def lanes(self) -> tuple[tuple[str, str | None], ...]:
        """Each line that it calls from with each business that it does there; None where it does all.

        Who was sent to this counter or its person is served whatever they want.
        """
        skills = self.businesses or (None,)
        of_channels = [(line, business) for line in self.channels for business in skills]
        return (*of_channels, *((line, None) for line in self.lines[len(self.channels) :]))

    def is_of(self, person: str) -> bool:
        """Whether the person opened it, or works there; who opened it before that was recorded, nobody knows."""
        return self.opened_by is None or person in (self.opened_by, self.teller_ref)

    def serves(self, line: str, business: str | None) -> bool:
        """Whether it may call somebody in this line who wants this; None: something that it does."""
        if line in self.channels:
            return not self.businesses or business is None or business in self.businesses
        return line in self.lines

    def open(
        self,
        channels: tuple[Channel, ...],
        teller_ref: str | None,
        businesses: tuple[str, ...] = (),
        by: str | None = None,
    ) -> list[CounterEvent]:
        """Open it, or change what it serves, which leaves it whose it is; nothing happens where it is so already."""
        channels, businesses = tuple(dict.fromkeys(channels)), tuple(dict.fromkeys(businesses))
        teller_ref = teller_ref or (self.teller_ref if self.is_open else None)
        if self.is_open and (channels, businesses, teller_ref) == (self.channels, self.businesses, self.teller_ref):
            return []
        by = self.opened_by if self.is_open and self.opened_by else by
        return [
            CounterOpened(counter=self.counter, channels=channels, teller_ref=teller_ref, businesses=businesses, by=by)
        ]

    def close(self) -> list[CounterEvent]:
        """Close it; nothing happens where it is closed already."""
        return [CounterClosed(counter=self.counter)] if self.is_open else []

    def apply(self, event: CounterEvent) -> "Counter":
        """Return the counter after an event."""
        after = replace(self, version=self.version + 1)
        if isinstance(event, CounterClosed):
            return replace(after, is_open=False, teller_ref=None, opened_by=None)
        after = replace(after, is_open=True, channels=event.channels, businesses=event.businesses)
        return replace(after, teller_ref=event.teller_ref, opened_by=event.by)


@dataclass(frozen=True, kw_only=True)
class Device:
    """A self-service device as its newest report says, which is of ``reported_at``, after ``version`` events."""

    device_id: str
    kind: str
    status: Literal["up", "down"] | None = None
    detail: str | None = None
    reported_at: datetime | None = None
    version: int = 0

    def knows_newer(self, at: datetime) -> bool:
        """Whether a report of this time is older than the newest one: then it says nothing any more."""
        return self.reported_at is not None and at < self.reported_at

    def heard(self, at: datetime) -> "Device":
        """Return the device as its newest report is of this time."""
        return replace(self, reported_at=at)

    def report(self, kind: str, status: Literal["up", "down"], detail: str | None, at: datetime) -> list[DeviceChanged]:
        """Take a report; only a change is something that happens."""
        if (kind, status, detail) == (self.kind, self.status, self.detail):
            return []
        return [DeviceChanged(device_id=self.device_id, kind=kind, status=status, detail=detail, reported_at=at)]

    def apply(self, event: DeviceChanged) -> "Device":
        """Return the device after an event."""
        return replace(self, kind=event.kind, status=event.status, detail=event.detail, version=self.version + 1)


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
