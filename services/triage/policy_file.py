"""Triage's policy as a file: what may stand in it, and how it is called in messages (T2, T3, T6, T8, T11)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from importlib.resources import files
from types import MappingProxyType
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from services.triage.policy import Business, Paper, Policy, Series
from services.triage.policy.rules import DeviceKind, Diversion, Weekday
from shared import policy_files
from shared.contracts.base import Name
from shared.contracts.events.triage import Channel
from shared.contracts.events.types import CardTier
from shared.policy_files import Change, Document, InvalidPolicy, PolicyFormat, Problem, changes, digest_of, to_yaml
from shared.policy_files.problems import Path, hint, shown
from shared.policy_files.validation import Finding

__all__ = [
    "FORMAT", "TITLES", "Change", "Document", "Effective", "InvalidPolicy", "PolicySet", "Problem", "changes",
    "cross_field_checks", "default", "digest_of", "document_of", "load_policy_set", "policy_of", "read_policy_set",
    "to_yaml",
]  # fmt: skip


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


PolicySet = policy_files.PolicySet[Policy]
Effective = policy_files.Effective[Policy]

FORMAT = PolicyFormat(
    record=Policy,
    packaged=files("services.triage.policy") / "default.yaml",
    cross_field_checks=cross_field_checks,
    value_names={
        frozenset(get_args(Channel)): "a channel",
        frozenset(get_args(CardTier)): "a card tier",
        frozenset(get_args(DeviceKind)): "a kind of device",
        frozenset(get_args(Diversion)): "a kind of diversion",
        frozenset(get_args(Weekday)): "a weekday",
    },
)
TITLES = MappingProxyType(
    {
        Policy: "The policy",
        Business: "A business: an entry of `businesses`",
        Paper: "A document or form: an entry of `forms`",
        Series: "A number series: an entry of `series`",
    }
)
"""The records that are documented field by field."""

load_policy_set = FORMAT.load
read_policy_set = FORMAT.read
document_of = FORMAT.document_of
policy_of = FORMAT.policy_of


def default() -> PolicySet:
    """Return the packaged default."""
    return FORMAT.default
