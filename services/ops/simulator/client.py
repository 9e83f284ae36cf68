"""Says everything until it's heard, and nothing twice.

Services are killed in the middle of the day and come back. A call that got no answer, or one that
means "not now", is repeated with the same Idempotency-Key, so that what was done isn't done again.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson
from pydantic import BaseModel

from services.ops.errors import CommandError
from services.ops.local_tokens import issue_text
from shared.contracts.http.operation import Operation
from shared.ids import new_id
from shared.settings import Settings

TTL_S = 8 * 3600


class Tokens:
    """Tokens signed with the local key, one a person, renewed at half-time; or the one that was given."""

    def __init__(self, settings: Settings, given: str | None, branches: list[str]) -> None:
        """``given`` must have every role that is played, a lobby manager's for whom it speaks among them."""
        self._settings = settings
        self._given = given
        self._branches = branches
        self._issued: dict[str, tuple[float, str]] = {}

    def of(self, role: str, subject: str | None = None) -> str:
        """Return a token that will hold for hours, of somebody in the role or of a certain person."""
        if self._given:
            return self._given
        subject = subject or f"simulator-{role}"
        renew_at, token = self._issued.get(subject, (0.0, ""))
        if time.monotonic() >= renew_at:
            token = issue_text(self._settings, roles=[role], branches=self._branches, ttl=f"{TTL_S}s", subject=subject)
            self._issued[subject] = (time.monotonic() + TTL_S / 2, token)
        return token


TIMEOUT_S = 15.0
BACKOFF_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.0)
PROBE_S = 0.1
AGAIN = frozenset((408, 425, 429, 502, 503, 504))
BROKEN = 500
BROKEN_TRIES = 20
"""A bug of theirs may pass when what caused it does; it may also stay."""


class Refused(Exception):
    """The system understood the call and says no: a problem document."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        """``code`` is the stable one of the problem document."""
        super().__init__(f"{code}: {detail} (HTTP {status})")
        self.status = status
        self.code = code


class GaveUp(CommandError):
    """Nothing was heard from the system for longer than ``--patience-wall``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """An answer that isn't a refusal; ``body`` None with 204."""

    status: int
    body: dict[str, Any] | None


class Client:
    """Many calls to one origin, a bounded number at a time."""

    def __init__(self, origin: str, tokens: Tokens, *, at_once: int = 64, patience_s: float = 120.0) -> None:
        """Give up after ``patience_s`` wall seconds in which no call succeeded."""
        self._origin = origin.rstrip("/")
        self._tokens = tokens
        self._patience_s = patience_s
        self._turn = asyncio.Semaphore(at_once)
        self._probe = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None
        self._failing_since: float | None = None
        self.requests = 0
        self.retries = 0

    async def __aenter__(self) -> Self:
        """Open the connections."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=4),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
        )
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    @property
    def failing(self) -> bool:
        """Whether the last thing that was heard is that nothing can be heard."""
        return self._failing_since is not None

    async def call(
        self,
        role: str,
        operation: Operation,
        *,
        body: BaseModel | None = None,
        query: Mapping[str, str] | None = None,
        subject: str | None = None,
        **path: str,
    ) -> Reply:
        """Make a call in a role, as a certain person where one is named, until it's answered.

        Raises :class:`Refused`, and :class:`GaveUp` when the system stays silent.
        """
        key = new_id()
        content = body.model_dump_json(exclude_none=True).encode() if body is not None else None
        url = self._origin + operation.url(**path)
        broken = 0
        for attempt in range(1_000_000_000):
            token = self._tokens.of(role, subject)
            reply, reason = await self._try_in_turn(token, operation.method, url, query, content, key)
            if reply is not None and reply.status == BROKEN:
                broken += 1
                if broken >= BROKEN_TRIES:
                    raise _refusal(reply)
            elif reply is not None:
                self._failing_since = None
                if reply.status < 400:
                    return reply
                raise _refusal(reply)
            self._check_patience(reason)
            self.retries += 1
            await asyncio.sleep(BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])
        raise AssertionError("unreachable")

    async def _try_in_turn(
        self, token: str, method: str, url: str, query: Mapping[str, str] | None, content: bytes | None, key: str
    ) -> tuple[Reply | None, str]:
        """As :meth:`_try`; while nothing is heard, one call at a time finds out whether that's over."""
        async with self._turn:
            if not self.failing:
                return await self._try(token, method, url, query, content, key)
            async with self._probe:
                answer = await self._try(token, method, url, query, content, key)
                if answer[0] is None:
                    await asyncio.sleep(PROBE_S)
                return answer

    async def _try(
        self, token: str, method: str, url: str, query: Mapping[str, str] | None, content: bytes | None, key: str
    ) -> tuple[Reply | None, str]:
        """Return the answer; or None, with the reason, where the call is to be repeated."""
        assert self._session is not None
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        if content is not None:
            headers["Content-Type"] = "application/json"
        self.requests += 1
        try:
            async with self._session.request(method, url, params=query, data=content, headers=headers) as answer:
                raw = await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return None, f"{type(error).__name__}: {error}"
        if answer.status in AGAIN:
            return None, f"HTTP {answer.status}"
        return Reply(status=answer.status, body=_parsed(raw)), f"HTTP {answer.status}"

    def _check_patience(self, reason: str) -> None:
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        elif now - self._failing_since > self._patience_s:
            raise GaveUp(f"no answer from {self._origin} for {self._patience_s:.0f} s ({reason})")


def _parsed(raw: bytes) -> dict[str, Any] | None:
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def _refusal(reply: Reply) -> Refused:
    problem = reply.body or {}
    return Refused(
        reply.status, str(problem.get("code", "unknown")), str(problem.get("detail") or problem.get("title") or "")
    )
