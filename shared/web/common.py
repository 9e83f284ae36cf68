"""What every process answers: whether it lives and is ready, its figures, and its documentation."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Protocol

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from werkzeug.wrappers import Response

from shared.bus.topology import Topology
from shared.web import docs
from shared.web.readiness import Checks, not_ready


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
    return docs.answer(path)


PAGES: Mapping[str, Callable[[Served], Response]] = {
    "/healthz": healthz,
    "/readyz": readyz,
    "/metrics": metrics,
    "/openapi.json": openapi,
    "/asyncapi.json": asyncapi,
    **{path: partial(_docs, path) for path in docs.PATHS},
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
