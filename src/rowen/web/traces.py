"""The list of traces with its filters in the address, and one trace as a waterfall."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from markupsafe import Markup
from starlette.requests import Request

from rowen.access import Visit
from rowen.store.base import ScoreFilter, TraceFilter
from rowen.trace.query import narrowed, query_of
from rowen.values import Mistaken, Score, Span, Trace, TraceRow, at
from rowen.values.query import TRACE_FIELDS
from rowen.web.charts import lane, share
from rowen.web.page import Page, Services, address_with, said_money, said_ms, tenant_of
from rowen.web.talk import Turn, said, turn
from rowen.web.tree import tree

_TEXTS = (
    "app",
    "model",
    "deployment",
    "provider",
    "key",
    "user",
    "session",
    "feature",
    "status",
    "code",
    "source",
    "text",
    "name",
    "environment",
    "release",
    "tag",
    "origin",
    "within",
)
_WHOLES = {"slower_ms": "milliseconds", "since_ns": "nanoseconds since 1970", "until_ns": "nanoseconds since 1970"}
_SHOWN = (
    "key",
    "user",
    "session",
    "feature",
    "deployment",
    "provider",
    "code",
    "name",
    "environment",
    "release",
    "tag",
    "origin",
    "within",
)
_HIDDEN = ("since_ns", "until_ns")
_LARGEST = 2**63 - 1
_LATEST = 6
"""Turns of a long conversation that are shown unfolded."""
STATUSES = ("ok", "refused", "failed", "cancelled")
SOURCES = ("model", "cache", "script")


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceList:
    """A page of traces, newest first."""

    title: str
    rows: Sequence["Line"]
    query: Mapping[str, str]
    older: str
    newest: str
    first: bool
    tail: str
    """The filter as the live tail takes it."""
    between: str
    """The stretch of time that is listed, in words."""
    more: Sequence[str]
    """Filters in force that have no field of their own until they are used."""
    hidden: Sequence[str]
    """Filters in force that the form only carries on."""
    apps: Sequence[str]
    models: Sequence[str]
    statuses: Sequence[str]
    sources: Sequence[str]
    fields: Sequence[str]
    wrong: str
    """What is wrong with the line of conditions."""
    filtered: bool
    call: str
    """The same list from the management API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One trace in the list, with a bar that compares how long it took."""

    row: TraceRow
    bar: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One span as the page lists it."""

    span: Span
    depth: int
    start: int
    length: int
    bar: Markup
    cost: str
    facts: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTrace:
    """One trace whole."""

    title: str
    row: TraceRow
    axis: Sequence[str]
    pieces: Sequence[Piece]
    earlier: Sequence[Turn]
    """Turns of a long conversation before the latest ones, folded away."""
    asked: Sequence[Turn]
    said: Sequence[Turn]
    vectors: int
    parameters: Sequence[tuple[str, str]]
    scores: Sequence[Score]
    masked: bool
    problem: str
    call: str


async def traces(request: Request, services: Services, visit: Visit) -> Page:
    """The list."""
    query = {key: value for key, value in request.query_params.items() if value}
    tenant = tenant_of(visit)
    wrong = ""
    rows: list[TraceRow] = []
    try:
        rows = await services.traces.find(await filter_of(query, tenant, services))
    except Mistaken as mistaken:
        if mistaken.place != "q":
            raise
        wrong = mistaken.message
    limit = 50
    older = address_with(query, before=rows[limit - 1].cursor) if len(rows) > limit else ""
    rows = rows[:limit]
    slowest = max((row.duration_ns for row in rows), default=1)
    address = request.url.replace(query="", path="/api/traces")
    return Page(
        template="traces/list.html",
        context=TraceList(
            title="Traces",
            rows=[line_of(row, slowest) for row in rows],
            tail=address_with(query, before=""),
            query=query,
            older=older,
            newest=address_with(query, before=""),
            first="before" not in query,
            between=_between(query),
            more=[name for name in (*_SHOWN, "dearer") if name in query],
            hidden=[name for name in _HIDDEN if name in query],
            apps=await services.traces.values("app", tenant),
            models=await services.traces.values("model", tenant),
            statuses=STATUSES,
            sources=SOURCES,
            wrong=wrong,
            fields=sorted(TRACE_FIELDS),
            filtered=bool(set(query) - {"before"}),
            call=f"curl -H 'Authorization: Bearer rk-…' '{address}{address_with(query)}'",
        ),
    )


def line_of(row: TraceRow, slowest: int) -> Line:
    """Return a row as the list shows it, compared with the slowest one."""
    return Line(row=row, bar=share(row.duration_ns, slowest, _kind(row)))


