"""Limits: sizes, rates, slow and hostile clients. None of them disturbs anybody else."""

import json
import socket
import time

import pytest

from shared.errors import TooManyRequests
from shared.web.limits import OpenStreams, TokenBuckets
from tests.web.conftest import demo_process
from tests.web.test_stream import Follower, ring

MEGABYTE = 1024 * 1024


def head(demo, path="/demo/b1/echo", *lines, method="POST"):
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {demo.token()}", *lines, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def raw(demo, data, seconds=3.0):
    """Send bytes as they are; return everything that comes back until the end or the time is up."""
    with socket.create_connection(("127.0.0.1", demo.port), timeout=seconds) as sock:
        sock.sendall(data)
        answer = b""
        try:
            while part := sock.recv(65536):
                answer += part
        except TimeoutError:
            pass
        return answer


def too_large(answer):
    return (answer.status, answer.json["code"], answer.json["limit_bytes"]) == (413, "too_large", MEGABYTE)


def test_a_ten_megabyte_body_is_413(demo):
    body = b'{"text": "' + b"x" * 10 * MEGABYTE + b'"}'
    answer = demo.post("/demo/b1/echo", body, headers={"Content-Type": "application/json"})
    assert too_large(answer)
    assert answer.headers["Connection"] == "close"


def test_a_large_body_without_a_length_is_413(demo):
    parts = (b"x" * 65536 for _ in range(160))
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    assert too_large(demo.post("/demo/b1/echo", parts, headers=headers, encode_chunked=True))


def test_the_answer_does_not_wait_for_the_body(demo):
    sent = head(demo, "/demo/b1/echo", f"Content-Length: {200 * MEGABYTE}", "Content-Type: application/json")
    began = time.monotonic()
    answer = raw(demo, sent + b"{")
    assert answer.startswith(b"HTTP/1.1 413")
    assert time.monotonic() - began < 2


def test_a_body_up_to_the_limit_is_taken_whole_or_chunked(demo):
    body = b'{"text": "' + b"x" * (MEGABYTE - 12) + b'"}'
    assert len(body) == MEGABYTE
    headers = {"Content-Type": "application/json"}
    assert len(demo.post("/demo/b1/echo", body, headers=headers).json["text"]) == MEGABYTE - 12
    headers["Transfer-Encoding"] = "chunked"
    answer = demo.post("/demo/b1/echo", iter([body[:100], body[100:]]), headers=headers, encode_chunked=True)
    assert answer.status == 201


def test_a_body_that_nobody_reads_does_not_keep_the_connection_busy(demo):
    sent = head(demo, "/v1/nothing", f"Content-Length: {200 * MEGABYTE}")
    assert b"404" in raw(demo, sent + b"x" * MEGABYTE, 2).splitlines()[0]


def test_a_slow_client_blocks_nobody(demo):
    start = head(demo, "/demo/b1/echo", "Content-Length: 100", "Content-Type: application/json")
    slow = [socket.create_connection(("127.0.0.1", demo.port)) for _ in range(60)]  # more than there are workers
    for sock in slow:
        sock.sendall(start + b"{")
    began = time.monotonic()
    assert demo.post("/demo/b1/echo", {"text": "x"}).status == 201
    assert time.monotonic() - began < 1
    for sock in slow:
        sock.close()


def test_calls_run_at_the_same_time(demo):
    connections = [demo.connect() for _ in range(20)]
    began = time.monotonic()
    for connection in connections:
        body = json.dumps({"text": "x", "wait_s": 0.3})
        connection.request("POST", "/demo/b1/echo", body, {**demo.bearer(), "Content-Type": "application/json"})
    assert [connection.getresponse().status for connection in connections] == [201] * 20
    assert time.monotonic() - began < 3
    for connection in connections:
        connection.close()


