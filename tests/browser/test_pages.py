"""The other pages in a real browser: the branches, the work log, signing in."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import Visit
from tests.ops.running import Up

pytestmark = pytest.mark.browser

Begin = Callable[..., Visit]
SOON_MS = 45_000


def test_the_branches_lead_to_the_lobby(demo: Up, visit: Begin) -> None:
    """Who comes to ``/`` finds the branch that moves, and its page."""
    looking = visit()
    page = looking.open(f"{demo.origin}/")
    page.locator("a[href='/b/demo']").first.click(timeout=SOON_MS)
    expect(page.locator("#connection")).to_have_attribute("data-state", "live", timeout=SOON_MS)
    looking.assert_clean()


def test_the_work_log_is_a_sheet_to_read_and_print(demo: Up, visit: Begin) -> None:
    """The day's log is in the page, with the checks and the signature; printed, only the sheet is left (W7)."""
    looking = visit()
    page = looking.open(f"{demo.origin}/b/demo/worklog")
    sheet = page.locator("#content main")
    expect(sheet).to_contain_text("大堂经理工作日志", timeout=SOON_MS)
    expect(sheet).to_contain_text("签字")
    expect(page.locator("#notice")).to_be_hidden()
    looking.assert_clean()
    page.emulate_media(media="print")
    expect(page.locator(".days")).to_be_hidden()
    expect(page.locator("header.bar")).to_be_hidden()
    expect(sheet).to_be_visible()


def test_yesterday_is_a_step_away_and_no_day_lies_ahead(demo: Up, visit: Begin) -> None:
    """The day before is linked to and shows its own, empty log; there is no link to tomorrow."""
    looking = visit()
    page = looking.open(f"{demo.origin}/b/demo/worklog")
    expect(page.locator("a[rel=next]")).to_have_count(0)
    page.locator("a[rel=prev]").click()
    expect(page.locator("a[rel=next]")).to_have_count(1)
    expect(page.locator("#content main")).to_be_visible(timeout=SOON_MS)
    looking.assert_clean()


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Up]:
    """A system whose pages need a token."""
    system = Up(tmp_path / "closed", LOBBY_OPEN_PAGES="false")
    system.start()
    yield system
    system.end()
    system.kill()


def test_a_closed_page_asks_for_a_token_and_keeps_it(closed: Up, visit: Begin) -> None:
    """A bad token is refused with the reason; a good one leads on to the page; signing out ends it."""
    page = visit().page
    answer = page.goto(f"{closed.origin}/b/demo")
    assert answer is not None
    assert answer.status == 401
    page.locator("#token").fill("nonsense")
    page.locator("button.primary").click()
    expect(page.get_by_role("alert")).to_be_visible()

    token = closed.lobby("token", "issue", "--role", "display", "--branch", "demo").stdout.strip()
    page.goto(f"{closed.origin}/b/demo")
    page.locator("#token").fill(token)
    page.locator("button.primary").click()
    expect(page).to_have_url(f"{closed.origin}/b/demo")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live", timeout=SOON_MS)
    expect(page.locator("#vip")).to_contain_text("当前令牌无权查看")
    kept = next(cookie for cookie in page.context.cookies() if cookie.get("name") == "lobby_token")
    assert kept.get("httpOnly")
    assert kept.get("sameSite") == "Strict"

    page.locator("a[href='/session/end']").click()
    answer = page.goto(f"{closed.origin}/b/demo")
    assert answer is not None
    assert answer.status == 401


def test_a_token_of_another_branch_does_not_open_this_one(closed: Up, visit: Begin) -> None:
    """The sign-in page says that the token is for another branch."""
    page = visit().page
    page.goto(f"{closed.origin}/b/north")
    token = closed.lobby("token", "issue", "--role", "display", "--branch", "south").stdout.strip()
    page.locator("#token").fill(token)
    page.locator("button.primary").click()
    expect(page.get_by_role("alert")).to_contain_text("north")
