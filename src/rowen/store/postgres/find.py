"""Finding traces and spans, newest first."""

from typing import Any

from rowen.store.base import SpanFilter, TraceFilter
from rowen.store.condition import Condition, condition
from rowen.store.cursor import place_of
from rowen.store.postgres.database import Raw
from rowen.store.postgres.query import POSTGRES, TAGS, said
from rowen.store.postgres.rows import plain, span_row, told, trace_row
from rowen.store.words import fact_wanted
from rowen.values import SpanRow, TraceRow

_TRACE_SAME = (
    "tenant", "origin", "name", "app", "environment", "release", "model", "deployment", "provider", "key", "feature",
    "status", "code", "source",
)  # fmt: skip
_HASHED = ("user", "session", "within")
_SPAN_SAME = (
    "tenant", "trace", "type", "name", "model", "provider", "status", "code", "app", "environment", "release", "prompt",
)  # fmt: skip

SPAN = 'spans.record, traces.session, traces."user", traces.feature, traces.tags'
"""What `span_of` reads, with `SPANS`."""

SPANS = "spans JOIN traces ON traces.id = spans.trace AND traces.tenant = spans.tenant"


def find(raw: Raw, filter: TraceFilter) -> list[TraceRow]:
    """Return the traces that pass the filter, newest first."""
    terms = _same("traces", _TRACE_SAME, filter) + _common("traces", filter)
    # The second half lets PostgreSQL use the index over the rows that have one.
    terms += [
        (f'traces."{name}" = %s AND traces."{name}" <> \'\'', [plain(wanted)])
        for name in _HASHED
        if (wanted := getattr(filter, name))
    ]
    if filter.tag:
        terms.append(("%s = ANY(traces.tags)", [plain(filter.tag)]))
    if filter.complete is not None:
        terms.append(("traces.complete = %s", [filter.complete]))
    if filter.where is not None:
        terms.append(condition(filter.where, POSTGRES))
    if filter.text:
        terms.append(POSTGRES.said(filter.text))
    place = place_of(filter.before, 2)
    if place is not None:
        terms.append(("(traces.started_ns, traces.id, traces.tenant) < (%s, %s, %s)", _plain(place)))
    order = "traces.started_ns DESC, traces.id DESC, traces.tenant DESC"
    found = _run(raw, "SELECT traces.record FROM traces", terms, order, filter.limit)
    return [trace_row(record) for (record,) in found]


def find_spans(raw: Raw, filter: SpanFilter) -> list[SpanRow]:
    """Return the spans that pass the filter, newest first."""
    terms = _same("spans", _SPAN_SAME, filter) + _common("spans", filter) + _same("traces", ("feature",), filter)
    terms += [
        (f'traces."{name}" = %s AND traces."{name}" <> \'\'', [plain(wanted)])
        for name in ("session", "user")
        if (wanted := getattr(filter, name))
    ]
    if filter.tag:
        terms.append((f"%s = ANY({TAGS})", [plain(filter.tag)]))
    if filter.attribute:
        terms.append(("spans.facts @> ARRAY[%s]::text[] AND spans.facts <> '{}'", [fact_wanted(filter.attribute)]))
    if filter.text:
        terms.append(said(filter.text))
    place = place_of(filter.before, 3)
    if place is not None:
        terms.append(("(spans.started_ns, spans.trace, spans.id, spans.tenant) < (%s, %s, %s, %s)", _plain(place)))
    order = "spans.started_ns DESC, spans.trace DESC, spans.id DESC, spans.tenant DESC"
    found = _run(raw, f"SELECT {SPAN} FROM {SPANS}", terms, order, filter.limit)  # noqa: S608 - made of constants
    return [span_of(*each) for each in found]


def span_of(record: bytes, session: str, user: str, feature: str, tags: list[str]) -> SpanRow:
    """Return the row of a span with what concerns its whole trace."""
    row = span_row(record)
    return row.but(
        session=told(session),
        user=told(user),
        feature=told(feature),
        tags=row.tags or tuple(map(told, tags)),
    )


def _same(table: str, names: tuple[str, ...], filter: Any) -> list[Condition]:
    return [
        (f'{table}."{name}" = %s', [plain(wanted)])
        for name in names
        if (wanted := getattr(filter, name)) or (name == "tenant" and wanted is not None)
    ]


def _common(table: str, filter: TraceFilter | SpanFilter) -> list[Condition]:
    terms: list[Condition] = []
    if filter.since_ns:
        terms.append((f"{table}.started_ns >= %s", [filter.since_ns]))
    if filter.until_ns:
        terms.append((f"{table}.started_ns < %s", [filter.until_ns]))
    if filter.slower_ms:
        terms.append((f"{table}.duration_ns > %s", [filter.slower_ms * 1_000_000]))
    if filter.dearer is not None:
        terms.append((f"{table}.cost > %s", [filter.dearer]))
    return terms


def _run(raw: Raw, query: str, terms: list[Condition], order: str, limit: int) -> list[tuple[Any, ...]]:
    where = f" WHERE {' AND '.join(term for term, _ in terms)}" if terms else ""
    values = [value for _, given in terms for value in given]
    return raw.execute(f"{query}{where} ORDER BY {order} LIMIT %s", [*values, max(0, limit)]).fetchall()


def _plain(place: tuple[Any, ...]) -> list[Any]:
    return [plain(each) if isinstance(each, str) else each for each in place]
