"""The vault's master key: 32 random bytes in a file that only its owner reads."""

import os
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

from shared.settings import Settings, SettingsError

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
