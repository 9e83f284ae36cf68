"""The pages as HTML: pure functions of what they show. Live figures come later, fetched by the pages' own modules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from urllib.parse import urlencode

from shared.contracts.catalog import registry
from shared.pages.messages import Language
from shared.pages.templating import render

_PACKAGE = "services.gateway"


@dataclass(frozen=True, kw_only=True)
class PageContext:
    """How a page is looked at: in which language, at which address, by somebody who signed in or by anybody."""

    lang: Language
    path: str = "/"
    query: Mapping[str, str] = field(default_factory=dict)
    signed_in: bool = False

    def here(self, lang: Language) -> str:
        """Return this page's address in another language."""
        return f"{self.path}?{urlencode({**self.query, 'lang': lang})}"


def home(context: PageContext) -> str:
    """Write ``/``: the branches."""
    return _page("home.html", context)


def dashboard(context: PageContext, branch: str) -> str:
    """Write ``/b/{b}``: the lobby as it is now (T8, T10)."""
    return _page("dashboard.html", context, page="dashboard", branch=branch, event_types=tuple(registry.all_types()))


def worklog_page(context: PageContext, branch: str, day: date, today: date) -> str:
    """Write ``/b/{b}/worklog``: the frame that a day's log is put into (W7)."""
    one = timedelta(days=1)
    return _page(
        "worklog_page.html", context, page="worklog", branch=branch, date=day, today=today, previous=day - one,
        next=day + one,
    )  # fmt: skip


def sign_in(context: PageContext, *, next: str, branch: str = "", problem: str = "") -> str:
    """Write the page that takes a token; ``problem`` says what was wrong with the last one."""
    return _page("sign_in.html", context, next=next, branch=branch, problem=problem)


def _page(template: str, context: PageContext, **values: object) -> str:
    return render(
        template, lang=context.lang, package=_PACKAGE, here=context.here, signed_in=context.signed_in, **values
    )
