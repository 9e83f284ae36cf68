"""Migrations: the common tables and the service's own, two histories in one schema."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, Index, MetaData, text

from shared.settings import Settings
from shared.storage import schema_version, tables, vault
from shared.storage.aggregate import own_metadata
from shared.storage.engine import is_sqlite, open_engine

_COMMON = Path(__file__).parent / "migrations"


class UnknownVersion(Exception):
    """A database is at a version that this program does not know."""


def upgrade(settings: Settings, service: str) -> None:
    """Bring a service's database to the newest version; nothing happens where it is there already.

    Raises :class:`UnknownVersion`.
    """
    url = settings.database_url_of(service)
    if url.startswith("sqlite:///") and url != "sqlite://":
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = open_engine(url, service, pool_size=1)
    try:
        with engine.execution_options(lobby_writes=True).begin() as connection:
            _prepare(engine, connection, service)
            try:
                command.upgrade(_config(connection, service), "heads")
            except CommandError as error:
                raise UnknownVersion(str(error)) from error
    finally:
        engine.dispose()


def differences(engine: Engine, service: str) -> list[object]:
    """Return where the database and the declared tables differ; empty when they agree."""
    with engine.connect() as connection:
        options = {
            "version_table": "schema_version",
            "include_object": lambda obj, name, kind, *_: not (kind == "table" and name == "schema_version"),
        }
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), declared_tables(service)))


def declared_tables(service: str) -> MetaData:
    """Return the common tables and those that the service's ``store`` declares, in one metadata.

    A service that looks into its log in a way of its own has an index more there: ``info["log_indexes"]`` of its
    metadata has the columns by the index's name. The vault is a database of its own, without a log.
    """
    if service == vault.NAME:
        return vault.metadata
    merged = MetaData()
    own = own_metadata(service)
    for table in (*tables.metadata.sorted_tables, *own.sorted_tables):
        table.to_metadata(merged)
    for name, columns in own.info.get("log_indexes", {}).items():
        Index(name, *(merged.tables["log"].c[column] for column in columns))
    return merged


def _config(connection: Connection, service: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_COMMON))
    config.set_main_option(
        "version_locations", "\n".join(str(place) for place in schema_version.folders(service) if place.is_dir())
    )
    config.set_main_option("path_separator", "newline")
    config.attributes.update(connection=connection, metadata=declared_tables(service))
    return config


def _prepare(engine: Engine, connection: Connection, service: str) -> None:
    if is_sqlite(engine):
        return
    # Several processes may start at once; the lock is released with the transaction.
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('lobby-migrate'), hashtext(:s))"), {"s": service})
    present = connection.execute(text("SELECT to_regnamespace(:s) IS NOT NULL"), {"s": service}).scalar()
    if not present:
        connection.execute(text(f'CREATE SCHEMA "{service}"'))
