"""PostgreSQL's roles: one a service, which owns nothing, works in its own schema and reads the others' logs.

Reading the others' logs is how a gap is filled. An event that was appended is never changed, so
nobody may update a log; only the gateway, which keeps what it received for a day, deletes from its own.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import psycopg
from psycopg import sql
from sqlalchemy import create_engine

from shared.settings import SERVICES, Settings
from shared.storage.vault import NAME as VAULT

Statement = sql.SQL | sql.Composed

LOG_TABLES: Final = ("log", "log_head")
SCHEMAS: Final[Mapping[str, str]] = {**{service: service for service in SERVICES}, VAULT: "vip"}
"""Each schema and the role that works in it."""


def role_statements(passwords: Mapping[str, str]) -> Iterator[Statement]:
    """Yield what makes the roles and schemas, or brings the passwords up to date."""
    yield sql.SQL("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    for service in SERVICES:
        role, password = sql.Identifier(service), sql.Literal(passwords[f"sql.{service}"])
        yield sql.SQL(
            "DO $do$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {}) "
            "THEN CREATE ROLE {} NOINHERIT; END IF; END $do$"
        ).format(sql.Literal(service), role)
        yield sql.SQL("ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}").format(role, password)
    for schema, owner in SCHEMAS.items():
        yield sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema))
        yield sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(schema), sql.Identifier(owner))


def grant_statements() -> Iterator[Statement]:
    """Yield what gives each service its tables and the others' logs; the tables must exist."""
    for schema, owner in SCHEMAS.items():
        names = {"schema": sql.Identifier(schema), "owner": sql.Identifier(owner)}
        yield sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {owner}").format(
            **names
        )
        yield sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {owner}").format(**names)
        yield sql.SQL("REVOKE INSERT, UPDATE, DELETE ON {schema}.schema_version FROM {owner}").format(**names)
    for service in SERVICES:
        yield from _log_grants(service)


def _log_grants(service: str) -> Iterator[Statement]:
    log = sql.Identifier(service, "log")
    taken = "UPDATE" if service == "gateway" else "UPDATE, DELETE"
    yield sql.SQL(f"REVOKE {taken} ON {{}} FROM {{}}").format(log, sql.Identifier(service))
    others = sql.SQL(", ").join(sql.Identifier(other) for other in SERVICES if other != service)
    yield sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(service), others)
    for table in LOG_TABLES:
        yield sql.SQL("GRANT SELECT ON {} TO {}").format(sql.Identifier(service, table), others)


def apply(settings: Settings, statements: Iterable[Statement]) -> None:
    """Run the statements in one transaction, as the role of LOBBY_DATABASE_URL."""
    engine = create_engine(settings.database_url_of("setup"))
    try:
        with engine.begin() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            for statement in statements:
                driver.execute(statement)
    finally:
        engine.dispose()
