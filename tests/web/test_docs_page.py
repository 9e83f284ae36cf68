"""/docs in a real browser: it draws every call, and asks nobody but us."""

import shutil

import pytest

from shared.contracts.http.catalog import OPERATIONS

pytestmark = pytest.mark.browser


def test_the_docs_draw_every_call_without_the_internet(demo):
    from playwright.sync_api import sync_playwright  # takes long to import

    origin = f"http://127.0.0.1:{demo.port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        complaints, asked = [], []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{origin}/docs")
        page.wait_for_selector(".opblock")
        assert page.locator(".opblock").count() == len(OPERATIONS)
        assert complaints == []
        assert {url for url in asked if not url.startswith(f"{origin}/")} == set()
        browser.close()
