"""How things are, app by app, for everybody who may read: what is promised, how it stands, and nothing to change."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from starlette.requests import Request

from rowen.access import Visit
from rowen.watch.desk import Status, StatusLine
from rowen.web.charts import lane
from rowen.web.objectives import STATES, said_figure
from rowen.web.page import Page, Services, api_call, apps_seen, tenant_of

SAID = {
    "ok": "All that is promised is kept",
    "degraded": "Something is not as it should be",
    "outage": "There is an outage",
    "unknown": "Nothing is known yet",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One objective as everybody may see it."""

    line: StatusLine
    pill: str
    words: str
    figure: str
    bar: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Statuses:
    """The status of every app that the reader may see."""

    title: str
    apps: Sequence[tuple[Status, str, Sequence[Kept]]]
    call: str


async def status(request: Request, services: Services, visit: Visit) -> Page:
    """The status of every app."""
    tenant, found = tenant_of(visit), []
    for app in apps_seen(services, visit, request.query_params.get("app", "")):
        stands = await services.desk.status(app, tenant)
        lines = []
        for line in stands.objectives:
            pill, words = STATES[line.state]
            table = app.objectives.watch[line.name]
            lines.append(
                Kept(
                    line=line,
                    pill=pill,
                    words=words,
                    figure="–" if line.figure is None else said_figure(table, line.figure),
                    bar=Markup("")
                    if line.remaining is None or line.remaining <= 0
                    else lane(0, int(line.remaining * 1000), 1000, "ok"),
                )
            )
        found.append((stands, SAID[stands.state], lines))
    return Page(
        template="status/page.html",
        context=Statuses(title="Status", apps=found, call=api_call(request, "/api/status")),
    )
