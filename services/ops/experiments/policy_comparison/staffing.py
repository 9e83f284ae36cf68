"""Who works when: which counters are open from which time of the day on, for which channels (T10)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from types import MappingProxyType

from services.triage.policy.business import DeviceKind
from shared.contracts.events.triage import Channel

WINDOWS: tuple[Channel, ...] = ("counter", "green", "vip", "corporate", "loan_desk", "wealth_desk", "corporate_desk")
"""What a counter serves where no file says otherwise: everything that a person does."""
SELF_SERVICE: tuple[Channel, ...] = ("self_service", "phone_bank", "online")
DEVICES: Mapping[str, DeviceKind] = MappingProxyType({"atm-1": "atm", "crs-1": "crs", "kiosk-1": "kiosk"})

Open = Mapping[str, tuple[Channel, ...]]
"""The open counters, each with its channels."""
Shifts = Mapping[time, Open]


def windows(number: int) -> Open:
    """Return so many counters that serve everybody."""
    return {str(n): WINDOWS for n in range(1, number + 1)}


@dataclass(frozen=True, kw_only=True)
class Staffing:
    """``shifts``: from each time of the day on, these counters are open and no others; ``on`` a date, other shifts.

    ``devices``, by id with their kinds, work day and night.
    """

    shifts: Shifts
    on: Mapping[date, Shifts] = field(default_factory=dict)
    devices: Mapping[str, DeviceKind] = field(default_factory=lambda: dict(DEVICES))

    @classmethod
    def always(cls, counters: int) -> "Staffing":
        """So many counters, open all day, that serve everybody."""
        return cls(shifts={time(0): windows(counters)})

    @property
    def counters(self) -> tuple[str, ...]:
        """Return every counter that is ever open."""
        days = (self.shifts, *self.on.values())
        return tuple(dict.fromkeys(counter for shifts in days for shift in shifts.values() for counter in shift))

    def changes(self, first: date, last: date, zone: tzinfo) -> Iterator[tuple[datetime, Open]]:
        """Return what is open from when on, in the branch's time zone, for these days, both included."""
        day = first
        while day <= last:
            for begins, shift in sorted(self.on.get(day, self.shifts).items()):
                yield datetime.combine(day, begins, zone), shift
            day += timedelta(days=1)
