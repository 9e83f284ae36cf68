"""``lobby up``: the whole system in one process, with the living branch beside it if it's wanted."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import structlog
import typer

from services.ops.cli.serve import run_services
from services.ops.config import ConfigFile, settings_of
from services.ops.errors import CommandError, UsageError
from services.ops.provisioning.migrations import upgrade
from shared.settings import SERVICES, Settings

NAME = "lobby.lock"


@contextmanager
def data_dir_lock(data_dir: Path) -> Iterator[None]:
    """Hold the directory (made if it isn't there) until the block or the process ends.

    Raises :class:`CommandError` that names who holds it. The kernel gives the lock back when the
    process dies, however it dies.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        data_dir.chmod(0o700)
        file = os.open(data_dir / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UsageError(f"LOBBY_DATA_DIR: {error.filename}: {error.strerror}") from None
    try:
        _take(file, data_dir)
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(file)


def _take(file: int, data_dir: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(file, 32, 0).decode().strip() or "unknown"
        raise CommandError(
            f"another `lobby up` (process {holder}) works in {data_dir.absolute()}; end it, or set LOBBY_DATA_DIR"
        ) from None


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


WithDemo = Annotated[bool, typer.Option("--demo", help="Also run a living branch called `demo`.")]


def up(config: ConfigFile = None, demo: WithDemo = False) -> None:
    """Run all services in this process; nothing else has to be installed.

    Events travel in memory and are kept in SQLite files under LOBBY_DATA_DIR (default `./data`),
    unless LOBBY_AMQP_URL and LOBBY_DATABASE_URL say otherwise. Ctrl-C ends it cleanly; the next
    start goes on where this one ended. LOBBY_LOG_LEVEL=info shows every request.

    Examples:

    `lobby up --demo` — with customers, tellers and managers who keep `/b/demo` moving

    `LOBBY_HTTP_ADDRESS=0.0.0.0:80 lobby up` — reachable from the branch's other machines
    """
    run(settings_of(config), demo=demo)


def register(app: typer.Typer) -> None:
    """Add the command to the tree."""
    app.command("up")(up)


def run(settings: Settings, *, demo: bool) -> None:
    """Migrate, start everything, print where it is, end with SIGINT or SIGTERM.

    Raises :class:`services.ops.errors.CommandError` when the data directory is in use or a service
    can't start or dies.
    """
    settings = _quiet(settings)
    with data_dir_lock(settings.data_dir):
        for _service in upgrade(settings):
            pass
        living = Demo(settings, origin_of(settings)) if demo else None

        def ready() -> None:
            _announce(settings, demo)
            if living:
                living.start()

        try:
            run_services(
                settings, list(SERVICES), on_ready=ready, while_running=living.look if living else lambda: None
            )
        finally:
            if living:
                living.end()
        _tell("lobby: ended; the next start goes on from here")


def _quiet(settings: Settings) -> Settings:
    """On somebody's terminal a line for each request hides the address; what is wrong is still shown."""
    if settings.log == "console" and "log_level" not in settings.model_fields_set:
        return settings.model_copy(update={"log_level": "warning"})
    return settings


def origin_of(settings: Settings) -> str:
    """Return the address that this machine reaches the system at."""
    host, port = settings.address_of("gateway")
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def _announce(settings: Settings, demo: bool) -> None:
    origin = origin_of(settings)
    lines = [f"Lobby is ready: {origin}/"]
    if demo:
        lines = [f"Lobby is ready: {origin}/b/{BRANCH}", f"  work log  {origin}/b/{BRANCH}/worklog"]
    _tell(*lines, f"  API       {origin}/docs", f"  data      {settings.data_dir.absolute()}", "  Ctrl-C ends it.")


def _tell(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
