"""A PostgreSQL of our own from the machine's binaries, that a test may stop and kill."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg

from tests.support.processes import Group, Unavailable, free_port, fresh_directory, wait_until
from tests.support.reaper import Reaper

START_S = 60

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""For data that nobody misses after a crash: never where the server is killed."""


def binaries() -> Path:
    """Return the directory of PostgreSQL's newest binaries; raise :class:`Unavailable`."""
    found = shutil.which("postgres")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name.split(".")[0]), reverse=True
    )
    for place in places:
        if (place / "postgres").exists() and (place / "initdb").exists():
            return place
    raise Unavailable("there is no PostgreSQL server on this machine")


def accepts(url: str) -> bool:
    """Whether the server takes a connection and answers."""
    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True


class Database:
    """One server. It keeps its port and its data over ``stop``/``kill9`` and ``start``."""

    def __init__(self, reaper: Reaper, *, durable: bool) -> None:
        """Make the data directory; :meth:`start` starts the server. Raises :class:`Unavailable`."""
        self._reaper = reaper
        self._binaries = binaries()
        # PostgreSQL refuses to run as root.
        self._user = "postgres" if os.geteuid() == 0 else None
        self._directory = fresh_directory(reaper, "postgres")
        if self._user:
            shutil.chown(self._directory, self._user)
        self._options = {} if durable else FAST
        self.port = free_port()
        self._server: Group | None = None
        self._initialise()

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database."""
        return f"postgresql://lobby@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        log = self._directory / "output.log"
        options = {
            "listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "", "max_connections": 200,
            "shared_buffers": "64MB", **self._options,
        }  # fmt: skip
        command = [str(self._binaries / "postgres"), "-D", str(self._directory / "data")]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        server = self._server = Group.start(self._reaper, command, log=log, env=self._env, user=self._user)
        wait_until(lambda: not server.runs or accepts(self.url()), within_s=START_S, what="PostgreSQL to answer")
        if not server.runs:
            raise Unavailable(f"PostgreSQL ended at once:\n{log.read_text()[-2000:]}")

    def stop(self) -> None:
        """Stop the server in good order, its clients' connections cut."""
        assert self._server is not None
        self._server.stop(signal.SIGINT)

    def kill9(self) -> None:
        """Crash the server: no checkpoint, recovery at the next start."""
        assert self._server is not None
        self._server.stop(signal.SIGQUIT)

    def close(self) -> None:
        """End the server for good."""
        if self._server is not None:
            self._server.stop(signal.SIGQUIT)

    @property
    def _env(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", "HOME": str(self._directory)}

    def _initialise(self) -> None:
        who: dict[str, object] = {"user": self._user, "group": self._user, "extra_groups": []} if self._user else {}
        command = [
            str(self._binaries / "initdb"), "--pgdata", str(self._directory / "data"), "--username", "lobby",
            "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync",
        ]  # fmt: skip
        done = subprocess.run(  # type: ignore[call-overload]
            command, env=self._env, cwd=self._directory, capture_output=True, text=True, check=False, **who
        )
        if done.returncode:
            raise Unavailable(f"initdb failed: {done.stderr[-2000:]}")
