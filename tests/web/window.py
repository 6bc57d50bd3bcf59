"""A browser's window onto the pages, and what can be seen to be wrong with one: by axe, by its width, by what moves."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""
browsing = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="the browser tests need Chromium: `apt-get install chromium`"),
]
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3
WIDE, NARROW = 1440, 390
HIGH = 900

MOVED = """new Promise(tell => {
  new PerformanceObserver(list => tell(list.getEntries().reduce((sum, each) => sum + each.value, 0))).observe({type: 'layout-shift', buffered: true});
  requestAnimationFrame(() => requestAnimationFrame(() => tell(0)));
})"""
UNFOLDED = "for (const each of document.querySelectorAll('details')) each.open = true"
JUDGED = """async (others) => {
  const shown = [...document.querySelectorAll('body *')].filter(each => each.checkVisibility());
  const looks = new Map(shown.map(each => {
    const { color, backgroundColor, opacity, fontSize, fontWeight } = getComputedStyle(each);
    return [each, [color, backgroundColor, opacity, fontSize, fontWeight].join()];
  }));
  const before = window.looksBefore;
  window.looksBefore = looks;
  const only = others ? shown.filter(each => before.get(each) !== looks.get(each)) : [document];
  if (!only.length) return [];
  const rules = others ? {runOnly: {type: 'rule', values: ['color-contrast', 'link-in-text-block']}} : {};
  const told = await axe.run({include: only}, {resultTypes: ['violations'], selectors: false, ...rules});
  return told.violations.map(each => [each.id, ...each.nodes.slice(0, 3).map(node => node.html.slice(0, 150))].join(' '));
}"""


class Visitor:
    """A browser window, and what it complained of."""

    def __init__(self, page: Any, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", self._erred)

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)

    def sign_in(self, key: str) -> None:
        self.go("/sign-in")
        self.page.get_by_label("Key").fill(key)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(f"{self.url}/")

    def moved(self) -> float:
        """How much of the page moved while it was loaded."""
        found: float = self.page.evaluate(MOVED)
        return found

    def _erred(self, error: Any) -> None:
        # A page that is left before it has been drawn has nothing to fade from.
        if "Transition was aborted" not in str(error):
            self.complaints.append(str(error))

    def _heard(self, message: Any) -> None:
        # That a wrong key or address is answered with 4xx is what the page shows, not a fault of it.
        if message.type in {"error", "warning"} and "the server responded with a status of 4" not in message.text:
            self.complaints.append(message.text)


Ills = dict[str, Any]
Look = Callable[[Visitor], Ills]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="the browser tests need `playwright`")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture
def visiting(browser: Any, site: Any):
    @contextmanager
    def visiting(key: str = "", at: Any = site, **options: Any) -> Iterator[Visitor]:
        context = browser.new_context(**options)
        visitor = Visitor(context.new_page(), at.running.url)
        if key != "nobody":
            visitor.sign_in(key or at.running.admin)
        yield visitor
        context.close()
        assert visitor.complaints == []

    return visiting


@pytest.fixture
def looking(visiting: Any):
    """Give somebody at a wide and light window, in which nothing fades."""
    return lambda at: visiting(
        at=at, color_scheme="light", reduced_motion="reduce", viewport={"width": WIDE, "height": HIGH}
    )


@pytest.fixture
def ills(axe: str) -> Look:
    """Give what is wrong with the page that a visitor sees, with all of it unfolded: wide and narrow, light and dark.

    A page is judged whole in the wide window by day and in the narrow one by night. Of the other two pairs only the colours can be
    otherwise, and only of what one width shows and the other does not, or shows in other colours or letters.
    """

    def found(visitor: Visitor) -> Ills:
        page = visitor.page
        page.evaluate(UNFOLDED)
        page.evaluate(axe)
        told: Ills = {"wide, light": page.evaluate(JUDGED, False)}
        told["too wide"] = too_wide(page, WIDE)
        page.set_viewport_size({"width": NARROW, "height": HIGH})
        told["too wide for a phone"] = too_wide(page, NARROW)
        told["narrow, light"] = page.evaluate(JUDGED, True)
        page.emulate_media(color_scheme="dark")
        told["narrow, dark"] = page.evaluate(JUDGED, False)
        page.set_viewport_size({"width": WIDE, "height": HIGH})
        told["wide, dark"] = page.evaluate(JUDGED, True)
        page.emulate_media(color_scheme="light")
        return {name: each for name, each in told.items() if each}

    return found


def too_wide(page: Any, width: int) -> int:
    """How wide a page is that does not fit, or 0."""
    found: int = page.evaluate("document.documentElement.scrollWidth")
    return found if found > width else 0


@pytest.fixture
def looked(looking: Any, ills: Look) -> Callable[..., dict[str, Ills]]:
    """Give what is wrong with each of the pages at some addresses, and how much of it moves while it is loaded."""

    def found(at: Any, paths: list[str]) -> dict[str, Ills]:
        told: dict[str, Ills] = {}
        with looking(at) as visitor:
            for path in paths:
                visitor.go(path)
                moved = {"moved": moved} if (moved := visitor.moved()) else {}
                if each := {**moved, **ills(visitor)}:
                    told[path] = each
        return told

    return found
