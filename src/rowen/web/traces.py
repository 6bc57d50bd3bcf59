"""The list of traces with its filters in the address, and one trace as a waterfall."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from markupsafe import Markup
from starlette.requests import Request

from rowen.access import Visit
from rowen.store.base import TraceFilter
from rowen.values import Message, Mistaken, Span, Text, Thought, ToolCall, ToolResult, Trace, TraceRow
from rowen.web.charts import Bar, waterfall
from rowen.web.page import Page, Services, address_with, tenant_of

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
)
STATUSES = ("ok", "refused", "failed", "cancelled")
SOURCES = ("model", "cache", "script")


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceList:
    """A page of traces, newest first."""

    title: str
    rows: Sequence[TraceRow]
    query: Mapping[str, str]
    older: str
    first: bool
    apps: Sequence[str]
    models: Sequence[str]
    statuses: Sequence[str]
    sources: Sequence[str]
    filtered: bool
    call: str
    """The same list from the management API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message as the page shows it."""

    who: str
    pieces: Sequence[tuple[str, str]]
    """What each part is, and its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One span as the page lists it."""

    span: Span
    depth: int
    start: int
    cost: str
    facts: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTrace:
    """One trace whole."""

    title: str
    row: TraceRow
    chart: Markup
    pieces: Sequence[Piece]
    asked: Sequence[Turn]
    said: Sequence[Turn]
    vectors: int
    parameters: Sequence[tuple[str, str]]
    masked: bool
    problem: str
    call: str


async def traces(request: Request, services: Services, visit: Visit) -> Page:
    """The list."""
    query = {key: value for key, value in request.query_params.items() if value}
    tenant = tenant_of(visit)
    rows = await services.traces.find(filter_of(query, tenant))
    limit = 50
    older = address_with(query, before=rows[limit - 1].id) if len(rows) > limit else ""
    address = request.url.replace(query="", path="/api/traces")
    return Page(
        template="traces/list.html",
        context=TraceList(
            title="Traces",
            rows=rows[:limit],
            query=query,
            older=older,
            first="before" not in query,
            apps=await services.traces.values("app", tenant),
            models=await services.traces.values("model", tenant),
            statuses=STATUSES,
            sources=SOURCES,
            filtered=bool(set(query) - {"before"}),
            call=f"curl -H 'Authorization: Bearer rk-…' '{address}{address_with(query)}'",
        ),
    )


def filter_of(query: Mapping[str, str], tenant: str | None, limit: int = 51) -> TraceFilter:
    """Return the filter that a query string means.

    Raises:
        Mistaken: `field_invalid` naming the field.

    """
    found: dict[str, Any] = {name: query[name] for name in _TEXTS if name in query}
    if "slower" in query:
        if not query["slower"].isdigit():
            raise Mistaken("field_invalid", "`slower` is a whole number of milliseconds", place="slower")
        found["slower_ms"] = int(query["slower"])
    if "dearer" in query:
        try:
            found["dearer"] = Decimal(query["dearer"])
        except InvalidOperation as error:
            raise Mistaken("field_invalid", "`dearer` is an amount in US dollars", place="dearer") from error
    return TraceFilter(tenant=tenant, before=query.get("before", ""), limit=limit, **found)


async def trace(request: Request, services: Services, visit: Visit) -> Page:
    """One trace: its steps, what each changed, what was asked, said and paid."""
    found = await services.traces.get(request.path_params["id"], tenant_of(visit))
    if found is None:
        raise Mistaken("not_found", "there is no such trace")
    address = request.url.replace(query="", path=f"/api/traces/{found.row.id}")
    pieces = pieces_of(found)
    return Page(
        template="traces/one.html",
        context=OneTrace(
            title=f"Trace {found.row.id[:8]}",
            row=found.row,
            chart=waterfall([_bar(piece) for piece in pieces], found.row.duration_ns),
            pieces=pieces,
            asked=[_turn(message) for message in found.request.messages] if found.request else [],
            said=[_turn(choice.message) for choice in found.answer.choices] if found.answer else [],
            vectors=len(found.answer.vectors) if found.answer else 0,
            parameters=_parameters(found),
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
            cost=str(span.attributes.get("rowen.cost", "")),
            facts=[
                (key, _said(value)) for key, value in sorted(span.attributes.items()) if value not in ("", [], None)
            ],
        )
        for span in ordered
    ]


def _bar(piece: Piece) -> Bar:
    span = piece.span
    kind = "error" if span.status == "error" else span.kind
    return Bar(
        name=span.name,
        kind=kind,
        start=piece.start,
        length=span.ended_ns - span.started_ns,
        depth=piece.depth,
        note=span.message,
    )


def _turn(message: Message) -> Turn:
    pieces: list[tuple[str, str]] = []
    for part in message.parts:
        match part:
            case Text():
                pieces.append(("text", part.text))
            case Thought():
                pieces.append(("reasoning", part.text or "(sent encrypted)"))
            case ToolCall():
                pieces.append((f"tool call {part.name}", part.arguments))
            case ToolResult():
                pieces.append((f"tool result {part.id}", "".join(p.text for p in part.parts if isinstance(p, Text))))
            case _:
                pieces.append((type(part).__name__.lower(), f"({type(part).__name__.lower()} part)"))
    return Turn(who=message.role, pieces=pieces)


def _parameters(found: Trace) -> list[tuple[str, str]]:
    if found.request is None:
        return []
    plain = msgspec.to_builtins(found.request)
    return [(key, _said(value)) for key, value in plain.items() if key not in {"messages", "texts", "tokens"}]


def _said(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
