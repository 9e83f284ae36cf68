"""Serves the pages: who may look, in which language, and what the browser remembers of it."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from services.gateway import page_rendering
from services.gateway.page_rendering import PageContext
from shared.contracts.base import in_years
from shared.contracts.http.operation import Method, Operation
from shared.errors import NotFound, Unauthorized
from shared.pages.assets import asset
from shared.pages.messages import Translator, choose, is_language
from shared.pages.templating import HEADERS
from shared.settings import Settings
from shared.storage import Storage
from shared.web.authentication import COOKIE, remember
from shared.web.entrypoint import http
from shared.web.request_context import Call
from shared.web.tokens import Principal, TokenChecker, issue_token

HTML = "text/html"
FORM = "application/x-www-form-urlencoded"
LANGUAGE_COOKIE = "lobby_lang"
OPEN_TTL = timedelta(hours=12)
_A_YEAR = timedelta(days=365)


def _page(name: str, path: str, summary: str, *, method: Method = "GET", media_type: str = HTML) -> Operation:
    return Operation(
        name=name, service="gateway", method=method, path=path, summary=summary, media_type=media_type
    )  # fmt: skip


HOME = _page("homePage", "/", "The branches, as a page.")
DASHBOARD = _page("dashboardPage", "/b/{b}", "The lobby as it is now, as a page.")
WORKLOG = _page("worklogPage", "/b/{b}/worklog", "A day's work log, as a page.")
STATIC = _page("staticFile", "/static/{file}", "A file of the pages.")
SIGN_IN = _page("signIn", "/session", "Take a token as the browser's session.", method="POST", media_type=FORM)
SIGN_OUT = _page("signOut", "/session/end", "Forget the browser's session.")

PAGES = (HOME, DASHBOARD, WORKLOG, STATIC, SIGN_IN, SIGN_OUT)
"""What is served beside the calls of the catalogue; for people, so it is in no machine's description."""


class UnknownFile(NotFound):
    """The pages have no such file."""

    code = "file_not_found"


class _HasStorage(Protocol):
    storage: Storage


class PagesMixin:
    """The pages' entrypoints, for the gateway's service class to inherit. It needs the class's ``storage``."""

    @http(HOME, public=True)
    def home_page(self: _HasStorage, call: Call) -> Response:
        """Show the branches."""
        return _show(self.storage.settings, call, page_rendering.home)

    @http(DASHBOARD, public=True)
    def dashboard_page(self: _HasStorage, call: Call) -> Response:
        """Show the lobby live."""
        return _show(self.storage.settings, call, partial(page_rendering.dashboard, branch=call.branch))

    @http(WORKLOG, public=True)
    def worklog_page(self: _HasStorage, call: Call) -> Response:
        """Show a day's log; the business day that it is now where none is asked for."""
        settings = self.storage.settings
        today = self.storage.clock.now().astimezone(settings.default_timezone).date()
        day = _date_of(call.request.args.get("date")) or today
        return _show(settings, call, partial(page_rendering.worklog_page, branch=call.branch, day=day, today=today))

    @http(STATIC, public=True)
    def static_file(self, call: Call) -> Response:
        """Serve a file of the pages; browsers ask whether it is still the same."""
        found = asset(call.params["file"])
        if found is None:
            raise UnknownFile(f"there is no file {call.params['file']!r}")
        response = Response(found.body, content_type=found.content_type)
        response.set_etag(found.etag)
        response.headers["Cache-Control"] = "no-cache"
        return response.make_conditional(call.request)

    @http(SIGN_IN, public=True)
    def sign_in(self: _HasStorage, call: Call) -> Response:
        """Take a token as the session, if it is good, and go on to where the visitor wanted."""
        settings, form = self.storage.settings, dict(parse_qsl(call.raw.decode(errors="replace")))
        token, target = form.get("token", "").strip(), _local(form.get("next"))
        try:
            TokenChecker.of(settings).check(token)
        except Unauthorized as error:
            context = _context_of(call, signed_in=False)
            problem = Translator(context.lang)("sign_in.bad", reason=error.detail)
            return _html(call, page_rendering.sign_in(context, next=target, problem=problem), status=401)
        response = redirect(target, 303)
        remember(response, token, OPEN_TTL, secure=_is_https(call))
        return response

    @http(SIGN_OUT, public=True)
    def sign_out(self, call: Call) -> Response:
        """Forget the session."""
        response = redirect("/", 303)
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="Strict", secure=_is_https(call))
        return response


def _show(settings: Settings, call: Call, screen: Callable[[PageContext], str]) -> Response:
    """Answer with a screen, or with the sign-in page where this visitor may not see it."""
    visitor, fresh = call.principal, None
    if not _may_look(visitor, call):
        if not settings.pages_are_open:
            return _ask_who(call, visitor)
        fresh = issue_token(settings, roles=("auditor", "display"), branches=("*",), ttl=OPEN_TTL, subject="page")
    response = _html(call, screen(_context_of(call, signed_in=not settings.pages_are_open)))
    if fresh:
        remember(response, fresh, OPEN_TTL, secure=_is_https(call))
    return response


def _may_look(visitor: Principal, call: Call) -> bool:
    return bool(visitor.roles & call.operation.roles) and (not call.branch or visitor.covers(call.branch))


def _ask_who(call: Call, visitor: Principal) -> Response:
    context = _context_of(call, signed_in=False)
    problem = Translator(context.lang)("sign_in.other_branch", branch=call.branch) if visitor.roles else ""
    page = page_rendering.sign_in(context, next=call.request.full_path.rstrip("?"), branch=call.branch, problem=problem)
    return _html(call, page, status=403 if visitor.roles else 401)


def _context_of(call: Call, *, signed_in: bool) -> PageContext:
    request = call.request
    asked = request.args.get("lang")
    lang = choose(asked, request.cookies.get(LANGUAGE_COOKIE), [tag for tag, _ in request.accept_languages])
    query = {name: value for name, value in request.args.items() if name != "lang"}
    path = request.path if request.method in ("GET", "HEAD") else "/"
    return PageContext(lang=lang, path=path, query=query, signed_in=signed_in)


def _html(call: Call, page: str, *, status: int = 200) -> Response:
    response = Response(page, status=status, content_type=f"{HTML}; charset=utf-8", headers=dict(HEADERS))
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "Accept-Language, Cookie"
    asked = call.request.args.get("lang")
    if is_language(asked):
        response.set_cookie(LANGUAGE_COOKIE, asked, max_age=_A_YEAR, path="/", samesite="Lax", secure=_is_https(call))
    return response


def _is_https(call: Call) -> bool:
    request = call.request
    return request.headers.get("X-Forwarded-Proto", request.scheme) == "https"


def _local(target: str | None) -> str:
    """Return an address of ours to go on to, whatever a form says: never another site's."""
    parts = urlsplit(target or "/")
    if parts.scheme or parts.netloc or not parts.path.startswith("/") or "\\" in parts.path:
        return "/"
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _date_of(text: str | None) -> date | None:
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        return None
    return day if day and in_years(day) else None
