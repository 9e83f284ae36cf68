"""Server-sent events: at once, in order, from where the client left off, and only as long as it listens."""

import threading
import time

import pytest

from tests.web.conftest import demo_process

STREAM = "/v1/branches/{}/stream"


class Follower:
    """A client that reads one line at a time."""

    def __init__(self, demo, branch, *, query="", headers=None, **scope):
        self.connection = demo.connect(timeout=5)
        self.connection.request(
            "GET", STREAM.format(branch) + query,
            headers={**demo.bearer(branches=("*",), **scope), **(headers or {})},
        )  # fmt: skip
        self.response = self.connection.getresponse()

    def lines(self):
        while line := self.response.readline():
            yield line.decode().rstrip("\n")

    def events(self, count):
        found, event = [], {}
        for line in self.lines():
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                event[name] = value
            elif "data" in event:
                found.append(event)
                event = {}
                if len(found) == count:
                    return found
            elif not line:
                event = {}
        return found

    def close(self):
        self.response.close()
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def ring(demo, branch):
    assert demo.post(f"/demo/{branch}/ring", headers=demo.bearer(branches=("*",))).status == 200


def open_streams(demo):
    for line in demo.get("/metrics").body.decode().splitlines():
        if line.startswith("lobby_http_streams "):
            return float(line.split()[1])
    raise AssertionError("no metric of streams")


def wait_for(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_head_and_a_comment_come_at_once(demo):
    began = time.monotonic()
    with Follower(demo, "quiet") as follower:
        assert next(follower.lines()) == ": connected"
        assert time.monotonic() - began < 0.5
        assert follower.response.headers["Content-Type"].startswith("text/event-stream")
        assert follower.response.headers["Cache-Control"] == "no-store"
        assert follower.response.headers["X-Accel-Buffering"] == "no"


def test_an_event_is_there_within_50_ms(demo):
    delays = []
    with Follower(demo, "fast") as follower:
        next(follower.lines())
        for _ in range(10):
            ring(demo, "fast")
            (event,) = follower.events(1)
            delays.append(time.time() - float(event["data"].removeprefix('{"at": ').removesuffix("}")))
    assert min(delays) < 0.05  # bytes that are held back are held back every time; a busy machine is late sometimes


def test_events_come_with_position_type_and_data(demo):
    with Follower(demo, "whole") as follower:
        ring(demo, "whole")
        (event,) = follower.events(1)
    assert event["id"].isdigit()
    assert event["event"] == "lobby.demo.rang.v1"
    assert event["data"].startswith('{"at"')


@pytest.mark.parametrize("how", ["header", "query"])
def test_a_stream_goes_on_behind_the_position_that_the_client_has(demo, how):
    branch = f"on-{how}"
    for _ in range(4):
        ring(demo, branch)
    with Follower(demo, branch) as follower:
        first = [event["id"] for event in follower.events(4)]
    ring(demo, branch)
    header = {"Last-Event-ID": first[1]} if how == "header" else None
    query = f"?after={first[1]}" if how == "query" else ""
    with Follower(demo, branch, headers=header, query=query) as follower:
        second = [event["id"] for event in follower.events(3)]
    assert second[:2] == first[2:]
    assert int(second[2]) > int(first[3])


def test_a_quiet_stream_sends_heartbeats(demo):
    with Follower(demo, "quiet") as follower:
        beats = [line for line, _ in zip(follower.lines(), range(8), strict=False) if line == ": "]
    assert len(beats) >= 2


def test_only_the_branchs_events_come(demo):
    with Follower(demo, "mine") as follower:
        ring(demo, "others")
        ring(demo, "mine")
        (event,) = follower.events(1)
        ring(demo, "mine")
        (after,) = follower.events(1)
    assert int(after["id"]) == int(event["id"]) + 1


def test_a_client_that_goes_away_is_noticed(demo):
    wait_for(lambda: open_streams(demo) == 0)
    followers = [Follower(demo, "gone") for _ in range(5)]
    wait_for(lambda: open_streams(demo) == 5)
    for follower in followers:
        follower.close()
    wait_for(lambda: open_streams(demo) == 0, 3)


def test_streams_take_no_worker_from_calls(demo):
    followers = [Follower(demo, "many", subject=f"s{n % 3}") for n in range(60)]  # the demo has 50 workers
    assert demo.post("/demo/b1/echo", {"text": "x"}).status == 201
    ring(demo, "many")
    assert all(len(follower.events(1)) == 1 for follower in followers)
    for follower in followers:
        follower.close()


def test_a_source_that_fails_ends_its_stream_and_tells_nothing(demo):
    with Follower(demo, "broken") as follower:
        assert "hunter2" not in "\n".join(follower.lines())
    assert any(entry["event"] == "stream_failed" and entry["branch"] == "broken" for entry in demo.log)


def test_a_token_has_a_limit_of_streams(tmp_path):
    with demo_process(tmp_path, LOBBY_STREAMS_PER_TOKEN="2") as demo:
        first, second = Follower(demo, "x"), Follower(demo, "x")
        third = Follower(demo, "x")
        assert third.response.status == 429
        assert third.response.headers["Retry-After"]
        assert Follower(demo, "x", subject="another").response.status == 200
        first.close()
        wait_for(lambda: Follower(demo, "x").response.status == 200)
        second.close()


def test_only_the_head_of_a_stream_counts_for_nothing(tmp_path):
    with demo_process(tmp_path, LOBBY_STREAMS_PER_TOKEN="1") as demo:
        for _ in range(3):
            assert demo.request("HEAD", STREAM.format("b1")).status == 200
        with Follower(demo, "x") as follower:
            assert follower.response.status == 200


def test_open_streams_end_in_order_and_within_a_second_when_the_service_stops(tmp_path):
    with demo_process(tmp_path) as demo:
        followers = [Follower(demo, "x") for _ in range(20)]
        ends = []
        readers = [
            threading.Thread(target=lambda f=follower: ends.append(f.response.read())) for follower in followers
        ]  # fmt: skip
        for reader in readers:
            reader.start()
        wait_for(lambda: open_streams(demo) == 20)
        assert demo.stop() < 1
        for reader in readers:
            reader.join(3)
        assert len(ends) == 20  # IncompleteRead would have been raised instead


def test_a_stream_that_nobody_reads_does_not_stop_the_others_or_the_end(tmp_path):
    with demo_process(tmp_path) as demo:
        stuck = Follower(demo, "x")
        for _ in range(50):
            ring(demo, "x")
        with Follower(demo, "x") as follower:
            assert len(follower.events(50)) == 50
        assert demo.stop() < 1
        stuck.close()


def test_a_client_that_goes_away_is_no_error_of_the_service(tmp_path):
    with demo_process(tmp_path) as demo:
        followers = [Follower(demo, "x") for _ in range(5)]
        wait_for(lambda: open_streams(demo) == 5)
        for follower in followers:
            follower.close()
        for _ in range(5):
            ring(demo, "x")  # while nobody has looked yet whether they are there
        wait_for(lambda: open_streams(demo) == 0)
        assert not [entry for entry in demo.log if entry["event"] == "http_answer_failed"]
