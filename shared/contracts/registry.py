"""Every event type by (name, version), with the upcasters that lift an old version to the newest.

A type never changes its meaning. A new field has a default; anything else is a new version and an
upcaster: a pure function from the old version's ``data`` to the next one's.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import orjson
from pydantic import ValidationError

from shared.contracts.base import field_with_nul
from shared.contracts.envelope import (
    MAX_EVENT_BYTES,
    Data,
    Event,
    EventData,
    Undecodable,
    first_error,
    validated,
    with_nul,
    with_raw,
)

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
Reader = Callable[[type[EventData], Any], EventData]

_TYPE = re.compile(r"^(?P<name>lobby\.[a-z]+\.[a-z_]+)\.v(?P<version>[1-9][0-9]*)$")

_models: dict[str, dict[int, type[EventData]]] = {}
_upcasters: dict[tuple[str, int], Upcaster] = {}
_types: dict[type[EventData], str] = {}


def event(type_: str) -> Callable[[type[Data]], type[Data]]:
    """Register the decorated dataclass as the data of events of this type."""
    name, version = split(type_)

    def register(model: type[Data]) -> type[Data]:
        if "__dataclass_fields__" not in vars(model):
            raise TypeError(f"{model.__name__} is no dataclass of its own: its fields would be lost")
        versions = _models.setdefault(name, {})
        if version in versions:
            raise ValueError(f"{type_} is registered twice")
        versions[version] = model
        _way.cache_clear()
        _types[model] = type_
        return model

    return register


def upcaster(type_: str) -> Callable[[Upcaster], Upcaster]:
    """Register the decorated function as the step from this version's data to the next version's."""

    def register(function: Upcaster) -> Upcaster:
        _upcasters[split(type_)] = function
        _way.cache_clear()
        return function

    return register


def split(type_: str) -> tuple[str, int]:
    """Split ``lobby.triage.ticket_called.v1`` into its name and version; raise :class:`Undecodable`."""
    match = _TYPE.fullmatch(type_)
    if match is None:
        raise Undecodable("unknown_type", f"type: {type_!r} is not lobby.<service>.<past_tense>.v<N>", "type")
    return match["name"], int(match["version"])


def type_of(model: type[EventData]) -> str:
    """Return the type that a model is registered for."""
    return _types[model]


def all_types() -> Mapping[str, type[EventData]]:
    """Return every registered type, old versions too, in the order of their names."""
    return dict(sorted((f"{n}.v{v}", m) for n, versions in _models.items() for v, m in versions.items()))


def newest(name: str) -> tuple[int, type[EventData]]:
    """Return the newest version of a name and its model; raise :class:`Undecodable`."""
    versions = _models.get(name)
    if versions is None:
        raise Undecodable("unknown_type", f"type: no event is called {name!r}", "type")
    version = max(versions)
    return version, versions[version]


def upcast(type_: str, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Lift a version's data to the newest version; return the newest type and its data."""
    newest_type, _, steps = _way(type_)
    for step in steps:
        data = step(data)
    return newest_type, data


def parse_data(type_: str, data: Any, read: Reader = validated) -> tuple[str, EventData]:
    """Validate an event's ``data``, of any known version; return the newest type and the model.

    ``read`` makes the model of the newest version's data: as strictly as who said it deserves.
    Raises :class:`Undecodable` with the code unknown_type, unknown_version or invalid_data.
    """
    if not isinstance(data, dict):
        split(type_)
        raise Undecodable("invalid_data", "data: a JSON object is needed", "data")
    type_, data = upcast(type_, data)
    model = _way(type_)[1]
    try:
        return type_, read(model, model.completed(data))
    except ValidationError as error:
        field, reason = first_error(error, "data")
        raise Undecodable("invalid_data", reason, field) from error


@cache
def _way(type_: str) -> tuple[str, type[EventData], tuple[Upcaster, ...]]:
    """Return the newest type of a known version, its model, and the steps there."""
    name, version = split(type_)
    last, model = newest(name)
    if version not in _models[name]:
        raise Undecodable("unknown_version", f"type: {name} has no version {version}; the newest is {last}", "type")
    return f"{name}.v{last}", model, tuple(_upcasters[name, step] for step in range(version, last))


def decode(body: bytes) -> Event:
    """Read an event from the structured mode's bytes, its data lifted to the newest version.

    Raises :class:`Undecodable`.
    """
    if len(body) > MAX_EVENT_BYTES:
        raise Undecodable("too_large", f"{len(body)} bytes; the limit of an event is {MAX_EVENT_BYTES}")
    if (field := field_with_nul(body)) is not None:
        raise with_nul(field)
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Undecodable("malformed", f"not JSON: {error}") from error
    if not isinstance(document, dict):
        raise Undecodable("malformed", "a JSON object is needed")
    return with_raw(from_document(document), body)


def from_document(document: dict[str, Any]) -> Event:
    """Build an event from the structured mode's JSON object; raise :class:`Undecodable`."""
    type_ = document.get("type")
    if not isinstance(type_, str):
        raise Undecodable("malformed", "type: a string is needed", "type")
    type_, data = parse_data(type_, document.get("data"))
    try:
        return Event.model_validate({**document, "type": type_, "data": data})
    except ValidationError as error:
        field, reason = first_error(error)
        raise Undecodable("malformed", reason, field) from error
