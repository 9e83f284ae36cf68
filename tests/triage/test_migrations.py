from sqlalchemy import inspect

from shared.storage import Storage
from shared.storage.migrate import differences


def test_the_migrations_make_the_declared_tables(storage: Storage) -> None:
    assert differences(storage.engine, "triage") == []
    tables = {"ticket", "branch_policy", "log", "snapshot", "due"}
    assert tables <= set(inspect(storage.engine).get_table_names())
