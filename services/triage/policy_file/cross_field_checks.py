"""What no single field shows: parts of a policy that do not fit together."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from services.triage.policy import Policy
from shared.contracts.base import Name
from shared.contracts.events.triage import Channel
from shared.policy_files.messages import hint, shown
from shared.policy_files.source_nodes import Path
from shared.policy_files.validation import Finding

_NAME: TypeAdapter[str] = TypeAdapter(Name)
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24):([0-5]\d)")


def cross_field_checks(policy: Policy) -> Iterator[Finding]:
    """Find what does not fit together, with the path of the field to mend."""
    yield from _senseless(policy, ())
    yield from _offer(policy)
    yield from _numbers(policy)
    for day, spans in policy.opening_hours.items():
        yield from _hours(("opening_hours", day), spans)
    for date_, spans in policy.special_days.items():
        if not _is_date(date_):
            yield ("special_days", date_), f"{date_!r} is not a date such as 2026-10-01"
        yield from _hours(("special_days", date_), spans)


def _senseless(value: Any, path: Path) -> Iterator[Finding]:
    if is_dataclass(value):
        for field in fields(value):
            yield from _senseless(getattr(value, field.name), (*path, field.name))
    elif isinstance(value, Mapping):
        for name, below in value.items():
            yield from _senseless(below, (*path, name))
    elif isinstance(value, int | float) and value < 0:  # an amount, a time, a count or a priority
        yield path, f"{shown(value)} is too small; the least is 0"
    elif isinstance(value, str) and not value.strip():
        yield path, "a text is needed"
    elif isinstance(value, str) and not value.isprintable():
        yield path, f"{shown(value)} has characters that cannot be printed"


def _offer(policy: Policy) -> Iterator[Finding]:
    if not policy.businesses:
        yield ("businesses",), "a branch offers something; here is nothing"
    for kind, codes in (("businesses", policy.businesses), ("forms", policy.forms)):
        for code in codes:
            if not _is_name(code):
                yield (kind, code), "a code has 1 to 64 letters, digits or _ . : + / -"
    for code, business in policy.businesses.items():
        path: Path = ("businesses", code)
        for number, form in enumerate(business.forms):
            if form not in policy.forms:
                yield (*path, "forms", number), f"{form!r} is not among the forms{hint(form, policy.forms)}"
        if business.diversion == "never" and business.devices:
            yield (*path, "devices"), "no device is used with `diversion: never`; say always or small"
        if business.diversion != "never" and not business.devices:
            yield (*path, "devices"), f"`diversion: {business.diversion}` needs the kinds of device that can do it"


def _numbers(policy: Policy) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for channel, series in policy.series.items():
        other = first.setdefault(series.prefix, channel)
        if other != channel:
            yield ("series", channel, "prefix"), f"{series.prefix!r} is the prefix of {other} already"
    for channel in get_args(Channel):
        if channel not in policy.series:
            yield ("series",), f"{channel} has no number series"


def _hours(path: Path, spans: tuple[str, ...]) -> Iterator[Finding]:
    before = ""
    for number, span in enumerate(spans):
        opens, _, closes = span.partition("-")
        if not _SPAN.fullmatch(span) or closes > "24:00":
            yield (*path, number), f"{span!r} is not a span of hours such as 09:00-17:00"
        elif opens >= closes:
            yield (*path, number), f"{span!r} ends before it begins"
        elif opens < before:
            yield (*path, number), f"{span!r} begins before the span ahead of it ends"
        before = closes


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_name(code: str) -> bool:
    try:
        _NAME.validate_python(code)
    except ValidationError:
        return False
    return True
