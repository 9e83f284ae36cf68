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


MAX_MESSAGE_BYTES = 1_048_576
"""Four times the largest event: what is larger is nothing of ours, and is not kept whole."""
KEPT_BYTES = 65_536
"""How much of it is kept, for people to see what it was."""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """What a body was that is not kept whole: its size in bytes, and its SHA-256 in hex."""

    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Message:
    """What arrived in a queue. Headers are never trusted: they are looked up by name, with a type check.

    ``exchange`` is the broker's word, which nobody outside can set: where the message was published. Of a body that
    was too large there is the beginning, and what it was (``cut``).
    """

    queue: str
    body: bytes
    content_type: str | None = STRUCTURED
    headers: Mapping[str, Any] = field(default_factory=dict)
    redelivered: bool = False
    exchange: str = ""
    cut: Cut | None = None

    @classmethod
    def arrived(cls, *, body: bytes, **fields: Any) -> "Message":
        """Return a message as it arrived, cut if it is too large: eight of 20 MB took half a gigabyte."""
        if len(body) <= MAX_MESSAGE_BYTES:
            return cls(body=body, **fields)
        cut = Cut(size=len(body), sha256=sha256(body).hexdigest())
        return cls(body=body[:KEPT_BYTES], cut=cut, **fields)

    def require_whole(self) -> None:
        """Raise :class:`Undecodable` where the body was too large to be kept."""
        if self.cut is not None:
            limit = f"the limit is {MAX_MESSAGE_BYTES:,}"
            kept = f"kept are the first {KEPT_BYTES:,}; SHA-256 of all: {self.cut.sha256}"
            raise Undecodable("too_large", f"{self.cut.size:,} bytes; {limit}; {kept}")

    def header(self, name: str) -> str | None:
        """Return a header if it is text."""
        value = self.headers.get(name)
        return value if isinstance(value, str) else None

    @property
    def fingerprint(self) -> str:
        """What identifies a message whose event's id can't be read."""
        digest = sha256(self.queue.encode() + b"\0" + self.body)
        digest.update(self.cut.sha256.encode() if self.cut is not None else b"")
        return digest.hexdigest()

    def event(self) -> Event:
        """Read the event of a service, or of a terminal by the gateway; raise :class:`Undecodable`."""
        if (self.content_type or "").partition(";")[0].strip().lower() != STRUCTURED:
            raise Undecodable("malformed", f"content type {self.content_type!r} is not {STRUCTURED}")
        event = decode(self.body)
        if not _PRODUCER.fullmatch(event.source):
            raise Undecodable("unknown_producer", f"{event.source!r} is no service and no terminal", "source")
        return event
