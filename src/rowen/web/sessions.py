"""Conversations and the people who have them: lists of sessions and users, and one session from its first turn on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request

from rowen.access import Visit
from rowen.store.base import ScoreFilter, TraceFilter
from rowen.store.together import place_of_row, together
from rowen.values import Mistaken, Score, SessionRow, TraceRow, UserRow
from rowen.web.page import Page, Services, address_with, api_call, tenant_of
from rowen.web.said import said_sum
from rowen.web.seen import apps_of, offered, query_seen

_LISTED = 50
_TURNS = 200
"""Traces of one session that are shown, the latest ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionList:
    """A page of sessions, the one that was used last first."""

    title: str
    rows: Sequence[SessionRow]
    query: Mapping[str, str]
    older: str
    first: bool
    apps: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserList:
    """A page of users, the one who was here last first."""

    title: str
    rows: Sequence[UserRow]
    query: Mapping[str, str]
    older: str
    first: bool
    apps: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneSession:
    """One session turn by turn."""

    title: str
    session: str
    turns: Sequence["Turned"]
    left_out: bool
    failed: int
    tokens: int
    cost: str
    users: Sequence[str]
    scores: Sequence[Score]
    """What was said of the session as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """One trace of a session, and how it was judged."""

    row: TraceRow
    scores: Sequence[Score]


async def sessions(request: Request, services: Services, visit: Visit) -> Page:
    """Sessions, newest first."""
    query = query_seen(request.query_params, visit)
    tenant, app = tenant_of(visit), query.get("app", "")

    async def of(app: str) -> Sequence[SessionRow]:
        user, before = query.get("user", ""), query.get("before", "")
        return await services.traces.sessions(tenant=tenant, app=app, user=user, before=before, limit=_LISTED + 1)

    rows = await together(apps_of(visit, app), of, place=place_of_row, limit=_LISTED + 1)
    return Page(
        call=api_call(request, "/api/sessions", app=app, user=query.get("user", "")),
        template="sessions/list.html",
        context=SessionList(
            title="Sessions",
            rows=rows[:_LISTED],
            query=query,
            older=address_with(query, before=rows[_LISTED - 1].cursor) if len(rows) > _LISTED else "",
            first="before" not in query,
            apps=offered(visit, await services.traces.values("app", tenant)),
        ),
    )


async def users(request: Request, services: Services, visit: Visit) -> Page:
    """Users of the apps, newest first."""
    query = query_seen(request.query_params, visit)
    tenant, app = tenant_of(visit), query.get("app", "")

    async def of(app: str) -> Sequence[UserRow]:
        return await services.traces.users(tenant=tenant, app=app, before=query.get("before", ""), limit=_LISTED + 1)

    rows = await together(apps_of(visit, app), of, place=place_of_row, limit=_LISTED + 1)
    return Page(
        call=api_call(request, "/api/end-users", app=app),
        template="sessions/users.html",
        context=UserList(
            title="Users",
            rows=rows[:_LISTED],
            query=query,
            older=address_with(query, before=rows[_LISTED - 1].cursor) if len(rows) > _LISTED else "",
            first="before" not in query,
            apps=offered(visit, await services.traces.values("app", tenant)),
        ),
    )


async def session(request: Request, services: Services, visit: Visit) -> Page:
    """One session from its first turn on, with the scores of each turn beside it."""
    name, tenant = request.path_params["session"], tenant_of(visit)
    listed = await services.traces.find(TraceFilter(tenant=tenant, session=name, limit=_TURNS + 1))
    found = [row for row in listed if visit.entry.sees(row.app)]
    if not found:
        raise Mistaken("not_found", "There is no such session.")
    rows = list(reversed(found[:_TURNS]))
    judged = await services.scores.find(
        ScoreFilter(tenant=tenant, traces=tuple(row.id for row in rows), limit=_TURNS * 20)
    )
    whole = [
        each
        for each in await services.scores.find(ScoreFilter(tenant=tenant, session=name, target="session"))
        if visit.entry.sees(each.app)
    ]
    costs = [row.cost for row in rows]
    known = [cost for cost in costs if cost is not None]
    return Page(
        call=api_call(request, "/api/traces", session=name),
        template="sessions/one.html",
        context=OneSession(
            title=f"Session {name[:40]}",
            session=name,
            turns=[Turned(row=row, scores=[each for each in judged if each.trace == row.id]) for row in rows],
            left_out=len(listed) > _TURNS,
            failed=sum(row.status == "failed" for row in rows),
            tokens=sum(row.input_tokens + row.output_tokens for row in rows),
            cost=said_sum(known, unknown=len(costs) - len(known)),
            users=sorted({row.user for row in rows} - {""}),
            scores=[each for each in whole if visit.entry.sees(each.app)],
        ),
    )
