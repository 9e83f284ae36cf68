"""The ``data`` of events: the base of its classes, and their way to JSON and back.

An event's class is a frozen dataclass of the standard library, so the domain builds it and knows no framework.
pydantic reads the same class here, at the edge: what its annotations demand is checked before it is stored and when
it is read.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from pydantic import ConfigDict, TypeAdapter


@dataclass(frozen=True, kw_only=True)
class EventData:
    """The ``data`` of an event, or a part of it.

    Unknown fields are ignored, so that an older reader takes a newer event. What is built is checked as what is read.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="ignore", revalidate_instances="always")


Data = TypeVar("Data", bound=EventData)

_adapters: dict[type, TypeAdapter[Any]] = {}


def adapter_of(model: type) -> TypeAdapter[Any]:
    """Return what reads and writes a class; it is built when it is first asked for."""
    adapter = _adapters.get(model)
    if adapter is None:
        adapter = _adapters[model] = TypeAdapter(model)
    return adapter


def validated(model: type[Data], data: Any) -> Data:
    """Build an event's data from a JSON object, or check one that is built; raise pydantic's ValidationError."""
    data_: Data = adapter_of(model).validate_python(data)
    return data_


def as_json(data: EventData, *, nulls: bool = False) -> dict[str, Any]:
    """Return the data as a JSON object; fields that are null are in it only where ``nulls`` says so."""
    object_: dict[str, Any] = adapter_of(type(data)).dump_python(data, mode="json", exclude_none=not nulls)
    return object_


def as_json_bytes(data: EventData) -> bytes:
    """Return the data as the text of a JSON object, without the fields that are null."""
    return adapter_of(type(data)).dump_json(data, exclude_none=True)
