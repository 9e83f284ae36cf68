"""``lobby schema``: the machine-readable descriptions."""

from pathlib import Path
from typing import Annotated

import typer

from services.ops.config import ConfigFile, settings_of

app = typer.Typer(name="schema", help="The system's descriptions for machines.", no_args_is_help=True)

Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to; made if it isn't there.")]


@app.command("export")
def export(out: Out = Path("schema"), config: ConfigFile = None) -> None:
    """Write openapi.json, asyncapi.json and a JSON Schema for every event type.

    Generated from the contracts, so they are what the running system serves. Prints each file.

    Examples:

    `lobby schema export --out build/schema`
    """
    from services.ops.schema import export as write

    settings_of(config)
    for file in write(out):
        typer.echo(str(file))
