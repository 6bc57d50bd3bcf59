"""A few journeys through the pages in a real browser, and axe's opinion of every page."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from tests.web.conftest import link_of

from rowen.evaluate.canary import Reading, Said
from rowen.evaluate.choice import Candidate, Choice
from rowen.evaluate.robust import variants
from rowen.evaluate.run.cut import Cut
from rowen.evaluate.run.desk import Plan
from rowen.evaluate.run.result import Results
from rowen.evaluate.run.work import counted
from rowen.insight.views import View
from rowen.jobs import Queue as JobQueue
from rowen.score.configs import Configs
from rowen.score.queue import Queue
from rowen.score.review import Review
from rowen.serve.evaluating import desk_of
from rowen.store.base import TraceFilter
from rowen.testing.contracts.spans import a_span
from rowen.values import Case, Outcome, Score, SystemClock, Target
from rowen.values.interval import mean, wilson
from rowen.watch.alert import Alert, Firing
from rowen.watch.incident import Action, Incident, Suspect
from rowen.watch.tell import Silence

sync_api = pytest.importorskip("playwright.sync_api", reason="the browser tests need `playwright`")

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.skipif(not CHROMIUM, reason="the browser tests need Chromium: `apt-get install chromium`"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


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

    def _erred(self, error: Any) -> None:
        # A page that is left before it has been drawn has nothing to fade from.
        if "Transition was aborted" not in str(error):
            self.complaints.append(str(error))

    def _heard(self, message: Any) -> None:
        # That a wrong key or address is answered with 4xx is what the page shows, not a fault of it.
        if message.type in {"error", "warning"} and "the server responded with a status of 4" not in message.text:
            self.complaints.append(message.text)


Faults = list[tuple[str, list[str]]]


@pytest.fixture
def faults(axe: str) -> Callable[..., Faults]:
    """Gives what axe finds on the page that a visitor sees; of colours alone, where the same page was judged in others."""

    def found(visitor: Visitor, *, colours: bool = False) -> Faults:
        rules = ", runOnly: {type: 'rule', values: ['color-contrast', 'link-in-text-block']}" if colours else ""
        visitor.page.evaluate(axe)
        told = visitor.page.evaluate(f"axe.run(document, {{resultTypes: ['violations']{rules}}})")
        return [(each["id"], [node["html"][:150] for node in each["nodes"][:3]]) for each in told["violations"]]

    return found


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
def busy(site: Any) -> Any:
    """Traces of every kind, some with text that is hard to lay out."""
    site.write(
        site.trace(10, asked=LONG, said=LONG, model="a-model-with-a-rather-long-name-of-its-own-and-more", user=LONG),
        site.trace(20, asked="كم عدد أيام الإجازة المتبقية لي هذا العام؟", said="أحد عشر يومًا.", cost=None, streamed=True),
        site.trace(30, asked="slow", status="failed", code="upstream_timeout", attempts=3, duration_ns=9_000_000_000, waste=Decimal("0.001")),
        site.trace(40, asked="again", source="cache", attempts=0, cost=Decimal(0)),
        site.trace(50, asked="no", status="refused", code="limit_requests", attempts=0, cost=Decimal(0)),
        site.trace(55, asked="first", session="talk", user="somebody"),
        site.trace(60, asked="gone", status="cancelled", code="cancelled", messages=(site.tool,) * 12),
    )  # fmt: skip
    now = site.trace(70).row.started_ns
    sent = [
        a_span(n, "f" * 32, tenant="default", started_ns=now + n, name=f"{LONG} {n}", session="talk")
        for n in range(1, 9)
    ]
    site.running.do(site.running.opened.store.traces.observe(sent))
    thumb = Score(
        id="s",
        trace="f" * 32,
        name="thumbs",
        type="boolean",
        value=False,
        number=0.0,
        source="user",
        reason=LONG,
        judged_ns=now,
    )
    site.running.do(site.running.opened.store.scores.put([thumb]))
    views = View.shelf(site.running.opened.store.records)
    site.running.do(views.put(View(id="v1", name=LONG[:60], owner="user:x", shared=True)))
    site.running.do(
        JobQueue(site.running.opened.store.records, SystemClock()).add("nobody.does", about=LONG, app="shop")
    )
    queue = Queue(id="q1", name=LONG, guidelines=LONG, asked=("thumbs", "stars", "comment"))
    review = Review(
        site.running.opened.store.records,
        scores=site.running.opened.store.scores,
        traces=site.running.opened.store.traces,
        configs=Configs(site.running.opened.store.records, SystemClock()),
        intake=None,  # nothing is judged here
        clock=SystemClock(),
    )
    site.running.do(review.put(queue))
    site.running.do(review.fill(queue))
    return site


def every_page(site: Any) -> list[str]:
    rows = site.running.do(site.running.opened.store.traces.find(TraceFilter()))
    traces = [f"/traces/{row.id}" for row in rows]
    records = site.running.opened.store.records
    return [
        "/",
        "/?range=1h",
        "/traces",
        "/traces?user=x&status=failed",
        "/traces?q=statu:failed",
        "/traces?view=v1&columns=when,user,asked,said,score.thumbs,attribute.none&sort=took",
        "/rules",
        "/jobs",
        "/sessions",
        "/sessions/talk",
        "/users",
        "/scores",
        "/review",
        *(f"/review/{queue.id}{rest}" for queue in site.running.do(records.find("queue")) for rest in ("", "/items")),
        "/scores/thumbs",
        "/objectives",
        "/alerts",
        "/incidents",
        "/status",
        "/errors",
        *[f"/errors/{each.id}" for each in site.running.do(site.running.opened.store.records.find("error_group"))][:2],
        "/costs",
        "/costs?by=user&from=main&to=openai/gpt-4.1-mini",
        "/models",
        "/keys",
        "/traces/nothing",
        f"/traces/compare?left={rows[0].id}&right={rows[-1].id}",
        *traces,
    ]


@pytest.fixture
def troubled(watched: Any) -> Any:
    """Objectives that were counted, with an alert, a silence and an incident that are hard to lay out."""
    now, records = watched.trace().row.started_ns, watched.running.opened.store.records
    alert = Alert(
        id="alert", app="shop", objective="answers", severity="page", fired_ns=now, firing=Firing(said=LONG), incident="incident"
    )  # fmt: skip
    silence = Silence(id="silence", begins_ns=now, ends_ns=now + 3_600_000_000_000, why=LONG)
    incident = Incident(
        id="incident", app="shop", title=LONG, began_ns=now, commander=LONG, owner=LONG, objective="answers",
        runbook=LONG, alerts=("alert",), suspect=Suspect(release=LONG, why=LONG), actions=(Action(what=LONG, owner=LONG),),
    ).noted(now, LONG, LONG)  # fmt: skip
    for kind, value in ((Alert, alert), (Silence, silence), (Incident, incident)):
        watched.running.do(kind.shelf(records).put(value))
    return watched


WATCHED = [
    "/objectives",
    "/objectives/answers",
    "/objectives/quiet",
    "/alerts",
    "/incidents",
    "/incidents/incident",
    "/status",
    "/night",
    "/releases?app=shop",
    "/releases/shop/1",
    "/releases/shop/rollouts",
    "/releases/shop/diff?left=1&right=1",
]
"""The pages of what is watched, of an app that has objectives."""


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_pages_of_what_is_watched(visiting, troubled, faults, scheme: str, width: int):
    found: dict[str, Any] = {}

    with visiting(at=troubled, color_scheme=scheme, viewport={"width": width, "height": 900}) as visitor:
        for path in WATCHED:
            visitor.go(path)
            visitor.page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
            if told := faults(visitor, colours=scheme == "dark"):
                found[path] = told

    assert found == {}, json.dumps(found, indent=1)


def test_no_page_of_what_is_watched_is_wider_than_a_phone(visiting, troubled):
    wide: dict[str, int] = {}

    with visiting(at=troubled, viewport={"width": 390, "height": 800}) as visitor:
        for path in WATCHED:
            visitor.go(path)
            width = visitor.page.evaluate("document.documentElement.scrollWidth")
            if width > 390:
                wide[path] = width

    assert wide == {}


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(visiting, busy, faults, scheme: str, width: int):
    found: dict[str, Any] = {}

    def judge(visitor: Visitor, path: str) -> None:
        if told := faults(visitor, colours=scheme == "dark"):
            found[path] = told

    with visiting(color_scheme=scheme, viewport={"width": width, "height": 900}) as visitor:
        for path in every_page(busy):
            visitor.go(path)
            visitor.page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
            judge(visitor, path)
        visitor.page.context.clear_cookies()
        visitor.go("/sign-in")
        judge(visitor, "/sign-in")
        visitor.page.get_by_label("Key").fill("rk-wrong")
        visitor.page.keyboard.press("Enter")
        visitor.page.get_by_role("alert").wait_for()
        judge(visitor, "/sign-in, refused")

    assert found == {}, json.dumps(found, indent=1)


def test_no_page_is_wider_than_a_phone(visiting, busy):
    wide: dict[str, int] = {}

    with visiting(viewport={"width": 390, "height": 800}) as visitor:
        for path in every_page(busy):
            visitor.go(path)
            width = visitor.page.evaluate("document.documentElement.scrollWidth")
            if width > 390:
                wide[path] = width

    assert wide == {}


def test_on_a_phone_the_name_of_the_page_that_is_shown_is_in_view(visiting, site):
    with visiting(viewport={"width": 390, "height": 800}) as visitor:
        visitor.go("/keys")

        sync_api.expect(visitor.page.locator(".side [aria-current]")).to_be_in_viewport(ratio=1)


def test_nothing_moves_while_a_page_loads(visiting, busy):
    shifts: dict[str, float] = {}

    with visiting() as visitor:
        for path in every_page(busy):
            visitor.go(path)
            shifted = visitor.page.evaluate(
                "new Promise(tell => { new PerformanceObserver(list => tell(list.getEntries().reduce((sum, e) => sum + e.value, 0)))"
                ".observe({type: 'layout-shift', buffered: true}); requestAnimationFrame(() => requestAnimationFrame(() => tell(0))) })"
            )
            if shifted:
                shifts[path] = shifted

    assert shifts == {}


def test_keys_walk_the_list_open_a_trace_and_reach_the_search(visiting, busy):
    with visiting() as visitor:
        page = visitor.page
        visitor.go("/traces")
        for key in ("j", "j", "k", "j"):
            page.keyboard.press(key)
        second = page.locator("tr[data-row]").nth(1)
        marked = second.get_attribute("data-here")
        wanted = second.get_by_role("link").get_attribute("href")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{wanted}")
        page.go_back()
        page.keyboard.press("/")
        page.keyboard.type("jk/again")
        page.keyboard.press("Enter")
        page.wait_for_url("**/traces?q=jk%2Fagain")

        assert marked == ""
        assert page.get_by_text("No trace fits").is_visible()


def test_keys_lead_from_trace_to_trace_in_the_order_of_the_list(visiting, busy):
    with visiting() as visitor:
        page = visitor.page
        visitor.go("/traces?status=ok")
        links = [each.get_attribute("href") for each in page.locator("tr[data-row] td.when a").all()]
        page.locator("tr[data-row] td.when a").nth(1).click()
        page.wait_for_url(f"**{links[1]}")
        page.keyboard.press("j")
        page.wait_for_url(f"**{links[2]}")
        page.get_by_role("button", name="Newer").click()
        page.wait_for_url(f"**{links[1]}")
        page.keyboard.press("k")
        page.wait_for_url(f"**{links[0]}")

        assert page.get_by_role("button", name="Newer").count() == 0
        assert page.get_by_role("button", name="Older").is_visible()


def test_a_filter_is_set_shared_by_its_address_and_cleared(visiting, busy):
    with visiting() as visitor:
        page = visitor.page
        visitor.go("/traces")
        page.get_by_role("search").get_by_label("Status").select_option("failed")
        page.get_by_role("button", name="Filter").click()
        page.wait_for_url("**/traces?status=failed")
        listed = page.locator("tr[data-row]").count()
        page.get_by_role("link", name="Clear").click()
        page.wait_for_url("**/traces")

        assert listed == 1
        assert page.locator("tr[data-row]").count() == 8


def test_the_theme_stays_from_page_to_page(visiting, busy):
    with visiting(color_scheme="light") as visitor:
        ground = "getComputedStyle(document.body).backgroundColor"
        light = visitor.page.evaluate(ground)
        visitor.page.get_by_role("button", name="Light / dark").click()
        dark = visitor.page.evaluate(ground)
        visitor.go("/keys")

        assert dark != light
        assert visitor.page.evaluate(ground) == dark


def test_a_new_key_is_copied_and_revoked_after_a_question(visiting, site):
    with visiting(permissions=["clipboard-read", "clipboard-write"]) as visitor:
        page = visitor.page
        visitor.go("/keys")
        page.get_by_label("Name").fill("short-lived")
        page.get_by_role("button", name="Create the key").click()
        page.get_by_role("button", name="Copy").click()
        page.get_by_role("button", name="Copied").wait_for()
        copied = page.evaluate("navigator.clipboard.readText()")
        shown = page.locator(".made pre").inner_text()
        page.once("dialog", lambda dialog: dialog.dismiss())
        page.get_by_role("button", name="Revoke short-lived").click()
        kept = page.get_by_role("button", name="Revoke short-lived").count()
        page.once("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Revoke short-lived").click()
        page.get_by_role("button", name="Revoke short-lived").wait_for(state="detached")

        assert copied == shown
        assert copied.startswith("rk-")
        assert kept == 1


def test_everything_works_without_scripts(visiting, busy):
    with visiting(java_script_enabled=False) as visitor:
        page = visitor.page
        assert page.get_by_role("button", name="Light / dark").is_hidden()
        visitor.go("/traces")
        page.get_by_role("search").get_by_label("Status").select_option("failed")
        page.get_by_role("button", name="Filter").click()
        page.locator("tr[data-row] a").first.click()
        page.locator("summary.span").first.click()
        assert page.get_by_text("It went wrong.").last.is_visible()
        page.get_by_role("link", name="Keys").click()
        page.get_by_label("Name").fill("no script")
        page.get_by_role("button", name="Create the key").click()
        assert page.get_by_text("shown this once").is_visible()
        page.get_by_role("button", name="Sign out").click()
        assert page.get_by_role("button", name="Sign in").is_visible()


def test_the_first_tab_leads_past_the_navigation(visiting, site):
    with visiting() as visitor:
        page = visitor.page
        page.keyboard.press("Tab")
        first = page.evaluate("document.activeElement.textContent")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        inside = page.evaluate("document.querySelector('main').contains(document.activeElement)")

        assert first == "Skip to content"
        assert inside


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_pages_of_knowledge_and_none_is_too_wide(
    visiting, known, faults, scheme: str, width: int
):
    found: dict[str, Any] = {}
    leave = link_of(known, "docs/leave.md")

    with visiting(at=known, color_scheme=scheme, viewport={"width": width, "height": 900}) as visitor:
        for path in ("/knowledge", "/knowledge/shop/handbook", leave, f"{leave}?kind=sentence&size=100&overlap=0"):
            visitor.go(path)
            visitor.page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
            told = faults(visitor, colours=scheme == "dark")
            wide = visitor.page.evaluate("document.documentElement.scrollWidth")
            if told or wide > width:
                found[path] = told or wide

    assert found == {}, json.dumps(found, indent=1)


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_models_answer_side_by_side_and_axe_finds_nothing_on_the_pages_of_prompts(
    visiting, prompting, faults, scheme: str, width: int
):
    prompts = prompting.running.opened.prompts
    if len(prompting.running.do(prompts.versions("shop/system", "default"))) == 1:
        prompting.running.do(prompts.add("shop/system", "You speak for {{shop}}. Be ever so {{tone}}.", note="Warmer."))
    found: dict[str, Any] = {}

    with visiting(at=prompting, color_scheme=scheme, viewport={"width": width, "height": 900}) as visitor:
        for path in ("/prompts", "/prompts/shop/system?version=2&against=1", "/playground?version=2"):
            visitor.go(path)
            if path.startswith("/playground"):
                here = visitor.page.locator(".side [aria-current]")
                if width > 1000:
                    sync_api.expect(here).to_be_in_viewport(ratio=1)
                visitor.page.get_by_label("Question").fill("When do you open?")
                for name in ("small", "down"):
                    visitor.page.get_by_text(name, exact=True).click()
                visitor.page.get_by_role("button", name="Run").click()
                visitor.page.get_by_role("button", name="Run", disabled=False).wait_for()
                cards = visitor.page.locator("article.sheet").all_inner_texts()
            told = faults(visitor)
            wide = visitor.page.evaluate("document.documentElement.scrollWidth")
            if told or wide > width:
                found[path] = told or wide

    assert found == {}, json.dumps(found, indent=1)
    assert any("When do you open?" in card and "main" in card for card in cards)
    assert any("Small <b>words</b>." in card for card in cards)
    assert any("upstream_connect" in card for card in cards)


@pytest.fixture
def tried(site):
    """A run that is done, one under way, and the data set that both are over."""
    store = site.running.opened.store
    desk = desk_of(store, SystemClock())
    cases = [
        Case(
            id=f"hay:{n}",
            dataset="hay",
            input=f"Question {n}? {LONG if n == 3 else ''}",
            expected="hay",
            user=f"u{n % 4}",
        )
        for n in range(24)
    ]

    async def write() -> list[str]:
        await desk.datasets.add(cases)
        brought = await desk.kept(cases, name="hay", tenant="default")
        ids = []
        for state in ("done", "running"):
            plan = Plan(must={"right": ">= 0.5"}, cut=Cut(by="user", names=("length",)))
            target = Target(kind="callable", name="a.rather.long.module.name:function", definition="f" * 32)
            run = (await desk.begin(target, brought, plan, suite="smoke")).but(
                metrics=("right",), state=state, answered=22, failed=2, ended_ns=1 if state == "done" else 0
            )
            await desk.shelf.put(run)
            outcomes = [
                Outcome(
                    case=each.id, state="failed" if n > 21 else "answered", answer=LONG if n == 3 else f"answer {n}",
                    numbers={} if n > 21 else {"right": float(n % 3 > 0), "length": n / 7}, labels={"tone": "dry"},
                    reasons={"error": f"upstream_error: {LONG}"} if n > 21 else {"right": "since it is"},
                    slices={"length": "long" if n == 3 else "short"}, trace=f"{n:032x}", duration_ms=n * 7.5,
                )
                for n, each in enumerate(cases)
            ]  # fmt: skip
            await store.runs.put(run.id, outcomes, tenant="default")
            await Results(store.records).put(await counted(desk, run))
            ids.append(run.id)
        asked = variants(cases[:12], ("repeat", "typo"))
        asked = [each.but(id=f"hay-robust:{n}", dataset="hay-robust") for n, each in enumerate(asked)]
        await desk.datasets.add(asked)
        brought = await desk.kept(asked, name="hay-robust", tenant="default")
        run = await desk.begin(Target(kind="callable", name=LONG), brought, Plan(), suite=LONG)
        said = [Outcome(case=each.id, answer=LONG if n % 3 else "hay", trace="t") for n, each in enumerate(asked)]
        await store.runs.put(run.id, said, tenant="default")
        return [*ids, run.id]

    ids = site.running.do(write())
    records = store.records
    side = Candidate(run=ids[0], name=LONG, quality=wilson(9, 10), cost=mean([0.1]), p95=mean([9.0]), failed=wilson(1, 10), warnings=(LONG,), dominated=(ids[1],))  # fmt: skip
    report = Choice(id="report", metric="right", higher_is_better=True, pairs=9, candidates=(side, side.but(run=ids[1])), rationale=LONG)  # fmt: skip
    cycle = Reading(id="cycle", app="shop", canary=LONG, deployment=LONG, model=LONG, prompts="p", answers=((Said(text=LONG),),), at_ns=1, changed=True, why=LONG)  # fmt: skip
    site.running.do(Choice.shelf(records).put(report))
    site.running.do(Reading.shelf(records).put(cycle))
    yield site, ids
    site.running.do(Choice.shelf(records).delete("report"))
    site.running.do(Reading.shelf(records).delete("cycle"))
    site.running.do(desk.datasets.delete("hay", "default"))
    site.running.do(desk.datasets.delete("hay-robust", "default"))
    for id in ids:
        site.running.do(desk.delete(id, "default"))


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_axe_finds_nothing_on_the_pages_of_evaluation_and_what_goes_on_is_looked_at_again(
    visiting, tried, faults, scheme: str, width: int
):
    site, (done, going, shaky) = tried
    found: dict[str, Any] = {}

    with visiting(color_scheme=scheme, viewport={"width": width, "height": 900}) as visitor:
        for path in (
            "/runs",
            f"/runs/{done}?metric=length",
            f"/runs/{done}?show=failed",
            f"/runs/{shaky}/robust",
            "/datasets",
            "/datasets/hay",
            "/choices",
            "/choices/report",
            "/canaries",
            "/canaries/cycle",
        ):
            visitor.go(path)
            visitor.page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
            told = faults(visitor)
            wide = visitor.page.evaluate("document.documentElement.scrollWidth")
            if told or wide > width:
                found[path] = told or wide
        visitor.go(f"/runs/{going}")
        shelf = desk_of(site.running.opened.store, SystemClock()).shelf
        site.running.do(shelf.amend(going, lambda run: run.but(state="stopped", why="stopped by ann"), "default"))
        visitor.page.get_by_text("stopped by ann").wait_for()

    assert found == {}, json.dumps(found, indent=1)
