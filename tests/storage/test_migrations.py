"""The database is what the code declares, on both databases, however often it is brought there."""

import pytest

from shared.settings import SERVICES, Settings
from shared.storage.engine import open_engine
from shared.storage.migrate import differences, upgrade


@pytest.mark.parametrize("service", [*SERVICES, "vault"])
def test_the_migrations_lead_to_the_declared_tables(settings: Settings, service: str) -> None:
    upgrade(settings, service)
    upgrade(settings, service)
    engine = open_engine(settings.database_url_of(service), service, pool_size=1)
    try:
        assert differences(engine, service) == []
    finally:
        engine.dispose()
