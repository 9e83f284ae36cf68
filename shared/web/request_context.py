"""One HTTP call, after everything about it was found good: what a service's method gets."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from hashlib import sha256
from typing import Any

from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from shared.commands import Command
from shared.contracts.http.operation import Operation
from shared.ids import new_id
from shared.web.tokens import ANONYMOUS, Principal


def _no_request() -> Request:
    return Request(EnvironBuilder().get_environ())


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call of an operation. ``body`` and ``query`` are instances of the operation's models, or ``None``.

    ``raw`` is the body's bytes as they came, ``key`` the Idempotency-Key, ``traceparent`` this hop's.
    """

    operation: Operation
    principal: Principal = ANONYMOUS
    params: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    query: Any = None
    raw: bytes = b""
    key: str | None = None
    traceparent: str | None = None
    request: Request = field(default_factory=_no_request, repr=False)

    @property
    def branch(self) -> str:
        """The path's branch; empty where only a look-up can tell it."""
        return self.params.get("b", "")

    @property
    def id(self) -> str:
        """The path's id of a ticket, a hand-off, an incident…."""
        return self.params["id"]

    @property
    def date(self) -> date:
        """The path's business date."""
        return date.fromisoformat(self.params["date"])

    @property
    def last_event_id(self) -> str | None:
        """The position that a stream goes on from: the header, else the query's ``after``."""
        header = self.request.headers.get("Last-Event-ID")
        if header:
            return header
        after = getattr(self.query, "after", None)
        return None if after is None else str(after)

    @cached_property
    def command(self) -> Command:
        """The call as the command that a use case carries out."""
        return Command(
            id=new_id(),
            operation=self.operation.name,
            branch=self.branch,
            actor=self.principal.subject,
            roles=self.principal.roles,
            key=self.key,
            fingerprint=self.fingerprint,
            traceparent=self.traceparent,
            status=self.operation.status,
        )

    def command_for(self, branch: str) -> Command:
        """Return the command for a branch that a look-up found; raise Forbidden if the token doesn't cover it."""
        self.principal.require_branch(branch)
        return replace(self.command, branch=branch)

    @property
    def fingerprint(self) -> str:
        """What must be the same when an Idempotency-Key is used again: method, path, subject, body."""
        head = "\n".join((self.operation.method, self.request.path, self.principal.subject, ""))
        return sha256(head.encode() + self.raw).hexdigest()
