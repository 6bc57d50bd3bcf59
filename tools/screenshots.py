"""Takes pictures of every page of a served Rowen with made-up traffic: for the README, and to look at after a change.

    python tools/screenshots.py shots            # every page, light and dark, wide and narrow
    python tools/screenshots.py --readme         # the pictures in docs/images

Needs `playwright` and Chromium at /usr/bin/chromium (or $CHROMIUM).
"""

import argparse
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

from office import APP, MS, made_up, special
from playwright.sync_api import Browser, Page, sync_playwright

from rowen.testing.serving import Running, serving
from rowen.values import SystemClock, Trace

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")


@contextmanager
def office(count: int = 4000) -> Iterator[tuple[Running, dict[str, Trace]]]:
    """Serve the app with a day of made-up traffic until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "app.toml").write_text(APP)
        with serving(Path(folder) / "app.toml", store=f"sqlite:{folder}/data", trace_days=0) as rowen:
            for model in ("fast", "careful", *["shaky"] * 12):
                _ask(rowen, model)
            rowen.do(rowen.opened.traces_written())
            now = SystemClock().now_ns()
            # Their part is done, the breaker is open: the record is left to the made-up office.
            rowen.do(rowen.opened.store.traces.delete(before_ns=now))
            shown = special(now)
            traces = [*made_up(count, now - 90 * 1000 * MS), *shown.values()]
            for start in range(0, len(traces), 1000):
                rowen.do(rowen.opened.store.traces.write(traces[start : start + 1000]))
            rowen.new_key("support bot", scopes=("call",))
            rowen.new_key("dashboards", scopes=("read",))
            yield rowen, shown


def _ask(rowen: Running, model: str) -> None:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Good morning"}]}).encode()
    head = {"authorization": f"Bearer {rowen.key}", "content-type": "application/json"}
    try:
        urlopen(HttpRequest(f"{rowen.url}/v1/chat/completions", body, head)).close()
    except OSError as error:
        if model != "shaky":
            raise RuntimeError(f"the model {model} did not answer") from error


@contextmanager
def chromium() -> Iterator[Browser]:
    """Headless Chromium until the block ends."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--headless=new"])
        yield browser
        browser.close()


@contextmanager
def reader(browser: Browser, rowen: Running, scheme: Scheme, width: int, height: int = 900) -> Iterator[Page]:
    """Somebody who is signed in with every right."""
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": height}, reduced_motion="reduce"
    )
    page = context.new_page()
    sign_in(page, rowen)
    yield page
    context.close()


def sign_in(page: Page, rowen: Running) -> None:
    """Sign in with the admin's key."""
    page.goto(f"{rowen.url}/sign-in")
    page.get_by_label("Key").fill(rowen.admin)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{rowen.url}/")


def every(folder: Path) -> None:
    """Take a picture of every page and state."""
    folder.mkdir(parents=True, exist_ok=True)
    with office() as (rowen, shown), chromium() as browser:
        for scheme in SCHEMES:
            for width in (1440, 390):
                with reader(browser, rowen, scheme, width) as page:

                    def shot(name: str, path: str = "", page: Page = page, tag: str = f"{scheme}-{width}") -> None:
                        if path:
                            page.goto(rowen.url + path)
                        page.screenshot(path=folder / f"{name}-{tag}.png", full_page=True)

                    shot("overview", "/")
                    shot("overview-1h", "/?range=1h")
                    shot("overview-7d", "/?range=7d")
                    shot("traces", "/traces")
                    shot("traces-filtered", "/traces?status=failed&model=fast&user=ines")
                    shot("traces-empty", "/traces?text=nobody+ever+said+this")
                    for name, trace in shown.items():
                        shot(f"trace-{name}", f"/traces/{trace.row.id}")
                    page.goto(f"{rowen.url}/traces/{shown['ok'].row.id}")
                    page.locator("summary.span").nth(5).click()
                    shot("trace-open")
                    shot("models", "/models")
                    shot("keys", "/keys")
                    page.get_by_label("Name").fill("night job")
                    page.get_by_label("Requests").fill("often")
                    page.get_by_role("button", name="Create the key").click()
                    shot("keys-error")
                    page.get_by_label("Requests").fill("20/min")
                    page.get_by_role("button", name="Create the key").click()
                    shot("keys-made")
                    shot("problem", "/traces/nothing")
                    page.context.clear_cookies()
                    shot("sign-in", "/sign-in")
                    page.get_by_label("Key").fill("rk-wrong")
                    page.get_by_role("button", name="Sign in").click()
                    shot("sign-in-wrong")
    with office(0) as (rowen, _), chromium() as browser, reader(browser, rowen, "light", 1440) as page:
        rowen.do(rowen.opened.store.traces.delete(before_ns=SystemClock().now_ns()))
        for name, path in (("overview-none", "/"), ("traces-none", "/traces")):
            page.goto(rowen.url + path)
            page.screenshot(path=folder / f"{name}-light-1440.png", full_page=True)


def readme(folder: Path) -> None:
    """Take the README's pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with office() as (rowen, shown), chromium() as browser:
        pictures: tuple[tuple[str, str, Scheme], ...] = (
            ("overview", "/", "light"),
            ("trace", f"/traces/{shown['ok'].row.id}", "dark"),
        )
        for name, path, scheme in pictures:
            with reader(browser, rowen, scheme, 1440, 960) as page:
                page.goto(rowen.url + path)
                page.screenshot(path=folder / f"{name}.png")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("docs/images"))
    parser.add_argument("--readme", action="store_true", help="only the pictures of the README")
    asked = parser.parse_args()
    (readme if asked.readme else every)(asked.folder)


if __name__ == "__main__":
    main()
