"""Options that several commands share."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Origin = Annotated[
    str | None, typer.Option("--origin", metavar="URL", help="Where the system is; by default LOBBY_ORIGIN.")
]
Token = Annotated[
    str | None,
    typer.Option(
        "--token",
        metavar="TOKEN",
        help="By default LOBBY_TOKEN, or one that is signed with the key under LOBBY_DATA_DIR.",
    ),
]
