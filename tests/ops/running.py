"""A real ``lobby up`` in a process of its own, on a port and in a directory of its own."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.support.processes import free_port

READY_S = 60.0
END_S = 15.0


class Up:
    """Started by ``start``, ended by ``end`` or ``kill``; may be started again."""

    def __init__(self, data_dir: Path, *arguments: str, **environment: str) -> None:
        port = free_port()
        self.origin = f"http://127.0.0.1:{port}"
        self.arguments = arguments
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("LOBBY_")},
            "LOBBY_DATA_DIR": str(data_dir),
            "LOBBY_HTTP_ADDRESS": f"127.0.0.1:{port}",
            "LOBBY_ORIGIN": self.origin,
            **environment,
        }
        self.errors = data_dir.parent / f"{data_dir.name}.stderr"
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> list[str]:
        """Start it and wait until it says that it's ready; return the lines that it printed by then."""
        with self.errors.open("a") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.ops", "up", *self.arguments],
                env=self.environment, text=True, stdout=subprocess.PIPE, stderr=errors,
            )  # fmt: skip
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, args=(self.process, lines), daemon=True).start()
        said: list[str] = []
        while "Ctrl-C" not in "".join(said[-1:]):
            line = lines.get(timeout=READY_S)
            assert line, f"`lobby up` ended with {self.process.wait()}: {self.errors.read_text()[-3000:]}"
            said.append(line)
        return said

    @staticmethod
    def _read(process: subprocess.Popen[str], lines: "queue.Queue[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        lines.put("")

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to end; return its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(END_S)

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def lobby(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command beside it."""
        return subprocess.run(
            [sys.executable, "-m", "services.ops", *arguments],
            env=self.environment, text=True, capture_output=True, timeout=110, check=False,
        )  # fmt: skip

    def lobby_begun(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin another command beside it."""
        return subprocess.Popen(
            [sys.executable, "-m", "services.ops", *arguments],
            env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def page(self, path: str) -> tuple[int, str]:
        """Read a page that needs no token."""
        with urlopen(self.origin + path, timeout=10) as answer:
            return answer.status, answer.read().decode()

    def worklog(self, branch: str, day: str) -> dict[str, Any]:
        """Read a day's log with the command."""
        done = self.lobby("worklog", "export", "--branch", branch, "--date", day)
        assert done.returncode == 0, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document
