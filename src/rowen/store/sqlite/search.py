"""Finding traces and spans, newest first, reading little more than is shown.

What many have in common is a number (`what`, `place`), and an index has the rows of each number in order of time. So the
newest of all that fit are merged from the newest of each. A text is searched in the full-text index, whose rows are in
order of time too.
"""

import sqlite3
from bisect import insort
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import Any

from rowen.store.base import SpanFilter, TraceFilter
from rowen.store.condition import condition
from rowen.store.cursor import place_of
from rowen.store.pack import Packing
from rowen.store.sqlite.entry import SLACK, first_moment, first_number
from rowen.store.sqlite.packs import Packs
from rowen.store.sqlite.query import SAYS, SQLITE, fact_matched, has_phrase, matched, prepare
from rowen.store.sqlite.rows import SPAN_NAMES, SPAN_TABLES, TRACE_NAMES, short, span_row, trace_row
from rowen.store.words import fact_wanted
from rowen.values import SpanRow, TraceRow

_MERGED = 300  # lists merged at most; when more combinations fit, nearly every row does

_WHATS = (
    "origin", "app", "environment", "release", "model", "deployment", "provider", "feature", "status", "code", "source",
    "key",
)  # fmt: skip
_PLACES = ("type", "name", "model", "provider", "status", "code", "app", "environment", "release", "prompt")
_INDEXED = ("session", "user", "within")

_TRACES = f"SELECT {TRACE_NAMES} FROM traces CROSS JOIN whats ON whats.number = traces.what"  # noqa: S608 - made of constants
_NEWEST = " ORDER BY traces.started_ns DESC, traces.id DESC, traces.tenant DESC LIMIT ?"
_SPANS = f"SELECT spans.number, {SPAN_NAMES} FROM {SPAN_TABLES}"  # noqa: S608 - made of constants
_TOLD = f"""SELECT spans.number, traces.number, {TRACE_NAMES} FROM texts CROSS JOIN spans ON spans.number = texts.rowid
CROSS JOIN traces ON traces.number = spans.trace CROSS JOIN whats ON whats.number = traces.what
WHERE texts MATCH ?"""  # noqa: S608 - made of constants
_TOLD_SPANS = f"""SELECT spans.number, {SPAN_NAMES} FROM texts CROSS JOIN {SPAN_TABLES}
WHERE spans.number = texts.rowid AND texts MATCH ?"""  # noqa: S608 - made of constants
_NUMBER = """SELECT spans.number FROM traces JOIN spans ON spans.trace = traces.number
WHERE traces.id = ? AND traces.tenant = ? AND spans.id = ?"""

_TAGGED = """EXISTS (SELECT 1 FROM json_each(CASE spans.tags WHEN '[]' THEN traces.tags ELSE spans.tags END)
WHERE value = ?)"""

_Terms = list[tuple[str, Sequence[Any]]]


def find(connection: sqlite3.Connection, filter: TraceFilter, packing: Packing) -> list[TraceRow]:
    """Return the traces that pass the filter, newest first."""
    if filter.where is not None or has_phrase(filter.text):
        prepare(connection, packing)
    terms = _trace_terms(filter)
    common: _Terms = [(f"{name} = ?", (getattr(filter, name),)) for name in _WHATS if getattr(filter, name)]
    if filter.tenant is not None:
        common.append(("tenant = ?", (filter.tenant,)))
    on_whats: _Terms = [(f"whats.{term}", values) for term, values in common]
    if filter.text:
        return _told(connection, filter, terms + on_whats)
    if not common or any(getattr(filter, name) for name in _INDEXED):
        return _listed(connection, terms + on_whats, filter.limit)
    numbers = _numbers(connection, "whats", common)
    if numbers is None:
        return _listed(connection, terms + on_whats, filter.limit)
    lists = (
        map(trace_row, _run(connection, _TRACES, [("traces.what = ?", (number,)), *terms], _NEWEST, filter.limit))
        for number in numbers
    )
    return list(islice(merge(*lists, key=_when, reverse=True), filter.limit))


