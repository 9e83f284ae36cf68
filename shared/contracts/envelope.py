"""The envelope of every event (CloudEvents 1.0.2), and the ``data`` in it with its way to JSON and back.

An event's class is a frozen dataclass of the standard library, so the domain builds it and knows no framework.
pydantic reads the same class here, at the edge: what its annotations demand is checked before it is stored and when
it is read.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, ClassVar, Literal, TypeVar

import orjson
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    InstanceOf,
    PrivateAttr,
    TypeAdapter,
    ValidationError,
    field_serializer,
)

from shared.contracts.base import NO_NUL, BranchId, Id, Time


@dataclass(frozen=True, kw_only=True)
class EventData:
    """The ``data`` of an event, or a part of it.

    Unknown fields are ignored, so that an older reader takes a newer event. What is built is checked as what is read.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="ignore", revalidate_instances="always")

    @classmethod
    def completed(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Return the JSON object with what follows from other fields, before it is validated."""
        return data


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


def validated_strictly(model: type[Data], data: Any) -> Data:
    """As :func:`validated`, of what somebody outside said: a number is no date, and neither a boolean nor a text."""
    data_: Data = adapter_of(model).validate_json(orjson.dumps(data), strict=True)
    return data_


def as_json(data: EventData, *, nulls: bool = False) -> dict[str, Any]:
    """Return the data as a JSON object; fields that are null are in it only where ``nulls`` says so."""
    object_: dict[str, Any] = adapter_of(type(data)).dump_python(data, mode="json", exclude_none=not nulls)
    return object_


def as_json_bytes(data: EventData) -> bytes:
    """Return the data as the text of a JSON object, without the fields that are null."""
    return adapter_of(type(data)).dump_json(data, exclude_none=True)


STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
MAX_EVENT_BYTES = 262_144
_DATA = {"data"}


MAX_KEY = 128
_TERMINALS = "/terminals/"


def key_of(source: str, id_: str) -> str:
    """Return the key of an event; where source and id together are too long for one, a digest stands for the id."""
    if not source.startswith(_TERMINALS):
        return id_
    key = f"{source[1:]}/{id_}"
    return key if len(key) <= MAX_KEY else f"{source[1:]}/{sha256(id_.encode()).hexdigest()[:32]}"


class Event(BaseModel):
    """One thing that happened, as it is stored, published and read back.

    ``subject`` is what it happened to, ``correlationid`` the visit or incident that it belongs to,
    ``causationid`` the event or command that caused it, ``sequence`` counts the subject's events
    from 1 without a gap, ``recordedtime`` is when we stored it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"] = "1.0"
    id: Id
    source: str = Field(min_length=1, max_length=256)
    type: str = Field(pattern=r"^lobby\.[a-z]+\.[a-z_]+\.v[1-9][0-9]*$")
    subject: Id
    time: Time
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str | None = None
    branchid: BranchId
    correlationid: Id
    causationid: str | None = None
    sequence: int = Field(ge=1)
    recordedtime: Time
    traceparent: str | None = None
    data: InstanceOf[EventData]
    _raw: bytes | None = PrivateAttr(default=None)

    @property
    def key(self) -> str:
        """What tells the event from every other: its id, and of a terminal's event also whose it is.

        An id from outside is data: alone it could be spelled like one of ours, and be taken for it.
        """
        return key_of(self.source, self.id)

    def attributes(self) -> dict[str, Any]:
        """Return the event as the JSON object of the structured mode (``sequence`` is text there)."""
        return self.model_dump(mode="json", exclude_none=True)

    def to_json(self) -> bytes:
        """Return the event in the structured mode's bytes: those it came in, where it came from a message.

        So what is passed on or kept is what the producer wrote, fields that are unknown here included.
        """
        return self._raw or self._written()

    def _written(self) -> bytes:
        attributes = self.model_dump_json(exclude_none=True, exclude=_DATA).encode()
        return b'%b,"data":%b}' % (attributes[:-1], as_json_bytes(self.data))  # data is read by its own class

    @field_serializer("sequence")
    def _sequence_text(self, sequence: int) -> str:
        return str(sequence)

    @field_serializer("data")
    def _data_object(self, data: EventData) -> dict[str, Any]:
        return as_json(data)


def with_raw(event: Event, raw: bytes) -> Event:
    """Remember the bytes that the event was read from."""
    event._raw = raw
    return event


class Undecodable(ValueError):
    """A message is not an event that we know; ``reason`` is for the dead letter, ``field`` what to mend."""

    def __init__(self, code: str, reason: str, field: str | None = None) -> None:
        """``code`` is one of malformed, unknown_type, unknown_version, invalid_data, too_large."""
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.field = field


def with_nul(field: str) -> Undecodable:
    """Return the error of a NUL in this field; an empty one stands for the whole."""
    return Undecodable("malformed", f"{field}: {NO_NUL}".removeprefix(": "), field or None)


def first_error(error: ValidationError, prefix: str = "") -> tuple[str, str]:
    """Return the field and the sentence of a validation error's first complaint."""
    complaint = error.errors(include_url=False, include_input=False)[0]
    field = ".".join([prefix, *map(str, complaint["loc"])]).strip(".")
    return field, f"{field}: {complaint['msg']}"
