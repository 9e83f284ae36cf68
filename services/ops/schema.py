"""The machine-readable descriptions, as files: for code generators, contract tests and archives."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.ops.errors import UsageError


def export(out: Path) -> Iterator[Path]:
    """Write the documents below ``out``; yield each file when it's written.

    Raises :class:`UsageError` where the directory can't be written.
    """
    try:
        for name, document in documents():
            file = out / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", "utf-8")
            yield file
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror}") from None


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    """Return each document with the name of its file."""
    from shared.contracts import asyncapi, openapi, schemas

    yield "openapi.json", openapi.document()
    yield "asyncapi.json", asyncapi.document()
    for name, schema in schemas.documents().items():
        yield (f"events/{name}.json" if "." in name else f"{name}.json"), schema
