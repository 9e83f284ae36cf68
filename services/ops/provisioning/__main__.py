"""``python -m services.ops.provisioning``: files, roles, grants, show."""

import os
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from services.ops.config import settings_of
from shared.settings import SERVICES

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Prepare a deployment; every step may be repeated.",
)

Root = Annotated[Path, typer.Option("--root", metavar="DIR", help="Where the parts' directories are mounted.")]
Owner = Annotated[int | None, typer.Option("--owner", metavar="UID", help="Who owns the services' files (as root).")]
Processes = Annotated[
    str,
    typer.Option(
        envvar="LOBBY_PROCESSES", metavar="NAME=NUMBER...", help="Services with several processes: 'triage=2 vip=2'."
    ),
]


@app.command()
def files(root: Root = Path("/setup"), owner: Owner = None, processes: Processes = "") -> None:
    """Make the secrets that are missing, and write each part's files into a directory of its own."""
    from services.ops.provisioning.files import write
    from services.ops.service_classes import topology_of

    numbers = dict(map(_number_of_processes, processes.split()))
    for path in write(root, topology_of(settings_of(None).queues), processes=numbers, owner=owner):
        typer.echo(path, err=True)


@app.command()
def roles() -> None:
    """Make a database role and a schema for each service. LOBBY_DATABASE_URL must be the superuser's."""
    from services.ops.provisioning.database import apply, role_statements
    from services.ops.provisioning.files import read_passwords

    passwords = read_passwords(Path(os.environ.get("LOBBY_SETUP_PASSWORDS", "/run/lobby/passwords.json")))
    apply(settings_of(None), role_statements(passwords))


@app.command()
def grants() -> None:
    """Give each service its tables and the others' logs, after the migrations."""
    from services.ops.provisioning.database import apply, grant_statements

    apply(settings_of(None), grant_statements())


@app.command()
def show(user: str, root: Root = Path("/setup"), host: str = "localhost:5672") -> None:
    """Print the AMQP address of a user (terminals, operations): for whoever has to be told."""
    from services.ops.provisioning.files import read_passwords

    passwords = read_passwords(root / "state" / "passwords.json")
    if f"amqp.{user}" not in passwords:
        raise typer.BadParameter(
            f"there are {', '.join(n.removeprefix('amqp.') for n in passwords if n[:4] == 'amqp')}"
        )
    typer.echo(f"amqp://{user}:{passwords[f'amqp.{user}']}@{host}/")


def _number_of_processes(text: str) -> tuple[str, int]:
    service, _, number = text.partition("=")
    if service not in SERVICES or not re.fullmatch("[1-9][0-9]?", number):
        raise typer.BadParameter(f"{text!r} is not a service and a number, such as triage=2", param_hint="--processes")
    return service, int(number)


if __name__ == "__main__":
    sys.exit(app())
