"""Migrations, for one or all services."""

from collections.abc import Iterable, Iterator

from services.ops.errors import CommandError, UsageError
from shared.settings import SERVICES, Settings

VAULT = "vault"
"""The database of personal data, which is nobody's but vip's to open."""


def checked(services: Iterable[str]) -> list[str]:
    """Return the services without repetitions; raise :class:`UsageError` that names an unknown one."""
    names = list(dict.fromkeys(services))
    for name in names:
        if name not in SERVICES:
            raise UsageError(f"no service is called {name!r}; there are {', '.join(SERVICES)}")
    return names


def upgrade(settings: Settings, services: Iterable[str] | None = None) -> Iterator[str]:
    """Apply what each service's database and the vault lack; yield each when it's done.

    The vault is migrated with vip, the service that opens it.
    Raises :class:`CommandError` where the database doesn't answer.
    """
    names = checked(services) if services is not None else list(SERVICES)
    if "vip" in names:
        names.append(VAULT)
    from sqlalchemy.exc import OperationalError

    from shared.storage import migrate

    for name in names:
        try:
            migrate.upgrade(settings, name)
        except migrate.UnknownVersion:
            raise _made_by_another(name) from None
        except (OperationalError, OSError) as error:
            raise CommandError(f"the database of {name}: {getattr(error, 'orig', None) or error}") from None
        yield name


def refuse_unknown(settings: Settings, services: Iterable[str]) -> None:
    """Raise :class:`CommandError` where a database is of a version that this program does not know.

    One that is not migrated yet, or away, is waited for while the service runs, unready.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from shared.storage import schema_version
    from shared.storage.engine import open_engine

    for name in checked(services):
        engine = open_engine(settings.database_url_of(name), name, pool_size=1)
        try:
            with engine.connect() as connection:
                unknown = schema_version.of(connection) - schema_version.known(name)
        except (SQLAlchemyError, OSError):
            continue
        finally:
            engine.dispose()
        if unknown:
            raise _made_by_another(name)


def _made_by_another(name: str) -> CommandError:
    return CommandError(
        f"the database of {name} was made by another version of lobby, from before the first release or newer "
        "than this one: start with an empty LOBBY_DATA_DIR (or LOBBY_DATABASE_URL), or with that version"
    )
