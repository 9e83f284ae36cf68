"""A Chromium to drive, and what must never happen in it."""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright

PLACES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

WATCH_POLICY = """
  window.violations = [];
  document.addEventListener("securitypolicyviolation", (event) => {
    violations.push(`${event.violatedDirective} ${event.blockedURI}`);
  });
"""


class NoChromium(Exception):
    """There is no Chromium: install Debian's package chromium, or name one in LOBBY_TEST_CHROMIUM."""


def find_chromium() -> Path:
    """Return the browser; raise :class:`NoChromium`, since a tier that can't run has failed."""
    named = os.environ.get("LOBBY_TEST_CHROMIUM")
    found = named or next((path for place in PLACES if (path := shutil.which(place))), None)
    if found is None or not Path(found).exists():
        raise NoChromium(f"{named or ', '.join(PLACES)}: not there; {NoChromium.__doc__}")
    return Path(found)


def launch(playwright: Playwright) -> Browser:
    """Start the browser."""
    return playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)


@dataclass(kw_only=True)
class Visit:
    """A page that is looked at, with everything that it complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, context: BrowserContext) -> "Visit":
        """Open an empty page and listen to it."""
        visit = cls(page=context.new_page())
        visit.page.add_init_script(WATCH_POLICY)
        visit.page.on("console", visit._heard)
        visit.page.on("pageerror", lambda error: visit.complaints.append(f"error: {error}"))
        return visit

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def open(self, url: str) -> Page:
        """Go to an address. A live page never stops loading, so only its document is waited for."""
        answer = self.page.goto(url, wait_until="domcontentloaded")
        assert answer is not None
        assert answer.status == 200, f"{url}: {answer.status}"
        return self.page

    def assert_clean(self) -> None:
        """Fail if the page wrote an error, or tried what its Content-Security-Policy forbids."""
        assert self.complaints == []
        assert self.page.evaluate("violations") == []
