"""Secrets: made once, at random, and kept."""

import json
import os
import secrets
from pathlib import Path
from typing import Final

from services.ops.provisioning.broker import OPERATIONS, TERMINALS
from shared.settings import SERVICES

SUPERUSER: Final = "postgres"
_BYTES: Final = 24

NAMES: Final = (
    *(f"amqp.{user}" for user in (*SERVICES, TERMINALS, OPERATIONS)),
    *(f"sql.{role}" for role in (*SERVICES, SUPERUSER)),
)
"""The passwords that there are: of the broker's users and of the database's roles."""


def passwords(path: Path) -> dict[str, str]:
    """Return every password; those that the file lacks are made and kept in it."""
    known = read_passwords(path) if path.exists() else {}
    complete = {name: known.get(name) or secrets.token_urlsafe(_BYTES) for name in NAMES}
    if complete != known:
        write_file(path, json.dumps(complete, indent=2).encode(), 0o600)
    return complete


def read_passwords(path: Path) -> dict[str, str]:
    """Read a file of passwords."""
    found: dict[str, str] = json.loads(path.read_text("utf-8"))
    return found


def write_file(path: Path, content: bytes, mode: int, owner: int | None = None) -> Path:
    """Write a file whole or not at all, with its mode and owner from the moment that it is seen."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        if owner is not None:
            os.fchown(file.fileno(), owner, owner)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return path