def find_spans(connection: sqlite3.Connection, filter: SpanFilter, packing: Packing) -> list[SpanRow]:
    """Return the spans that pass the filter, newest first."""
    packs = Packs(connection, packing)
    terms = _span_terms(connection, filter)
    common: _Terms = [(f"{name} = ?", (getattr(filter, name),)) for name in _PLACES if getattr(filter, name)]
    if filter.tenant is not None:
        common.append(("tenant = ?", (filter.tenant,)))
    on_places: _Terms = [(f"places.{term}", values) for term, values in common]
    if filter.text or filter.attribute:
        wanted = _match(filter.text, filter.attribute)
        if wanted is None:
            return []
        if has_phrase(filter.text):
            prepare(connection, packing)
            terms.append((SAYS, (filter.text,)))
        tail = " ORDER BY texts.rowid DESC LIMIT ?"
        found = _run(connection, _TOLD_SPANS, [*terms, *on_places], tail, filter.limit, (wanted,))
        return [span_row(each, packs) for _, *each in found]
    numbers = _numbers(connection, "places", common) if common and not filter.trace else None
    tail = " ORDER BY spans.number DESC LIMIT ?"
    if numbers is None:
        found = _run(connection, _SPANS, [*terms, *on_places], tail, filter.limit)
        return [span_row(each, packs) for _, *each in found]
    lists = (
        _run(connection, _SPANS, [("spans.place = ?", (number,)), *terms], tail, filter.limit) for number in numbers
    )
    found = islice(merge(*lists, key=_first, reverse=True), filter.limit)
    return [span_row(each, packs) for _, *each in found]


def _told(connection: sqlite3.Connection, filter: TraceFilter, terms: _Terms) -> list[TraceRow]:
    """Return the newest traces of which a span says the text.

    The spans come in the order of their numbers; none begins after the stretch of its number, and no trace after one of
    its spans. When the traces found all began after the stretch that is looked at, no newer one is to come.
    """
    wanted = _match(filter.text, "")
    if wanted is None or filter.limit <= 0:
        return []
    best: list[tuple[tuple[int, str, str], TraceRow]] = []
    seen: set[int] = set()
    if has_phrase(filter.text):
        terms = [*terms, (SAYS, (filter.text,))]
    tail = " ORDER BY texts.rowid DESC LIMIT ?"
    for span, number, *found in _run(connection, _TOLD, terms, tail, -1, (wanted,)):
        if len(best) >= filter.limit and best[-filter.limit][0][0] >= first_moment(span + 1):
            break
        if number not in seen:
            seen.add(number)
            row = trace_row(found)
            insort(best, (_when(row), row), key=_first)
    return [row for _, row in reversed(best[-filter.limit :])]


def _listed(connection: sqlite3.Connection, terms: _Terms, limit: int) -> list[TraceRow]:
    return [trace_row(found) for found in _run(connection, _TRACES, terms, _NEWEST, limit)]


def _run(
    connection: sqlite3.Connection,
    query: str,
    terms: _Terms,
    tail: str,
    limit: int,
    first: tuple[Any, ...] = (),
) -> Iterator[Sequence[Any]]:
    where = " AND ".join(term for term, _ in terms)
    if where:
        query += f" AND {where}" if " WHERE " in query or "\nWHERE " in query else f" WHERE {where}"
    values = (*first, *(value for _, values in terms for value in values), limit)
    return iter(connection.execute(query + tail, values))


def _numbers(connection: sqlite3.Connection, table: str, terms: _Terms) -> list[int] | None:
    """Return the numbers of the combinations that fit, None when they are too many to be merged."""
    where = " AND ".join(term for term, _ in terms)
    values = [value for _, values in terms for value in values]
    query = f"SELECT number FROM {table} WHERE {where} LIMIT ?"  # noqa: S608 - made of constants
    found = [number for (number,) in connection.execute(query, (*values, _MERGED + 1))]
    return found if len(found) <= _MERGED else None


