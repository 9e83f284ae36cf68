"""A service of ours inside the test's process: its real class, on a storage that the test has opened.

A call goes through the same checks of path, query and body as one that comes over HTTP, and then to the
method that answers its operation. Left out are sockets, tokens and queues.
"""

import inspect
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from pydantic_core import to_json
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from shared.bus.event_handlers import handler_of
from shared.bus.inbox import Inbox
from shared.contracts.envelope import Event
from shared.contracts.http.operation import Operation
from shared.web import intake
from shared.web.call import Call
from shared.web.entrypoint import HttpEntrypoint
from shared.web.tokens import Principal


class InProcess:
    """An instance of a service's nameko class, with what nameko would inject."""

    def __init__(self, service_class: type, *, storage: Any, **dependencies: object) -> None:
        """``dependencies`` are the service's others, by the names that its class gives them."""
        self.service = service_class()
        self.storage = storage
        for name, dependency in {"storage": storage, **dependencies}.items():
            assert hasattr(service_class, name), f"{service_class.__name__} has no dependency {name}"
            setattr(self.service, name, dependency)
        self._methods = dict(_methods(service_class))

    def call(
        self, operation: Operation, body: Mapping[str, object] | bytes | None = None, *, query: Mapping[str, str] = {},
        by: str = "supervisor-1", key: str | None = None, **path: str,
    ) -> Any:  # fmt: skip
        """Make a call and return the method's answer; raise what the caller would read as a problem document.

        ``path`` fills the braces of the operation's path. ``by`` is the subject of a token with every role
        that the operation is for.
        """
        raw = body if isinstance(body, bytes) else to_json(body) if body else b""
        url = f"{operation.url(**path)}?{urlencode(query, doseq=True)}"
        request = Request(EnvironBuilder(path=url, method=operation.method, data=raw).get_environ())
        intake.check_parameters(path)
        call = Call(
            operation=operation,
            principal=Principal(subject=by, roles=frozenset(operation.roles), branches=frozenset("*")),
            params=path,
            query=intake.read_query(operation, request),
            body=intake.parse_body(operation, raw),
            raw=raw,
            key=key,
            request=request,
        )
        return getattr(self.service, self._methods[operation.name])(call)

    def hear(self, event: Event) -> None:
        """Let the service handle an event, in a transaction of its own; raise what its handler raises."""
        inbox = Inbox(self.storage, handler_of(self.service), stop=threading.Event())
        inbox.handle_again(event, also=lambda _tx: None)


def _methods(service_class: type) -> list[tuple[str, str]]:
    """Return the methods that answer calls, by operation."""
    return [
        (entrypoint.operation.name, name)
        for name, method in inspect.getmembers(service_class, inspect.isfunction)
        for entrypoint in getattr(method, "nameko_entrypoints", ())
        if isinstance(entrypoint, HttpEntrypoint)
    ]
