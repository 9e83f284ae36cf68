"""Behind one origin, each call arrives at the service that owns it."""

import re

import pytest

from services.ops.provisioning.proxy import configuration, is_stream
from shared.contracts.http.catalog import OPERATIONS
from shared.contracts.http.operation import Operation

CONFIGURATION = configuration()
LOCATIONS = [
    (pattern.replace("(?<", "(?P<"), body)  # Python's way to name a group
    for pattern, body in re.findall(r'location ~ "([^"]+)" {([^}]*)}', CONFIGURATION)
]


def location_of(path: str) -> str:
    """Choose as nginx does: the first regular expression that matches, else the prefix."""
    for pattern, body in LOCATIONS:
        if re.search(pattern, path):
            return str(body)
    found = re.search(r"location / {([^}]*)}", CONFIGURATION)
    assert found is not None
    return found[1]


def service_of(path: str) -> str:
    found = re.search(r"set \$service http://\$(\w+)_host:8000; proxy_pass \$service;", location_of(path))
    assert found is not None
    return found[1]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_call_goes_to_its_service(operation: Operation) -> None:
    path = operation.url(**dict.fromkeys(operation.parameters, "a-1"))
    assert service_of(path) == operation.service


@pytest.mark.parametrize(
    "path",
    ["/", "/b/demo", "/b/demo/kiosk", "/static/app.css", "/docs", "/openapi.json", "/asyncapi.json", "/healthz",
     "/readyz", "/metrics", "/v1/events", "/v1/branches/demo/stream", "/v1/unknown", "/v1/branches/demo/queue/more"],
)  # fmt: skip
def test_everything_else_is_the_gateway_s(path: str) -> None:
    assert service_of(path) == "gateway"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_call_is_given_to_a_process_by_its_branch_and_to_any_where_it_names_none(operation: Operation) -> None:
    path = operation.url(**dict.fromkeys(operation.parameters, "a-1"))
    found = next(re.search(pattern, path) for pattern, _ in LOCATIONS if re.search(pattern, path))
    assert found is not None
    assert found.groupdict() == ({"branch": "a-1"} if "b" in operation.parameters else {})
    assert 'map $branch $affinity { "" $request_id; default $branch; }' in CONFIGURATION


def test_a_service_has_one_process_or_as_many_as_are_said() -> None:
    assert "split_clients $affinity $triage_host { * triage; }" in CONFIGURATION
    several = configuration({"triage": 3})
    assert "split_clients $affinity $triage_host { 33.33% triage; 33.33% triage-2; * triage-3; }" in several
    assert "split_clients $affinity $vip_host { * vip; }" in several


def test_streams_are_not_held_back_and_nothing_else_is_let_through_unbuffered() -> None:
    streams = [operation for operation in OPERATIONS if is_stream(operation)]
    assert streams
    for operation in OPERATIONS:
        location = location_of(operation.url(**dict.fromkeys(operation.parameters, "a-1")))
        assert ("proxy_buffering off" in location) == is_stream(operation), operation.name


def test_the_proxy_s_own_errors_are_problem_documents() -> None:
    for status, code in ((413, "too_large"), (503, "unavailable"), (400, "bad_request")):
        assert re.search(
            rf"default_type application/problem\+json;.* return {status} '.*\"code\": \"{code}\"", CONFIGURATION
        )