def _trace_terms(filter: TraceFilter) -> _Terms:
    terms: _Terms = []
    for name in _INDEXED:
        wanted = getattr(filter, name)
        if wanted:
            # The second half lets SQLite use the index over the rows that have one.
            terms.append((f"traces.{name} = ? AND traces.{name} <> ''", (wanted,)))
    if filter.name:
        terms.append(("traces.name = ?", (filter.name,)))
    if filter.tag:
        terms.append(("EXISTS (SELECT 1 FROM json_each(traces.tags) WHERE value = ?)", (filter.tag,)))
    if filter.where is not None:
        terms.append(condition(filter.where, SQLITE))
    if filter.complete is not None:
        terms.append(("traces.complete = ?", (filter.complete,)))
    if filter.since_ns:
        terms.append(("traces.started_ns >= ?", (filter.since_ns,)))
    if filter.until_ns:
        terms.append(("traces.started_ns < ?", (filter.until_ns,)))
    if filter.slower_ms:
        terms.append(("traces.duration_ns > ?", (filter.slower_ms * 1_000_000,)))
    if filter.dearer is not None:
        terms.append(("CAST(traces.cost AS REAL) > CAST(? AS REAL)", (str(filter.dearer),)))
    place = place_of(filter.before, 2)
    if place is not None:
        terms.append(
            (
                "traces.started_ns <= ? AND (traces.started_ns, traces.id, traces.tenant) < (?, ?, ?)",
                (place[0], *place),
            )
        )
    return terms


def _span_terms(connection: sqlite3.Connection, filter: SpanFilter) -> _Terms:
    terms: _Terms = []
    if filter.trace:
        terms.append(("spans.trace IN (SELECT number FROM traces WHERE id = ?)", (filter.trace,)))
    for name in ("session", "user"):
        wanted = getattr(filter, name)
        if wanted:
            of = f"SELECT number FROM traces WHERE {name} = ? AND {name} <> ''"  # noqa: S608 - made of constants
            terms.append((f"spans.trace IN ({of})", (wanted,)))
    if filter.feature:
        terms.append(("whats.feature = ?", (filter.feature,)))
    if filter.tag:
        terms.append((_TAGGED, (filter.tag,)))
    if filter.since_ns:
        terms.append(("spans.number >= ? AND spans.started_ns >= ?", (first_number(filter.since_ns), filter.since_ns)))
    if filter.until_ns:
        terms.append(
            ("spans.number < ? AND spans.started_ns < ?", (first_number(filter.until_ns) + SLACK, filter.until_ns))
        )
    if filter.slower_ms:
        terms.append(("spans.duration_ns > ?", (filter.slower_ms * 1_000_000,)))
    if filter.dearer is not None:
        terms.append(("CAST(spans.cost AS REAL) > CAST(? AS REAL)", (str(filter.dearer),)))
    place = place_of(filter.before, 3)
    if place is not None:
        started_ns, trace, id, tenant = place
        found = connection.execute(_NUMBER, (trace, tenant, short(id))).fetchone()
        terms.append(("spans.number < ?", (found[0] if found else first_number(started_ns),)))
    return terms


def _match(text: str, attribute: str) -> str | None:
    """Return a search as FTS5 writes it, None for a text in which nothing can be searched for."""
    said = []
    if text:
        words = matched(text)
        if words is None:
            return None
        said.append(words)
    if attribute:
        said.append(fact_matched(fact_wanted(attribute)))
    return " AND ".join(said)


def _when(row: TraceRow) -> tuple[int, str, str]:
    return row.started_ns, row.id, row.tenant


def _first(found: Any) -> Any:
    return found[0]
