"""``lobby up``: the whole system in one process, with the living branch beside it if it's wanted."""

import sys
from typing import Annotated

import typer

from services.ops.cli.demo import BRANCH, Demo
from services.ops.cli.hosting import run_services
from services.ops.cli.lock import data_dir_lock
from services.ops.config import ConfigFile, settings_of
from services.ops.provisioning.migrations import upgrade
from shared.settings import SERVICES, Settings

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
