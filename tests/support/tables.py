"""A service's database that is migrated and empty at the start of each test, and takes next to no time to be so."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine, make_url, text

from shared.settings import Settings
from shared.storage import Transaction
from shared.storage.engine import open_engine
from shared.storage.migrate import declared_tables, upgrade

KEPT = ("log_head",)
"""Positions go on: a cursor of an earlier test must never find them again."""


def empty_database(settings: Settings, service: str) -> None:
    """Bring the service's database to the newest version, and remove what an earlier test left in PostgreSQL.

    To migrate takes longer than most tests: PostgreSQL does it once a database, and SQLite's files are copies of one.
    """
    url = settings.database_url_of(service)
    if url.startswith("sqlite"):
        _copy_or_upgrade(Path(make_url(url).database or ""), settings, service)
        return
    engine = open_engine(url, service, pool_size=1)
    try:
        if not _is_migrated(engine, service):
            upgrade(settings, service)
        with engine.begin() as connection:
            connection.execute(text(_deletes(service)))
    finally:
        engine.dispose()


def _is_migrated(engine: Engine, service: str) -> bool:
    with engine.connect() as connection:
        found = connection.execute(text("SELECT to_regclass(:name)"), {"name": f"{service}.schema_version"})
        return found.scalar() is not None


def _copy_or_upgrade(file: Path, settings: Settings, service: str) -> None:
    if file.exists():  # of this very test: what is in it stays
        upgrade(settings, service)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_migrated_file(service))


@cache
def _migrated_file(service: str) -> bytes:
    """Return an empty file of SQLite's, which holds all of the database once it is closed."""
    with TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), database_url="")
        upgrade(settings, service)
        return Path(make_url(settings.database_url_of(service)).database or "").read_bytes()


@cache
def _deletes(service: str) -> str:
    """Return the statements that empty all tables; TRUNCATE makes new files, which takes longer than few rows do."""
    names = [table.name for table in reversed(declared_tables(service).sorted_tables) if table.name not in KEPT]
    return "; ".join(f'DELETE FROM "{name}"' for name in names)


def next_sequence(tx: Transaction, subject: str) -> int:
    """The sequence that a subject's next event has."""
    return max((event.sequence for event in tx.events_of(subject)), default=0) + 1
