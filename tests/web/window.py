"""A browser's window onto the pages, and what can be seen to be wrong with one: by axe, by its width, by what moves."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
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
SEEN = """() => {
  for (const each of document.querySelectorAll('details')) each.open = true;
  for (const each of document.querySelectorAll('textarea')) each.textContent = each.value;
  for (const each of document.querySelectorAll('input')) each.setAttribute('value', each.value);
  return document.documentElement.outerHTML;
}"""
JUDGE = Path(__file__).with_name("judge.js").read_text(encoding="utf-8")


class Visitor:
    """Somebody at a browser's window, what the window complained of, and the pages that were seen in it."""

    def __init__(self, page: Any, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        self.seen: dict[str, str] = {}
        self.moves: dict[str, float] = {}
        page.on("console", self._heard)
        page.on("pageerror", self._erred)

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)

    def sign_in(self, key: str) -> None:
        self.page.get_by_label("Key").fill(key)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(f"{self.url}/")

    def see(self, path: str) -> None:
        """Go to a page, and keep how it looks, and how much of it moved while it was loaded."""
        self.go(path)
        self.moves[path] = self.moved()
        self.look(path)

    def look(self, name: str) -> None:
        """Keep how the page looks with all of it unfolded."""
        self.seen[name] = self.page.evaluate(SEEN)

    def moved(self) -> float:
        """How much of the page moved while it was loaded."""
        found: float = self.page.evaluate(MOVED)
        return found

    def leave(self) -> None:
        self.page.remove_listener("console", self._heard)
        self.page.remove_listener("pageerror", self._erred)

    def _erred(self, error: Any) -> None:
        # A page that is left before it has been drawn has nothing to fade from.
        if "Transition was aborted" not in str(error):
            self.complaints.append(str(error))

    def _heard(self, message: Any) -> None:
        # That a wrong key or address is answered with 4xx is what the page shows, not a fault of it.
        if message.type in {"error", "warning"} and "the server responded with a status of 4" not in message.text:
            self.complaints.append(message.text)


Ills = dict[str, Any]
Look = Callable[[Visitor], dict[str, Ills]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="the browser tests need `playwright`")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def opening(browser: Any):
    """Open a window that remembers nothing. One that was left in good order is used again: a new one costs as much as some pages."""
    left: dict[str, list[Any]] = {}

    @contextmanager
    def opening(
        *, wide: int = 1280, high: int = 720, scheme: str = "light", motion: str = "reduce", **rest: Any
    ) -> Iterator[Any]:
        alike = left.setdefault(repr(rest), [])
        page = alike.pop() if alike else browser.new_context(**rest).new_page()
        page.emulate_media(color_scheme=scheme, reduced_motion=motion)
        page.set_viewport_size({"width": wide, "height": high})
        yield page
        page.evaluate("localStorage.clear(), sessionStorage.clear()")
        page.context.clear_cookies()
        page.context.clear_permissions()
        alike.append(page)

    return opening


@pytest.fixture
def visiting(opening: Any, site: Any):
    """Give somebody at a window who is signed in: by default with every right, and where nothing fades."""

    @contextmanager
    def visiting(key: str = "", at: Any = site, **options: Any) -> Iterator[Visitor]:
        with opening(**options) as page:
            visitor = Visitor(page, at.running.url)
            if key != "nobody":
                cookies = at.reader(key).cookies.items()
                page.context.add_cookies(
                    [{"name": name, "value": value, "url": visitor.url} for name, value in cookies]
                )
            yield visitor
            visitor.leave()
        assert visitor.complaints == []

    return visiting


@pytest.fixture
def looking(visiting: Any):
    """Give somebody at a wide and light window."""
    return lambda at, key="": visiting(key, at, wide=WIDE, high=HIGH)


@pytest.fixture
def ills(axe: str) -> Look:
    """Give what is wrong with each page that a visitor has seen: wide and narrow, light and dark, and while it was loaded."""

    def found(visitor: Visitor) -> dict[str, Ills]:
        page, told = visitor.page, {name: {"moved": moved} if moved else {} for name, moved in visitor.moves.items()}
        page.evaluate(f"{axe};(() => {{{JUDGE}}})()")
        for width in (WIDE, NARROW):
            page.set_viewport_size({"width": width, "height": HIGH})
            judged = page.evaluate("(pages) => judged(pages)", list(visitor.seen.values()))
            for name, (wide, light, dark) in zip(visitor.seen, judged, strict=True):
                wrong = {"light": light, "dark": dark, "too wide": wide if wide > width else 0}
                told.setdefault(name, {}).update({f"{each}, {width}": what for each, what in wrong.items() if what})
        return {name: each for name, each in told.items() if each}

    return found


@pytest.fixture
def looked(looking: Any, ills: Look) -> Callable[..., dict[str, Ills]]:
    """Give what is wrong with each of the pages at some addresses."""

    def found(at: Any, paths: list[str]) -> dict[str, Ills]:
        with looking(at) as visitor:
            for path in paths:
                visitor.see(path)
            return ills(visitor)

    return found
