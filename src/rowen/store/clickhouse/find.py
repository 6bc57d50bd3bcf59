"""Finding traces and spans, newest first."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from rowen.store.base import SpanFilter, TraceFilter
from rowen.store.clickhouse.client import Server
from rowen.store.clickhouse.query import CLICKHOUSE, said
from rowen.store.clickhouse.rows import HOUR_NS, OF_ID, SPAN, TRACE, hour_of
from rowen.store.condition import Condition, condition
from rowen.store.cursor import place_of
from rowen.store.words import fact_wanted
from rowen.values import SpanRow, TraceRow

T = TypeVar("T")

_TRACE_SAME = (
    "tenant", "origin", "name", "app", "environment", "release", "model", "deployment", "provider", "key", "feature",
    "status", "code", "source", "user", "session", "within",
)  # fmt: skip
_SPAN_SAME = (
    "tenant", "type", "name", "model", "provider", "status", "code", "app", "environment", "release", "prompt",
)  # fmt: skip
_OF_TRACE = ("session", "user", "feature")
_TRACES = "(spans.tenant, spans.trace) IN (SELECT tenant, id FROM traces WHERE {})"
_OF_ONE = "(spans.hour, spans.tenant, spans.trace) IN (SELECT hour, tenant, trace FROM places WHERE trace = ?)"
_WHOLE = f"SELECT {TRACE} FROM traces WHERE {OF_ID}"  # noqa: S608 - made of constants

_LATEST = 24
"""Hours that are looked at before all of them are: what is asked for is nearly always in the latest."""


def find(server: Server, filter: TraceFilter, now_ns: int) -> list[TraceRow]:
    """Return the traces that pass the filter, newest first."""
    terms = _same("traces", _TRACE_SAME, filter) + _common("traces", filter)
    if filter.tag:
        terms.append(("has(traces.tags, ?)", [filter.tag]))
    if filter.complete is not None:
        terms.append(("traces.complete = ?", [filter.complete]))
    if filter.where is not None:
        terms.append(condition(filter.where, CLICKHOUSE))
    if filter.text:
        terms.append(CLICKHOUSE.said(filter.text))
    place = place_of(filter.before, 2)
    if place is not None:
        terms.append(("(traces.started_ns, traces.id, traces.tenant) < ?", [place]))
    order = "traces.started_ns DESC, traces.id DESC, traces.tenant DESC"
    query = f"SELECT {TRACE} FROM traces"  # noqa: S608 - made of constants
    for term in _stretches("traces", filter, place, now_ns):
        found = _run(server, query, [*term, *terms], order, filter.limit, TraceRow)
        if len(found) >= filter.limit:
            break
    return found


def find_spans(server: Server, filter: SpanFilter, now_ns: int) -> list[SpanRow]:
    """Return the spans that pass the filter, newest first."""
    terms = _same("spans", _SPAN_SAME, filter) + _common("spans", filter)
    terms += [(_TRACES.format(f"`{name}` = ?"), [wanted]) for name in _OF_TRACE if (wanted := getattr(filter, name))]
    if filter.tag:
        theirs = _TRACES.format("has(tags, ?)")
        terms.append((f"(has(spans.tags, ?) OR (empty(spans.tags) AND {theirs}))", [filter.tag, filter.tag]))
    if filter.trace:
        terms.append((_OF_ONE, [filter.trace]))
    if filter.attribute:
        terms.append(CLICKHOUSE.fact(fact_wanted(filter.attribute)))
    if filter.text:
        terms.append(said(filter.text))
    place = place_of(filter.before, 3)
    if place is not None:
        terms.append(("(spans.started_ns, spans.trace, spans.id, spans.tenant) < ?", [place]))
    order = "spans.started_ns DESC, spans.trace DESC, spans.id DESC, spans.tenant DESC"
    query = f"SELECT {SPAN} FROM spans"  # noqa: S608 - made of constants
    for term in _stretches("spans", filter, place, now_ns):
        found = _run(server, query, [*term, *terms], order, filter.limit, SpanRow)
        if len(found) >= filter.limit:
            break
    return with_traces(found, whole(server, {(row.trace, row.tenant) for row in found}))


def whole(server: Server, places: Iterable[tuple[str, str]]) -> list[TraceRow]:
    """Return the rows of traces by id and tenant."""
    wanted = list(places)
    return server.rows(_WHOLE, [wanted], TraceRow) if wanted else []


def with_traces(rows: Sequence[SpanRow], traces: Sequence[TraceRow]) -> list[SpanRow]:
    """Return rows of spans with what concerns their whole traces."""
    known = {(trace.id, trace.tenant): trace for trace in traces}
    found = []
    for row in rows:
        trace = known.get((row.trace, row.tenant))
        if trace is not None:
            row = row.but(  # noqa: PLW2901 - the same row, told more of
                session=trace.session, user=trace.user, feature=trace.feature, tags=row.tags or trace.tags
            )
        found.append(row)
    return found


def _stretches(
    table: str, filter: TraceFilter | SpanFilter, place: tuple[Any, ...] | None, now_ns: int
) -> Iterable[list[Condition]]:
    """Yield the latest stretch of what is asked for, then all of it."""
    latest = min(place[0] if place else now_ns, filter.until_ns or now_ns, now_ns)
    since = hour_of(latest) - _LATEST
    if since * HOUR_NS > filter.since_ns and not (isinstance(filter, SpanFilter) and filter.trace):
        yield [(f"{table}.hour >= ?", [since])]
    yield []


def _same(table: str, names: tuple[str, ...], filter: Any) -> list[Condition]:
    return [
        (f"{table}.`{name}` = ?", [wanted])
        for name in names
        if (wanted := getattr(filter, name)) or (name == "tenant" and wanted is not None)
    ]


def _common(table: str, filter: TraceFilter | SpanFilter) -> list[Condition]:
    terms: list[Condition] = []
    if filter.since_ns:
        terms.append((f"{table}.hour >= ? AND {table}.started_ns >= ?", [hour_of(filter.since_ns), filter.since_ns]))
    if filter.until_ns:
        terms.append((f"{table}.hour <= ? AND {table}.started_ns < ?", [hour_of(filter.until_ns), filter.until_ns]))
    if filter.slower_ms:
        terms.append((f"{table}.duration_ns > ?", [filter.slower_ms * 1_000_000]))
    if filter.dearer is not None:
        terms.append((f"{table}.cost > ?", [filter.dearer]))
    return terms


def _run(server: Server, query: str, terms: list[Condition], order: str, limit: int, type: type[T]) -> list[T]:
    where = f" WHERE {' AND '.join(term for term, _ in terms)}" if terms else ""
    values = [value for _, given in terms for value in given]
    return server.rows(f"{query}{where} ORDER BY {order} LIMIT ?", [*values, max(0, limit)], type)
