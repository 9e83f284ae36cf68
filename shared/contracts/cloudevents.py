"""CloudEvents as terminals send them, read with the official SDK's bindings.

AMQP: structured mode and binary mode (``ce-`` headers). HTTP: the same two, and the batched mode.
Functions here turn a message into plain JSON documents, and a document into a
:class:`TerminalEvent`; both raise :class:`~shared.contracts.envelope.Undecodable`, which names the field.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

import orjson
from cloudevents.core.bindings import http, rabbitmq
from cloudevents.core.exceptions import BaseCloudEventException, CloudEventValidationError
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from pydantic import BaseModel, ConfigDict, Field, InstanceOf, ValidationError

from shared.contracts import registry
from shared.contracts.base import TERMINAL_SOURCE_PATTERN, BranchId, GivenTime, Id, field_with_nul
from shared.contracts.envelope import (
    BATCHED,
    MAX_EVENT_BYTES,
    STRUCTURED,
    EventData,
    Undecodable,
    first_error,
    validated_strictly,
    with_nul,
)

MAX_BATCH: Final = 1000
"""How many events one HTTP request may carry."""

_FORMAT: Final = JSONFormat()
_PREFIX: Final = "ce-"
_UNSAID: Final = frozenset({"", "application/octet-stream", "application/data"})
"""What AMQP clients put where their caller gave no content type (kombu: the last); data is JSON then."""

_SDK_ERRORS: Final = (BaseCloudEventException, ValueError, TypeError, AttributeError, KeyError, RecursionError)

Document = dict[str, Any]
"""A CloudEvent as the JSON object of the structured mode."""


class TerminalEvent(BaseModel):
    """What a terminal says. It knows nothing of sequences, partitions or correlation: the ingest adds them."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"]
    id: Id
    source: str = Field(pattern=TERMINAL_SOURCE_PATTERN)
    type: str = Field(pattern=r"^lobby\.terminal\.")
    subject: Id | None = None
    time: GivenTime | None = Field(default=None, description="When it happened; absent: when it arrives.")
    datacontenttype: str = Field(default="application/json", pattern=r"^application/json\s*(;.*)?$")
    branchid: BranchId
    traceparent: str | None = Field(default=None, max_length=200)
    data: InstanceOf[EventData]


def from_amqp(headers: Mapping[str, Any], content_type: str | None, body: bytes) -> Document:
    """Read the event of an AMQP message, whatever its mode; headers that are not ``ce-`` are not looked at."""
    if _media_type(content_type) == BATCHED:
        raise Undecodable("malformed", "content-type: the batched mode is for HTTP; a message is one event")
    attributes = {name: _text(name, value) for name, value in headers.items() if _is_attribute(name)}
    _check(body, binary=_media_type(content_type) != STRUCTURED)
    said = None if _media_type(content_type) in _UNSAID else content_type
    message = rabbitmq.RabbitMQMessage(attributes, said, body)
    try:
        return _document(rabbitmq.from_rabbitmq(message, _FORMAT, _event))
    except _SDK_ERRORS as error:
        raise _undecodable(error, attributes.get("ce-time"), body) from error


def from_http(headers: Mapping[str, str], body: bytes) -> list[Document]:
    """Read the events of an HTTP request: one, or those of a batch."""
    attributes = {name.lower(): _text(name, value) for name, value in headers.items() if _is_attribute(name)}
    content_type = next((value for name, value in headers.items() if name.lower() == "content-type"), None)
    if _media_type(content_type) == BATCHED:
        return _batch(body)
    structured = _media_type(content_type) == STRUCTURED  # its headers may repeat attributes
    _check(body, binary=bool(attributes) and not structured)
    if content_type is not None:
        attributes["content-type"] = content_type
    message = http.HTTPMessage(attributes, body)
    try:
        event = (http.from_structured if structured else http.from_http)(message, _FORMAT, _event)
        return [_document(event)]
    except _SDK_ERRORS as error:
        raise _undecodable(error, attributes.get("ce-time"), body) from error


