"""The database is what the code declares, on both databases, however often it is brought there."""

import pytest
from sqlalchemy import Engine, MetaData, select

from shared.settings import SERVICES, Settings
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
