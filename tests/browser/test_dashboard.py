"""The live page in a real browser, on the real system."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import Visit
from tests.browser.wire import Wire
from tests.ops.running import Up

pytestmark = pytest.mark.browser

Begin = Callable[..., Visit]

SOON_MS = 45_000

REMEMBER_EVENTS = """
  window.heard = [];
  const Real = window.EventSource;
  window.EventSource = class extends Real {
    addEventListener(type, listener) {
      super.addEventListener(type, (event) => {
        if (event.lastEventId) heard.push([JSON.parse(event.data).id, Number(event.lastEventId)]);
        listener(event);
      });
    }
  };
"""


def wait_for_state(page: Page, wanted: str) -> None:
    expect(page.locator("#connection")).to_have_attribute("data-state", wanted, timeout=SOON_MS)


def issued(page: Page) -> int:
    text = page.locator("#total-issued").inner_text()
    return int(re.sub(r"\D", "", text) or 0)


def wait_for_news(page: Page, behind: int) -> None:
    page.wait_for_function(
        "(n) => Number(document.querySelector('#total-issued').textContent.replace(/\\D/g, '')) > n",
        arg=behind, timeout=SOON_MS,
    )  # fmt: skip


def test_the_lobby_moves_by_itself(demo: Up, visit: Begin) -> None:
    """Nothing is reloaded: tickets are taken, called, and told in Chinese words."""
    looking = visit()
    page = looking.open(f"{demo.origin}/b/demo")
    wait_for_state(page, "live")
    wait_for_news(page, issued(page))
    wait_for_news(page, issued(page))
    expect(page.locator("#feed li.news", has_text=re.compile(r"[A-Z]\d{3} 请到 ")).first).to_be_visible(timeout=SOON_MS)
    expect(page.locator("#counters li").first).to_be_visible()
    expect(page.locator("#devices li").first).to_be_visible(timeout=SOON_MS)
    looking.assert_clean()


def test_the_figures_are_those_of_the_queue(demo: Up, visit: Begin) -> None:
    """The totals on the page are what ``GET …/queue`` says; the page adds nothing of its own."""
    page = visit().open(f"{demo.origin}/b/demo")
    wait_for_state(page, "live")
    with page.expect_response(re.compile(r"/queue$")) as waited:
        pass
    view = waited.value.json()
    page.wait_for_function(
        "(n) => Number(document.querySelector('#total-issued').textContent.replace(/\\D/g, '')) >= n",
        arg=view["issued_today"],
    )
    names = page.locator("#channels th").all_inner_texts()
    assert {"柜台", "绿色通道", "贵宾"} <= set(names)
    assert page.locator("#counters li").count() == len(view["counters"])


def test_a_cut_connection_is_told_and_nothing_is_missed_or_repeated(demo: Up, visit: Begin, wire: Wire) -> None:
    """The page says that it lost the connection, comes back by itself, and goes on behind the last event."""
    looking = visit()
    looking.page.add_init_script(REMEMBER_EVENTS)
    page = looking.open(f"{wire.origin}/b/demo")
    wait_for_state(page, "live")
    page.wait_for_function("() => heard.length > 5", timeout=SOON_MS)

    wire.cut()
    assert wire.cuts > 0
    wait_for_state(page, "reconnecting")
    wait_for_state(page, "lost")
    expect(page.locator("#notice")).to_contain_text("以下数据截至")
    before = page.evaluate("heard.length")

    wire.mend()
    wait_for_state(page, "live")
    expect(page.locator("#notice")).to_be_hidden()
    page.wait_for_function("(n) => heard.length > n + 5", arg=before, timeout=SOON_MS)
    heard = page.evaluate("heard")
    first, last = heard[0][1], heard[-1][1]
    told = page.evaluate(
        """async ([from, to]) => {
          const ids = [];
          const source = new EventSource(`/v1/branches/demo/stream?after=${from - 1}`);
          const types = document.querySelector("meta[name=lobby-event-types]").content.split(" ");
          await new Promise((done) => {
            for (const type of types) source.addEventListener(type, (event) => {
              if (Number(event.lastEventId) <= to) ids.push(JSON.parse(event.data).id);
              if (Number(event.lastEventId) >= to) done();
            });
          });
          source.close();
          return ids;
        }""",
        [first, last],
    )
    ours = [id for id, _ in heard][: len(told)]
    assert ours == told, "every event between the first and the last, once, in order"


@pytest.mark.parametrize(
    ("width", "height"), [(390, 844), (1024, 768), (1440, 900), (1920, 1080)], ids=["phone", "tablet", "desk", "wall"]
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out_and_every_text_can_be_read(
    demo: Up, visit: Begin, width: int, height: int, scheme: str
) -> None:
    """No sideways scrolling at any size, and a contrast of 4.5:1 in both schemes (WCAG 2 AA)."""
    page = visit(viewport={"width": width, "height": height}, color_scheme=scheme).open(f"{demo.origin}/b/demo")
    wait_for_state(page, "live")
    expect(page.locator("#channels tr").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(LOW_CONTRASTS) == []


LOW_CONTRASTS = """() => {
  const parse = (colour) => {
    const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const over = (top, below) => ({
    r: top.r * top.a + below.r * (1 - top.a), g: top.g * top.a + below.g * (1 - top.a),
    b: top.b * top.a + below.b * (1 - top.a), a: 1,
  });
  const light = ({ r, g, b }) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.push(parse(getComputedStyle(e).backgroundColor));
    return layers.reduceRight((below, top) => over(top, below), { r: 255, g: 255, b: 255, a: 1 });
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!text || !element.checkVisibility() || element.closest("svg, .visually-hidden")) continue;
    const below = ground(element);
    const [one, two] = [light(over(parse(getComputedStyle(element).color), below)), light(below)];
    const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    if (ratio < 4.5) found.push(`${element.className || element.tagName} ${element.textContent}: ${ratio.toFixed(2)}`);
  }
  return found;
}"""


def test_english_is_spoken_and_remembered(demo: Up, visit: Begin) -> None:
    """The switch leads to English, and later visits stay in it without asking."""
    looking = visit()
    page = looking.open(f"{demo.origin}/b/demo")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.get_by_role("link", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    wait_for_state(page, "live")
    page = looking.open(f"{demo.origin}/b/demo")
    expect(page.locator("#connection-words")).to_have_text("Live", timeout=SOON_MS)
    # Names of people and what colleagues wrote are Chinese in any language; the page's own words are not.
    own = page.locator("h2, thead th, #channels th, .total-name, .tile-state").all_inner_texts()
    assert len(own) > 20
    assert [words for words in own if re.search("[\\u4e00-\\u9fff]", words)] == []
    called = page.locator("#feed li.news-called")
    expect(called.filter(has_text=re.compile(r"[A-Z]\d{3}.* counter \d", re.IGNORECASE)).first).to_be_visible(
        timeout=SOON_MS
    )
    looking.assert_clean()
