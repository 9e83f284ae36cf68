"""What may stand in a policy file: as JSON Schema for editors, and as Markdown for people."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

import orjson
from pydantic import ConfigDict, TypeAdapter

from shared.contracts.base import BRANCH_PATTERN
from shared.policy_files.policy_set import BRANCHES

Json = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def definitions_of(record: type) -> dict[str, Json]:
    """Return the schema of a record and of all that it is made of, by name. A text below a field is its description."""
    config = ConfigDict(use_attribute_docstrings=True, extra="forbid")
    adapter: TypeAdapter[Any] = TypeAdapter(list[record], config=config)  # type: ignore[valid-type] # is data here
    described: dict[str, Json] = adapter.json_schema()["$defs"]
    return described


def schema(record: type) -> Json:
    """Return the schema of a file. It may say a part of each record: the rest is as the default says."""
    definitions = definitions_of(record)
    for definition in definitions.values():
        definition.pop("required", None)
        for field in definition["properties"].values():
            entries = field.get("additionalProperties")
            if isinstance(entries, dict):  # null takes an entry away
                field["additionalProperties"] = {"anyOf": [entries, {"type": "null"}]}
    branches = {
        "type": "object",
        "description": "What single branches do differently, by branch id.",
        "propertyNames": {"pattern": BRANCH_PATTERN},
        "additionalProperties": {"$ref": f"#/$defs/{record.__name__}"},
    }
    root: Json = {
        "$schema": DIALECT,
        "title": f"Lobby {record.__name__.lower()}",
        "type": "object",
        "additionalProperties": False,
    }
    root["properties"] = {**definitions[record.__name__]["properties"], BRANCHES: branches}
    return {**root, "$defs": definitions}


_UNITS = (("_s", "seconds"), ("_minor", "minor units (分)"), ("_age", "years"))
_PLAIN = {"integer": "whole number", "number": "number", "boolean": "true or false", "string": "text"}
_LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
}
_DEFAULT_LIMIT = 60
"""A longer default is not shown."""


def reference(record: type, titles: Mapping[type, str]) -> str:
    """Return the reference of those of a record's parts that have titles."""
    definitions = definitions_of(record)
    return "\n".join(line for part, title in titles.items() for line in _table(part, title, definitions))


def _table(record: type, title: str, definitions: Mapping[str, Json]) -> Iterator[str]:
    yield f"### {title}"
    yield ""
    yield "| field | meaning | what to write | default |"
    yield "| --- | --- | --- | --- |"
    described = definitions[record.__name__]["properties"]
    for field in fields(record):
        meaning = described[field.name].get("description", "").replace("``", "`").replace("|", "\\|")
        kind = _kind(field.name, described[field.name], definitions)
        yield f"| `{field.name}` | {' '.join(meaning.split())} | {kind} | {_default(field)} |"
    yield ""


def _kind(name: str, described: Json, definitions: Mapping[str, Json]) -> str:
    unit = next((unit for end, unit in _UNITS if name.endswith(end)), None)
    limited = described.get("anyOf", [described])[0]
    limits = [words.format(limited[limit]) for limit, words in _LIMITS.items() if limit in limited]
    return ", ".join(part for part in (_words(described, definitions), unit, *limits) if part)


def _words(described: Json, definitions: Mapping[str, Json]) -> str:
    match described:
        case {"anyOf": [one, {"type": "null"}]}:
            return f"{_words(one, definitions)}, or null"
        case {"enum": words}:
            return "one of " + ", ".join(f"`{word}`" for word in words)
        case {"type": "array", "items": item}:
            return f"list: {_words(item, definitions)}"
        case {"additionalProperties": dict(entry)}:
            return f"mapping of names to: {_words(entry, definitions)}"
        case {"$ref": path}:
            return "`{" + ", ".join(definitions[path.rpartition("/")[2]]["properties"]) + "}`"
        case _:
            return _PLAIN[described["type"]]


def _default(field: Field[Any]) -> str:
    if field.default is not MISSING:
        value = field.default
    elif field.default_factory is not MISSING:
        value = field.default_factory()
    else:
        return "is needed"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = orjson.dumps(value, default=dict).decode()
    return f"`{text}`" if len(text) <= _DEFAULT_LIMIT and value not in ({}, ()) else "see `default.yaml`"