def test_a_client_that_never_finishes_is_cut_off(tmp_path):
    with demo_process(tmp_path, LOBBY_SOCKET_TIMEOUT_S="0.3") as demo:
        sent = head(demo, "/demo/b1/echo", "Content-Length: 100", "Content-Type: application/json")
        answer = raw(demo, sent + b"{")
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"request_timeout" in answer
        assert raw(demo, b"GET /healthz HT", 3) == b""
        assert demo.get("/healthz").status == 200


class Dribbler:
    """A client that sends a byte now and then, and never comes to an end."""

    def __init__(self, demo, start, filler):
        self.sock = socket.create_connection(("127.0.0.1", demo.port), timeout=5)
        self.sock.sendall(start)
        self._filler = filler

    def dribble(self):
        """Send one more byte; say whether the server still listens."""
        try:
            self.sock.sendall(self._filler)
        except OSError:
            return False
        return True

    def answer(self):
        """Dribble until there is an answer or an end; return it with the seconds that it took."""
        began = time.monotonic()
        self.sock.settimeout(0.05)
        while True:
            assert time.monotonic() - began < 20, "it may dribble for ever"
            self.dribble()
            try:
                return self.sock.recv(65536), time.monotonic() - began
            except TimeoutError:
                continue
            except OSError:
                return b"", time.monotonic() - began


def slow_line(demo):
    return Dribbler(demo, b"GET /heal", b"a")


def slow_head(demo):
    return Dribbler(demo, b"GET /healthz HTTP/1.1\r\nX-Slow: ", b"a")


def slow_body(demo):
    start = head(demo, "/demo/b1/echo", "Content-Length: 100000", "Content-Type: application/json")
    return Dribbler(demo, start + b'{"text": "', b"a")


def slow_chunks(demo):
    start = head(demo, "/demo/b1/echo", "Transfer-Encoding: chunked", "Content-Type: application/json")
    return Dribbler(demo, start, b"1\r\n \r\n")


SLOW = [slow_line, slow_head, slow_body, slow_chunks]


def test_clients_that_dribble_hold_nobody_up(demo):
    slow = [make(demo) for make in SLOW for _ in range(20)]  # more than there are workers
    took = []
    for _ in range(20):
        assert all(client.dribble() for client in slow)
        began = time.monotonic()
        assert demo.post("/demo/b1/echo", {"text": "x"}).status == 201
        took.append(time.monotonic() - began)
    assert sorted(took)[10] < 0.5
    for client in slow:
        client.sock.close()


@pytest.mark.parametrize("make", SLOW)
def test_a_client_may_not_dribble_for_ever(tmp_path, make):
    """A byte now and then keeps every single wait short; the whole head and the whole body have their time, too."""
    with demo_process(tmp_path, LOBBY_REQUEST_TIMEOUT_S="0.5") as demo:
        answer, took = make(demo).answer()
        assert 0.3 < took < 10
        assert answer == b"" if make is slow_line else answer.startswith(b"HTTP/1.1 408")
        assert demo.get("/healthz").status == 200


def test_dribblers_do_not_use_the_connections_up(tmp_path):
    with demo_process(tmp_path, LOBBY_REQUEST_TIMEOUT_S="0.5", LOBBY_MAX_CONNECTIONS="16") as demo:
        slow = [make(demo) for make in SLOW for _ in range(8)]
        for client in slow:
            client.dribble()
        assert demo.get("/demo/b1/any").status == 200
        for client in slow:
            client.sock.close()


def test_a_connection_may_idle_longer_than_a_request_may_take(tmp_path):
    with demo_process(tmp_path, LOBBY_REQUEST_TIMEOUT_S="0.3") as demo:
        connection = demo.connect()
        for _ in range(3):
            connection.request("GET", "/healthz")
            assert connection.getresponse().read()
            idle = time.monotonic()
            while time.monotonic() - idle < 0.5:
                demo.get("/healthz")
        connection.close()


