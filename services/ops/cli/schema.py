"""``lobby schema``: the machine-readable descriptions, as files for code generators, contract tests and archives."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from services.ops.config import ConfigFile, settings_of
from services.ops.errors import UsageError
from shared.settings import Settings

app = typer.Typer(name="schema", help="The system's descriptions for machines.", no_args_is_help=True)

Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to; made if it isn't there.")]


@app.command("export")
def export(out: Out = Path("schema"), config: ConfigFile = None) -> None:
    """Write openapi.json, asyncapi.json and a JSON Schema for every event type.

    Generated from the contracts, so they are what the running system serves. Prints each file.

    Examples:

    `lobby schema export --out build/schema`
    """
    for file in write_documents(out, settings_of(config)):
        typer.echo(str(file))


def write_documents(out: Path, settings: Settings) -> Iterator[Path]:
    """Write the documents below ``out``; yield each file when it's written.

    Raises :class:`UsageError` where the directory can't be written.
    """
    try:
        for name, document in documents(settings):
            file = out / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", "utf-8")
            yield file
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror}") from None


def documents(settings: Settings) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return each document with the name of its file."""
    from services.ops.service_classes import topology_of
    from shared.bus import asyncapi
    from shared.contracts import openapi, schemas

    yield "openapi.json", openapi.document()
    yield "asyncapi.json", asyncapi.document(topology_of(settings.queues))
    for name, schema in schemas.documents().items():
        yield (f"events/{name}.json" if "." in name else f"{name}.json"), schema
