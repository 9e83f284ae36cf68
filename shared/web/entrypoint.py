"""``@http(operation)``: a nameko entrypoint that runs its method for every good call of the operation."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, TypeVar

import structlog
from eventlet.event import Event
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Entrypoint, register_entrypoint
from werkzeug.wrappers import Request, Response

from shared import logs, tracing
from shared.commands import Replayed
from shared.contracts.base import View
from shared.contracts.http.operation import Operation
from shared.errors import LobbyError, Unavailable
from shared.web import authentication, problem_details, request_validation
from shared.web.request_context import Call
from shared.web.server import WebServer
from shared.web.sse import EventStream, OpenConnections
from shared.web.tokens import Principal

Method = TypeVar("Method", bound=Callable[..., Any])


def http(operation: Operation, *, public: bool = False) -> Callable[[Method], Method]:
    """Make the decorated method answer an operation; ``public`` lets everybody in (a page, for one).

    The method gets the service and a :class:`Call`, and returns a view, ``None`` (204, where the
    operation is ``empty``), a stored answer, or a response of its own.
    """

    def decorate(method: Method) -> Method:
        @wraps(method)
        def run(service: Any, call: Call) -> Any:
            with logs.bound(**_log_fields(call)):
                try:
                    return method(service, call)
                finally:
                    # What became known on the way, such as the visit's correlation, is for the access log too.
                    call.request.environ["lobby.log"] = structlog.contextvars.get_contextvars()

        register_entrypoint(run, HttpEntrypoint(operation, public=public))
        return run  # type: ignore[return-value]

    return decorate


class HttpEntrypoint(Entrypoint):
    """Serves one operation of one container."""

    server = WebServer()

    def __init__(self, operation: Operation, *, public: bool = False) -> None:
        """Called by nameko more than once; takes nothing yet."""
        super().__init__(expected_exceptions=LobbyError)
        self.operation = operation
        self._public = public
        self._running: set[Event] = set()
        self._streams = OpenConnections()
        self._stopping = False

    def setup(self) -> None:
        """Be served once the server starts."""
        self.server.register(self)

    def stop(self) -> None:
        """Take no more calls, end the streams; calls that run are the container's to wait for."""
        self._stopping = True
        self._streams.end_all()

    def kill(self) -> None:
        """Answer those who wait for a worker that will never end."""
        self.stop()
        for event in self._running.copy():
            event.send((None, ContainerBeingKilled()))

    def answer(self, request: Request, parameters: dict[str, str]) -> Response:
        """Answer a request; whatever is wrong with it or in here becomes a problem document."""
        traceparent = tracing.child_of(request.headers.get("traceparent"))
        known = {"service": self.operation.service, "branch": parameters.get("b"), "traceparent": traceparent}
        request.environ["lobby.log"] = {name: value for name, value in known.items() if value}
        try:
            response = self._respond(self._call(request, parameters, traceparent))
        except Exception as error:
            with logs.bound(**known):
                response = problem_details.response_to(error, request.path)
        response.headers["traceparent"] = traceparent
        return response

    def _call(self, request: Request, parameters: dict[str, str], traceparent: str) -> Call:
        app = self.server.listener.app
        principal = authentication.admit(app.tokens, self.operation, request, public=self._public)
        request_validation.check_parameters(parameters)
        if "b" in parameters and not self._public:
            principal.require_branch(parameters["b"])
        if request.method not in ("GET", "HEAD"):
            app.posts.take(principal.subject)
        return self._validated(request, parameters, principal, traceparent)

    def _validated(self, request: Request, parameters: dict[str, str], principal: Principal, traceparent: str) -> Call:
        writes = request.method not in ("GET", "HEAD")
        query = request_validation.read_query(self.operation, request)
        key = request_validation.read_key(request) if writes else None
        settings = self.server.listener.app.settings
        raw = (
            request_validation.read_bytes(request, settings.max_body_bytes, settings.request_timeout_s)
            if writes
            else b""
        )
        if raw and request_validation.takes_body(self.operation):
            request_validation.check_content_type(self.operation, request)
        return Call(
            operation=self.operation,
            principal=principal,
            params=parameters,
            query=query,
            body=request_validation.parse_body(self.operation, raw),
            raw=raw,
            key=key,
            traceparent=traceparent,
            request=request,
        )

    def _respond(self, call: Call) -> Response:
        result = self._run(call)
        if isinstance(result, EventStream):
            result.open(self._streams, self.server.listener.app.streams)
        return to_response(self.operation, result)

    def _run(self, call: Call) -> Any:
        """Run the method in a worker of the container and return its result; raise what it raised."""
        if self._stopping:
            raise Unavailable(f"{self.operation.service} is being stopped")
        done = Event()
        self._running.add(done)
        try:
            self.container.spawn_worker(self, (call,), {}, context_data={}, handle_result=partial(_send, done))
            result, error = done.wait()
        except ContainerBeingKilled:
            result, error = None, Unavailable(f"{self.operation.service} is being stopped")
        finally:
            self._running.discard(done)
        if isinstance(error, ContainerBeingKilled):
            raise Unavailable(f"{self.operation.service} is being stopped")
        if error is not None:
            raise error
        return result


def to_response(operation: Operation, result: object) -> Response:
    """Turn a method's result into the operation's answer; raise TypeError for what is none."""
    if isinstance(result, Response):
        return result
    if isinstance(result, Replayed):
        response = _json(result.body, result.status or operation.status)
        response.headers["Idempotent-Replayed"] = "true"
        return response
    if isinstance(result, View):
        return _json(result.model_dump_json().encode(), operation.status)
    if result is None and (operation.empty or operation.response is None):
        return _json(b"", 204)
    raise TypeError(f"{operation.name} answered with {type(result).__name__}")


def _json(body: bytes, status: int) -> Response:
    if not body:
        response = Response(status=204)
        del response.headers["Content-Type"]
        return response
    response = Response(body, status=status, content_type=request_validation.JSON)
    response.headers["Cache-Control"] = "no-store"
    return response


def _send(done: Event, worker: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
    if not done.ready():
        done.send((result, None if exc_info is None else exc_info[1]))
    return result, exc_info


def _log_fields(call: Call) -> dict[str, str | None]:
    return {
        "service": call.operation.service,
        "operation": call.operation.name,
        "branch": call.branch,
        "causation": None if call.operation.method == "GET" else call.command.id,
        "traceparent": call.traceparent,
    }
