"""The CloudEvents 1.0 envelope of every event (design: CloudEvents core specification 1.0.2)."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, InstanceOf, PrivateAttr, ValidationError, field_serializer

from shared.contracts.base import NO_NUL, BranchId, Id, Time
from shared.contracts.event_data import EventData, as_json, as_json_bytes

STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
MAX_EVENT_BYTES = 262_144
_DATA = {"data"}


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
