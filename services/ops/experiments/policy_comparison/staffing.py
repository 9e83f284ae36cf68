"""Who works when: which counters are open from which time of the day on, for which channels (T10)."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from math import ceil
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from services.ops.simulator.trace import Row
from services.triage.policy.rules import DeviceKind
from services.triage.policy_file import FORMAT
from shared.contracts.events.triage import Channel
from shared.policy_files import InvalidPolicy, Problem, RecordFormat
from shared.policy_files.validation import Finding
from shared.policy_files.yaml_reader import parse

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


SLOT = timedelta(minutes=30)
CALL_S = 10.0
"""It takes a moment to call even who finds a free counter: a shorter wait says nothing."""
Moment = tuple[datetime, int, int]
"""When something changes, by how much what is served, by how much who waits."""


def open_counters(rows: Iterable[Row]) -> Mapping[date, Mapping[time, int]]:
    """Return each observed day's numbers from each half-hour on; empty where nothing was observed.

    From the first service of a day to its last one at least one counter is open, and at other times none.
    """
    days: defaultdict[date, list[Moment]] = defaultdict(list)
    for row in rows:
        days[row.arrived_at.date()] += _moments(row)
    return {day: found for day, moments in sorted(days.items()) if (found := _of_day(moments))}


def _moments(row: Row) -> Iterator[Moment]:
    """What one customer changes; who did not wait does not show that all were busy."""
    if row.observed is None or row.observed_wait_s is None:
        return
    called = row.arrived_at + timedelta(seconds=row.observed_wait_s)
    if row.observed_wait_s > CALL_S:
        yield row.arrived_at + timedelta(seconds=CALL_S), 0, 1
        yield called, 0, -1
    if row.observed == "served":
        yield called, 1, 0
        yield called + timedelta(seconds=row.service_s), -1, 0


def _of_day(moments: list[Moment]) -> Mapping[time, int]:
    busy: defaultdict[datetime, float] = defaultdict(float)
    queued: defaultdict[datetime, float] = defaultdict(float)
    most: defaultdict[datetime, int] = defaultdict(int)
    served = waiting = 0
    for (at, service, wait), (until, _, _) in pairwise(sorted(moments)):
        served, waiting = served + service, waiting + wait
        for slot, seconds in _slots(at, until):
            most[slot] = max(most[slot], served)
            if waiting:
                busy[slot] += served * seconds
                queued[slot] += seconds
    return _shifts({slot: round(busy[slot] / queued[slot]) if queued[slot] else peak for slot, peak in most.items()})


def _slots(at: datetime, until: datetime) -> Iterator[tuple[datetime, float]]:
    """Split a stretch of time into the parts that lie in each half-hour."""
    while at < until:
        slot = at.replace(minute=at.minute // 30 * 30, second=0, microsecond=0)
        end = min(until, slot + SLOT)
        yield slot, (end - at).total_seconds()
        at = end


def _shifts(numbers: Mapping[datetime, int]) -> Mapping[time, int]:
    """Return the day's changes; what runs past midnight is left to the next day."""
    used = [slot for slot, number in numbers.items() if number]
    if not used:
        return {}
    first, last = min(used), max(used)
    found = {time(0): 0}
    slot = first
    while slot <= last and slot.date() == first.date():
        found[slot.time()] = max(1, numbers.get(slot, 0))
        slot += SLOT
    if slot.date() == first.date():
        found[slot.time()] = 0
    return found


WINDOW_S = 1800.0
HEADROOM = 1.1


def staffing_for(rows: Sequence[Row]) -> Staffing:
    """Return the counters of each half-hour that was observed; without observations, so many all day."""
    days = open_counters(rows)
    if not days:
        return Staffing.always(needed(rows))
    on = {day: {begins: windows(number) for begins, number in shifts.items()} for day, shifts in days.items()}
    return Staffing(shifts={}, on=on)


def needed(rows: Iterable[Row]) -> int:
    """Return how many counters the busiest half-hour needs, and a tenth more."""
    work: dict[int, float] = {}
    for row in rows:
        window = int(row.arrived_at.timestamp() // WINDOW_S)
        work[window] = work.get(window, 0.0) + row.service_s
    return max(1, ceil(HEADROOM * max(work.values(), default=0.0) / WINDOW_S))


Written = Mapping[str, Mapping[str, tuple[Channel, ...]]]
_RANGE = re.compile(r"([0-9]{1,3})-([0-9]{1,3})")
_NAME = re.compile(r"[\w.:+/-]{1,64}", re.ASCII)
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


@dataclass(frozen=True, kw_only=True)
class _File:
    """``shifts``: a time of the day, then counters (``1``, ``1-4`` or a name), then channels."""

    shifts: Written
    devices: Mapping[str, DeviceKind] | None = None


def read_staffing(file: Path) -> Staffing:
    """Read a file; raise :class:`InvalidPolicy` with everything that is wrong in it."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not UTF-8"
        raise InvalidPolicy([Problem(source=str(file), line=1, field="", message=why)]) from None
    return parse_staffing(text, file.name)


def parse_staffing(text: str, source: str) -> Staffing:
    """As :func:`read_staffing`, from the file's text."""
    written = _FORMAT.validated(parse(text, source))
    shifts = {time.fromisoformat(begins): _open(counters) for begins, counters in written.shifts.items()}
    devices = dict(DEVICES if written.devices is None else written.devices)
    return Staffing(shifts=shifts, devices=devices)


def _open(counters: Mapping[str, tuple[Channel, ...]]) -> Open:
    return {name: channels for names, channels in counters.items() for name in _names(names)}


def _names(text: str) -> list[str]:
    """Return the counters that ``3`` or ``1-4`` means."""
    match = _RANGE.fullmatch(text)
    return [text] if match is None else [str(n) for n in range(int(match[1]), int(match[2]) + 1)]


def _cross_field_checks(written: _File) -> Iterator[Finding]:
    if not any(written.shifts.values()):
        yield ("shifts",), "no counter is ever open"
    for begins, counters in written.shifts.items():
        path = ("shifts", begins)
        if not _TIME.fullmatch(begins):
            yield path, f'{begins!r} is not a time such as "09:00"'
        yield from _counters(path, counters, written.devices or DEVICES)


def _counters(path: tuple[str, str], counters: Mapping[str, Any], devices: Mapping[str, str]) -> Iterator[Finding]:
    seen: set[str] = set()
    for names, channels in counters.items():
        for name in _names(names):
            if not _NAME.fullmatch(name):
                yield (*path, names), "a counter's name has 1 to 64 letters, digits or _ . : + / -"
            if name in seen or name in devices:
                yield (*path, names), f"{name} is there twice"
            seen.add(name)
        if not channels:
            yield (*path, names), f"serves nobody; possible: {', '.join(get_args(Channel))}"
        if not _names(names):
            yield (*path, names), "ends before it begins"


_FORMAT = RecordFormat(record=_File, cross_field_checks=_cross_field_checks, value_names=FORMAT.value_names)
