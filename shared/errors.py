"""The errors that reach the outside: one tree, each with a stable ``code`` and an HTTP status.

A service adds its own below :class:`LobbyError`. Their text is written for the person who caused
them; whatever else goes wrong is answered as ``internal_error`` without its text.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class LobbyError(Exception):
    """Something that the caller can understand, and mostly mend."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400
    title: ClassVar[str] = "The request cannot be carried out"

    def __init__(self, detail: str, **extra: Any) -> None:
        """``extra`` becomes members of the problem document (RFC 9457)."""
        super().__init__(detail)
        self.detail = detail
        self.extra: Mapping[str, Any] = extra


class InvalidInput(LobbyError):
    """A field is missing, unknown or out of range. ``errors`` names each with its reason."""

    code = "invalid_input"
    status = 422
    title = "The input is not valid"


class NotFound(LobbyError):
    """The thing that the address names does not exist."""

    code = "not_found"
    status = 404
    title = "Not found"


class Conflict(LobbyError):
    """The thing is in a state that does not allow this. ``state`` and ``allowed`` say what does."""

    code = "conflict"
    status = 409
    title = "The current state does not allow this"


class Unauthorized(LobbyError):
    """No token, or one that is expired or not ours."""

    code = "unauthorized"
    status = 401
    title = "A valid token is needed"


class Forbidden(LobbyError):
    """The token's role or branches do not cover this call."""

    code = "forbidden"
    status = 403
    title = "The token does not allow this"


class TooLarge(LobbyError):
    """The body is larger than the limit."""

    code = "too_large"
    status = 413
    title = "The body is too large"


class TooManyRequests(LobbyError):
    """A rate or a number of connections is over its limit."""

    code = "too_many_requests"
    status = 429
    title = "Too many requests"


class Unavailable(LobbyError):
    """The broker or the database does not answer; the same call may succeed later."""

    code = "unavailable"
    status = 503
    title = "Temporarily unavailable"


class PredecessorMissing(Exception):
    """An event came before the one that it builds on; the bus fills the gap from the producer's log.

    ``subject`` is whose earlier events are missing, ``service`` whose log has them (by default the
    producer of the event at hand).
    """

    def __init__(self, subject: str, service: str | None = None) -> None:
        """Name the subject and, where it isn't the event's producer, the service."""
        super().__init__(f"earlier events of {subject} are missing")
        self.subject = subject
        self.service = service
