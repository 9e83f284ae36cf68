"""Tokens: JWTs that name a subject, its roles and its branches. Issued here, checked here.

Their times are wall times, whatever LOBBY_CLOCK says: a token outlives no simulated year.
"""

import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeGuard

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

from shared.contracts.http.permissions import EVERYONE, longest_life
from shared.errors import Forbidden, Unauthorized
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


ISSUER = "lobby"
AUDIENCE = "lobby"
_CACHE_SIZE = 4096
_LEEWAY_S = 5


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who calls. ``branches`` holds ``*`` for all; ``token`` tells tokens apart without being one."""

    subject: str
    roles: frozenset[str]
    branches: frozenset[str]
    token: str = ""

    def covers(self, branch: str) -> bool:
        """Say whether the token's scope holds the branch."""
        return "*" in self.branches or branch in self.branches

    def require_branch(self, branch: str) -> None:
        """Raise :class:`Forbidden` unless the token's scope holds the branch."""
        if not self.covers(branch):
            raise Forbidden(f"the token does not cover the branch {branch!r}", branch=branch)

    def require_role(self, roles: Iterable[str]) -> None:
        """Raise :class:`Forbidden` that says which roles may, unless the token has one of them."""
        allowed = frozenset(roles)
        if not self.roles & allowed:
            names = sorted(allowed)
            raise Forbidden(f"this call is for {', '.join(names)}", roles=names)


ANONYMOUS = Principal(subject="anonymous", roles=frozenset(), branches=frozenset())
"""Who reads a public page without a token."""


def issue_token(
    settings: Settings,
    *,
    roles: Iterable[str],
    branches: Iterable[str],
    ttl: timedelta = timedelta(hours=8),
    subject: str = "",
) -> str:
    """Sign a token with the local key; raise ValueError for an unknown role, an empty scope or too long a life.

    Without a subject it gets one that no other token has: two holders must never be taken for one, whose
    Idempotency-Keys would be each other's.
    """
    role_list, branch_list = sorted(set(roles)), sorted(set(branches))
    unknown = set(role_list) - EVERYONE
    if unknown or not role_list:
        problem = f"unknown role {', '.join(sorted(unknown))}" if unknown else "a token needs a role"
        raise ValueError(f"{problem}; there are {', '.join(sorted(EVERYONE))}")
    if not branch_list:
        raise ValueError("a token needs at least one branch, or * for all")
    if ttl > longest_life(role_list):
        raise ValueError(f"a token of {', '.join(role_list)} holds {longest_life(role_list)} at most, not {ttl}")
    now, jti = int(time.time()), new_id()
    claims = {
        "sub": subject or f"{role_list[0]}-{jti}",
        "jti": jti,
        "roles": role_list,
        "branches": branch_list,
        "iat": now,
        "exp": now + int(ttl.total_seconds()),
        "iss": ISSUER,
        "aud": AUDIENCE,
    }
    return jwt.encode(claims, signing_key(settings), algorithm="EdDSA")


class TokenChecker:
    """Turns a token into a :class:`Principal`. A token that was good is remembered until it expires."""

    def __init__(self, keys: Mapping[str | None, VerifyKey]) -> None:
        """``keys`` as :func:`shared.web.tokens.load_public_keys` returns them."""
        self._keys = keys
        self._good: dict[str, tuple[float, Principal]] = {}

    @classmethod
    def of(cls, settings: Settings) -> "TokenChecker":
        """Make the checker that the settings describe."""
        return cls(load_public_keys(settings))

    def check(self, token: str) -> Principal:
        """Return who the token speaks for; raise :class:`Unauthorized` that says what is wrong with it."""
        known = self._good.get(token)
        if known is not None and time.time() < known[0]:
            return known[1]
        claims = self._claims(token)
        principal = _principal(claims, token)
        if len(self._good) >= _CACHE_SIZE:
            self._good.clear()
        self._good[token] = (float(claims["exp"]), principal)
        return principal

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            key = self._keys.get(jwt.get_unverified_header(token).get("kid")) or self._keys.get(None)
            if key is None:
                raise Unauthorized("the token is signed with a key that is not known here")
            return jwt.decode(
                token, key.key, algorithms=[key.algorithm], issuer=ISSUER, audience=AUDIENCE, leeway=_LEEWAY_S,
                options={"require": ["sub", "iat", "exp", "iss", "aud"]},
            )  # fmt: skip
        except jwt.ExpiredSignatureError as error:
            raise Unauthorized("the token has expired") from error
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
            raise Unauthorized("the token is not valid") from error


def _principal(claims: Mapping[str, Any], token: str) -> Principal:
    subject, roles, branches = claims["sub"], claims.get("roles"), claims.get("branches")
    if not (isinstance(subject, str) and 0 < len(subject) <= 128 and _are_texts(roles) and _are_texts(branches)):
        raise Unauthorized("the token lacks a subject, roles or branches")
    if claims["exp"] - claims["iat"] > longest_life(roles).total_seconds():
        raise Unauthorized(f"a token of {', '.join(sorted(roles))} holds {longest_life(roles)} at most")
    return Principal(
        subject=subject,
        roles=frozenset(roles),
        branches=frozenset(branches),
        token=sha256(token.encode()).hexdigest()[:16],
    )


def _are_texts(value: Any) -> TypeGuard[list[str]]:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)
