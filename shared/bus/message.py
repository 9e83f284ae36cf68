"""A message as the broker delivers it, without the client library's classes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import orjson

from shared.contracts.envelope import STRUCTURED, Event, Undecodable
from shared.contracts.registry import decode

CONTROL_TYPE = "application/vnd.lobby.control+json"


@dataclass(frozen=True, kw_only=True)
class Message:
    """What arrived in a queue. Headers are never trusted: they are looked up by name, with a type check."""

    queue: str
    body: bytes
    content_type: str | None = STRUCTURED
    headers: Mapping[str, Any] = field(default_factory=dict)
    redelivered: bool = False

    def header(self, name: str) -> str | None:
        """Return a header if it is text."""
        value = self.headers.get(name)
        return value if isinstance(value, str) else None

    @property
    def fingerprint(self) -> str:
        """What identifies a message whose event's id can't be read."""
        return sha256(self.queue.encode() + b"\0" + self.body).hexdigest()

    def event(self) -> Event:
        """Read the event; raise :class:`Undecodable`."""
        if (self.content_type or "").partition(";")[0].strip().lower() != STRUCTURED:
            raise Undecodable("malformed", f"content type {self.content_type!r} is not {STRUCTURED}")
        return decode(self.body)


@dataclass(frozen=True, kw_only=True)
class Order:
    """What an operator wants to happen to a dead letter: retry or discard it."""

    action: str
    id: str
    message: Message | None = None


def order_of(message: Message) -> Order | None:
    """Read an operator's order; None where the message isn't one."""
    if message.content_type != CONTROL_TYPE:
        return None
    document = orjson.loads(message.body)
    original = document.get("message")
    return Order(
        action=str(document["action"]),
        id=str(document["id"]),
        message=None
        if original is None
        else Message(
            queue=message.queue, body=original["body"].encode("latin-1"), content_type=original["content_type"]
        ),
    )


def write_order(action: str, dead_letter: str, original: tuple[bytes, str | None] | None = None) -> bytes:
    """Write an order; ``original`` is the message itself, for letters that the broker parked."""
    document: dict[str, Any] = {"action": action, "id": dead_letter}
    if original is not None:
        document["message"] = {"body": original[0].decode("latin-1"), "content_type": original[1]}
    return orjson.dumps(document)
