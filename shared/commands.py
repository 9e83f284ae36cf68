"""What a call asks for and what caused it, as data: the web edge makes them, the storage reads them.

Pure, so that neither has to know the other.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What every event of a transaction names as its cause.

    ``causationid`` is the command or event that led to it, ``traceparent`` the W3C trace that it
    belongs to, ``actor`` who asked for it (a token's subject, a service, a terminal).
    """

    causationid: str | None = None
    traceparent: str | None = None
    actor: str = ""


@dataclass(frozen=True, kw_only=True)
class Command:
    """One state-changing call, after its token and input were found good.

    ``id`` is new for every request; ``key`` is the caller's Idempotency-Key, and ``fingerprint``
    tells whether a key was used again for something else: SHA-256 over method, path, subject and
    body. ``branch`` is empty where only a look-up can tell it. ``status`` is the answer's when all
    goes well.
    """

    id: str
    operation: str
    branch: str = ""
    actor: str
    roles: frozenset[str] = frozenset()
    key: str | None = None
    fingerprint: str = ""
    traceparent: str | None = None
    status: int = 200

    @property
    def cause(self) -> Cause:
        """The command as the cause of the events that it leads to."""
        return Cause(causationid=self.id, traceparent=self.traceparent, actor=self.actor)


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """The stored answer to a repeated Idempotency-Key; the edge returns it as it is."""

    status: int
    body: bytes
