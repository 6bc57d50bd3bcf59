"""Pages: a template with a typed context, rendered for somebody who is signed in."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import quote, urlencode

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from rowen import __version__
from rowen.access import COOKIE, Register, Sessions, Visit
from rowen.evaluate.canary import Canaries
from rowen.evaluate.choice import Choice
from rowen.evaluate.compare import Comparing
from rowen.evaluate.robust.desk import Robust
from rowen.evaluate.run.office import RunOffice
from rowen.flow import App
from rowen.flow.play import Playing
from rowen.insight.desk import Insight
from rowen.insight.views import Views
from rowen.jobs import Queue
from rowen.prompt import Prompts
from rowen.release.office import Office
from rowen.retrieve.desk import Desk as KnowledgeDesk
from rowen.route import Health
from rowen.score.cases import Cases
from rowen.score.configs import Configs
from rowen.score.intake import Intake
from rowen.score.judging import Judging
from rowen.score.review import Review
from rowen.store.base import Scores, Traces
from rowen.store.shelf import Shelf
from rowen.values import Clock, Deployment, Mistaken, Pricing, Problem
from rowen.watch.desk import Desk
from rowen.watch.engine import Watched
from rowen.web.kept import Kept
from rowen.web.said import FILTERS

CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A deployment with its app and health, as the models page shows it."""

    app: str
    deployment: Deployment
    health: Health | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the pages need of the rest."""

    sessions: Sessions
    register: Register
    traces: Traces
    scores: Scores
    intake: Intake
    configs: Configs
    review: Review
    cases: Cases
    comparing: Comparing
    runs: RunOffice
    robust: Robust
    choices: Shelf[Choice]
    """The reports on candidates that were filed."""
    canaries: Canaries
    judging: Judging
    jobs: Queue
    knowledge: KnowledgeDesk
    prompts: Prompts
    play: Playing
    served: Callable[[], Sequence[App]]
    """The apps as they run now."""
    models: Callable[[], Sequence[Shown]]
    apps: Callable[[], Sequence[str]]
    address: Callable[[Request], str]
    """The client's address, with trusted proxies taken into account."""
    secure: Callable[[Request], bool]
    """Whether the page came by TLS, here or at a trusted proxy."""
    desk: Desk
    office: Office
    """The one way by which versions of apps are let out."""
    insight: Insight
    views: Views
    pricing: Pricing
    """What a usage costs at the prices of now."""
    kept: Kept
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a page function returns: which template, with which context."""

    template: str
    context: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    call: str = ""
    """The call that gives the same, where the template does not show one itself."""


NAVIGATION: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Observe",
        (
            ("Traces", "/traces"),
            ("Sessions", "/sessions"),
            ("Users", "/users"),
            ("Errors", "/errors"),
            ("Costs", "/costs"),
        ),
    ),
    (
        "Evaluate",
        (
            ("Scores", "/scores"),
            ("Rules", "/rules"),
            ("Review", "/review"),
            ("Data sets", "/datasets"),
            ("Runs", "/runs"),
            ("Choices", "/choices"),
        ),
    ),
    (
        "Build",
        (
            ("Prompts", "/prompts"),
            ("Playground", "/playground"),
            ("Knowledge", "/knowledge"),
            ("Models", "/models"),
            ("Releases", "/releases"),
        ),
    ),
    (
        "Operate",
        (
            ("Status", "/status"),
            ("Overnight", "/night"),
            ("Objectives", "/objectives"),
            ("Alerts", "/alerts"),
            ("Incidents", "/incidents"),
            ("Canaries", "/canaries"),
        ),
    ),
    ("Manage", (("Keys", "/keys"), ("Jobs", "/jobs"))),
)
"""The pages that stand in the navigation, by what people come to do: what each is called, and where it is."""
OF_ALL_TENANTS = frozenset({"/night"})
"""The pages that only the operator reads."""


View = Callable[[Request, Services, Visit], Awaitable[Page | Response]]


def tenant_of(visit: Visit) -> str | None:
    """The tenant whose records the reader sees; None is all of them."""
    return None if "admin" in visit.caller.scopes else visit.caller.tenant


def apps_seen(services: Services, visit: Visit, named: str = "") -> list[Watched]:
    """The apps that the reader may see, or the one that is named: none where it is not theirs to see."""
    allowed = visit.entry.apps
    return [app for app in services.desk.apps(named) if not allowed or app.objectives.app in allowed]


def may_manage(visit: Visit) -> bool:
    """Whether the reader may change things, and not only read."""
    return bool({"manage", "release", "admin"} & set(visit.caller.scopes))


def api_call(request: Request, path: str, **query: str) -> str:
    """The call that gives what a page shows, to be copied."""
    address = f"{request.url.replace(path=path, query='')}{address_with(query)}"
    return f"curl -H 'Authorization: Bearer rk-…' '{address.rstrip('?')}'"


def page(view: View, services: Services) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that shows a view to whoever is signed in, and sends others to sign in.

    A form (POST) must carry the session's own token.
    """

    async def endpoint(request: Request) -> Response:
        try:
            visit = await services.sessions.visit(request.cookies.get(COOKIE, ""), services.address(request))
        except Problem:
            to = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/sign-in?to={quote(to)}", 303)
        try:
            if request.method == "POST":
                form = await request.form()
                services.sessions.check_csrf(visit, str(form.get("csrf", "")))
            made = await view(request, services, visit)
        except Problem as problem:
            made = Page(
                template="problem.html", context=Failed(problem=problem, status=problem.status), status=problem.status
            )
        finally:
            await request.close()  # and with it the files that a form brought
        return render(made, visit, request.url.path) if isinstance(made, Page) else made

    return endpoint


def nowhere(services: Services) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that says that there is no page here, to whoever asks."""

    async def endpoint(request: Request) -> Response:
        try:
            visit = await services.sessions.visit(request.cookies.get(COOKIE, ""), services.address(request))
        except Problem:
            visit = None
        problem = Mistaken(
            "not_found",
            "There is no such page.",
            fix="Check the address, or begin at the overview. The API's addresses are in `/api/openapi.json`.",
        )
        context = Failed(problem=problem, status=problem.status)
        return render(Page(template="problem.html", context=context, status=problem.status), visit, request.url.path)

    return endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A page that cannot be shown, and why."""

    problem: Problem
    status: int
    title: str = "Problem"


def render(made: Page, visit: Visit | None, place: str) -> HTMLResponse:
    """Return a page as HTML."""
    context = {each.name: getattr(made.context, each.name) for each in fields(made.context)}
    html = ENVIRONMENT.get_template(made.template).render(
        **context,
        visit=visit,
        place="/" + place.split("/")[1],
        navigation=_pages_of(visit),
        version=__version__,
        same=made.call,
    )
    return HTMLResponse(html, made.status, {**HEADERS, **made.headers})


def _pages_of(visit: Visit | None) -> Sequence[tuple[str, Sequence[tuple[str, str]]]]:
    """The navigation without what the reader may not open."""
    if visit is None or tenant_of(visit) is None:
        return NAVIGATION
    return [(group, [each for each in pages if each[1] not in OF_ALL_TENANTS]) for group, pages in NAVIGATION]


def address_with(query: Mapping[str, str], **changes: str) -> str:
    """Return a query string with some fields changed; empty ones are left out."""
    return "?" + urlencode({key: value for key, value in {**query, **changes}.items() if value})


ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("rowen.web"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.filters |= FILTERS