async def filter_of(
    query: Mapping[str, str], tenant: str | None, services: Services, *, limit: int = 51
) -> TraceFilter:
    """Return the filter that a query string means: its fields, and the line of conditions in `q`.

    Raises:
        Mistaken: `field_invalid` naming the field.

    """
    found: dict[str, Any] = {name: query[name] for name in _TEXTS if name in query}
    for name, unit in _WHOLES.items():
        if name in query:
            if not query[name].isdecimal() or int(query[name][:20]) > _LARGEST:
                raise Mistaken("field_invalid", f"`{name}` is a whole number of {unit}", place=name)
            found[name] = int(query[name])
    if "dearer" in query:
        try:
            found["dearer"] = Decimal(query["dearer"])
        except InvalidOperation as error:
            raise Mistaken("field_invalid", "`dearer` is an amount in US dollars", place="dearer") from error
    filter = TraceFilter(tenant=tenant, before=query.get("before", ""), limit=limit, **found)
    line = query_of(query.get("q", ""))
    return filter if line is None else await narrowed(line, filter, services.scores)


async def trace(request: Request, services: Services, visit: Visit) -> Page:
    """One trace: its steps, what each changed, what was asked, said and paid."""
    id, tenant = request.path_params["id"], tenant_of(visit)
    row = await services.traces.row(id, tenant)
    if row is not None and row.origin == "spans":
        return await tree(request, services, visit, row)
    found = await services.traces.get(id, tenant)
    if found is None:
        raise Mistaken("not_found", "There is no such trace.")
    if any(span.scope for span in found.spans):  # it was sent spans beside its own
        return await tree(request, services, visit, found.row)
    address = request.url.replace(query="", path=f"/api/traces/{found.row.id}")
    talk = [turn(message) for message in found.request.messages] if found.request else []
    fold = len(talk) - _LATEST if len(talk) > _LATEST + 2 else 0
    return Page(
        template="traces/one.html",
        context=OneTrace(
            title=f"Trace {found.row.id[:8]}",
            row=found.row,
            axis=[said_ms(found.row.duration_ns * quarter / 4) for quarter in range(5)],
            pieces=pieces_of(found),
            earlier=talk[:fold],
            asked=talk[fold:],
            said=[turn(choice.message) for choice in found.answer.choices] if found.answer else [],
            vectors=len(found.answer.vectors) if found.answer else 0,
            parameters=_parameters(found),
            scores=await services.scores.find(ScoreFilter(tenant=tenant_of(visit), traces=(found.row.id,))),
            masked=found.masked,
            problem=next((span.message for span in found.spans[:1] if span.status == "error"), ""),
            call=f"curl -H 'Authorization: Bearer rk-…' '{address}'",
        ),
    )


def pieces_of(found: Trace) -> list[Piece]:
    """Return the spans in the order of time, each with its depth below the root."""
    parents = {span.id: span.parent for span in found.spans}

    def depth(id: str) -> int:
        level = 0
        while (id := parents.get(id, "")) in parents and level < 20:
            level += 1
        return level

    ordered = sorted(found.spans, key=lambda span: (span.started_ns, -span.ended_ns))
    return [
        Piece(
            span=span,
            depth=depth(span.id),
            start=span.started_ns - found.row.started_ns,
            length=span.ended_ns - span.started_ns,
            bar=_lane(span, found.row),
            cost=_cost(span),
            facts=[(key, said(value)) for key, value in sorted(span.attributes.items()) if value not in ("", [], None)],
        )
        for span in ordered
    ]


def _lane(span: Span, row: TraceRow) -> Markup:
    kind = "failed" if span.status == "error" else span.kind
    first = span.attributes.get("gen_ai.response.time_to_first_chunk")
    return lane(
        span.started_ns - row.started_ns,
        span.ended_ns - span.started_ns,
        row.duration_ns,
        kind,
        int(first * 1e9) if isinstance(first, float) and span.kind == "client" else None,
    )


def _cost(span: Span) -> str:
    said = str(span.attributes.get("rowen.cost", ""))
    try:
        return said_money(Decimal(said)) if said else ""
    except InvalidOperation:
        return said


def _kind(row: TraceRow) -> str:
    return "cached" if row.source == "cache" else row.status


def _between(query: Mapping[str, str]) -> str:
    """Return the stretch of time in words."""
    since, until = (
        at(int(query[name])).strftime("%Y-%m-%d %H:%M") if name in query else "" for name in ("since_ns", "until_ns")
    )
    if since and until:
        return f"From {since} until {until}"
    return f"Since {since}" if since else f"Before {until}" if until else ""


def _parameters(found: Trace) -> list[tuple[str, str]]:
    if found.request is None:
        return []
    plain = msgspec.to_builtins(found.request)
    return [(key, said(value)) for key, value in plain.items() if key not in {"messages", "texts", "tokens"}]
