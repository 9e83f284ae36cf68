"""``lobby journal``: the tamper-evident record of everything that happened (W10)."""

import json
from typing import Annotated

import typer

from services.ops.cli.api import Json, Origin, Token
from services.ops.config import ConfigFile, settings_of

app = typer.Typer(name="journal", help="The tamper-evident record of everything (W10).", no_args_is_help=True)

Branch = Annotated[str | None, typer.Option("--branch", help="Only this branch's chains.")]


@app.command("verify")
def verify(
    branch: Branch = None,
    as_json: Json = False,
    origin: Origin = None,
    token: Token = None,
    config: ConfigFile = None,
) -> None:
    """Recompute the journal's hash chains; exit code 1 if a link doesn't hold.

    Examples:

    `lobby journal verify`

    `lobby journal verify --branch demo --json`
    """
    from services.ops.cli.api import call_json
    from services.ops.local_tokens import token_for
    from shared.contracts.http.worklog import VERIFY

    settings = settings_of(config)
    signed = token_for(settings, token, VERIFY, branch=branch or "*")
    answer = call_json(origin or settings.origin, signed, VERIFY, query={"branch": branch})
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
    else:
        typer.echo(f"{answer['chains']} chains, {answer['events']} events: {'intact' if answer['ok'] else 'BROKEN'}")
        for place in answer["broken"]:
            typer.echo(f"  {place}")
    if not answer["ok"]:
        raise typer.Exit(1)
