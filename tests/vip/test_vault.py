"""Personal data at rest: encrypted, audited, erasable."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text

from shared.clock import ManualClock
from shared.settings import Settings, SettingsError
from shared.storage.vault import PersonErased, PersonUnknown, Vault, WrongMasterKey, person, reveal
from tests.support.tables import empty_database

PERSON = {"name": "王小明", "phone": "13800000000"}


@pytest.fixture
def vault(settings: Settings, clock: ManualClock) -> Iterator[Vault]:
    empty_database(settings, "vault")
    vault = Vault(settings, clock=clock)
    yield vault
    vault.close()


on_sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
"""Where the file's bytes can be read."""


@pytest.fixture
def on_disk(settings: Settings) -> Callable[[], bytes]:
    return lambda: b"".join(path.read_bytes() for path in settings.data_dir.glob("vault.sqlite*"))


def everything_in_the_row(vault: Vault) -> bytes:
    with vault.engine.connect() as connection:
        row = connection.execute(select(person)).one()
    return b"|".join(value if isinstance(value, bytes) else str(value).encode() for value in row)


def test_what_is_stored_can_be_revealed_and_who_looked_is_written_down(vault: Vault, clock: ManualClock) -> None:
    vault.store("c1", PERSON)
    assert vault.reveal("c1", actor="li", reason="call back") == PERSON
    with vault.engine.connect() as connection:
        rows = connection.execute(select(reveal.c.customer_ref, reveal.c.actor, reveal.c.reason, reveal.c.at)).all()
    assert [tuple(row) for row in rows] == [("c1", "li", "call back", clock.now())]


def test_the_table_holds_no_clear_text(vault: Vault) -> None:
    vault.store("c1", PERSON)
    row = everything_in_the_row(vault)
    assert b"c1" in row
    assert "王小明".encode() not in row
    assert b"13800000000" not in row


@on_sqlite
def test_the_file_holds_no_clear_text(vault: Vault, on_disk: Callable[[], bytes]) -> None:
    vault.store("c1", PERSON)
    disk = on_disk()
    assert b"c1" in disk
    assert "王小明".encode() not in disk
    assert b"13800000000" not in disk


def test_the_same_person_never_looks_the_same_twice(vault: Vault) -> None:
    vault.store("c1", PERSON)
    vault.store("c2", PERSON)
    with vault.engine.connect() as connection:
        one, two = connection.execute(select(person.c.body)).scalars()
    assert one != two


def test_another_master_key_opens_nothing(vault: Vault, settings: Settings, clock: ManualClock) -> None:
    vault.store("c1", PERSON)
    (settings.data_dir / "keys" / "vault.key").write_bytes(os.urandom(32))
    other = Vault(settings, clock=clock)
    with pytest.raises(WrongMasterKey):
        other.reveal("c1", actor="thief", reason="curious")
    other.close()


def test_a_row_moved_under_another_reference_is_found_out(vault: Vault) -> None:
    vault.store("c1", PERSON)
    with vault.engine.execution_options(lobby_writes=True).begin() as connection:
        connection.execute(text("UPDATE person SET customer_ref = 'c2'"))
    with pytest.raises(WrongMasterKey):
        vault.reveal("c2", actor="li", reason="call back")


def test_an_erased_person_is_unreadable(vault: Vault) -> None:
    vault.store("c1", PERSON)
    vault.erase("c1")
    with pytest.raises(PersonErased):
        vault.reveal("c1", actor="li", reason="call back")
    with vault.engine.connect() as connection:
        assert connection.execute(select(person.c.wrapped_key)).scalar_one() is None


@on_sqlite
def test_an_erased_persons_key_is_gone_from_the_file(vault: Vault, on_disk: Callable[[], bytes]) -> None:
    vault.store("c1", PERSON)
    with vault.engine.connect() as connection:
        wrapped = connection.execute(select(person.c.wrapped_key)).scalar_one()
    assert wrapped in on_disk()
    vault.erase("c1")
    assert wrapped not in on_disk()


def test_an_attempt_to_see_an_erased_or_unknown_person_is_written_down_too(vault: Vault) -> None:
    with pytest.raises(PersonUnknown):
        vault.reveal("nobody", actor="li", reason="call back")
    with vault.engine.connect() as connection:
        assert connection.execute(select(reveal.c.customer_ref)).scalars().all() == ["nobody"]


def test_who_is_unknown_cannot_be_erased(vault: Vault) -> None:
    with pytest.raises(PersonUnknown):
        vault.erase("nobody")


def test_the_key_is_made_once_and_only_its_owner_can_read_it(vault: Vault, settings: Settings) -> None:
    path = settings.data_dir / "keys" / "vault.key"
    first = path.read_bytes()
    assert len(first) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["vault.key"]
    Vault(settings, clock=settings.business_clock).close()
    assert path.read_bytes() == first


def test_a_key_file_that_was_named_must_exist_and_hold_a_whole_key(tmp_path: Path) -> None:
    named = tmp_path / "master"
    settings = Settings(data_dir=tmp_path, vault_key_file=named)
    with pytest.raises(SettingsError, match="cannot be read"):
        Vault(settings, clock=settings.business_clock)
    named.write_bytes(b"short")
    with pytest.raises(SettingsError, match="5 bytes, not 32"):
        Vault(settings, clock=settings.business_clock)
