"""The reference of docs/policy.md: every field with its meaning, unit and default, written by the code."""

from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import orjson

from services.triage.policy_file.kinds import bare, entry_of, fields_of, item_of
from services.triage.policy_file.meaning import RECORDS, meanings

_TITLES = {
    "Policy": "The policy",
    "Business": "A business: an entry of `businesses`",
    "Paper": "A document or form: an entry of `forms`",
    "Series": "A number series: an entry of `series`",
}
_UNITS = (("_s", "seconds"), ("_minor", "minor units (分)"), ("_age", "years"))
_PLAIN = {int: "whole number", float: "number", bool: "true or false", str: "text"}
_LONGEST = 60


def reference() -> str:
    """Return the reference as Markdown."""
    return "\n".join(line for record in RECORDS for line in _table(record))


def _table(record: type) -> Iterator[str]:
    yield f"### {_TITLES[record.__name__]}"
    yield ""
    yield "| field | meaning | what to write | default |"
    yield "| --- | --- | --- | --- |"
    kinds = fields_of(record) or {}
    for field in fields(record):
        meaning = meanings(record).get(field.name, "").replace("``", "`").replace("|", "\\|")
        yield f"| `{field.name}` | {meaning} | {_kind(field, kinds[field.name])} | {_default(field)} |"
    yield ""


def _kind(field: Field[Any], kind: Any) -> str:
    unit = next((unit for end, unit in _UNITS if field.name.endswith(end)), None)
    limits = _limits(field)
    return ", ".join(part for part in (_words(kind), unit, limits) if part)


def _words(kind: Any) -> str:
    if NoneType in get_args(kind):
        return f"{_words(bare(kind))}, or null"
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(f"`{word}`" for word in get_args(kind))
    if (item := item_of(kind)) is not None:
        return f"list: {_words(item)}"
    if (entry := entry_of(kind)) is not None:
        return f"mapping of names to: {_words(entry)}"
    if (below := fields_of(kind)) is not None:
        return "`{" + ", ".join(below) + "}`"
    return _PLAIN.get(kind, str(kind))


def _limits(field: Field[Any]) -> str:
    words = {"ge": "at least {}", "gt": "more than {}", "le": "at most {}", "lt": "less than {}"}
    return ", ".join(words[name].format(value) for name, value in field.metadata.items() if name in words)


def _default(field: Field[Any]) -> str:
    if field.default is not MISSING:
        value = field.default
    elif field.default_factory is not MISSING:
        value = field.default_factory()
    else:
        return "is needed"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = orjson.dumps(value, default=_plain).decode()
    return f"`{text}`" if len(text) <= _LONGEST and value not in ({}, ()) else "see `default.yaml`"


def _plain(value: Any) -> Any:
    return dict(value)
