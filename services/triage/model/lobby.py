"""What serves: counters, and the devices that customers serve themselves with (T10)."""

from dataclasses import dataclass, replace
from typing import Literal

from services.triage.model.events import CounterClosed, CounterEvent, CounterOpened, DeviceChanged
from services.triage.model.ticket import line_of_counter, line_of_person
from services.triage.model.words import Channel


@dataclass(frozen=True, kw_only=True)
class Counter:
    """A numbered window with the channels that it serves, after ``version`` events."""

    counter: str
    channels: tuple[Channel, ...] = ()
    teller_ref: str | None = None
    is_open: bool = False
    version: int = 0

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines that it calls from: its channels', its own, and that of the person who works there."""
        own = (line_of_counter(self.counter), line_of_person(self.teller_ref))
        return (*self.channels, *(line for line in own if line is not None))

    def open(self, channels: tuple[Channel, ...], teller_ref: str | None) -> list[CounterEvent]:
        """Open it, or change what it serves; nothing happens where it is so already."""
        channels = tuple(dict.fromkeys(channels))
        teller_ref = teller_ref or (self.teller_ref if self.is_open else None)
        if self.is_open and channels == self.channels and teller_ref == self.teller_ref:
            return []
        return [CounterOpened(counter=self.counter, channels=channels, teller_ref=teller_ref)]

    def close(self) -> list[CounterEvent]:
        """Close it; nothing happens where it is closed already."""
        return [CounterClosed(counter=self.counter)] if self.is_open else []

    def apply(self, event: CounterEvent) -> "Counter":
        """Return the counter after an event."""
        after = replace(self, version=self.version + 1)
        if isinstance(event, CounterClosed):
            return replace(after, is_open=False, teller_ref=None)
        return replace(after, is_open=True, channels=event.channels, teller_ref=event.teller_ref)


@dataclass(frozen=True, kw_only=True)
class Device:
    """A self-service device as it was last reported, after ``version`` events."""

    device_id: str
    kind: str
    status: Literal["up", "down"] | None = None
    detail: str | None = None
    version: int = 0

    def report(self, kind: str, status: Literal["up", "down"], detail: str | None) -> list[DeviceChanged]:
        """Take a report; only a change is something that happens."""
        if (kind, status, detail) == (self.kind, self.status, self.detail):
            return []
        return [DeviceChanged(device_id=self.device_id, kind=kind, status=status, detail=detail)]

    def apply(self, event: DeviceChanged) -> "Device":
        """Return the device after an event."""
        return replace(self, kind=event.kind, status=event.status, detail=event.detail, version=self.version + 1)
