"""Errors as problem documents (RFC 9457): a stable code, and never the text of what we did not expect."""

from typing import Any

import orjson
import structlog
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.exceptions import NotFound as NoRoute
from werkzeug.wrappers import Response

from shared.errors import LobbyError, NotFound, TooManyRequests, Unauthorized, Unavailable
from shared.ids import new_id

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 1

_log = structlog.get_logger(__name__)

_AWAY = frozenset({"OperationalError", "InterfaceError", "TimeoutError", "PoolTimeout"})
_AWAY_FROM = frozenset({"sqlalchemy", "psycopg", "psycopg_pool", "kombu", "amqp"})


class MethodNotAllowedHere(LobbyError):
    """The address exists, but does not take this method; ``Allow`` names those that it takes."""

    code = "method_not_allowed"
    status = 405
    title = "The method is not allowed here"


class UnsupportedMediaType(LobbyError):
    """The body's content type is not one that this call takes."""

    code = "unsupported_media_type"
    status = 415
    title = "The content type is not supported"


class RequestTimeout(LobbyError):
    """The body did not arrive in time."""

    code = "request_timeout"
    status = 408
    title = "The request took too long to arrive"


class BadRequest(LobbyError):
    """The request breaks HTTP's own rules."""

    code = "bad_request"
    status = 400
    title = "The request is not valid HTTP"


def document(error: LobbyError, instance: str = "") -> bytes:
    """Return the problem document of an error."""
    return _document(error.code, error.status, error.title, error.detail, instance, **error.extra)


def response(error: LobbyError, instance: str = "") -> Response:
    """Answer an error."""
    answer = Response(document(error, instance), status=error.status, content_type=MEDIA_TYPE)
    if isinstance(error, Unauthorized):
        answer.headers["WWW-Authenticate"] = 'Bearer realm="lobby"'
    if isinstance(error, Unavailable | TooManyRequests):
        answer.headers["Retry-After"] = str(error.extra.get("retry_after_s", RETRY_AFTER_S))
    if "allow" in error.extra:
        answer.headers["Allow"] = ", ".join(error.extra["allow"])
    return answer


def response_to(error: BaseException, instance: str = "") -> Response:
    """Answer whatever was raised. What nobody foresaw is logged under an id, and only the id is told."""
    if isinstance(error, LobbyError):
        return response(error, instance)
    if isinstance(error, HTTPException):
        return response(_from_werkzeug(error), instance)
    if is_away(error):
        _log.warning("dependency_away", error=type(error).__name__, reason=str(error)[:300], instance=instance)
        return response(Unavailable("a part of the system does not answer; try again"), instance)
    error_id = new_id()
    _log.error("internal_error", error_id=error_id, instance=instance, exc_info=error)
    body = _document(
        "internal_error", 500, "Something went wrong here", f"it is in the log under {error_id}", instance,
        error_id=error_id,
    )  # fmt: skip
    return Response(body, status=500, content_type=MEDIA_TYPE)


def is_away(error: BaseException) -> bool:
    """Say whether a database or broker does not answer. By name, so that the edge needs neither's package."""
    return any(
        base.__name__ in _AWAY and base.__module__.partition(".")[0] in _AWAY_FROM for base in type(error).__mro__
    )


def _from_werkzeug(error: HTTPException) -> LobbyError:
    if isinstance(error, MethodNotAllowed):
        allowed = sorted(error.valid_methods or ())
        return MethodNotAllowedHere(f"allowed: {', '.join(allowed)}", allow=allowed)
    if isinstance(error, NoRoute):
        return NotFound("there is nothing at this address")
    return BadRequest(error.name)


def _document(code: str, status: int, title: str, detail: str, instance: str, **extra: Any) -> bytes:
    members = {
        "type": f"urn:lobby:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": instance,
        "code": code,
    }
    return orjson.dumps({**extra, **members}, default=str)
