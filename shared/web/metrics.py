"""What /metrics says of HTTP: requests by route and status, and how long they took."""

from prometheus_client import Counter, Gauge, Histogram

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
