"""The pages as HTML: what is in them, and what a browser would refuse to run."""

from datetime import UTC, date, datetime, timedelta, timezone
from html.parser import HTMLParser

import pytest

from services.gateway import page_rendering
from services.gateway.page_rendering import PageContext
from shared.contracts.events.worklog import CheckResult
from shared.contracts.http.worklog import (
    ChannelFigures,
    CheckView,
    IncidentFigures,
    InexactView,
    NoteView,
    WorklogView,
)
from shared.pages.assets import asset
from shared.pages.messages import LANGUAGES, Language, choose
from shared.pages.templating import CONTENT_SECURITY_POLICY
from shared.pages.worklog import render_worklog, worklog_headers

ZONE = timezone(timedelta(hours=8))
MORNING = datetime(2026, 11, 24, 0, 40, tzinfo=UTC)
DAY = date(2026, 11, 24)


class Tags(HTMLParser):
    """Collects what a page loads, links to and runs; complains about tags that don't match."""

    VOID = frozenset({"meta", "link", "input", "br", "hr", "img"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.inline: list[str] = []
        self.ids: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in self.VOID:
            self._open.append(tag)
        if tag == "script" and "src" not in given:
            self.inline.append("script")
        if tag == "link" or (tag == "script" and "src" in given):
            self.loads.append(given.get("src") or given.get("href") or "")
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        if "id" in given:
            self.ids.append(given["id"])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self._open.pop() == tag


def every_screen(lang: Language) -> dict[str, str]:
    context = PageContext(lang=lang, path="/b/demo", signed_in=True)
    return {
        "home": page_rendering.home(context),
        "dashboard": page_rendering.dashboard(context, "demo"),
        "worklog": page_rendering.worklog_page(context, "demo", DAY, DAY),
        "sign in": page_rendering.sign_in(context, next="/b/demo", branch="demo", problem="no"),
    }


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_page_is_clean_for_its_policy(lang: Language) -> None:
    """Nothing inline, nothing from elsewhere, no id twice, every file there: the policy has no exception."""
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    for name, page in every_screen(lang).items():
        tags = Tags(page)
        assert tags.inline == [], name
        assert len(tags.ids) == len(set(tags.ids)), name
        assert [url for url in tags.loads if not url.startswith("/static/")] == [], name
        assert [url for url in tags.loads if asset(url.removeprefix("/static/")) is None] == [], name
        assert f'lang="{lang}"' in page, name


def test_what_a_visitor_typed_is_shown_and_never_run() -> None:
    """An address or a problem with markup in it is text."""
    evil = '"><script>alert(1)</script>'
    page = page_rendering.sign_in(PageContext(lang="en"), next=evil, problem=evil)
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 2


def test_the_switch_keeps_the_day() -> None:
    """The other language shows the same day."""
    context = PageContext(lang="zh-CN", path="/b/demo/worklog", query={"date": "2026-11-20"})
    assert context.here("en") == "/b/demo/worklog?date=2026-11-20&lang=en"


def test_no_day_lies_ahead() -> None:
    """There is a link to the next day only where it has come."""
    context = PageContext(lang="zh-CN", path="/b/demo/worklog")
    assert 'rel="next"' not in page_rendering.worklog_page(context, "demo", DAY, DAY)
    past = page_rendering.worklog_page(context, "demo", DAY - timedelta(days=1), DAY)
    assert 'rel="next"' in past
    assert "date=2026-11-24" in past


@pytest.mark.parametrize(
    ("asked", "remembered", "accepted", "lang"),
    [
        (None, None, [], "zh-CN"), (None, None, ["en-GB", "zh"], "en"), (None, None, ["fr", "zh-TW"], "zh-CN"),
        (None, "en", ["zh-CN"], "en"), ("zh-CN", "en", ["en"], "zh-CN"), ("fr", None, ["en"], "en"),
        ("../../etc/passwd", None, [], "zh-CN"),
    ],
)  # fmt: skip
def test_the_language_is_what_was_asked_for_then_remembered_then_liked(
    asked: str | None, remembered: str | None, accepted: list[str], lang: str
) -> None:
    """Chinese is the answer where nobody wants anything that we speak."""
    assert choose(asked, remembered, accepted) == lang


def a_day(**changes: object) -> WorklogView:
    view = WorklogView(
        branch="demo", business_date=DAY, state="open", visits=142, served=131, left=8, in_progress=3, no_shows=4,
        mean_wait_s=252, max_wait_s=1290, promises=120, promises_kept=108, diverted=40,
        channels=(
            ChannelFigures(channel="counter", visits=100, served=93, left=6, mean_wait_s=300, max_wait_s=1290),
            ChannelFigures(channel="self_service", visits=42, served=38, left=2, mean_wait_s=60, max_wait_s=180),
        ),
        vip_arrivals=9, vip_handoffs=7, incidents=(IncidentFigures(kind="dispute", opened=2, closed=1),),
        checks=(
            CheckView(
                check_id="c1", kind="opening", by="li.na", at=MORNING,
                results=(
                    CheckResult(item="displays", ok=True),
                    CheckResult(item="water_cups_seats", ok=False, finding="饮水机<无水>"),
                ),
            ),
        ),
        notes=(NoteView(note_id="n1", kind="summary", text="上午客流平稳", by="li.na", at=MORNING),),
        managers_on_duty=3, counters_opened=8, events=1234, journal_hash="c7122b82165ceb28" + "0" * 48,
    )  # fmt: skip
    return view.model_copy(update=changes)


def test_the_work_log_says_what_the_figures_say() -> None:
    """Totals, shares, findings, notes, the branch's time of day, and the journal's hash, short (W7, W10)."""
    page = render_worklog(a_day(), lang="zh-CN", zone=ZONE)
    Tags(page)
    for words in (
        "大堂经理工作日志",
        "142",
        "131",
        "90.0%",
        "28.2%",
        "21 分 30 秒",
        "上午客流平稳",
        "2026-11-24 08:40",
        "li.na",
    ):
        assert words in page, words
    assert "饮水机&lt;无水&gt;" in page
    assert "c7122b82165ceb28" in page
    assert "c7122b82165ceb280" not in page


def test_the_work_log_is_open_until_it_is_signed() -> None:
    """The state and the signature are the day's own (W8)."""
    signed = a_day(state="closed", signed_by="wang.fang", signed_at=MORNING)
    assert "wang.fang" in render_worklog(signed, lang="zh-CN", zone=ZONE)
    assert "待签字" in render_worklog(a_day(), lang="zh-CN", zone=ZONE)
    assert "待签字" not in render_worklog(signed, lang="zh-CN", zone=ZONE)


def test_inexact_figures_are_marked_with_why() -> None:
    """A figure that a late event touched is not shown as if it were sure (W7)."""
    why = InexactView(why="offline", visits=2, figures=("visits",), zh="2 次来访事后上报", en="2 visits told later")
    doubtful = a_day(inexact=True, inexact_because=(why,))
    chinese, english = (render_worklog(doubtful, lang=lang, zone=ZONE) for lang in ("zh-CN", "en"))
    assert "2 次来访事后上报" in chinese
    assert "2 visits told later" in english
    assert '<dd data-figure="visits">≈ 142</dd>' in chinese
    assert '<dd data-figure="no_shows">≈' not in chinese
    assert "≈" not in render_worklog(a_day(), lang="zh-CN", zone=ZONE)


def test_an_empty_day_is_a_page_too() -> None:
    """A day on which nobody came has no share of anything, and says so."""
    empty = a_day(
        visits=0, served=0, left=0, in_progress=0, promises=0, promises_kept=0, diverted=0, channels=(), incidents=(),
        checks=(), notes=(), events=0, journal_hash=None,
    )  # fmt: skip
    for lang in LANGUAGES:
        assert "—" in render_worklog(empty, lang=lang, zone=ZONE)


def test_a_saved_work_log_needs_nothing_else() -> None:
    """The document carries its style, allowed by its hash, and runs no script."""
    page = render_worklog(a_day(), lang="en", zone=ZONE)
    assert Tags(page).loads == []
    assert "<script" not in page
    policy = worklog_headers()["Content-Security-Policy"]
    assert "sha256-" in policy
    assert "unsafe" not in policy
