"""Runs the demo service in processes of its own: real sockets, a real client, a hub that is nobody else's."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path

import pytest

from shared.settings import Settings
from shared.web.tokens import issue_token

ROOT = Path(__file__).parents[2]


@dataclass
class Answer:
    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Demo:
    """A running demo process."""

    port: int
    process: subprocess.Popen
    settings: Settings
    log_file: Path
    tokens: dict = field(default_factory=dict)

    def token(self, *roles, branches=("b1",), ttl=timedelta(hours=1), subject="somebody"):
        key = (roles, branches, ttl, subject)
        if key not in self.tokens:
            self.tokens[key] = issue_token(
                self.settings, roles=roles or ["teller"], branches=branches, ttl=ttl, subject=subject
            )
        return self.tokens[key]

    def bearer(self, *roles, **scope):
        return {"Authorization": f"Bearer {self.token(*roles, **scope)}"}

    def connect(self, timeout=10):
        return HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def request(self, method, path, body=None, *, headers=None, auth=True, **options):
        head = {**(self.bearer() if auth else {}), **(headers or {})}
        if isinstance(body, dict | list):
            body = json.dumps(body)
            head.setdefault("Content-Type", "application/json")
        connection = self.connect()
        try:
            connection.request(method, path, body, head, **options)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.request("POST", path, body, **options)

    @property
    def log(self):
        return [json.loads(line) for line in self.log_file.read_text().splitlines() if line.startswith("{")]

    def stop(self):
        """Ask it to stop; return the seconds that it took to."""
        out, _ = self.process.communicate("\n", timeout=10)
        return float(out)


@contextmanager
def demo_process(folder: Path, *names: str, **env: str):
    folder.mkdir(exist_ok=True, parents=True)
    log_file = folder / f"{'-'.join(names) or 'all'}.log"
    variables = {
        "LOBBY_DATA_DIR": str(folder / "data"),
        "LOBBY_HTTP_ADDRESS": "127.0.0.1:0",
        "LOBBY_LOG": "json",
        **env,
    }
    others = {name: value for name, value in os.environ.items() if not name.startswith("LOBBY_")}
    with log_file.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.web.demo", *names], env={**others, **variables}, cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
        try:
            line = process.stdout.readline()
            assert line, log_file.read_text()
            settings = Settings(data_dir=folder / "data")
            yield Demo(port=int(line), process=process, settings=settings, log_file=log_file)
        finally:
            process.kill()
            process.communicate()


@pytest.fixture(scope="package")
def demo(tmp_path_factory):
    with demo_process(tmp_path_factory.mktemp("demo"), LOBBY_LOG_LEVEL="debug") as running:
        yield running
