"""One call to the running system, for the commands that look and for those that decide.

The simulator has its own client, which many requests share.
"""

import json
from collections.abc import Mapping
from http.client import HTTPException
from typing import Annotated, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import typer

from services.ops.errors import CommandError, UsageError
from shared.contracts.http.operation import Operation
from shared.ids import new_id

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Origin = Annotated[
    str | None, typer.Option("--origin", metavar="URL", help="Where the system is; by default LOBBY_ORIGIN.")
]
Token = Annotated[
    str | None,
    typer.Option(
        "--token",
        metavar="TOKEN",
        help="By default LOBBY_TOKEN, or one that is signed with the key under LOBBY_DATA_DIR.",
    ),
]


TIMEOUT_S = 60


def call(
    origin: str,
    token: str,
    operation: Operation,
    *,
    path: Mapping[str, str] | None = None,
    query: Mapping[str, object | None] | None = None,
    accept: str = "application/json",
) -> bytes:
    """Make the call and return the answer's body.

    Raises :class:`CommandError` with the problem's code and detail, or that nobody answers.
    """
    given = {name: str(value) for name, value in (query or {}).items() if value is not None}
    url = origin.rstrip("/") + operation.url(**(path or {})) + (f"?{urlencode(given)}" if given else "")
    headers = {"Authorization": f"Bearer {token}", "Accept": accept}
    if operation.method == "POST":
        headers["Idempotency-Key"] = new_id()
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"LOBBY_ORIGIN {origin!r} is not an http:// or https:// address")
    request = Request(url, method=operation.method, headers=headers)
    try:
        with urlopen(request, timeout=TIMEOUT_S) as answer:
            body: bytes = answer.read()
            return body
    except HTTPError as error:
        raise CommandError(_problem(error)) from None
    except (URLError, OSError, HTTPException) as error:
        raise CommandError(f"no answer from {origin}: {getattr(error, 'reason', None) or error}") from None


def call_json(origin: str, token: str, operation: Operation, **more: Any) -> dict[str, Any]:
    """As :func:`call`, the body parsed."""
    document: dict[str, Any] = json.loads(call(origin, token, operation, **more))
    return document


def _problem(error: HTTPError) -> str:
    try:
        problem = json.loads(error.read())
        return f"{problem['code']}: {problem.get('detail') or problem.get('title')} (HTTP {error.code})"
    except (ValueError, KeyError, TypeError):
        return f"HTTP {error.code} {error.reason}"
