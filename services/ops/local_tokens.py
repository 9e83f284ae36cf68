"""Tokens that this machine may issue, since it holds the key pair under LOBBY_DATA_DIR."""

import os
import re
from collections.abc import Iterable
from datetime import timedelta

from services.ops.errors import UsageError
from shared.contracts.base import BRANCH_PATTERN, Role
from shared.contracts.http.operation import Operation
from shared.settings import Settings

LEAST_FIRST: tuple[Role, ...] = ("display", "auditor", "terminal", "operations", "lobby_manager", "supervisor")
UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def issue_text(
    settings: Settings, *, roles: Iterable[str], branches: Iterable[str], ttl: str = "8h", subject: str | None = None
) -> str:
    """Return a signed token; raise :class:`UsageError` for an unknown role, branch or time to live."""
    from shared.web.tokens import issue_token

    scope = list(branches)
    for branch in scope:
        if branch != "*" and not re.fullmatch(BRANCH_PATTERN, branch):
            raise UsageError(f"--branch {branch!r}: lower-case letters, digits and hyphens, at most 32, or *")
    try:
        return issue_token(settings, roles=list(roles), branches=scope, ttl=duration_of(ttl), subject=subject or "")
    except ValueError as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(f"the key under LOBBY_DATA_DIR: {error.filename}: {error.strerror}") from None


def token_for(settings: Settings, token: str | None, operation: Operation, *, branch: str = "*") -> str:
    """Return the token that was given (``--token``, LOBBY_TOKEN), or one of a role that may, signed with the local key.

    It is the least role that the operation has a row for: who only reads changes nothing.
    """
    given = token or os.environ.get("LOBBY_TOKEN")
    role = next(role for role in LEAST_FIRST if role in operation.roles)
    return given or issue_text(settings, roles=[role], branches=[branch], ttl="15m", subject="lobby-cli")


def duration_of(text: str) -> timedelta:
    """Read ``90s``, ``30m``, ``8h`` or ``7d``; raise :class:`UsageError`."""
    match = re.fullmatch(r"([1-9][0-9]{0,6})([smhd])", text)
    if match is None:
        raise UsageError(f"--ttl {text!r}: a number and s, m, h or d, such as 8h")
    return timedelta(seconds=int(match[1]) * UNITS_S[match[2]])
