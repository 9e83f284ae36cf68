"""/docs: the calls to read and to try, from Swagger UI's own files; nothing comes from the internet."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import eventlet
import orjson
import structlog
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest
from werkzeug.wrappers import Response

from shared.bus.topology import Topology
from shared.web.problem_details import is_away

TITLE = "Lobby - the calls of all services"

_FILES = {
    "/docs/swagger-ui.css": ("css/swagger-ui.css", "text/css"),
    "/docs/swagger-ui-bundle.js": ("js/swagger-ui-bundle.js", "text/javascript"),
    "/docs/icon.svg": ("images/swagger.svg", "image/svg+xml"),
}

PATHS = (*_FILES, "/docs", "/docs/start.js")

_PAGE = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{TITLE}</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/icon.svg">
</head>
<body>
<div id="calls"></div>
<noscript><a href="/openapi.json">openapi.json</a></noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

_START = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#calls", deepLinking: true, filter: true, persistAuthorization: true,
  docExpansion: "list", validatorUrl: null
});
"""

_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"


def answer(path: str) -> Response:
    """Answer one of :data:`PATHS`."""
    if path == "/docs":
        response = Response(_PAGE, content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = _POLICY
        return response
    if path == "/docs/start.js":
        return Response(_START, content_type="text/javascript; charset=utf-8")
    file, content_type = _FILES[path]
    response = Response(_read(file), content_type=f"{content_type}; charset=utf-8")
    response.headers["Cache-Control"] = "max-age=3600"
    return response


@cache
def _read(file: str) -> bytes:
    return (_folder() / file).read_bytes()


@cache
def _folder() -> Path:
    """Find the wheel's static files without importing it: it would bring Flask in."""
    spec = find_spec("flask_openapi3_swagger")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("flask-openapi3-swagger is not installed; /docs needs its files")
    return Path(spec.submodule_search_locations[0]) / "templates" / "swagger"


Check = Callable[[], str | None]
"""Says why not ready, in a few words; ``None`` when ready. Whatever it raises counts as not ready."""

Checks = Mapping[str, Check]

TIMEOUT_S = 2.0

_log = structlog.get_logger(__name__)


def not_ready(checks: Checks) -> dict[str, str]:
    """Run the checks at the same time; return what is not ready, with the reason."""
    threads = {name: eventlet.spawn(_reason, check) for name, check in checks.items()}
    reasons = {name: thread.wait() for name, thread in threads.items()}
    return {name: reason for name, reason in reasons.items() if reason}


def _reason(check: Check) -> str | None:
    try:
        with eventlet.Timeout(TIMEOUT_S):
            return check()
    except eventlet.Timeout:
        return f"no answer within {TIMEOUT_S:g} s"
    except Exception as error:
        _log.warning("readiness_check_failed", exc_info=error)
        return "does not answer" if is_away(error) else "the check failed; see the log"


class Served(Protocol):
    """What these answers need to know of the process."""

    @property
    def services(self) -> frozenset[str]:
        """The services that are served here."""
        ...

    @property
    def topology(self) -> Topology:
        """The queues of the system."""
        ...

    def checks(self) -> Checks:
        """Return the readiness checks."""
        ...


def healthz(served: Served) -> Response:
    """Say that the process lives: it answers."""
    return _json({"status": "ok", "services": sorted(served.services)})


def readyz(served: Served) -> Response:
    """Say whether all parts can do their work; 503 with what can't and why."""
    checks = served.checks()
    reasons = not_ready(checks)
    body = {
        "status": "not_ready" if reasons else "ready",
        "services": sorted(served.services),
        "checks": {name: reasons.get(name, "ok") for name in sorted(checks)},
    }
    return _json(body, 503 if reasons else 200)


def metrics(served: Served) -> Response:
    """Write the process's figures as Prometheus reads them."""
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def openapi(served: Served) -> Response:
    """Describe every call of every service (OpenAPI 3.1)."""
    return Response(_openapi(), content_type="application/json")


def asyncapi(served: Served) -> Response:
    """Describe every event (AsyncAPI 3.0)."""
    return Response(_asyncapi(served.topology), content_type="application/json")


def _docs(path: str, served: Served) -> Response:
    return answer(path)


PAGES: Mapping[str, Callable[[Served], Response]] = {
    "/healthz": healthz,
    "/readyz": readyz,
    "/metrics": metrics,
    "/openapi.json": openapi,
    "/asyncapi.json": asyncapi,
    **{path: partial(_docs, path) for path in PATHS},
}


@cache
def _openapi() -> bytes:
    from shared.contracts.openapi import document  # built from every model: only where somebody asks

    return orjson.dumps(document())


@cache
def _asyncapi(topology: Topology) -> bytes:
    from shared.bus.asyncapi import document  # built from every model: only where somebody asks

    return orjson.dumps(document(topology))


def _json(body: object, status: int = 200) -> Response:
    response = Response(orjson.dumps(body), status=status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


_REQUESTS = Counter("lobby_http_requests", "HTTP requests", ("method", "route", "status"))
_SECONDS = Histogram(
    "lobby_http_request_seconds", "Seconds from the request's headers to its answer", ("method", "route"),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)  # fmt: skip
STREAMS = Gauge("lobby_http_streams", "Open event streams")


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Count one request. ``route`` is the path's template: a path would be one series per ticket."""
    _REQUESTS.labels(method, route, str(status)).inc()
    _SECONDS.labels(method, route).observe(seconds)
