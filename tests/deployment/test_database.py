"""What a service's database role can do, on a real PostgreSQL."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from services.ops.provisioning.database import SCHEMAS, apply, grant_statements, role_statements
from services.ops.provisioning.files import NAMES
from services.ops.provisioning.migrations import upgrade
from shared.settings import SERVICES, Settings


def as_role(url: str, role: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{role}:secret@{parts.hostname}:{parts.port}"))


@pytest.fixture(scope="module")
def prepared(database_url: str) -> Iterator[str]:
    """A database that was set up as the one-shot containers do, twice over."""
    settings = Settings(database_url=database_url)
    for _ in range(2):
        apply(settings, role_statements(dict.fromkeys(NAMES, "secret")))
        assert set(upgrade(settings)) == set(SCHEMAS)
        apply(settings, grant_statements())
    yield database_url
    with psycopg.connect(database_url, autocommit=True) as connection:
        for role in SERVICES:
            for statement in ("DROP OWNED BY {}", "DROP ROLE {}"):
                connection.execute(sql.SQL(statement).format(sql.Identifier(role)))


def allowed(url: str, role: str, statement: str) -> bool:
    """Whether the role may; a statement that fails for any other reason is a mistake of the test."""
    with psycopg.connect(as_role(url, role)) as connection:
        try:
            connection.execute(statement)
        except InsufficientPrivilege:
            return False
        finally:
            connection.rollback()
    return True


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_works_in_its_own_schema(prepared: str, service: str) -> None:
    assert allowed(prepared, service, f"INSERT INTO {service}.inbox (event_id, at) VALUES ('x', now())")
    assert allowed(prepared, service, f"UPDATE {service}.log_head SET pos = pos + 1 WHERE pp = 0")
    assert allowed(prepared, service, f"SELECT * FROM {service}.schema_version")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reads_the_others_logs_and_nothing_else_of_theirs(prepared: str, service: str) -> None:
    for other in set(SERVICES) - {service}:
        assert allowed(prepared, service, f"SELECT * FROM {other}.log")
        assert allowed(prepared, service, f"SELECT * FROM {other}.log_head")
        assert not allowed(prepared, service, f"UPDATE {other}.log_head SET pos = 0")
        assert not allowed(prepared, service, f"DELETE FROM {other}.log")
        assert not allowed(prepared, service, f"SELECT * FROM {other}.inbox")


@pytest.mark.parametrize("service", SERVICES)
def test_nobody_changes_an_event_that_was_appended(prepared: str, service: str) -> None:
    assert not allowed(prepared, service, f"UPDATE {service}.log SET body = '{{}}'")
    assert allowed(prepared, service, f"DELETE FROM {service}.log WHERE false") is (service == "gateway")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_changes_no_table(prepared: str, service: str) -> None:
    for statement in (
        f"CREATE TABLE {service}.mine (x int)",
        f"DROP TABLE {service}.inbox",
        f"ALTER TABLE {service}.log ADD COLUMN x int",
        "CREATE TABLE public.mine (x int)",
        f"DELETE FROM {service}.schema_version",
    ):
        assert not allowed(prepared, service, statement), statement


def test_only_vip_opens_the_vault(prepared: str) -> None:
    with psycopg.connect(prepared) as connection:
        tables = [row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'vault'")]
    assert tables
    for table in tables:
        assert re.fullmatch(r"\w+", table)
        readers = [service for service in SERVICES if allowed(prepared, service, f"SELECT * FROM vault.{table}")]
        assert readers == ["vip"], table
