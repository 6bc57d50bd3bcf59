"""The feedback widget in a real browser, on a page of another origin, against a served Rowen."""

import gzip
import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.web.window import browsing

sync_api = pytest.importorskip("playwright.sync_api", reason="the browser tests need `playwright`")

FILE = Path(__file__).parents[2] / "src/rowen/web/static/feedback.js"


class Host:
    """Somebody's own page, on an origin of its own and under a strict policy, with one widget on it."""

    def __init__(self, rowen: str) -> None:
        self.rowen, self.widget = rowen, ""
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = host.html().encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                policy = f"default-src 'none'; img-src data:; script-src {host.rowen}; connect-src {host.rowen}; base-uri 'none'"
                self.send_header("Content-Security-Policy", f"{policy}; require-trusted-types-for 'script'")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def html(self) -> str:
        script = f'<script type="module" src="{self.rowen}/static/feedback.js"></script>'
        return (
            '<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,">'
            f"{script}<main><h1>Shop</h1><p>An answer.</p>{self.widget}</main></html>"
        )

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Asking:
    """A widget on a page, and what Rowen has heard through it."""

    def __init__(self, page: Any, site: Any, trace: str) -> None:
        self.page, self.site, self.trace = page, site, trace
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)

    def sent(self) -> Any:
        """A block that ends when something was sent."""
        return self.page.expect_response("**/v1/feedback")

    def wait(self, text: str) -> None:
        sync_api.expect(self.page.get_by_role("status")).to_have_text(text)

    def scores(self) -> dict[str, Any]:
        running = self.site.running
        request = urllib.request.Request(
            f"{running.url}/api/scores?trace={self.trace}", headers={"Authorization": f"Bearer {running.admin}"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return {score["name"]: score for score in json.load(answer)["data"]}


@pytest.fixture
def asking(opening: Any, site: Any) -> Iterator[Callable[..., Asking]]:
    host = Host(site.running.url)
    windows = ExitStack()

    def ask(kind: str, more: str = "", **options: Any) -> Asking:
        running = site.running
        trace = site.trace(10)
        site.write(trace)
        id = trace.row.id
        body = json.dumps({"trace": id, "user": "ann"}).encode()
        headers = {"Authorization": f"Bearer {running.admin}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{running.url}/api/feedback-tokens", body, headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            token = json.load(answer)["data"]["token"]
        host.widget = f'<rowen-feedback kind="{kind}" trace="{id}" token="{token}" {more}></rowen-feedback>'
        found = Asking(windows.enter_context(opening(**options)), site, id)
        found.page.goto(host.url)
        return found

    with windows:
        yield ask
    host.close()


def test_the_widget_is_one_file_of_at_most_two_kilobytes():
    text = FILE.read_text(encoding="utf-8")

    assert len(gzip.compress(text.encode(), 9, mtime=0)) <= 2048
    assert "import " not in text.split("*/")[-1].replace("import.meta", "")


def test_pages_of_any_origin_may_load_it_and_nothing_else(site: Any):
    def allowed(path: str) -> str | None:
        with urllib.request.urlopen(site.running.url + path, timeout=20) as answer:
            return answer.headers.get("access-control-allow-origin")

    assert allowed("/static/feedback.js") == "*"
    assert allowed("/static/rowen.js") is None


class TestInABrowser:
    pytestmark = browsing

    def test_a_thumb_is_given_explained_and_corrected(self, asking):
        widget = asking("thumbs")

        widget.page.get_by_role("radio", name="No").check()
        widget.wait("Thank you.")
        assert widget.scores()["thumbs"]["value"] is False
        widget.page.get_by_label("Why?").fill("Too long.")
        widget.page.get_by_label("What should the answer have been?").fill("Nine to five.")
        widget.page.get_by_role("button", name="Send").click()
        widget.wait("Thank you, that was sent.")

        found = widget.scores()
        assert found["thumbs"]["reason"] == "Too long."
        assert found["thumbs"]["source"] == "user"
        assert found["correction"]["value"] == "Nine to five."
        assert widget.complaints == []

    def test_a_second_thumb_replaces_the_first_and_it_can_be_taken_back(self, asking):
        widget = asking("thumbs")

        widget.page.get_by_role("radio", name="No").check()
        widget.wait("Thank you.")
        with widget.sent():
            widget.page.get_by_role("radio", name="Yes").check()
        assert widget.scores()["thumbs"]["value"] is True
        widget.page.get_by_role("button", name="Take back").click()
        widget.wait("Taken back.")

        assert "thumbs" not in widget.scores()
        assert widget.page.get_by_role("radio", checked=True).count() == 0
        assert widget.page.get_by_role("button", name="Send").count() == 0

    @pytest.mark.parametrize(
        ("kind", "choices", "keys", "value"),
        [("stars", 5, 3, 4), ("csat", 5, 1, 2), ("nps", 11, 9, 9)],
    )
    def test_every_scale_is_used_by_keyboard_alone(self, asking, kind, choices, keys, value):
        widget = asking(kind)

        assert widget.page.get_by_role("radio").count() == choices
        widget.page.keyboard.press("Tab")
        widget.page.keyboard.press("Space")
        widget.wait("Thank you.")
        with widget.sent():
            for _ in range(keys):
                widget.page.keyboard.press("ArrowRight")

        assert widget.scores()[kind]["value"] == value

    def test_the_scale_is_named_and_its_ends_are(self, asking):
        widget = asking("nps", 'question="Would you tell a friend? (0 to 10)"')

        assert widget.page.get_by_role("group", name="Would you tell a friend? (0 to 10)").count() == 1
        assert widget.page.get_by_text("not at all likely").is_visible()
        assert widget.page.get_by_text("extremely likely").is_visible()

    def test_what_is_refused_is_said_and_can_be_tried_again(self, asking):
        widget = asking("thumbs", 'name="not-there"')

        widget.page.get_by_role("radio", name="Yes").check()

        widget.wait("That could not be sent. Please try again.")
        assert "not-there" not in widget.scores()

    def test_the_page_hears_what_was_sent_without_the_token(self, asking):
        widget = asking("csat")
        widget.page.evaluate("addEventListener('rowen-feedback', (event) => { window.heard = event.detail })")

        widget.page.get_by_role("radio", name="5").check()
        widget.wait("Thank you.")

        assert widget.page.evaluate("heard") == {"name": "csat", "trace": widget.trace, "value": 5, "method": "POST"}

    @pytest.mark.parametrize("kind", ["thumbs", "stars", "csat", "nps"])
    def test_axe_finds_nothing(self, asking, axe, kind):
        widget = asking(kind, wide=320, high=640)
        ground = "getComputedStyle(document.querySelector('rowen-feedback')).backgroundColor"
        judged = (
            "axe.run(document, {rules: {region: {enabled: false}}}).then(told => told.violations.map(each => each.id))"
        )
        widget.page.get_by_role("radio").first.check()
        widget.wait("Thank you.")
        widget.page.evaluate(axe)

        light, by_day = widget.page.evaluate(judged), widget.page.evaluate(ground)
        widget.page.emulate_media(color_scheme="dark")
        dark, by_night = widget.page.evaluate(judged), widget.page.evaluate(ground)

        assert (light, dark) == ([], [])
        assert (by_day == "rgb(255, 255, 255)", by_night == "rgb(255, 255, 255)") == (True, False)
        assert widget.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
