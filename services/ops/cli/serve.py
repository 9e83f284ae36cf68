"""``lobby serve``: one service in a process of its own."""

from typing import Annotated

import typer

from services.ops.config import ConfigFile, settings_of

Services = Annotated[list[str], typer.Argument(metavar="SERVICE...", help="triage, vip, incidents, worklog, gateway")]


def serve(services: Services, config: ConfigFile = None) -> None:
    """Run a service (or some) in this process, for production.

    Needs a broker (LOBBY_AMQP_URL) and migrated databases (`lobby db upgrade`). SIGTERM ends it after
    what it has in hand; more processes of the same service share its work.

    Examples:

    `LOBBY_AMQP_URL=amqp://… LOBBY_DATABASE_URL=postgresql://… lobby serve triage`

    `lobby serve vip incidents worklog` — three in one process
    """
    from services.ops.cli.hosting import run

    run(settings_of(config), services)


def register(app: typer.Typer) -> None:
    """Add the command to the tree."""
    app.command("serve")(serve)