def terminal_event(document: Document) -> TerminalEvent:
    """Validate a terminal's event, its data lifted to the newest version."""
    type_ = document.get("type")
    if isinstance(type_, str) and not type_.startswith("lobby.terminal."):
        raise Undecodable("unknown_type", f"type: a terminal says lobby.terminal.*, not {type_!r}", "type")
    if not isinstance(type_, str):
        raise Undecodable("malformed", "type: a string is needed", "type")
    type_, data = registry.parse_data(type_, document.get("data"), validated_strictly)
    try:
        return TerminalEvent.model_validate({**document, "type": type_, "data": data})
    except ValidationError as error:
        field, reason = first_error(error)
        raise Undecodable("malformed", reason, field) from error


def _batch(body: bytes) -> list[Document]:
    try:
        documents = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Undecodable("malformed", f"not JSON: {error}") from error
    if not isinstance(documents, list):
        raise Undecodable("malformed", "a batch is a JSON array of events")
    if len(documents) > MAX_BATCH:
        raise Undecodable("too_large", f"{len(documents)} events; a batch has at most {MAX_BATCH}")
    return [_member(index, document) for index, document in enumerate(documents)]


def _member(index: int, document: Any) -> Document:
    body = b""
    try:
        body = orjson.dumps(document)  # raises for nesting that its reader took
        _check(body)
        return _document(_FORMAT.read(_event, body))
    except _SDK_ERRORS as error:
        inner = _undecodable(error, None, body)
        field = f"{index}.{inner.field}" if inner.field else str(index)
        raise Undecodable(inner.code, f"event {index}: {inner.reason}", field) from error


def _event(attributes: dict[str, Any], data: Any) -> CloudEvent:
    """Make the SDK's event, but don't let it invent an id or a time: the same event must stay the same."""
    for needed in ("specversion", "id"):
        if needed not in attributes:
            raise Undecodable("malformed", f"{needed}: missing", needed)
    for name, value in attributes.items():
        if isinstance(value, str) and "\0" in value:  # HTTP's headers are percent-decoded only now
            raise with_nul(name)
    timed = "time" in attributes
    event = CloudEvent(attributes, data)
    if not timed:
        del event.get_attributes()["time"]
    return event


def _document(event: Any) -> Document:
    attributes: Document = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in event.get_attributes().items()
    }
    data = event.get_data()
    if isinstance(data, bytes | bytearray):
        raise Undecodable("invalid_data", "data: JSON is needed", "data")
    return {**attributes, "data": data}


def _undecodable(error: Exception, time: str | None, body: bytes) -> Undecodable:
    if isinstance(error, Undecodable):
        return error
    if isinstance(error, CloudEventValidationError):
        field, complaints = next(iter(error.errors.items()))
        return Undecodable("malformed", f"{field}: {complaints[0]}", field)
    if isinstance(error, RecursionError):
        return Undecodable("malformed", "the JSON is nested too deeply")
    if (reason := _wrong_time(time if time is not None else _time_of(body))) is not None:
        return Undecodable("malformed", f"time: {reason}", "time")
    return Undecodable("malformed", f"not a CloudEvent: {error}")


def _time_of(body: bytes) -> Any:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return document.get("time") if isinstance(document, dict) else None


def _wrong_time(time: Any) -> str | None:
    if time is None:
        return None
    try:
        datetime.fromisoformat(time)
    except (ValueError, TypeError, AttributeError) as error:
        return f"{time!r} is not an RFC 3339 time ({error})"
    return None


def _check(body: bytes, *, binary: bool = False) -> None:
    """Raise :class:`Undecodable` for a body that nothing takes in; in the binary mode it is the event's data alone."""
    if len(body) > MAX_EVENT_BYTES:
        raise Undecodable("too_large", f"{len(body)} bytes; the limit of an event is {MAX_EVENT_BYTES}")
    if (field := field_with_nul(body)) is not None:
        raise with_nul(f"data.{field}".rstrip(".") if binary else field)


def _is_attribute(name: Any) -> bool:
    return isinstance(name, str) and name.lower().startswith(_PREFIX)


def _text(name: str, value: Any) -> str:
    """Return a header's value as text; AMQP has types of its own, a hostile sender uses them all."""
    attribute = name.lower().removeprefix(_PREFIX)
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, int):
        return str(value)
    raise Undecodable("malformed", f"{attribute}: text is needed, not {type(value).__name__}", attribute)


def _media_type(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip().lower()
