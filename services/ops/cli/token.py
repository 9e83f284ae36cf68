"""``lobby token``: who may do what, for how long."""

from typing import Annotated, get_args

import typer

from services.ops.config import ConfigFile, settings_of
from shared.contracts.base import Role

app = typer.Typer(name="token", help="Issue tokens.", no_args_is_help=True)

ROLES = ", ".join(get_args(Role))

Roles = Annotated[
    list[str], typer.Option("--role", metavar="ROLE", help=f"What the holder is: {ROLES}; may be repeated.")
]
Branches = Annotated[
    list[str], typer.Option("--branch", metavar="BRANCH", help="Where it holds; may be repeated; `*` is everywhere.")
]
Ttl = Annotated[str, typer.Option("--ttl", help="How long it holds: 90s, 30m, 8h, 7d; each role has its longest.")]
Subject = Annotated[
    str | None,
    typer.Option("--subject", help="Whose it is: a staff number or terminal id; by default one that no other has."),
]


@app.command("issue")
def issue(role: Roles, branch: Branches, ttl: Ttl = "8h", subject: Subject = None, config: ConfigFile = None) -> None:
    """Print a token and nothing else.

    Signed with the key pair under LOBBY_DATA_DIR, which is made if there's none.

    Examples:

    `TOKEN=$(lobby token issue --role terminal --branch demo)`

    `lobby token issue --role auditor --branch '*' --ttl 7d --subject audit-2026`
    """
    from services.ops.local_tokens import issue_text

    typer.echo(issue_text(settings_of(config), roles=role, branches=branch, ttl=ttl, subject=subject))
