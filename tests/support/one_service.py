"""A single service of ours in a process of its own, as ``lobby up`` runs it, and a client to talk to it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import uuid4

from shared.settings import Settings
from shared.web.tokens import issue_token
from tests.support.processes import free_port

ROOT = Path(__file__).parents[2]
END_S = 15


@dataclass
class Answer:
    """What came back."""

    status: int
    json: Any


@dataclass
class Running:
    """The service, while it runs."""

    port: int
    settings: Settings
    branch: str = "demo"

    def call(
        self, method: str, path: str, body: object = None, *, role: str = "supervisor", branch: str | None = None,
        key: str | None = None, media_type: str = "application/json", subject: str | None = None,
    ) -> Answer:  # fmt: skip
        """Make one call as a person of this role in the branch; a body that is a text is sent as it is."""
        token = issue_token(
            self.settings, roles=[role], branches=[branch or self.branch], subject=subject or f"{role}-1"
        )
        headers = {"Authorization": f"Bearer {token}", "Content-Type": media_type}
        if method != "GET":
            headers["Idempotency-Key"] = key or str(uuid4())
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, _sent(body), headers)
            response = connection.getresponse()
            raw = response.read()
        finally:
            connection.close()
        return Answer(response.status, json.loads(raw) if raw else None)


def _sent(body: object) -> bytes | None:
    if body is None:
        return None
    return (body if isinstance(body, str) else json.dumps(body)).encode()


@contextmanager
def one_service(name: str, folder: Path, **variables: str) -> Iterator[Running]:
    """Run a service on databases of its own; it's told to end, and has to, when the block ends."""
    port = free_port()
    others = {key: value for key, value in os.environ.items() if not key.startswith("LOBBY_")}
    environment = {
        **others, "LOBBY_DATA_DIR": str(folder), "LOBBY_HTTP_ADDRESS": f"127.0.0.1:{port}", **variables,
    }  # fmt: skip
    log = folder / "service.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.run_service", name], env=environment, cwd=ROOT,
            stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", log.read_text()[-3000:]
        yield Running(port=port, settings=Settings(data_dir=folder, **_fields(variables)))
        process.terminate()
        assert process.wait(END_S) == 0, log.read_text()[-3000:]
    finally:
        process.kill()
        process.communicate()


def _fields(variables: dict[str, str]) -> dict[str, Any]:
    return {name.removeprefix("LOBBY_").lower(): value for name, value in variables.items()}
