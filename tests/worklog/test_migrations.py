from shared.storage import Storage
from shared.storage.migrate import differences


def test_the_migrations_make_the_declared_tables(storage: Storage) -> None:
    assert differences(storage.engine, "worklog") == []
