"""``lobby up``: the whole system in one process."""

from typing import Annotated

import typer

from services.ops.config import ConfigFile, settings_of

Demo = Annotated[bool, typer.Option("--demo", help="Also run a living branch called `demo`.")]


def up(config: ConfigFile = None, demo: Demo = False) -> None:
    """Run all services in this process; nothing else has to be installed.

    Events travel in memory and are kept in SQLite files under LOBBY_DATA_DIR (default `./data`),
    unless LOBBY_AMQP_URL and LOBBY_DATABASE_URL say otherwise. Ctrl-C ends it cleanly; the next
    start goes on where this one ended. LOBBY_LOG_LEVEL=info shows every request.

    Examples:

    `lobby up --demo` — with customers, tellers and managers who keep `/b/demo` moving

    `LOBBY_HTTP_ADDRESS=0.0.0.0:80 lobby up` — reachable from the branch's other machines
    """
    from services.ops.up import run

    run(settings_of(config), demo=demo)


def register(app: typer.Typer) -> None:
    """Add the command to the tree."""
    app.command("up")(up)
