"""``lobby dead-letters``: what could not be handled, and what becomes of it."""

import json
from typing import Annotated, Any

import typer

from services.ops.cli.api import Json, Origin, Token
from services.ops.config import ConfigFile, settings_of

app = typer.Typer(name="dead-letters", help="Messages that could not be handled.", no_args_is_help=True)

Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="As `lobby dead-letters list` prints them.")]
Service = Annotated[str | None, typer.Option("--service", help="Only those of this service.")]
State = Annotated[str | None, typer.Option("--state", help="parked, retried, discarded or resolved.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many, the newest first.")]


@app.command("list")
def list_(
    service: Service = None,
    state: State = None,
    limit: Limit = 200,
    as_json: Json = False,
    origin: Origin = None,
    token: Token = None,
    config: ConfigFile = None,
) -> None:
    """List them, the newest first, with the reason of each.

    Examples:

    `lobby dead-letters list --state parked`

    `lobby dead-letters list --service triage --json`
    """
    from services.ops.cli.api import call_json
    from services.ops.local_tokens import token_for
    from shared.contracts.http.gateway import DEAD_LETTERS

    settings = settings_of(config)
    query = {"service": service, "state": state, "limit": limit}
    answer = call_json(origin or settings.origin, token_for(settings, token, DEAD_LETTERS), DEAD_LETTERS, query=query)
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
    else:
        _table(answer["dead_letters"])


@app.command("retry")
def retry(ids: Ids, origin: Origin = None, token: Token = None, config: ConfigFile = None) -> None:
    """Hand each message to exactly the consumer that failed; what waits behind it follows in order.

    Example: `lobby dead-letters retry 0191…`
    """
    _decide("retry", ids, origin, token, config)


@app.command("discard")
def discard(ids: Ids, origin: Origin = None, token: Token = None, config: ConfigFile = None) -> None:
    """Give each message up; what waits behind it goes on without it.

    Example: `lobby dead-letters discard 0191…`
    """
    _decide("discard", ids, origin, token, config)


def _decide(verb: str, ids: list[str], origin: str | None, token: str | None, config: Any) -> None:
    from services.ops.cli.api import call_json
    from services.ops.local_tokens import token_for
    from shared.contracts.http.gateway import DISCARD, RETRY

    settings = settings_of(config)
    operation = RETRY if verb == "retry" else DISCARD
    signed = token_for(settings, token, operation)
    for id_ in ids:
        answer = call_json(origin or settings.origin, signed, operation, path={"id": id_})
        typer.echo(f"{answer['id']}: {answer['state']}")


def _table(letters: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not letters:
        typer.echo("no dead letters")
        return
    table = Table("id", "at", "service", "code", "type", "branch", "state", "tries", "reason")
    for letter in letters:
        columns = ("id", "at", "service", "code", "type", "branch", "state", "attempts", "reason")
        table.add_row(*(str(letter[name] or "") for name in columns))
    Console().print(table)
