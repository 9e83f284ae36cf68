"""The keys that tokens are signed and checked with: a PEM or JWKS file, or a local Ed25519 pair."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from shared.ids import new_id
from shared.settings import Settings, SettingsError

PublicKey = Ed25519PublicKey | RSAPublicKey

PRIVATE_FILE = "jwt-private.pem"
PUBLIC_FILE = "jwt-public.pem"


@dataclass(frozen=True, kw_only=True)
class VerifyKey:
    """A public key and the only algorithm that it may be used with, so that none can be confused for another."""

    key: PublicKey
    algorithm: str


def load_public_keys(settings: Settings) -> Mapping[str | None, VerifyKey]:
    """Return the keys that tokens may be signed with, by key id (``None`` for a PEM file's only key).

    Raises :class:`SettingsError` that names the file.
    """
    path = settings.jwt_public_key_file
    if path is None:
        return {None: _verify_key(local_private_key(settings).public_key())}
    try:
        text = path.read_bytes()
        if text.lstrip().startswith(b"{"):
            return _from_jwks(json.loads(text))
        return {None: _verify_key(load_pem_public_key(text))}
    except (OSError, ValueError, KeyError, jwt.PyJWTError) as error:
        raise SettingsError(f"LOBBY_JWT_PUBLIC_KEY_FILE: {path} holds no key that can be used: {error}") from error


def local_private_key(settings: Settings) -> Ed25519PrivateKey:
    """Return the private key under the data directory; make the pair at the first call.

    Several processes may start at once: the file appears whole or not at all, and the first one wins.
    """
    folder = settings.data_dir / "keys"
    path = folder / PRIVATE_FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = Ed25519PrivateKey.generate()
        _write_once(path, fresh.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
    key = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"{path} holds no Ed25519 key")
    _write_once(folder / PUBLIC_FILE, _pem(key.public_key()), 0o644)
    return key


def signing_key(settings: Settings) -> Ed25519PrivateKey:
    """Return the key to issue tokens with; raise :class:`SettingsError` if nobody would accept them."""
    key = local_private_key(settings)
    accepted = {_pem(public.key) for public in load_public_keys(settings).values()}
    if _pem(key.public_key()) not in accepted:
        raise SettingsError(
            "LOBBY_JWT_PUBLIC_KEY_FILE: tokens are issued elsewhere; "
            f"{settings.data_dir / 'keys' / PRIVATE_FILE} is not the private half of that key"
        )
    return key


def _write_once(path: Path, content: bytes, mode: int) -> None:
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{new_id()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first; its key is the key
    finally:
        draft.unlink()


def _from_jwks(document: dict[str, Any]) -> Mapping[str | None, VerifyKey]:
    keys = {key.key_id: _verify_key(key.key) for key in jwt.PyJWKSet.from_dict(document).keys}
    return {**keys, None: next(iter(keys.values()))} if len(keys) == 1 else keys


def _verify_key(key: object) -> VerifyKey:
    if isinstance(key, Ed25519PublicKey):
        return VerifyKey(key=key, algorithm="EdDSA")
    if isinstance(key, RSAPublicKey):
        if key.key_size < 2048:
            raise ValueError(f"an RSA key of {key.key_size} bits is too short")
        return VerifyKey(key=key, algorithm="RS256")
    raise ValueError("neither an Ed25519 nor an RSA public key")


def _pem(key: PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