def test_a_body_that_ends_early_is_400(demo):
    sent = head(demo, "/demo/b1/echo", "Content-Length: 100", "Content-Type: application/json")
    with socket.create_connection(("127.0.0.1", demo.port), timeout=3) as sock:
        sock.sendall(sent + b'{"text": "x"}')
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(65536).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 2", "Content-Length: 3"],
        ["Content-Length: -1"],
        ["Content-Length: +2"],
        ["Content-Length: 1_0"],
        ["Content-Length: two"],
        ["Content-Length: 2", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: gzip"],
        ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
    ],
    ids=str,
)
def test_what_proxies_read_in_different_ways_is_400(demo, lines):
    smuggled = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = raw(demo, head(demo, "/demo/b1/echo", "Content-Type: application/json", *lines) + smuggled)
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
    assert answer.count(b"HTTP/1.") == 1


ECHO = b"POST /demo/b1/echo HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    "start",
    [
        ECHO + b"Transfer-Encoding : chunked\r\n",
        ECHO + b"Transfer-Encoding\t: chunked\r\n",
        ECHO + b"X: y\r\n folded\r\n",
        ECHO + b"X: y\n",
        ECHO + b"X: y\rZ: z\r\n",
        ECHO + b"X: a\x00b\r\n",
        ECHO + b"X\x00: b\r\n",
        ECHO + b"X: y\r\n\nGET /healthz HTTP/1.1\r\nHost: x\r\n",
        ECHO + b"no colon\r\n",
        ECHO + b"Host: y\r\n",
        b"POST /demo/b1/echo HTTP/1.1\nHost: x\r\n",
        b"POST /demo/b1/echo\r HTTP/1.1\r\nHost: x\r\n",
        b"POST /demo/b1/echo HTTP/1.1\r\n",
    ],
    ids=repr,
)
def test_a_head_that_proxies_read_in_different_ways_is_400(demo, start):
    bearer = f"Authorization: Bearer {demo.token()}\r\nContent-Type: application/json\r\n\r\n".encode()
    answer = raw(demo, start + bearer + b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.") == 1


@pytest.mark.parametrize(
    "chunks",
    [
        b"0x2\r\n{}\r\n0\r\n\r\n",
        b"+2\r\n{}\r\n0\r\n\r\n",
        b"1_0\r\n" + b'{"text": "abcd"}' + b"\r\n0\r\n\r\n",
        b" 2\r\n{}\r\n0\r\n\r\n",
        b"2 \r\n{}\r\n0\r\n\r\n",
        b"-2\r\n{}\r\n0\r\n\r\n",
        b"\r\n{}\r\n0\r\n\r\n",
        b"2\n{}\r\n0\r\n\r\n",
        b"2\r\n{}\n0\r\n\r\n",
        b"2\r\n{}more\r\n0\r\n\r\n",
        b"2;a\x00\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}\r\n0\r\nTrailer : x\r\n\r\n",
        b"2\r\n{}\r\n0\r\n\n",
    ],
    ids=repr,
)
def test_chunks_that_proxies_read_in_different_ways_are_400(demo, chunks):
    sent = head(demo, "/demo/b1/optional", "Content-Type: application/json", "Transfer-Encoding: chunked") + chunks
    answer = raw(demo, sent + b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.") == 1


def test_chunks_with_extensions_and_trailers_are_read_and_the_connection_goes_on(demo):
    chunks = b'A;name="x"\r\n{"text": "\r\n4\r\nab"}\r\n0\r\nX-Sum: 5\r\n\r\n'
    sent = head(demo, "/demo/b1/echo", "Content-Type: application/json", "Transfer-Encoding: chunked") + chunks
    answer = raw(demo, sent + b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 201")
    assert answer.count(b"HTTP/1.1 ") == 2


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / SPDY/1\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nno colon here\r\n\r\n",
        b"GET / HTTP/1.1\r\n: empty\r\n\r\n",
        b"GET /\xff\xfe\x00 HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET /%ff%00%zz HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET /demo/%2e%2e/b1 HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET //evil.example/ HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET /demo/b1/any HTTP/1.1\r\nCookie: lobby_token=\xff\xfe;;==\r\nConnection: close\r\n\r\n",
        b"GET /demo/b1/any HTTP/1.1\r\nnameko.call_id_stack: 5\r\nConnection: close\r\n\r\n",
        b"GET /demo/b1/any HTTP/1.1\r\nHost: \x00\r\nConnection: close\r\n\r\n",
        b"POST /demo/b1/echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /demo/b1/echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc",
        b"POST /demo/b1/echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc",
    ],
    ids=lambda data: repr(data[:50]),
)
def test_hostile_input_disturbs_nobody(demo, data):
    answer = raw(demo, data, 0.5)
    assert not answer.startswith(b"HTTP/1.1 5")
    assert b"Traceback" not in answer
    assert b"evil.example" not in answer.partition(b"\r\n\r\n")[0]
    assert demo.get("/demo/b1/any").status == 200


def test_hostile_headers_of_a_good_call_disturb_nobody(demo):
    for name in (
        "traceparent",
        "Idempotency-Key",
        "Last-Event-ID",
        "Accept",
        "X-Forwarded-For",
        "nameko.call_id_stack",
    ):
        for value in (b"", b"5", b"\xff\xfe", b"a" * 4000, b"{}[]\"'", b"%00"):
            answer = demo.post("/demo/b1/optional", headers={name: value})
            assert answer.status in (200, 422)
    assert all(entry["event"] not in ("internal_error", "http_answer_failed") for entry in demo.log[-50:])


def test_a_bucket_lets_a_burst_pass_and_then_the_rate():
    now = [0.0]
    buckets = TokenBuckets(rate=10, burst=20, now=lambda: now[0])
    for _ in range(20):
        buckets.take("a")
    with pytest.raises(TooManyRequests) as caught:
        buckets.take("a")
    assert caught.value.extra["retry_after_s"] == 1
    buckets.take("b")
    now[0] = 0.1
    buckets.take("a")
    with pytest.raises(TooManyRequests):
        buckets.take("a")
    now[0] = 100
    for _ in range(20):
        buckets.take("a")
    with pytest.raises(TooManyRequests):
        buckets.take("a")


def test_buckets_forget_callers_who_have_gone():
    now = [0.0]
    buckets = TokenBuckets(rate=10, burst=20, now=lambda: now[0])
    for caller in range(30_000):
        now[0] += 0.001
        buckets.take(str(caller))
    assert len(buckets._levels) <= 10_000


def test_streams_are_counted_by_token():
    streams = OpenStreams(2)
    streams.enter("a")
    streams.enter("a")
    streams.enter("b")
    with pytest.raises(TooManyRequests):
        streams.enter("a")
    streams.leave("a")
    streams.enter("a")


def test_more_clients_are_served_than_files_that_the_process_might_open_when_it_began(tmp_path):
    with demo_process(tmp_path, DEMO_OPEN_FILES="100", LOBBY_STREAMS_PER_TOKEN="1000") as demo:
        followers = [Follower(demo, "many") for _ in range(150)]
        ring(demo, "many")
        assert all(len(follower.events(1)) == 1 for follower in followers)
        for follower in followers:
            follower.close()


def test_too_many_posts_are_429_and_say_when_to_come_back(tmp_path):
    with demo_process(tmp_path, LOBBY_POST_RATE="0.5", LOBBY_POST_BURST="5") as demo:
        answers = [demo.post("/demo/b1/bodyless") for _ in range(6)]
        assert [answer.status for answer in answers] == [204] * 5 + [429]
        assert answers[-1].json["code"] == "too_many_requests"
        assert int(answers[-1].headers["Retry-After"]) in (1, 2)
        assert demo.post("/demo/b1/bodyless", headers=demo.bearer(subject="another")).status == 204
        assert demo.get("/demo/b1/any").status == 200
