"""Personal data, encrypted: the only place that knows who a customer is.

Each customer has a data key of their own, which is kept wrapped by the master key (AES-256-GCM
both, the reference as associated data, so that rows cannot be swapped). Erasing the wrapped key
erases the person, in every backup of the table too. Every look is entered in an audit table first.
"""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from tempfile import mkstemp
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    event,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from shared.clock import Clock
from shared.errors import NotFound
from shared.settings import Settings, SettingsError
from shared.storage.engine import is_sqlite, open_engine
from shared.storage.tables import UtcDateTime

KEY_BYTES = 32


def master_key(settings: Settings) -> bytes:
    """Return the master key; where no file is named, it is made in the data directory at first.

    Raises :class:`SettingsError` where LOBBY_VAULT_KEY_FILE names a file that is missing, or one
    that doesn't hold 32 bytes. A key that was named is never made: a new one could open nothing.
    """
    path = settings.vault_key_file
    if path is None:
        path = settings.data_dir / "keys" / "vault.key"
        if not path.exists():
            _make(path)
    try:
        key = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"LOBBY_VAULT_KEY_FILE: {path} cannot be read: {error.strerror}") from error
    if len(key) != KEY_BYTES:
        raise SettingsError(f"LOBBY_VAULT_KEY_FILE: {path} holds {len(key)} bytes, not {KEY_BYTES}")
    return key


def _make(path: Path) -> None:
    """Write a new key, complete from the moment it is seen; the first of several processes wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, temporary = mkstemp(dir=path.parent)  # mode 600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(os.urandom(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.unlink(temporary)


NAME = "vault"
"""The vault's schema, or its file's name: a database apart from those of the services."""

NONCE_BYTES = 12

metadata = MetaData()

person = Table(
    "person",
    metadata,
    Column("customer_ref", String(128), primary_key=True),
    Column("wrapped_key", LargeBinary, comment="Nonce and data key under the master key; null once erased."),
    Column("body", LargeBinary, nullable=False, comment="Nonce and fields under the data key."),
    Column("stored_at", UtcDateTime, nullable=False),
    Column("erased_at", UtcDateTime),
    comment="Who the customers are, encrypted.",
)

reveal = Table(
    "reveal",
    metadata,
    Column("n", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("customer_ref", String(128), nullable=False),
    Column("actor", String(128), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("reveal_customer", "customer_ref"),
    comment="Who looked at whose personal data, when and why.",
)


class PersonUnknown(NotFound):
    """The vault holds nothing under this reference."""

    code = "person_unknown"


class PersonErased(NotFound):
    """The person was erased: nobody can read what was kept of them."""

    code = "person_erased"


class WrongMasterKey(Exception):
    """The vault's master key is not the one that this row was written with, or the row was changed."""


class Vault:
    """The encrypted table of personal data; it must have been migrated (``lobby db upgrade``)."""

    def __init__(self, settings: Settings, *, clock: Clock) -> None:
        """Open the vault's database and read the master key, which is made where there is none yet."""
        self._clock = clock
        self._master = AESGCM(master_key(settings))
        self.engine = open_engine(settings.database_url_of(NAME), NAME, pool_size=2)
        self._writer = self.engine.execution_options(lobby_writes=True)
        self._turn = threading.Lock() if is_sqlite(self.engine) else None
        if is_sqlite(self.engine):
            event.listen(self.engine, "connect", _overwrite_what_is_deleted)

    def store(self, customer_ref: str, fields: Mapping[str, str]) -> None:
        """Keep a customer's personal data under a new data key; what was kept before is replaced."""
        data_key = AESGCM.generate_key(bit_length=256)
        ref = customer_ref.encode()
        values = {
            "wrapped_key": _seal(self._master, data_key, ref),
            "body": _seal(AESGCM(data_key), orjson.dumps(dict(fields)), ref),
            "stored_at": self._clock.now(),
            "erased_at": None,
        }
        with self._write() as connection:
            make = insert_sqlite if is_sqlite(self.engine) else insert_postgresql
            statement = make(person).values(customer_ref=customer_ref, **values)
            connection.execute(statement.on_conflict_do_update(index_elements=["customer_ref"], set_=values))

    def reveal(self, customer_ref: str, *, actor: str, reason: str) -> dict[str, str]:
        """Return a customer's personal data, after writing down who looks at it and why.

        Raises :class:`PersonUnknown`, :class:`PersonErased`, :class:`WrongMasterKey`; the attempt is
        written down all the same.
        """
        with self._write() as connection:
            connection.execute(
                insert(reveal).values(customer_ref=customer_ref, actor=actor, reason=reason, at=self._clock.now())
            )
            query = select(person.c.wrapped_key, person.c.body).where(person.c.customer_ref == customer_ref)
            row = connection.execute(query).one_or_none()
        if row is None:
            raise PersonUnknown(f"the vault holds nothing under {customer_ref!r}")
        if row.wrapped_key is None:
            raise PersonErased(f"{customer_ref!r} was erased")
        return self._open(customer_ref.encode(), row.wrapped_key, row.body)

    def erase(self, customer_ref: str) -> None:
        """Destroy a customer's data key: nobody can read the row any more. Raises :class:`PersonUnknown`."""
        with self._write() as connection:
            erased = update(person).where(person.c.customer_ref == customer_ref)
            result = connection.execute(erased.values(wrapped_key=None, erased_at=self._clock.now()))
            if result.rowcount == 0:
                raise PersonUnknown(f"the vault holds nothing under {customer_ref!r}")
        if is_sqlite(self.engine):  # the write-ahead log still holds the page with the key
            with self._turn or nullcontext():
                _empty_write_ahead_log(self.engine)

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    def _open(self, ref: bytes, wrapped_key: bytes, body: bytes) -> dict[str, str]:
        try:
            data_key = _unseal(self._master, wrapped_key, ref)
            fields: dict[str, str] = orjson.loads(_unseal(AESGCM(data_key), body, ref))
        except InvalidTag as error:
            raise WrongMasterKey("the vault's master key does not open this row") from error
        return fields

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self._turn or nullcontext(), self._writer.begin() as connection:
            yield connection


def _seal(cipher: AESGCM, clear: bytes, associated: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, clear, associated)


def _unseal(cipher: AESGCM, sealed: bytes, associated: bytes) -> bytes:
    return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated)


def _overwrite_what_is_deleted(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA secure_delete=ON")


def _empty_write_ahead_log(engine: Engine) -> None:
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
