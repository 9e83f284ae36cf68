"""A handle on a process of ``tests.support.bus_service``."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from shared.settings import Settings
from tests.support.processes import free_port, wait_until

ROOT = Path(__file__).parents[2]
READY_S = 60
END_S = 15


class BusProcess:
    """Producer or consumer of ``tests.bus.world`` in a process of its own; ``start`` may be called again."""

    def __init__(self, settings: Settings, folder: Path, *services: str, name: str = "", **variables: str) -> None:
        """``variables`` are more of the environment."""
        self.port = free_port()
        name = name or "-".join(services)
        self.log_file = folder / f"{name}.log"
        self._services = services
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("LOBBY_")},
            "LOBBY_DATA_DIR": str(folder / f"{name}-data"),
            "LOBBY_AMQP_URL": settings.amqp_url,
            "LOBBY_DATABASE_URL": settings.database_url,
            "LOBBY_HTTP_ADDRESS": f"127.0.0.1:{self.port}",
            "LOBBY_LOG": "json",
            **variables,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0

    def start(self) -> None:
        """Start it; :meth:`wait_ready` waits."""
        self.started += 1
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.bus_service", *self._services], env=self._environment, cwd=ROOT,
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def wait_ready(self, *, within_s: float = READY_S) -> None:
        """Wait until it can do all its work."""

        def ready() -> bool:
            assert self.runs, f"it ended with {self.code}: {self.log_file.read_text()[-3000:]}"
            return self.checks() == {}

        wait_until(ready, within_s=within_s, what=f"{self.log_file.stem} to be ready")

    def checks(self) -> dict[str, str] | None:
        """Return what is not ready, with the reason; None where nothing answers."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                body = json.load(answer)
        except HTTPError as error:
            body = json.load(error)
        except (URLError, OSError):
            return None
        return {name: reason for name, reason in body["checks"].items() if reason != "ok"}

    def answer_time(self) -> float:
        """Return the seconds that /healthz takes."""
        began = time.monotonic()
        with urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=10):
            return time.monotonic() - began

    @property
    def runs(self) -> bool:
        """Whether the process is alive."""
        return self.process is not None and self.process.poll() is None

    @property
    def code(self) -> int | None:
        """The exit code, once it has ended."""
        return None if self.process is None else self.process.poll()

    @property
    def log(self) -> list[dict[str, Any]]:
        """What it said, in every life."""
        return [json.loads(line) for line in self.log_file.read_text().splitlines() if line.startswith("{")]

    def said(self, event: str) -> list[dict[str, Any]]:
        """What it said of one kind."""
        return [entry for entry in self.log if entry.get("event") == event]

    def kill9(self) -> None:
        """Kill it as the kernel would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(END_S)

    def end(self) -> int:
        """Tell it to end, and wait for it."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(END_S)
