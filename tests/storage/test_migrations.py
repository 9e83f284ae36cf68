"""The database is what the code declares, on both databases, however often it is brought there."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, MetaData, select

from shared.settings import SERVICES, Settings
from shared.storage import schema_version
from shared.storage.engine import open_engine
from shared.storage.migrate import differences, upgrade


def contents(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """Every table's rows, the versions' included."""
    metadata = MetaData()
    with engine.connect() as connection:
        metadata.reflect(connection)
        return {
            name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for name, table in metadata.tables.items()
        }


@pytest.mark.parametrize("service", [*SERVICES, "vault"])
def test_the_migrations_lead_to_the_declared_tables(settings: Settings, service: str) -> None:
    upgrade(settings, service)
    engine = open_engine(settings.database_url_of(service), service, pool_size=1)
    try:
        once = contents(engine)
        assert once["schema_version"]
        assert differences(engine, service) == []
        upgrade(settings, service)
        assert contents(engine) == once
        assert differences(engine, service) == []
    finally:
        engine.dispose()


def test_nobody_else_reads_the_embedded_databases(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    upgrade(settings, "triage")
    file = settings.data_dir / "triage.sqlite"
    file.chmod(0o644)  # as it was made before
    engine = open_engine(settings.database_url_of("triage"), "triage", pool_size=1)
    with engine.execution_options(lobby_writes=True).begin() as connection:
        connection.exec_driver_sql("UPDATE schema_version SET version_num = version_num")
        modes = {one.name: one.stat().st_mode & 0o777 for one in settings.data_dir.iterdir()}
    engine.dispose()
    assert settings.data_dir.stat().st_mode & 0o777 == 0o700
    assert modes == dict.fromkeys(("triage.sqlite", "triage.sqlite-wal", "triage.sqlite-shm"), 0o600)


def test_what_is_needed_is_what_an_upgrade_brings(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    for service in SERVICES:
        upgrade(settings, service)
        engine = open_engine(settings.database_url_of(service), service, pool_size=1)
        with engine.connect() as connection:
            assert schema_version.of(connection) == schema_version.needed(service)
        engine.dispose()


def test_opening_a_database_again_lets_go_none_of_its_locks(tmp_path: Path) -> None:
    """Closing any descriptor of a file ends all locks that its process has on it: POSIX says so.

    Another process that reads and ends takes itself for the last one then, and removes what others write to.
    """
    settings = Settings(data_dir=tmp_path)
    upgrade(settings, "triage")
    url, file = settings.database_url_of("triage"), settings.data_dir / "triage.sqlite"
    script = (
        "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT sum(pos) FROM log_head').fetchone())"
    )

    def as_others_see_it() -> str:
        return subprocess.run(
            [sys.executable, "-c", script, str(file)], capture_output=True, text=True, check=True
        ).stdout

    first = open_engine(url, "triage", pool_size=1)
    try:
        for expected in (64, 128):
            with first.execution_options(lobby_writes=True).begin() as connection:
                connection.exec_driver_sql("UPDATE log_head SET pos = pos + 1")
            open_engine(url, "triage", pool_size=1).dispose()
            assert as_others_see_it() == f"({expected},)\n"
    finally:
        first.dispose()
