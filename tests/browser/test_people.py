"""What colleagues do over HTTP is on the live page a moment later: VIP customers, incidents, devices."""

import json
from collections.abc import Callable
from typing import Any
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import Visit
from tests.ops.running import Up

pytestmark = pytest.mark.browser

Begin = Callable[..., Visit]
SOON_MS = 45_000
BRANCH = "quiet"


@pytest.fixture(scope="module")
def post(demo: Up) -> Callable[[str, dict[str, Any]], dict[str, Any]]:
    token = demo.lobby("token", "issue", "--role", "supervisor", "--branch", BRANCH).stdout.strip()

    def send(path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = Request(demo.origin + path, json.dumps(body).encode(), headers, method="POST")
        with urlopen(request, timeout=20) as answer:
            return dict(json.load(answer))

    return send


def test_what_happens_in_a_quiet_branch_is_shown(demo: Up, visit: Begin, post: Callable[..., dict[str, Any]]) -> None:
    """The page of a branch that nobody entered says so, and then shows each thing without being reloaded."""
    looking = visit()
    page = looking.open(f"{demo.origin}/b/{BRANCH}")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live", timeout=SOON_MS)
    expect(page.locator("#vip")).to_contain_text("当前没有贵宾待接待")
    expect(page.locator("#incidents")).to_contain_text("没有未结事件")

    post(f"/v1/branches/{BRANCH}/vip/arrivals", {"tier": "platinum"})
    expect(page.locator("#vip li:not(.none)")).to_have_count(1, timeout=SOON_MS)
    expect(page.locator("#vip")).to_contain_text("白金")

    opened = post(f"/v1/branches/{BRANCH}/incidents", {"kind": "dispute", "summary": "排队<b>争执</b>"})
    expect(page.locator("#incidents li:not(.none)")).to_have_count(1, timeout=SOON_MS)
    expect(page.locator("#incidents")).to_contain_text("排队<b>争执</b>")
    expect(page.locator("#feed")).to_contain_text("客户纠纷：排队<b>争执</b>")

    for step in ("stepped_in", "cause_found", "resolved"):
        post(f"/v1/incidents/{opened['incident_id']}/steps", {"step": step})
    post(f"/v1/incidents/{opened['incident_id']}/close", {"resolution": "已和解"})
    expect(page.locator("#incidents")).to_contain_text("没有未结事件", timeout=SOON_MS)

    post(f"/v1/branches/{BRANCH}/devices/atm-9/status", {"kind": "atm", "status": "down"})
    expect(page.locator("#devices li", has_text="atm-9")).to_be_visible(timeout=SOON_MS)
    looking.assert_clean()
