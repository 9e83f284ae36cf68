"""A service's database that is migrated once a module and empty at the start of each test."""

from sqlalchemy import Engine, text

from shared.settings import Settings
from shared.storage import Transaction
from shared.storage.engine import is_sqlite, open_engine
from shared.storage.migrate import declared_tables, upgrade

KEPT = ("log_head",)
"""Positions go on: a cursor of an earlier test must never find them again."""


def empty_database(settings: Settings, service: str) -> None:
    """Bring the service's database to the newest version, and remove what an earlier test left in PostgreSQL."""
    upgrade(settings, service)
    engine = open_engine(settings.database_url_of(service), service, pool_size=1)
    try:
        if not is_sqlite(engine):  # SQLite's file is new in each test
            _truncate(engine, service)
    finally:
        engine.dispose()


def _truncate(engine: Engine, service: str) -> None:
    names = [table.name for table in declared_tables(service).sorted_tables if table.name not in KEPT]
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE " + ", ".join(f'"{name}"' for name in names) + " RESTART IDENTITY"))


def next_sequence(tx: Transaction, subject: str) -> int:
    """The sequence that a subject's next event has."""
    return max((event.sequence for event in tx.events_of(subject)), default=0) + 1
