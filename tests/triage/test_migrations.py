from sqlalchemy import inspect

from shared.storage import Storage
from shared.storage.migrate import differences
from tests.triage.memory import on_a_database

pytestmark = on_a_database


def test_the_migrations_make_the_declared_tables(storage: Storage) -> None:
    assert differences(storage.engine, "triage") == []
    tables = {"visit", "ticket", "counter", "device", "number_series", "line_state", "estimator", "quote", "log"}
    assert tables <= set(inspect(storage.engine).get_table_names())
