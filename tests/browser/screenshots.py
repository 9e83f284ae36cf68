"""Takes the pictures of a running system: ``python -m tests.browser.screenshots http://127.0.0.1:8000 DIRECTORY``.

The README's picture is ``dashboard.png`` of a branch with people in it; copy it to docs/img/.
"""

import argparse
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.chromium import launch

SIZES = {"": (1440, 900), "-tablet": (1024, 768), "-phone": (390, 844)}
CURVE_MS = 45_000
"""So long the page is watched before its picture, so that the curve and the feed have something to show."""


def main() -> None:
    """Take them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("origin")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--branch", default="demo")
    parser.add_argument("--watch-ms", type=int, default=CURVE_MS)
    given = parser.parse_args()
    given.directory.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for suffix, size in SIZES.items():
            for scheme in ("light", "dark"):
                name = f"dashboard{suffix}{'' if scheme == 'light' else '-dark'}.png"
                picture(
                    browser, f"{given.origin}/b/{given.branch}", given.directory / name, size, scheme, given.watch_ms
                )
        picture(
            browser,
            f"{given.origin}/b/{given.branch}/worklog",
            given.directory / "worklog.png",
            (1024, 768),
            "light",
            2000,
        )
        picture(browser, f"{given.origin}/", given.directory / "branches.png", (1024, 768), "light", 2000)
        browser.close()


def picture(browser: Browser, url: str, path: Path, size: tuple[int, int], scheme: str, watch_ms: int) -> None:
    """Take one."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
    )
    page = context.new_page()
    page.goto(url, wait_until="domcontentloaded")
    if "/b/" in url and not url.endswith("/worklog"):
        expect(page.locator("#connection")).to_have_attribute("data-state", "live", timeout=30_000)
    page.wait_for_timeout(watch_ms)
    page.screenshot(path=path, full_page=width < 1000 or url.endswith("/worklog"))
    context.close()
    print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
