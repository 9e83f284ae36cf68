"""What both private servers need: ports, directories, groups of processes, waiting for a condition."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.reaper import Reaper


class Unavailable(Exception):
    """A server cannot be had this way; the text says why."""


def free_port() -> int:
    """Return a TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(condition: Callable[[], bool], *, within_s: float, what: str, every_s: float = 0.05) -> None:
    """Wait for a condition; raise :class:`TimeoutError` that says what was waited for."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {within_s:g} s")
        time.sleep(every_s)


def fresh_directory(reaper: Reaper, name: str) -> Path:
    """Make a directory that the reaper removes at the end."""
    path = Path(tempfile.mkdtemp(prefix=f"lobby-test-{name}-"))
    reaper.tell("directory", str(path))
    return path


@dataclass(kw_only=True)
class Group:
    """A process and its children, in a group of their own."""

    process: "subprocess.Popen[bytes]"

    @classmethod
    def start(
        cls, reaper: Reaper, command: Sequence[str], *, log: Path, env: Mapping[str, str], user: str | None = None
    ) -> "Group":
        """Start a command, its output to a file, as another user if one is given (needs root)."""
        who: dict[str, object] = {"user": user, "group": user, "extra_groups": []} if user else {}
        with log.open("ab") as output:
            process = subprocess.Popen(  # type: ignore[call-overload]
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=dict(env), cwd=log.parent,
                start_new_session=True, **who,
            )  # fmt: skip
        reaper.tell("group", process.pid)
        return cls(process=process)

    @property
    def runs(self) -> bool:
        """Whether the process is alive."""
        return self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to all processes of the group."""
        os.killpg(self.process.pid, number)

    def stop(self, number: signal.Signals = signal.SIGTERM, *, within_s: float = 20) -> None:
        """Ask the process to end, and insist after a while."""
        if not self.runs:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.kill9()

    def kill9(self) -> None:
        """Kill the whole group at once."""
        if self.runs:
            self.send(signal.SIGKILL)
            self.process.wait(10)
