"""The processes of a bench: each contender runs in one of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection

from shared.settings import Settings
from tests.support.processes import free_port, wait_until

END_S = 20


@dataclass(frozen=True, kw_only=True)
class Serving:
    """A service in a process of its own."""

    address: tuple[str, int]
    process: int


@contextmanager
def running(module: str, *arguments: str, **environment: str) -> Iterator[int]:
    """Run a module while the block does, which is told its process id; whoever does not end when told to is killed."""
    command = [sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def serving(service: str, settings: Settings) -> Iterator[Serving]:
    """Run a service as ``lobby serve`` does, without limits of how often somebody may call."""
    port = free_port()
    environment = {
        "LOBBY_AMQP_URL": settings.amqp_url, "LOBBY_DATABASE_URL": settings.database_url,
        "LOBBY_DATA_DIR": str(settings.data_dir), "LOBBY_HTTP_ADDRESS": f"127.0.0.1:{port}",
        "LOBBY_LOG_LEVEL": "warning", "LOBBY_POST_RATE": "1000000", "LOBBY_POST_BURST": "1000000",
    }  # fmt: skip
    with running("services.ops", "serve", service, **environment) as process:
        wait_until(lambda: answers(port), within_s=60, what=f"{service} to listen")
        yield Serving(address=("127.0.0.1", port), process=process)


def answers(port: int) -> bool:
    """Whether something listens there, and is ready or knows no readiness."""
    connection = HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status in (200, 404)
    except OSError:
        return False
    finally:
        connection.close()
