from sqlalchemy import inspect

from shared.settings import Settings
from shared.storage import Storage
from shared.storage.migrate import differences, upgrade
from shared.storage.vault import Vault


def test_the_migrations_make_the_declared_tables(storage: Storage) -> None:
    assert differences(storage.engine, "vip") == []
    assert {"handoff", "log"} <= set(inspect(storage.engine).get_table_names())


def test_the_vaults_migrations_make_its_tables_and_no_log(settings: Settings) -> None:
    upgrade(settings, "vault")
    vault = Vault(settings, clock=settings.business_clock)
    assert differences(vault.engine, "vault") == []
    assert set(inspect(vault.engine).get_table_names()) == {"person", "reveal", "schema_version"}
    vault.close()
