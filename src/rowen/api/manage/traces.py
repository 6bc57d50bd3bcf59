"""Traces: find them, read one, sum them up."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta

from rowen.api.manage.base import Asked, Limited, NoParams, Page, Plain, Sort, Verb, Verbs, Whole
from rowen.insight.views import SORTED, ordered
from rowen.store.base import Bucket, GroupBy, TraceFilter
from rowen.store.together import place_of_row, sums_together, together
from rowen.trace.narrow import narrowed
from rowen.trace.query import query_of
from rowen.values import Mistaken, SessionRow, Settings, Trace, TraceRow, UserRow

_DAY = 86_400_000_000_000
_HOUR = 3_600_000_000_000
_BUCKETS = 2_000
"""The most stretches of time in one answer: a month by the hour, a day by the minute."""

Amount = Annotated[str, Meta(pattern=r"^([0-9]{1,12}([.][0-9]{1,9})?)?$")]


Line = Annotated[str, Meta(max_length=2000, pattern=r"^[^\u0000-\u001f\u007f]*$")]


class TraceParams(Settings, frozen=True, kw_only=True):
    """Which traces. What is empty or 0 does not filter; `dearer` is in US dollars."""

    tenant: Plain = ""
    origin: Literal["", "call", "spans"] = ""
    name: Plain = ""
    app: Plain = ""
    environment: Plain = ""
    release: Plain = ""
    model: Plain = ""
    deployment: Plain = ""
    provider: Plain = ""
    key: Plain = ""
    user: Plain = ""
    session: Plain = ""
    feature: Plain = ""
    tag: Plain = ""
    within: Plain = ""
    complete: Literal["", "true", "false"] = ""
    status: Literal["", "ok", "refused", "failed", "cancelled"] = ""
    code: Plain = ""
    source: Plain = ""
    text: Plain = ""
    q: Line = ""
    """A line of conditions, as on the page of traces."""
    since_ns: Whole = 0
    until_ns: Whole = 0
    slower_ms: Annotated[int, Meta(ge=0, le=10**9)] = 0
    dearer: Amount = ""
    before: Plain = ""
    limit: Limited = 50
    sort: Sort = ""
    """What to sort the latest 500 that fit by; such a list has no further page."""
    order: Literal["desc", "asc"] = "desc"


class StatParams(Settings, frozen=True, kw_only=True):
    """Which calls to sum up, over which stretches: the last day by the hour unless said otherwise."""

    tenant: Plain = ""
    app: Plain = ""
    by: GroupBy = ""
    since_ns: Whole = 0
    until_ns: Whole = 0
    every_ns: Annotated[int, Meta(ge=1_000_000_000, le=366 * _DAY)] = _HOUR


class ValueParams(Settings, frozen=True, kw_only=True):
    """Of which column."""

    column: Literal[
        "origin",
        "model",
        "deployment",
        "provider",
        "app",
        "environment",
        "release",
        "key",
        "user",
        "status",
        "code",
        "feature",
    ]
    tenant: Plain = ""


class SubjectParams(Settings, frozen=True, kw_only=True):
    """Which sessions, or users of the apps. What is empty or 0 does not filter."""

    tenant: Plain = ""
    app: Plain = ""
    since_ns: Whole = 0
    until_ns: Whole = 0
    before: Plain = ""
    limit: Limited = 50


class SessionParams(SubjectParams, frozen=True, kw_only=True):
    """Which sessions. What is empty or 0 does not filter."""

    user: Plain = ""


async def list_sessions(asked: Asked[SessionParams, None]) -> Page[SessionRow]:
    """The sessions of the caller's tenant, of all for an admin, by their latest trace."""
    params = asked.params
    apps = asked.apps(params.app)
    if params.tenant and not asked.actor.sees(params.tenant):
        return Page(items=())

    async def of(app: str) -> Sequence[SessionRow]:
        return await asked.manage.traces.sessions(
            tenant=asked.tenant(params.tenant),
            app=app,
            user=params.user,
            since_ns=params.since_ns,
            until_ns=params.until_ns,
            before=params.before,
            limit=params.limit + 1,
        )

    rows = await together(apps, of, place=place_of_row, limit=params.limit + 1)
    items = rows[: params.limit]
    return Page(items=items, next=items[-1].cursor if len(rows) > params.limit else "")


async def list_end_users(asked: Asked[SubjectParams, None]) -> Page[UserRow]:
    """The users of the apps, by their latest trace."""
    params = asked.params
    apps = asked.apps(params.app)
    if params.tenant and not asked.actor.sees(params.tenant):
        return Page(items=())

    async def of(app: str) -> Sequence[UserRow]:
        return await asked.manage.traces.users(
            tenant=asked.tenant(params.tenant),
            app=app,
            since_ns=params.since_ns,
            until_ns=params.until_ns,
            before=params.before,
            limit=params.limit + 1,
        )

    rows = await together(apps, of, place=place_of_row, limit=params.limit + 1)
    items = rows[: params.limit]
    return Page(items=items, next=items[-1].cursor if len(rows) > params.limit else "")


