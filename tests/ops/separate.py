"""Every service in a process of its own, as in production: ``lobby serve``, a broker, PostgreSQL."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from shared.settings import SERVICES
from tests.ops.days import DAY
from tests.support.processes import free_port, wait_until

READY_S = 60.0


class Separate:
    """The five processes, and other commands beside them."""

    def __init__(self, data_dir: Path, **environment: str) -> None:
        self.ports = {service: free_port() for service in SERVICES}
        self.folder = data_dir.parent
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("LOBBY_")},
            "LOBBY_DATA_DIR": str(data_dir),
            "LOBBY_ORIGIN": f"http://127.0.0.1:{self.ports['gateway']}",
            **{f"LOBBY_{name.upper()}_URL": f"http://127.0.0.1:{port}" for name, port in self.ports.items()},
            **environment,
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *services: str) -> None:
        """Start these services, and wait until they're ready."""
        for service in services:
            with (self.folder / f"{service}.stderr").open("ab") as errors:
                self.processes[service] = subprocess.Popen(
                    [sys.executable, "-m", "services.ops", "serve", service],
                    env={**self.environment, "LOBBY_HTTP_ADDRESS": f"127.0.0.1:{self.ports[service]}"},
                    stdout=errors, stderr=errors,
                )  # fmt: skip
        for service in services:
            wait_until(lambda s=service: self.is_ready(s), within_s=READY_S, what=f"{service} is ready")

    def is_ready(self, service: str) -> bool:
        """Whether the service says so; a process that has ended never will."""
        code = self.processes[service].poll()
        assert code is None, f"{service} ended with {code}: {(self.folder / f'{service}.stderr').read_text()[-2000:]}"
        try:
            with urlopen(f"http://127.0.0.1:{self.ports[service]}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def kill(self, service: str) -> None:
        """kill -9."""
        self.processes[service].kill()
        self.processes[service].wait()

    def end(self, service: str) -> int:
        """SIGTERM; return the exit code."""
        self.processes[service].send_signal(signal.SIGTERM)
        return self.processes[service].wait(15)

    def served(self) -> int:
        """How many customers of the small day the work log takes for served by now."""
        done = self.lobby("worklog", "export", "--branch", "demo", "--date", DAY)
        return int(json.loads(done.stdout)["served"]) if done.returncode == 0 else 0

    def close(self) -> None:
        """Leave nothing running."""
        for process in self.processes.values():
            process.kill()
            process.wait()

    def lobby(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command and wait for it."""
        return subprocess.run(
            [sys.executable, "-m", "services.ops", *arguments],
            env=self.environment, text=True, capture_output=True, timeout=110, check=False,
        )  # fmt: skip

    def lobby_begun(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin another command."""
        return subprocess.Popen(
            [sys.executable, "-m", "services.ops", *arguments],
            env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
