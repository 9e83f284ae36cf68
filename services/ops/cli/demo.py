"""The living branch of ``lobby up --demo``: a child process that simulates, and ends with its parent."""

import os
import subprocess
import sys

import structlog

from shared.settings import Settings

BRANCH = "demo"
END_S = 3.0

log = structlog.get_logger()


class Demo:
    """The child process. It must not run inside the servers' process: that one is patched for eventlet."""

    def __init__(self, settings: Settings, origin: str) -> None:
        """``origin`` is where the child finds the system."""
        self._settings = settings
        self._origin = origin
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        command = [sys.executable, "-m", "services.ops", "simulate", "--endless", "--branch", BRANCH, "--counters", "8"]
        self._child = subprocess.Popen(
            [*command, "--parent", str(os.getpid())],
            env={**os.environ, "LOBBY_ORIGIN": self._origin},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the parent, which ends the child in its own time
        )

    def look(self) -> None:
        """Say so, once, when it has ended by itself."""
        if self._child is not None and self._child.poll() is not None:
            log.error("demo_ended", exit_code=self._child.returncode)
            self._child = None

    def end(self) -> None:
        """End it: gently, then by force."""
        if self._child is None or self._child.poll() is not None:
            return
        self._child.terminate()
        try:
            self._child.wait(END_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
