"""The gateway as one origin, without nginx: what belongs to another process goes there and comes back whole."""

import gzip
import random
import socketserver
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import pytest

from tests.web.conftest import demo_process

SEPARATE = {"LOBBY_AMQP_URL": "amqp://nobody", "LOBBY_LOG_LEVEL": "debug"}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    with demo_process(folder, "triage", **SEPARATE) as triage:
        url = f"http://127.0.0.1:{triage.port}"
        with demo_process(folder, "gateway", LOBBY_TRIAGE_URL=url, **SEPARATE) as gateway:
            yield triage, gateway


def test_an_answer_comes_back_as_it_is(pair):
    _, gateway = pair
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {"Idempotency-Key": "key-1", "traceparent": trace}
    answer = gateway.post("/v1/branches/b1/tickets", {"business": "cash_withdrawal"}, headers=headers)
    assert answer.status == 201
    assert (answer.json["command"], answer.json["actor"]) == ("key-1", "somebody")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["traceparent"].split("-")[1] == trace.split("-")[1]
    assert answer.headers["traceparent"] == answer.json["fingerprint"]
    assert len(answer.headers.get_all("Date")) == 1


def test_no_content_and_problems_come_back_as_they_are(pair):
    _, gateway = pair
    empty = gateway.post("/v1/branches/b1/counters/1/call-next")
    assert (empty.status, empty.body) == (204, b"")
    conflict = gateway.post("/v1/branches/b1/counters/closed/call-next")
    assert (conflict.status, conflict.json["state"]) == (409, "closed")
    assert conflict.headers["Content-Type"] == "application/problem+json"
    invalid = gateway.post("/v1/branches/b1/tickets", {"busines": 1})
    assert {error["field"] for error in invalid.json["errors"]} == {"business", "busines"}


def test_the_token_is_checked_where_the_call_is_served(pair):
    _, gateway = pair
    assert gateway.get("/v1/branches/b1/queue", auth=False).status == 401
    assert gateway.get("/v1/branches/b2/queue").status == 403
    cookie = {"Cookie": f"lobby_token={gateway.token()}"}
    assert gateway.get("/v1/branches/b1/queue", auth=False, headers=cookie).status == 200


def test_head_and_bad_paths_pass(pair):
    _, gateway = pair
    assert gateway.request("HEAD", "/v1/branches/b1/queue").body == b""
    assert gateway.get("/v1/branches/B%201/queue").status == 422
    assert gateway.request("PUT", "/v1/branches/b1/queue").status == 405


def test_its_own_calls_are_not_forwarded(pair):
    triage, gateway = pair
    before = len(triage.log)
    assert gateway.post("/demo/b1/ring").status == 200
    assert gateway.get("/v1/nothing").status == 404
    assert len(triage.log) == before


def test_a_body_over_the_limit_stops_at_the_gateway(pair):
    triage, gateway = pair
    before = len(triage.log)
    headers = {"Content-Type": "application/json"}
    assert gateway.post("/v1/branches/b1/tickets", b"x" * 10_000_000, headers=headers).status == 413
    assert len(triage.log) == before


def test_connections_to_the_service_are_kept(pair):
    triage, gateway = pair
    for _ in range(30):
        assert gateway.get("/v1/branches/b1/queue").status == 200
    ports = {entry["peer"] for entry in triage.log if entry["event"] == "http_connection"}
    assert len(ports) <= 5


def test_a_service_that_is_away_is_503_and_comes_back(tmp_path):
    with demo_process(tmp_path, "triage", **SEPARATE) as triage:
        address = f"127.0.0.1:{triage.port}"
        with demo_process(tmp_path, "gateway", LOBBY_TRIAGE_URL=f"http://{address}", **SEPARATE) as gateway:
            assert gateway.get("/v1/branches/b1/queue").status == 200
            triage.process.kill()
            triage.process.wait()
            for method, path in [("GET", "/v1/branches/b1/queue"), ("POST", "/v1/branches/b1/counters/1/call-next")]:
                answer = gateway.request(method, path)
                assert (answer.status, answer.json["code"]) == (503, "unavailable")
                assert answer.headers["Retry-After"]
            with demo_process(tmp_path, "triage", LOBBY_HTTP_ADDRESS=address, **SEPARATE):
                assert gateway.get("/v1/branches/b1/queue").status == 200


CALL_NEXT = "/v1/branches/b1/counters/1/call-next"
DONE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def in_front_of(folder, answer: Callable[[int], Iterable[bytes]]):
    """A gateway in front of a service that says what ``answer`` returns to its nth request; nothing: it hangs up."""
    seen: list[bytes] = []

    class Service(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while line := self.rfile.readline():
                seen.append(line)
                while self.rfile.readline().strip():
                    pass
                if not [self.wfile.write(part) for part in answer(len(seen))]:
                    return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Service) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with demo_process(folder, "gateway", LOBBY_TRIAGE_URL=url, **SEPARATE) as gateway:
            yield gateway, seen
        server.shutdown()


def test_a_call_on_a_connection_that_was_closed_is_repeated_only_if_it_may_be(tmp_path):
    with in_front_of(tmp_path, lambda number: [] if number in (2, 5) else [DONE]) as (gateway, seen):
        assert gateway.post(CALL_NEXT).status == 200
        assert gateway.post(CALL_NEXT).status == 503  # it may have arrived
        assert len(seen) == 2
        assert gateway.post(CALL_NEXT).status == 200
        assert gateway.get("/v1/branches/b1/queue").status == 200
        assert gateway.post(CALL_NEXT, headers={"Idempotency-Key": "key-1"}).status == 200
        assert len(seen) == 6


def test_an_answer_without_a_length_is_passed_on_as_it_comes(tmp_path):
    first_has_arrived = threading.Event()

    def answer(_number: int) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"
        assert first_has_arrived.wait(10)
        yield b"6\r\nsecond\r\n0\r\n\r\n"

    with in_front_of(tmp_path, answer) as (gateway, _):
        connection = gateway.connect()
        connection.request("GET", "/v1/branches/b1/queue")
        response = connection.getresponse()
        assert response.read1() == b"first"
        first_has_arrived.set()
        assert response.read() == b"second"
        connection.close()


def test_a_long_answer_comes_whole_and_as_it_was_encoded(tmp_path):
    body = gzip.compress(random.Random(1).randbytes(3_000_000))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with in_front_of(tmp_path, lambda _number: [head, body]) as (gateway, _):
        answer = gateway.get("/v1/branches/b1/queue")
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.body == body
