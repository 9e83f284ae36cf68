"""The WSGI application of a process: finds who answers, answers errors, logs and counts."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import structlog
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.exceptions import NotFound as NoRoute
from werkzeug.routing import Map, MapAdapter, Rule
from werkzeug.wrappers import Request, Response

from shared.bus.topology import Topology
from shared.contracts.http.catalog import owner_of
from shared.contracts.http.operation import Operation
from shared.errors import Unavailable
from shared.settings import Settings
from shared.web import problem_details, system_endpoints
from shared.web.limits import OpenStreams, TokenBuckets
from shared.web.proxy import Proxy
from shared.web.system_endpoints import Checks
from shared.web.tokens import TokenChecker

_log = structlog.get_logger("lobby.http")

_UNREAD_BYTES = 65_536
"""An unread rest of a body up to this size is read, so that the connection can go on."""


class Route(Protocol):
    """What the application needs of an entrypoint."""

    operation: Operation

    def answer(self, request: Request, parameters: dict[str, str]) -> Response:
        """Answer a request that matched the operation's method and path."""
        ...


class WebApp:
    """Routes of all containers on one socket, and what is checked for all of them in one place."""

    def __init__(self, settings: Settings, topology: Topology) -> None:
        """Read the token keys; raise :class:`SettingsError` if they can't be. /asyncapi.json tells of ``topology``."""
        self.settings = settings
        self.topology = topology
        self.tokens = TokenChecker.of(settings)
        self.posts = TokenBuckets(settings.post_rate, settings.post_burst)
        self.streams = OpenStreams(settings.streams_per_token)
        self._mounted: dict[object, tuple[str, Sequence[Route], Callable[[], Checks]]] = {}
        self._routes: MapAdapter = Map().bind("lobby")
        self._proxy = Proxy(settings)

    def mount(self, member: object, service: str, routes: Sequence[Route], checks: Callable[[], Checks]) -> None:
        """Serve a container's routes from now on."""
        self._mounted[member] = (service, routes, checks)
        self._route_anew()

    def unmount(self, member: object) -> None:
        """Serve them no longer."""
        if self._mounted.pop(member, None) is not None:
            self._route_anew()

    @property
    def services(self) -> frozenset[str]:
        """The services that are served here."""
        return frozenset(service for service, _, _ in self._mounted.values())

    def checks(self) -> Checks:
        """Return every container's readiness checks, by ``service.name``."""
        return {
            f"{service}.{name}": check
            for service, _, checks in self._mounted.values()
            for name, check in checks().items()
        }

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        began = time.perf_counter()
        request = Request(environ)
        try:
            answer = self._answer(request)
        except Exception as error:
            answer = problem_details.response_to(error, request.path)
        answer.headers.setdefault("X-Content-Type-Options", "nosniff")
        if not _can_go_on(environ):
            environ["lobby.close"]()
        self._report(request, answer.status_code, time.perf_counter() - began)
        return answer(environ, start_response)

    def _answer(self, request: Request) -> Response:
        page = system_endpoints.PAGES.get(request.path)
        if page is not None:
            request.environ["lobby.route"] = request.path
            if request.method not in ("GET", "HEAD"):
                raise MethodNotAllowed(["GET", "HEAD"])
            return page(self)
        try:
            rule, parameters = self._routes.match(request.path, request.method, return_rule=True)
        except NoRoute:
            return self._elsewhere(request)
        except HTTPException as error:
            return problem_details.response_to(error, request.path)
        request.environ["lobby.route"] = rule.endpoint.operation.path
        return rule.endpoint.answer(request, dict(parameters))  # type: ignore[no-any-return]

    def _elsewhere(self, request: Request) -> Response:
        """Answer for a path that no container here serves: another process's, one that starts yet, or nobody's."""
        owner = owner_of(request.path)
        if owner is None or owner in self.services:
            raise NoRoute
        request.environ["lobby.route"] = f"({owner})"
        if self.settings.embedded or "gateway" not in self.services:
            raise Unavailable(f"{owner} is not served here at the moment")
        return self._proxy.forward(owner, request)

    def _route_anew(self) -> None:
        rules = [
            Rule(_template(route.operation.path), methods=[route.operation.method], endpoint=route)
            for _, routes, _ in self._mounted.values()
            for route in routes
        ]
        self._routes = Map(rules, merge_slashes=False, redirect_defaults=False).bind("lobby")

    def _report(self, request: Request, status: int, seconds: float) -> None:
        route = request.environ.get("lobby.route", "(none)")
        system_endpoints.observe(request.method if route != "(none)" else "(any)", route, status, seconds)
        log = _log.debug if route in system_endpoints.PAGES else _log.info
        log(
            "http_request",
            method=request.method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 2),
            **request.environ.get("lobby.log", {}),
        )


def _template(path: str) -> str:
    return path.replace("{", "<").replace("}", ">")


def _can_go_on(environ: dict[str, Any]) -> bool:
    """Say whether the request's body has been read, or what is left of it is small."""
    body = environ.get("eventlet.input")
    if body is None:
        return True
    if body.chunked_input:
        return bool(body.chunk_length == 0)
    return bool((body.content_length or 0) - body.position <= _UNREAD_BYTES)
