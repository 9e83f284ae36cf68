from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import Visit, launch
from tests.browser.wire import Wire
from tests.ops.running import Up


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """The real system with its living branch, as ``make run`` starts it."""
    system = Up(tmp_path_factory.mktemp("demo") / "data", "--demo")
    system.start()
    yield system
    system.end()
    system.kill()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Begin a visit of a fresh browser profile; a phone, a dark one, an English one, by playwright's options."""
    contexts = []

    def begin(**options: object) -> Visit:
        context = browser.new_context(**{"locale": "zh-CN", "viewport": {"width": 1440, "height": 900}, **options})  # type: ignore[arg-type]
        contexts.append(context)
        return Visit.begin(context)

    yield begin
    for context in contexts:
        context.close()


@pytest.fixture
def wire(demo: Up) -> Iterator[Wire]:
    made = Wire(int(demo.origin.rpartition(":")[2]))
    yield made
    made.close()
