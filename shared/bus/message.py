"""A message as the broker delivers it, without the client library's classes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from shared.contracts.base import TERMINAL_SOURCE_PATTERN
from shared.contracts.envelope import STRUCTURED, Event, Undecodable
from shared.contracts.registry import decode
from shared.settings import SERVICES

_PRODUCER = re.compile(rf"/services/(?:{'|'.join(SERVICES)})|{TERMINAL_SOURCE_PATTERN.strip('^$')}")
CONTROL_TYPE = "application/vnd.lobby.control+json"


@dataclass(frozen=True, kw_only=True)
class Message:
    """What arrived in a queue. Headers are never trusted: they are looked up by name, with a type check.

    ``exchange`` is the broker's word, which nobody outside can set: where the message was published.
    """

    queue: str
    body: bytes
    content_type: str | None = STRUCTURED
    headers: Mapping[str, Any] = field(default_factory=dict)
    redelivered: bool = False
    exchange: str = ""

    def header(self, name: str) -> str | None:
        """Return a header if it is text."""
        value = self.headers.get(name)
        return value if isinstance(value, str) else None

    @property
    def fingerprint(self) -> str:
        """What identifies a message whose event's id can't be read."""
        return sha256(self.queue.encode() + b"\0" + self.body).hexdigest()

    def event(self) -> Event:
        """Read the event of a service, or of a terminal by the gateway; raise :class:`Undecodable`."""
        if (self.content_type or "").partition(";")[0].strip().lower() != STRUCTURED:
            raise Undecodable("malformed", f"content type {self.content_type!r} is not {STRUCTURED}")
        event = decode(self.body)
        if not _PRODUCER.fullmatch(event.source):
            raise Undecodable("unknown_producer", f"{event.source!r} is no service and no terminal", "source")
        return event
