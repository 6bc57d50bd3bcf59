"""What happened overnight, for whoever looks in the morning: each line with a button that makes an incident of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request

from rowen.access import Visit
from rowen.insight.calendar import HOUR_NS
from rowen.values import Refused
from rowen.watch.digest import Digest, digest
from rowen.watch.engine import Watched
from rowen.web.kept import Found
from rowen.web.page import Page, Services, api_call, apps_seen, may_manage, tenant_of

HOURS = (12, 24, 72)


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """The digest of every app."""

    title: str
    apps: Sequence[tuple[str, Found[Digest], Sequence[tuple[str, Sequence[str]]]]]
    hours: int
    choices: Sequence[int]
    may_change: bool
    call: str


async def night(request: Request, services: Services, visit: Visit) -> Page:
    """The last hours of every app. It is about all tenants, so only the operator reads it."""
    if tenant_of(visit) is not None:
        raise Refused("key_scope", "What happened overnight is about all tenants: it needs the scope `admin`.")
    asked = request.query_params.get("hours", "")
    hours = next((each for each in HOURS if str(each) == asked), HOURS[0])
    found = []
    for app in apps_seen(services, visit):
        made = await services.kept.get(("night", app.objectives.app, hours), partial(_digest, services, app, hours))
        found.append((app.objectives.app, made, _parts(made.value)))
    return Page(
        template="night/page.html",
        context=Night(
            title="Overnight",
            apps=found,
            hours=hours,
            choices=HOURS,
            may_change=may_manage(visit),
            call=api_call(request, "/api/digest"),
        ),
    )


def _parts(made: Digest | None) -> list[tuple[str, Sequence[str]]]:
    if made is None:
        return []
    parts = (
        ("Alerts", made.alerts),
        ("Incidents", made.incidents),
        ("Worse than the week before", made.regressions),
        ("Errors", made.errors),
        ("Cost", made.costs),
        ("Overdue", made.overdue),
    )
    return [(title, items) for title, items in parts if items]


async def _digest(services: Services, app: Watched, hours: int) -> Digest:
    now, insight = services.clock.now_ns(), services.insight
    return await digest(
        services.desk.store,
        app,
        now - hours * HOUR_NS,
        now,
        costs=insight.cost_lines,
        errors=insight.error_lines,
    )
