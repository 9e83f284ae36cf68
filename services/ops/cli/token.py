"""``lobby token``: who may do what, for how long."""

from typing import Annotated

import typer

from services.ops.config import ConfigFile, settings_of

app = typer.Typer(name="token", help="Issue tokens.", no_args_is_help=True)

Roles = Annotated[list[str], typer.Option("--role", metavar="ROLE", help="What the holder is; may be repeated.")]
Branches = Annotated[
    list[str], typer.Option("--branch", metavar="BRANCH", help="Where it holds; may be repeated; `*` is everywhere.")
]
Ttl = Annotated[str, typer.Option("--ttl", help="How long it holds: 90s, 30m, 8h, 7d.")]
Subject = Annotated[str | None, typer.Option("--subject", help="Whose it is; by default the first role.")]


@app.command("issue")
def issue(role: Roles, branch: Branches, ttl: Ttl = "8h", subject: Subject = None, config: ConfigFile = None) -> None:
    """Print a token and nothing else.

    Signed with the key pair under LOBBY_DATA_DIR, which is made if there's none.
    Roles: terminal, teller, lobby_manager, customer_manager, supervisor, operations, auditor, display.

    Examples:

    `TOKEN=$(lobby token issue --role terminal --branch demo)`

    `lobby token issue --role auditor --branch '*' --ttl 7d --subject audit-2026`
    """
    from services.ops.local_tokens import issue_text

    typer.echo(issue_text(settings_of(config), roles=role, branches=branch, ttl=ttl, subject=subject))
