"""The system of docker-compose.yml, as a test sees it: from outside."""

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
READY_S = 240


def compose_command() -> list[str] | None:
    """Return how Compose is called on this machine: the plugin, or the program of its own."""
    if shutil.which("docker") and subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0:
        return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An HTTP answer."""

    status: int
    media_type: str
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A project of its own, on ports of its own."""

    command: list[str]
    environment: Mapping[str, str]

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.environment['LOBBY_PORT']}"

    def compose(self, *arguments: str, timeout: float = 600) -> str:
        """Run Compose; return what it prints; raise AssertionError with all of it when it fails."""
        done = subprocess.run(
            [*self.command, *arguments], cwd=ROOT, env={**os.environ, **self.environment}, capture_output=True,
            text=True, timeout=timeout, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"compose {' '.join(arguments)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def execute(self, container: str, *command: str) -> str:
        """Run a command in a container that runs."""
        return self.compose("exec", "-T", container, *command).strip()

    def amqp_url(self, user: str) -> str:
        """Return the broker's address for a user, as seen from outside."""
        port = self.environment["LOBBY_AMQP_PORT"]
        return (
            self.compose("run", "--rm", "setup", "show", user, "--host", f"127.0.0.1:{port}").strip().splitlines()[-1]
        )

    def token(self, *roles: str, branch: str = "*") -> str:
        """Issue a token as an operator does."""
        options = [option for role in roles for option in ("--role", role)]
        return self.execute("gateway", "lobby", "token", "issue", *options, "--branch", branch)

    def call(
        self, method: str, path: str, *, token: str | None = None, body: Any = None, headers: Mapping[str, str] = {}
    ) -> Answer:
        """Make a call at the origin."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.origin + path, data, method=method)
        request.add_header("Content-Type", "application/json")
        if token is not None:
            request.add_header("Authorization", f"Bearer {token}")
        for name, value in headers.items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Answer(status=answer.status, media_type=answer.headers.get_content_type(), body=answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(status=error.code, media_type=error.headers.get_content_type(), body=error.read())

    def wait_until_ready(self) -> None:
        """Wait until the gateway says that it is ready, and every service answers through the proxy."""
        deadline = time.monotonic() + READY_S
        waiting = {"/readyz": 200, **dict.fromkeys(("/v1/branches/x/queue", "/v1/branches/x/vip"), 401)}
        waiting |= {"/v1/incidents/x": 401, "/v1/branches/x/worklog/2026-11-24": 401}
        while waiting:
            waiting = {path: status for path, status in waiting.items() if self._status(path) != status}
            if waiting and time.monotonic() > deadline:
                raise AssertionError(f"not ready within {READY_S} s: {waiting}\n{self.compose('ps')}")
            if waiting:
                time.sleep(0.5)

    def _status(self, path: str) -> int:
        try:
            return self.call("GET", path).status
        except OSError:
            return 0

    @contextmanager
    def stream(self, branch: str, token: str, *, last_event_id: str | None = None) -> Iterator["Stream"]:
        """Follow a branch's events."""
        request = urllib.request.Request(f"{self.origin}/v1/branches/{branch}/stream")
        request.add_header("Authorization", f"Bearer {token}")
        if last_event_id is not None:
            request.add_header("Last-Event-ID", last_event_id)
        with urllib.request.urlopen(request, timeout=20) as answer:
            yield Stream(answer)


class Stream:
    """Server-sent events, one after another."""

    def __init__(self, lines: Any) -> None:
        self._lines = lines

    def next(self) -> tuple[str, dict[str, Any]]:
        """Return the next event's id and document, within half a minute; comments are passed over."""
        identity, data = "", ""
        deadline = time.monotonic() + 30
        for raw in self._lines:
            if time.monotonic() > deadline:
                raise AssertionError("no event on the stream within 30 s")
            line = raw.decode().rstrip("\n")
            name, _, value = line.partition(":")
            if name == "id":
                identity = value.strip()
            elif name == "data":
                data += value.strip()
            elif not line and data:
                return identity, json.loads(data)
        raise AssertionError("the stream ended")