async def list_traces(asked: Asked[TraceParams, None]) -> Page[TraceRow]:
    """The traces of the caller's tenant, of all for an admin."""
    params, actor = asked.params, asked.actor
    apps = asked.apps(params.app)
    if params.tenant and not actor.sees(params.tenant):
        return Page(items=())
    wanted = TraceFilter(
        tenant=asked.tenant(params.tenant),
        origin=params.origin,
        name=params.name,
        environment=params.environment,
        release=params.release,
        model=params.model,
        deployment=params.deployment,
        provider=params.provider,
        key=params.key,
        user=params.user,
        session=params.session,
        feature=params.feature,
        tag=params.tag,
        within=params.within,
        complete=None if not params.complete else params.complete == "true",
        status=params.status,
        code=params.code,
        source=params.source,
        text=params.text,
        since_ns=params.since_ns,
        until_ns=params.until_ns,
        slower_ms=params.slower_ms,
        dearer=Decimal(params.dearer) if params.dearer.strip() else None,
        before=params.before,
        limit=SORTED if params.sort else params.limit + 1,
    )
    line = query_of(params.q)

    async def of(app: str) -> Sequence[TraceRow]:
        theirs = wanted.but(app=app)
        if line is not None:
            theirs = await narrowed(line, theirs, asked.manage.scores)
        return await asked.manage.traces.find(theirs)

    rows = await together(apps, of, place=place_of_row, limit=wanted.limit)
    if params.sort:
        return Page(items=ordered(rows, params.sort, params.order)[: params.limit])
    items = rows[: params.limit]
    return Page(items=items, next=items[-1].cursor if len(rows) > params.limit else "")


async def get_trace(asked: Asked[NoParams, None]) -> Trace:
    """One trace, whole."""
    found = await asked.manage.traces.get(asked.path["id"], asked.tenant(""))
    if found is None or not asked.entry.sees(found.row.app):
        raise Mistaken("not_found", "there is no such trace", place="id")
    return found


async def trace_stats(asked: Asked[StatParams, None]) -> Page[Bucket]:
    """Sums over stretches of time, oldest first."""
    params, actor = asked.params, asked.actor
    apps = asked.apps(params.app)
    until = params.until_ns or asked.manage.clock.now_ns()
    since = params.since_ns or max(0, until - _DAY)
    if (until - since) // params.every_ns > _BUCKETS:
        raise Mistaken("field_invalid", f"that is more than {_BUCKETS} stretches of time", place="every_ns")
    if since >= until or (params.tenant and not actor.sees(params.tenant)):
        return Page(items=())
    found = [
        bucket
        for app in apps
        for bucket in await asked.manage.traces.buckets(
            tenant=asked.tenant(params.tenant),
            since_ns=since,
            until_ns=until,
            every_ns=params.every_ns,
            by=params.by,
            app=app,
        )
    ]
    return Page(items=sums_together(found))


async def trace_values(asked: Asked[ValueParams, None]) -> Page[str]:
    """What a column held lately, to choose filters from."""
    params, actor = asked.params, asked.actor
    if asked.entry.apps:
        # The store knows the values of all apps together, which is more than this key may see.
        return Page(items=sorted(asked.entry.apps) if params.column == "app" else ())
    if params.tenant and not actor.sees(params.tenant):
        return Page(items=())
    return Page(items=await asked.manage.traces.values(params.column, asked.tenant(params.tenant)))


VERBS: Verbs = (
    Verb(
        method="GET",
        path="/api/traces",
        name="list_traces",
        summary="Traces that fit a filter, newest first, one row each.",
        scope="read",
        run=list_traces,
        gives=TraceRow,
        many=True,
        params=TraceParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/traces/stats",
        name="trace_stats",
        summary="Calls, tokens, cost and latency over time, by model, app, key and more.",
        scope="read",
        run=trace_stats,
        gives=Bucket,
        many=True,
        params=StatParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/traces/values",
        name="trace_values",
        summary="The values a column held lately.",
        scope="read",
        run=trace_values,
        gives=str,
        many=True,
        params=ValueParams,
    ),
    Verb(
        method="GET",
        path="/api/sessions",
        name="list_sessions",
        summary="Sessions, by their latest trace, with what they took and cost.",
        scope="read",
        run=list_sessions,
        gives=SessionRow,
        many=True,
        params=SessionParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/end-users",
        name="list_end_users",
        summary="Users of the apps, by their latest trace, with what they took and cost.",
        scope="read",
        run=list_end_users,
        gives=UserRow,
        many=True,
        params=SubjectParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/traces/{id}",
        name="get_trace",
        summary="One trace: its spans, and what was asked and answered unless a policy keeps it out.",
        scope="read",
        run=get_trace,
        gives=Trace,
        params=NoParams,
        errors=("not_found",),
    ),
)
