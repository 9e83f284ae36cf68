"""Which version of its tables a database has, and which one this program needs. No alembic here: that only migrates."""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from shared.storage import vault

_REVISION = re.compile(r'^revision = "(\w+)"$', re.M)
_DOWN = re.compile(r'^down_revision = "(\w+)"$', re.M)


def folders(service: str) -> list[Path]:
    """Return where the migrations of a service's database are: the common ones and its own."""
    here = Path(__file__).parent
    if service == vault.NAME:
        return [here / "vault_migrations" / "versions"]
    spec = find_spec(f"services.{service}")
    own = spec.submodule_search_locations if spec is not None else None
    return [here / "migrations" / "versions", *(Path(place) / "migrations" / "versions" for place in (own or [])[:1])]


@cache
def known(service: str) -> frozenset[str]:
    """Return every migration that this program knows of a service's database."""
    return frozenset(found[1] for source in _sources(service) if (found := _REVISION.search(source)))


@cache
def needed(service: str) -> frozenset[str]:
    """Return the newest migrations, which this program needs: those that no other one follows."""
    followed = {found[1] for source in _sources(service) if (found := _DOWN.search(source))}
    return known(service) - followed


def _sources(service: str) -> list[str]:
    return [file.read_text("utf-8") for folder in folders(service) for file in sorted(folder.glob("*.py"))]


def of(connection: Connection) -> frozenset[str]:
    """Return the version of a database; empty where it was never migrated."""
    if not inspect(connection).has_table("schema_version"):
        return frozenset()
    return frozenset(connection.execute(text("SELECT version_num FROM schema_version")).scalars())
