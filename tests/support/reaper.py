"""Clean up after a test session, however it ends.

Started as a process of its own that reads lines from a pipe. When the session closes the pipe or
dies, by Ctrl-C or by kill -9, the reaper kills the process groups, removes the containers and then
the directories that it was told of. Where there is a /proc it also kills every process that was
started below the session and is still there: each has the session's mark in its environment.
Only the standard library: it may outlive the environment.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

MARK = "TESTS_OF_LOBBY"


class Reaper:
    """The session's end of the pipe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__], stdin=subprocess.PIPE, start_new_session=True, cwd="/", text=True
        )
        os.environ[MARK] = str(self._process.pid)  # of what is started from now on

    def tell(self, kind: str, value: str | int) -> None:
        """Register a ``group`` of processes, ``container``, Compose ``project`` or ``directory`` to be cleaned up."""
        assert self._process.stdin is not None
        with self._lock:
            self._process.stdin.write(f"{kind} {value}\n")
            self._process.stdin.flush()

    def close(self) -> None:
        """Clean up now, and wait until it is done."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.wait(120)


def _clean(told: list[tuple[str, str]]) -> None:
    for kind, value in reversed(told):
        if kind == "group":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(int(value), signal.SIGKILL)
        elif kind == "container":
            _docker("rm", "--force", "--volumes", value)
        elif kind == "project":
            _remove_project(value)
    _kill_marked(f"{MARK}={os.getpid()}".encode())
    for kind, value in told:
        if kind == "directory" and Path(value).name.startswith("lobby-test-"):
            shutil.rmtree(value, ignore_errors=True)


def _kill_marked(mark: bytes) -> None:
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # it has ended, or is somebody else's
            if mark in environ.read_bytes().split(b"\0"):
                os.kill(int(environ.parent.name), signal.SIGKILL)


def _remove_project(name: str) -> None:
    """Remove what is left of a Compose project: containers, then volumes and networks."""
    label = f"label=com.docker.compose.project={name}"
    for listing, removal in (
        (("ps", "--all", "--quiet"), ("rm", "--force", "--volumes")),
        (("volume", "ls", "--quiet"), ("volume", "rm", "--force")),
        (("network", "ls", "--quiet"), ("network", "rm")),
    ):
        if found := _docker(*listing, "--filter", label).split():
            _docker(*removal, *found)


def _docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False).stdout


def main() -> None:
    """Read until the session is gone, then clean up."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    told: list[tuple[str, str]] = []
    for line in sys.stdin:
        kind, _, value = line.strip().partition(" ")
        told.append((kind, value))
    _clean(told)


if __name__ == "__main__":
    main()
