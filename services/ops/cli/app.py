"""The tree of commands."""

from typing import Annotated

import typer

from services.ops.cli import (
    db,
    dead_letters,
    estimates,
    journal,
    policy,
    schema,
    serve,
    simulate,
    state,
    token,
    up,
    worklog,
)
from services.ops.config import ConfigFile, settings_of

app = typer.Typer(
    name="lobby",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"lobby {version('lobby')}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")]


@app.callback(
    epilog="Try `lobby up --demo`, then open the address that it prints. Settings are LOBBY_* variables; "
    "`--config FILE` takes the same names from a YAML file. Exit codes: 0 done, 1 failed, 2 wrong command or setting."
)
def lobby(config: ConfigFile = None, version: Version = False) -> None:
    """The lobby of a bank branch: tickets, calls, VIP hand-offs, incidents and the day's log (大堂)."""
    if config is not None:
        settings_of(config)


for _module in (up, serve, simulate):
    _module.register(app)
for _module in (token, db, state, schema, policy, worklog, journal, dead_letters, estimates):
    app.add_typer(_module.app)
