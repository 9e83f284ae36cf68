"""The process: its socket, its health, its figures, its documentation, its end."""

import socket
import subprocess
import sys
import time

import orjson
import pytest

from tests.web.conftest import ROOT, demo_process


def test_containers_of_one_process_share_one_socket(demo):
    assert demo.get("/healthz", auth=False).json == {"status": "ok", "services": ["gateway", "triage"]}
    assert demo.get("/demo/b1/any").status == 200
    assert demo.post("/demo/b1/ring").status == 200


def test_a_used_address_names_the_setting(demo, tmp_path):
    process = subprocess.run(
        [sys.executable, "-m", "tests.web.demo"], cwd=ROOT, capture_output=True, text=True, timeout=20,
        env={"LOBBY_HTTP_ADDRESS": f"127.0.0.1:{demo.port}", "LOBBY_DATA_DIR": str(tmp_path)}, check=False,
    )  # fmt: skip
    assert process.returncode != 0
    last = process.stderr.strip().splitlines()[-1]
    assert "SettingsError: LOBBY_HTTP_ADDRESS" in last
    assert f"127.0.0.1:{demo.port} is in use" in last


@pytest.mark.parametrize("address", ["192.0.2.1:0", "no-such-host.invalid:0"])
def test_an_address_that_is_not_ours_names_the_setting(tmp_path, address):
    process = subprocess.run(
        [sys.executable, "-m", "tests.web.demo"], cwd=ROOT, capture_output=True, text=True, timeout=20,
        env={"LOBBY_HTTP_ADDRESS": address, "LOBBY_DATA_DIR": str(tmp_path)}, check=False,
    )  # fmt: skip
    assert process.returncode != 0
    assert "SettingsError: LOBBY_HTTP_ADDRESS" in process.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("disconnected", "disconnected"),
        ("raises", "the check failed; see the log"),
        ("hangs", "no answer within 2 s"),
    ],
)
def test_ready_says_what_is_not(demo, state, reason):
    ready = demo.get("/readyz", auth=False)
    assert (ready.status, ready.json["checks"]) == (200, {"triage.database": "ok"})
    demo.post(f"/demo/b1/fail/{state}")
    try:
        unready = demo.get("/readyz", auth=False)
        assert unready.status == 503
        assert unready.json["status"] == "not_ready"
        assert unready.json["checks"] == {"triage.database": reason}
        assert demo.get("/healthz", auth=False).status == 200
    finally:
        demo.post("/demo/b1/fail/ready")


def test_figures_are_by_route_and_status(demo):
    def count(line):
        found = [row for row in demo.get("/metrics").body.decode().splitlines() if row.startswith(line)]
        return float(found[0].split()[-1]) if found else 0.0

    requests = 'lobby_http_requests_total{method="POST",route="/demo/{b}/fail/{id}",status="409"}'
    seconds = 'lobby_http_request_seconds_count{method="POST",route="/demo/{b}/fail/{id}"}'
    before = count(requests), count(seconds)
    demo.post("/demo/b1/fail/conflict")
    assert (count(requests), count(seconds)) == (before[0] + 1, before[1] + 1)


def test_unknown_addresses_are_one_series(demo):
    for path in ("/x/1", "/x/2"):
        demo.get(path)
    metrics = demo.get("/metrics").body.decode()
    assert "/x/1" not in metrics
    assert 'route="(none)"' in metrics


def test_the_openapi_document_is_served(demo):
    answer = demo.get("/openapi.json", auth=False)
    assert answer.status == 200
    assert orjson.loads(answer.body)["openapi"].startswith("3.1")


def test_the_asyncapi_document_is_served(demo):
    answer = demo.get("/asyncapi.json", auth=False)
    assert answer.status == 200
    assert orjson.loads(answer.body)["asyncapi"].startswith("3.")


def test_the_docs_need_nothing_from_elsewhere(demo):
    page = demo.get("/docs", auth=False)
    assert page.status == 200
    text = page.body.decode()
    assert "http:" not in text
    assert "https:" not in text
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    linked = [part.split('"')[0] for part in text.replace('src="', 'href="').split('href="')[1:]]
    assert len(linked) >= 4
    for path in linked:
        answer = demo.get(path, auth=False)
        assert answer.status == 200, path
        assert len(answer.body) > 100
    assert b"/openapi.json" in demo.get("/docs/start.js", auth=False).body


def test_an_idle_process_ends_at_once(tmp_path):
    with demo_process(tmp_path) as demo:
        idle = demo.connect()
        idle.request("GET", "/healthz")
        idle.getresponse().read()
        assert demo.stop() < 0.4  # less than the grace that a call under way has
        assert idle.sock.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", demo.port), timeout=1)


def test_a_call_that_runs_is_answered_before_the_end(tmp_path):
    with demo_process(tmp_path) as demo:
        connection = demo.connect()
        body = b'{"text": "x", "wait_s": 0.4}'
        connection.request("POST", "/demo/b1/echo", body, {**demo.bearer(), "Content-Type": "application/json"})
        time.sleep(0.15)  # it is on its way into the worker; there is nothing outside to wait for
        assert demo.stop() < 1
        assert connection.getresponse().status == 201


def test_a_container_that_dies_answers_its_callers_and_leaves_the_others_alone(tmp_path):
    with demo_process(tmp_path) as demo:
        waiting = demo.connect()
        body = b'{"text": "x", "wait_s": 5}'
        waiting.request("POST", "/demo/b1/echo", body, {**demo.bearer(), "Content-Type": "application/json"})
        began = time.monotonic()
        demo.post("/demo/b1/fail/die")
        response = waiting.getresponse()
        assert (response.status, orjson.loads(response.read())["code"]) == (503, "unavailable")
        assert time.monotonic() - began < 2
        assert demo.post("/demo/b1/ring").status == 200
        assert demo.get("/v1/branches/b1/queue").status == 503
        assert demo.get("/healthz").json["services"] == ["gateway"]


def test_a_path_of_a_service_that_is_not_here_yet_is_503(tmp_path):
    with demo_process(tmp_path, "gateway") as demo:
        answer = demo.get("/v1/branches/b1/queue")
        assert (answer.status, answer.json["code"]) == (503, "unavailable")
        assert answer.headers["Retry-After"]
        assert demo.get("/v1/nothing").status == 404


def test_a_service_of_its_own_answers_only_its_own(tmp_path):
    with demo_process(tmp_path, "triage", LOBBY_AMQP_URL="amqp://nobody") as demo:
        assert demo.get("/v1/branches/b1/queue").status == 200
        assert demo.get("/v1/branches/b1/stream").status == 503
        assert demo.get("/healthz", auth=False).json["services"] == ["triage"]
