"""The one place where a request's token is checked: role and branch, for calls and streams alike."""

from datetime import timedelta

from werkzeug.wrappers import Request, Response

from shared.contracts.http.operation import Operation
from shared.errors import Unauthorized
from shared.web.tokens import ANONYMOUS, Principal, TokenChecker

COOKIE = "lobby_token"


def admit(checker: TokenChecker, operation: Operation, request: Request, *, public: bool = False) -> Principal:
    """Return who calls; raise Unauthorized, or Forbidden that says which roles may.

    A ``public`` operation is open to everyone, and knows who calls if a good token is at hand.
    """
    if public:
        return _whoever(checker, request)
    principal = checker.check(token_of(request))
    principal.require_role(operation.roles)
    return principal


def token_of(request: Request) -> str:
    """Return the request's token.

    A page's cookie counts for reading only, so that no other site can make a browser change anything.
    """
    header = request.headers.get("Authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthorized("the Authorization header is not `Bearer <token>`")
        return token.strip()
    cookie = request.cookies.get(COOKIE)
    if cookie and request.method in ("GET", "HEAD"):
        return cookie
    if cookie:
        raise Unauthorized("a page's cookie is for reading only; send Authorization: Bearer <token>")
    raise Unauthorized("send Authorization: Bearer <token>")


def remember(response: Response, token: str, ttl: timedelta, *, secure: bool) -> None:
    """Give a page's browser the token as its session; ``secure`` where the origin is https."""
    response.set_cookie(
        COOKIE, token, max_age=ttl, path="/", httponly=True, samesite="Strict", secure=secure
    )  # fmt: skip


def _whoever(checker: TokenChecker, request: Request) -> Principal:
    try:
        return checker.check(token_of(request))
    except Unauthorized:
        return ANONYMOUS
