"""A staffing file: who is open from when on, as a branch manager writes it; errors name line and field."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Any, get_args

from services.ops.experiments.policy_comparison.staffing import DEVICES, Open, Staffing
from services.triage.policy.business import DeviceKind
from services.triage.policy_file import FORMAT
from shared.contracts.events.triage import Channel
from shared.policy_files import InvalidPolicy, Problem, RecordFormat
from shared.policy_files.validation import Finding
from shared.policy_files.yaml_reader import parse

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
