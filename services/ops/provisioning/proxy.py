"""nginx's configuration: one origin in front of the services, each path to the service that owns it.

Written from the catalog of HTTP calls, so that a new call is routed without further work. What the
catalog doesn't know (pages, static files, /docs, /openapi.json, unknown paths) is the gateway's.

Where a service has several processes, a branch's calls go to one of them, which has the branch's state
at hand; a call that names no branch goes to any. nginx before 1.27.3 can't look up an upstream's
addresses while it runs, hence ``split_clients`` over host names instead of ``hash`` in an ``upstream``.
"""

import json
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from shared.contracts.http.catalog import OPERATIONS
from shared.contracts.http.operation import Operation
from shared.settings import SERVICES

PORT: Final = 8000
STREAM: Final = "text/event-stream"

_HTTP: Final = """\
# Written by `python -m services.ops.provisioning files`; changes are lost.
proxy_http_version 1.1;
proxy_set_header Host $http_host;
proxy_set_header Connection "";
proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
proxy_set_header X-Forwarded-Proto $scheme;
proxy_connect_timeout 3s;
proxy_next_upstream off;

map $branch $affinity { "" $request_id; default $branch; }"""
_SERVER: Final = """\
server {
    listen 80;
    server_name _;
    server_tokens off;
    # Looked up again while nginx runs: a container that was replaced has another address.
    resolver 127.0.0.11 valid=2s ipv6=off;
    client_max_body_size 1m;
    client_body_timeout 30s;
    client_header_timeout 30s;
    gzip on;
    gzip_types application/json application/problem+json text/css application/javascript image/svg+xml;
    gzip_min_length 1024;

    error_page 413 = @too_large;
    error_page 400 408 411 414 431 494 = @bad_request;
    error_page 502 503 504 = @unavailable;
"""


def configuration(processes: Mapping[str, int] = MappingProxyType({})) -> str:
    """Return the whole file, for /etc/nginx/conf.d.

    ``processes`` says how many a service has, if more than one; their hosts are triage, triage-2, triage-3.
    """
    problems = [
        _problem("@too_large", 413, "too_large", "The body is too large", "the limit is 1 MiB"),
        _problem("@bad_request", 400, "bad_request", "The request is not valid HTTP", "nginx could not read it"),
        _problem("@unavailable", 503, "unavailable", "Temporarily unavailable", "a part of the system does not answer"),
    ]
    streams = [_location(operation) for operation in OPERATIONS if is_stream(operation)]
    calls = [_location(operation) for operation in _without_repetition(OPERATIONS) if not is_stream(operation)]
    hosts = [_hosts(service, processes.get(service, 1)) for service in SERVICES]
    return "\n".join([_HTTP, *hosts, "", _SERVER, *problems, *streams, *calls, _gateway(), "}\n"])


def is_stream(operation: Operation) -> bool:
    """Whether the answer is a stream of server-sent events."""
    return STREAM in (operation.media_type, *operation.other_media_types)


def _without_repetition(operations: Iterable[Operation]) -> Iterable[Operation]:
    return {operation.path: operation for operation in operations}.values()


def _hosts(service: str, processes: int) -> str:
    """Choose a process's host by a hash of the branch; the last one has what rounding leaves over."""
    names = [service, *(f"{service}-{number}" for number in range(2, processes + 1))]
    shares = [*(f"{100 / processes:.2f}% {name};" for name in names[:-1]), f"* {names[-1]};"]
    return f"split_clients $affinity ${service}_host {{ {' '.join(shares)} }}"


def _location(operation: Operation) -> str:
    pattern = re.sub(r"{\w+}", "[^/]+", operation.path.replace("{b}", "(?<branch>[^/]+)"))
    stream = "proxy_buffering off; gzip off; proxy_read_timeout 1h; " if is_stream(operation) else ""
    return f'    location ~ "^{pattern}$" {{ {stream}{_pass(operation.service)} }}'


def _gateway() -> str:
    return f"    location / {{ {_pass('gateway')} }}"


def _pass(service: str) -> str:
    # A variable, so that nginx starts without the service and asks for its address again.
    return f"set $service http://${service}_host:{PORT}; proxy_pass $service;"


def _problem(location: str, status: int, code: str, title: str, detail: str) -> str:
    document = {
        "type": f"urn:lobby:problem:{code}", "title": title, "status": status, "detail": detail, "code": code,
    }  # fmt: skip
    retry = 'add_header Retry-After "1" always; ' if status == 503 else ""
    return (
        f"    location {location} {{ internal; default_type application/problem+json; "
        "add_header X-Content-Type-Options nosniff always; "
        f"{retry}return {status} '{json.dumps(document)}'; }}"
    )
