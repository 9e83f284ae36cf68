"""A service of ours inside the test's process: its real class, on a storage that the test has opened.

A call goes through the same checks of path, query and body as one that comes over HTTP, and then to the
method that answers its operation. Left out are sockets, tokens and queues.
"""

import inspect
import threading
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from pydantic_core import to_json
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from shared.bus.batch_processor import BatchProcessor
from shared.bus.event_handlers import handler_of
from shared.bus.inbox import Inbox
from shared.bus.message import Message
from shared.contracts.envelope import Event
from shared.contracts.http.operation import Operation
from shared.contracts.registry import decode
from shared.ids import PARTITIONS
from shared.storage.log import after
from shared.web import request_validation
from shared.web.entrypoint import HttpEntrypoint
from shared.web.request_context import Call
from shared.web.tokens import Principal


class InProcess:
    """An instance of a service's nameko class, with what nameko would inject."""

    def __init__(self, service_class: type, *, storage: Any, **dependencies: object) -> None:
        """``dependencies`` are the service's others, by the names that its class gives them."""
        self.service = service_class()
        self.storage = storage
        given = {"storage": storage} if hasattr(service_class, "storage") else {}
        for name, dependency in {**given, **dependencies}.items():
            assert hasattr(service_class, name), f"{service_class.__name__} has no dependency {name}"
            setattr(self.service, name, dependency)
        self._methods = dict(_methods(service_class))

    def call(
        self, operation: Operation, body: Mapping[str, object] | bytes | None = None, *,
        query: Mapping[str, object] = {}, by: str = "supervisor-1", roles: Iterable[str] = (),
        branches: Iterable[str] = ("*",), **path: str,
    ) -> Any:  # fmt: skip
        """Make a call and return the method's answer; raise what the caller would read as a problem document.

        ``path`` fills the braces of the operation's path. ``by`` is the subject of the token; its roles are
        all that the operation is for, unless others are given.
        """
        raw = body if isinstance(body, bytes) else to_json(body) if body else b""
        url = f"{operation.url(**path)}?{urlencode(query, doseq=True)}"
        request = Request(EnvironBuilder(path=url, method=operation.method, data=raw).get_environ())
        principal = Principal(
            subject=by, roles=frozenset(roles) or frozenset(operation.roles), branches=frozenset(branches)
        )
        principal.require_role(operation.roles)
        request_validation.check_parameters(path)
        call = Call(
            operation=operation,
            principal=principal,
            params=path,
            query=request_validation.read_query(operation, request),
            body=request_validation.parse_body(operation, raw),
            raw=raw,
            request=request,
        )
        return getattr(self.service, self._methods[operation.name])(call)

    def receive(self, event: Event) -> None:
        """Let the service handle an event, in a transaction of its own; raise what its handler raises."""
        self._inbox().handle_again(event, also=lambda _tx: None)

    def take_batch(self, events: Iterable[Event]) -> None:
        """Let the service handle events as one batch of its queue; what can't be handled becomes a dead letter."""
        batch = [Message(queue="q", body=event.to_json()) for event in events]
        BatchProcessor(self._inbox()).process(batch)

    def log(self, subject: str | None = None) -> list[Event]:
        """Return what the service has told, oldest first; of one subject where it is named."""
        with self.storage.read() as connection:
            rows = after(connection, dict.fromkeys(range(PARTITIONS), 0), limit=100_000)
        events = [decode(row.body.encode()) for row in rows if row.own]
        return [event for event in events if subject in (None, event.subject)]

    def _inbox(self) -> Inbox:
        return Inbox(self.storage, handler_of(self.service), stop=threading.Event())


def _methods(service_class: type) -> list[tuple[str, str]]:
    """Return the methods that answer calls, by operation."""
    return [
        (entrypoint.operation.name, name)
        for name, method in inspect.getmembers(service_class, inspect.isfunction)
        for entrypoint in getattr(method, "nameko_entrypoints", ())
        if isinstance(entrypoint, HttpEntrypoint)
    ]
