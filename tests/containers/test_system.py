"""The system of docker-compose.yml does its work behind its one origin."""

import csv
import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings import rabbitmq
from cloudevents.core.v1.event import CloudEvent
from kombu import Connection, Consumer, Exchange, Queue

from shared.ids import new_id
from tests.containers.stack import ROOT, Stack
from tests.support.processes import wait_until

pytestmark = [pytest.mark.containers, pytest.mark.timeout(900)]

PLAYED = ("terminal", "teller", "lobby_manager", "customer_manager", "supervisor", "operations", "auditor")


def take_ticket(stack: Stack, branch: str, key: str | None = None, token: str | None = None) -> Any:
    answer = stack.call(
        "POST",
        f"/v1/branches/{branch}/tickets",
        token=token or stack.token("terminal", branch=branch),
        body={"business": "cash_withdrawal"},
        headers={"Idempotency-Key": key or new_id()},
    )
    assert answer.status == 201, answer.body
    return answer.json


def test_every_container_is_well(stack: Stack) -> None:
    identities = stack.compose("ps", "-q").split()
    looked_for = "{{.Name}} {{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}"
    command = ["docker", "inspect", "--format", looked_for, *identities]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert len(identities) == 10, listing
    for line in listing.splitlines():
        name, status, code, restarts = line.split()
        once = "setup" in name or "migrate" in name
        assert (status, code, restarts) == (("exited" if once else "running"), "0", "0"), listing


def test_a_terminal_with_nothing_but_http_gets_a_ticket_once(stack: Stack) -> None:
    token, key = stack.token("terminal", branch="http"), new_id()
    first = take_ticket(stack, "http", key, token)
    assert take_ticket(stack, "http", key, token) == first
    queue = stack.call("GET", "/v1/branches/http/queue", token=token)
    assert queue.status in (200, 403)
    assert first["number"]


def test_a_terminal_with_nothing_but_amqp_gets_a_ticket(stack: Stack) -> None:
    event = CloudEvent(
        {
            "id": new_id(), "source": "/terminals/t1", "type": "lobby.terminal.ticket_requested.v1", "branchid": "amqp",
            "specversion": "1.0",
        },
        {"business": "cash_withdrawal"},
    )  # fmt: skip
    message = rabbitmq.to_binary_event(event)
    answers: list[dict[str, Any]] = []
    with Connection(stack.amqp_url("terminals")) as connection, connection.channel() as channel:
        events = Exchange("lobby.events", "topic", passive=True)
        mine = Queue(f"terminal.{new_id()}", events, "*.amqp.#", exclusive=True)(channel)
        mine.queue_declare()
        mine.queue_bind()
        connection.Producer(channel).publish(
            message.body, exchange="lobby.terminals", routing_key="amqp.lobby.terminal.ticket_requested.v1",
            content_type=message.content_type, headers=message.headers, delivery_mode=2,
        )  # fmt: skip
        with Consumer(channel, mine, on_message=lambda message: answers.append(json.loads(message.body)), no_ack=True):

            def answered() -> bool:
                connection.drain_events(timeout=20)
                return any(answer.get("causationid") == event.get_id() for answer in answers)

            wait_until(answered, within_s=30, what="the ticket that the terminal asked for")
    (ticket,) = [answer for answer in answers if answer.get("causationid") == event.get_id()]
    assert ticket["type"] == "lobby.triage.ticket_issued.v1"


def test_a_stream_arrives_at_once_and_goes_on_where_it_was_cut_off(stack: Stack) -> None:
    token = stack.token("terminal", "auditor", branch="stream")
    visits = [take_ticket(stack, "stream", token=token)["visit_id"] for _ in range(3)]
    seen: list[tuple[str, str]] = []
    last: str | None = "0"
    with stack.stream("stream", token) as stream:
        visits.append(take_ticket(stack, "stream", token=token)["visit_id"])
        while not seen or seen[-1][1] != visits[3]:
            last, event = stream.next()
            seen.append((last, event["subject"]))
    visits.append(take_ticket(stack, "stream", token=token)["visit_id"])
    with stack.stream("stream", token, last_event_id=last) as stream:
        identity, event = stream.next()
    assert identity not in {identity for identity, _ in seen}
    assert event["subject"] == visits[4]


def test_a_body_that_is_too_large_is_refused_by_the_proxy(stack: Stack) -> None:
    answer = stack.call("POST", "/v1/events", token=stack.token("terminal"), body=b"x" * 2_000_000)
    assert (answer.status, answer.media_type, answer.json["code"]) == (413, "application/problem+json", "too_large")


def test_a_service_that_is_away_is_a_problem_of_its_own_and_comes_back(stack: Stack) -> None:
    token = stack.token("terminal", "customer_manager", "lobby_manager")
    stack.compose("stop", "vip")
    try:
        answer = stack.call("GET", "/v1/branches/away/vip", token=token)
        assert (answer.status, answer.media_type, answer.json["code"]) == (
            503,
            "application/problem+json",
            "unavailable",
        )
        take_ticket(stack, "away", token=token)
    finally:
        stack.compose("start", "vip")
    wait_until(
        lambda: stack.call("GET", "/v1/branches/away/vip", token=token).status == 200,
        within_s=60,
        what="vip",
        every_s=0.5,
    )


def test_the_documents_and_pages_are_served(stack: Stack) -> None:
    assert stack.call("GET", "/openapi.json").json["openapi"].startswith("3.1")
    assert stack.call("GET", "/asyncapi.json").json["asyncapi"] == "3.0.0"
    for path in ("/", "/docs"):
        answer = stack.call("GET", path)
        assert (answer.status, answer.media_type) == (200, "text/html"), path


def test_a_second_start_keeps_every_secret(stack: Stack) -> None:
    token, url = stack.token("terminal", branch="again"), stack.amqp_url("terminals")
    stack.compose("up", "-d", "--force-recreate", "setup", "gateway", "rabbitmq", timeout=300)
    stack.wait_until_ready()
    assert stack.amqp_url("terminals") == url
    take_ticket(stack, "again", token=token)
    with Connection(url, connect_timeout=10) as connection:
        connection.connect()


def test_a_simulated_day_passes_through_the_containers(stack: Stack, tmp_path: Path) -> None:
    trace = tmp_path / "day.csv"
    opening = datetime.fromisoformat("2026-11-24T09:00:00+08:00")
    with trace.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["arrived_at", "business", "priority", "customer", "service_s", "patience_s"])
        for n in range(60):
            arrived = opening + timedelta(seconds=20 * n)
            writer.writerow(
                [arrived.isoformat(), "cash_withdrawal", 2 if n % 10 == 0 else 0, f"c{n}", 60 + n % 7 * 15, ""]
            )
    done = subprocess.run(
        [sys.executable, "-m", "services.ops", "simulate", "--trace", str(trace), "--speed", "60", "--branch", "day",
         "--origin", stack.origin, "--token", stack.token(*PLAYED), "--json"],
        cwd=ROOT, env={**os.environ, "LOBBY_DATA_DIR": str(tmp_path)}, capture_output=True, text=True, timeout=600,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-4000:]}"
    summary = json.loads(done.stdout)
    assert summary["requested"] == summary["visits"] == 60
    assert summary["served"] + summary["left"] == 60
    assert summary["worklog_matches"] is True
