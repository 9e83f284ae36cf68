"""``lobby db``: the databases of the services."""

from typing import Annotated

import typer

from services.ops.config import ConfigFile, settings_of

app = typer.Typer(name="db", help="Look after the databases.", no_args_is_help=True)

Services = Annotated[list[str] | None, typer.Option("--service", metavar="SERVICE", help="Only this one; may repeat.")]


@app.command("upgrade")
def upgrade(service: Services = None, config: ConfigFile = None) -> None:
    """Apply the migrations that a database still lacks: all services', or those named.

    Safe to repeat. `lobby up` does it by itself.

    Examples:

    `LOBBY_DATABASE_URL=postgresql://lobby@db/lobby lobby db upgrade`

    `lobby db upgrade --service triage`
    """
    from services.ops.provisioning.migrations import upgrade as apply

    for name in apply(settings_of(config), service or None):
        typer.echo(f"{name}: up to date", err=True)
