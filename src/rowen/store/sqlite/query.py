"""A query over traces as a condition in SQL, on `traces` joined with `whats`."""

import sqlite3
from collections.abc import Sequence
from typing import Any, assert_never

from rowen.store.query import said_as
from rowen.store.sqlite.schema import WHATS
from rowen.store.words import fact_wanted, phrases
from rowen.values.query import (
    SESSION_FIELDS,
    SPAN_FIELDS,
    TRACE_FIELDS,
    Among,
    Either,
    Every,
    Holds,
    Query,
    QueryField,
    Says,
    Spans,
    Unless,
)

Condition = tuple[str, Sequence[Any]]

_PLACES = {"name", "type", "kind", "status", "code", "app", "environment", "release", "model", "provider", "prompt"}
_OF_TRACE = {"session": "traces.session", "user": "traces.user", "feature": "whats.feature"}
_OWN = {"input": "traces.asked", "output": "traces.said"}
_FROM = "FROM spans CROSS JOIN places ON places.number = spans.place WHERE spans.trace = traces.number"
_SESSION = (
    "SELECT {} FROM subjects WHERE kind = 'session' AND name = traces.session AND subjects.tenant = traces.tenant"
)
_NEVER: Condition = ("0", [])


def condition(query: Query) -> Condition:
    """Return the condition with its values, in the order of their question marks."""
    match query:
        case Every(parts=parts):
            return _joined(parts, " AND ", "1")
        case Either(parts=parts):
            return _joined(parts, " OR ", "0")
        case Unless(part=part):
            inner, values = condition(part)
            return f"NOT coalesce({inner}, 0)", values
        case Says(text=text, phrase=phrase):
            wanted = matched(said_as(text, phrase=phrase))
            told = "SELECT spans.trace FROM texts CROSS JOIN spans ON spans.number = texts.rowid WHERE texts MATCH ?"
            return _NEVER if wanted is None else (f"traces.number IN ({told})", [wanted])
        case Spans():
            return _over(query)
        case Among(traces=ids):
            return "traces.id IN (SELECT value FROM json_each(?))", ["[" + ",".join(f'"{id}"' for id in ids) + "]"]
        case Holds(level="session"):
            field = SESSION_FIELDS[query.field]
            name = "input_tokens + output_tokens" if field.name == "tokens" else field.name
            return _compared(field, f"({_SESSION.format(name)})", query)
        case Holds():
            field = TRACE_FIELDS[query.field]
            return _compared(field, f"{'whats' if field.name in WHATS else 'traces'}.{field.name}", query)
        case _:
            assert_never(query)


def prepare(connection: sqlite3.Connection) -> None:
    """Teach a connection to fold case as Python does: SQLite's own way knows only ASCII."""
    connection.create_function(
        "folded", 1, lambda text: text if text is None else str(text).lower(), deterministic=True
    )


def matched(text: str) -> str | None:
    """Return a filter's `text` as FTS5 searches for it; None when there is no word in it."""
    found = phrases(text)
    said = " AND ".join('"' + " ".join(words) + '"' + ("*" if goes_on else "") for words, goes_on in found)
    return f"words : ({said})" if said else None


def _over(query: Spans) -> Condition:
    where, values = ("1", []) if query.where is None else _of_span(query.where)
    if query.take == "any":
        return f"EXISTS (SELECT 1 {_FROM} AND {where})", values
    if query.take == "all":
        some = f"EXISTS (SELECT 1 {_FROM})"
        return f"({some} AND NOT EXISTS (SELECT 1 {_FROM} AND NOT coalesce({where}, 0)))", values
    if query.take == "len":
        return f"(SELECT count(*) {_FROM} AND {where}) {_sign(query.how)} ?", [*values, query.value]
    field = SPAN_FIELDS[query.field]
    column = f"CAST(spans.{field.name} AS REAL)"
    taken = {"sum": f"total({column})", "max": f"max({column})", "min": f"min({column})", "avg": f"avg({column})"}
    found = f"(SELECT {taken[query.take]} {_FROM} AND {where})"
    return f"coalesce({found} {_sign(query.how)} ?, 0)", [*values, query.value]


def _of_span(query: Query) -> Condition:
    match query:
        case Every(parts=parts):
            return _joined(parts, " AND ", "1", span=True)
        case Either(parts=parts):
            return _joined(parts, " OR ", "0", span=True)
        case Unless(part=part):
            inner, values = _of_span(part)
            return f"NOT coalesce({inner}, 0)", values
        case Holds(field=name) if name.startswith("attribute."):
            wanted = fact_wanted(f"{name.removeprefix('attribute.')}={query.value}")
            held = "spans.number IN (SELECT rowid FROM texts WHERE texts MATCH ?)"
            return (held if query.how == "=" else f"NOT {held}"), [f'facts : "{wanted}"']
        case Holds():
            field = SPAN_FIELDS[query.field]
            return _compared(field, _column(field.name), query)
        case Says() | Spans() | Among():
            return _NEVER  # the reader lets none of them stand among spans
        case _:
            assert_never(query)


def _column(name: str) -> str:
    if name in _PLACES:
        return f"places.{name}"
    if name in _OF_TRACE:
        return _OF_TRACE[name]
    if name in _OWN:
        return f"CASE spans.own WHEN 1 THEN {_OWN[name]} ELSE spans.{name} END"
    if name == "tags":
        return "CASE spans.tags WHEN '[]' THEN traces.tags ELSE spans.tags END"
    return f"spans.{name}"


def _joined(parts: tuple[Query, ...], word: str, none: str, *, span: bool = False) -> Condition:
    found = [_of_span(part) if span else condition(part) for part in parts]
    said = word.join(f"coalesce({text}, 0)" for text, _ in found)
    return (f"({said})" if said else none), [value for _, values in found for value in values]


def _compared(field: QueryField, column: str, query: Holds) -> Condition:
    value = query.value
    if field.kind == "list":
        how = "instr(folded(value), folded(?)) > 0" if query.how == "~" else "value = ?"
        held = f"EXISTS (SELECT 1 FROM json_each({column}) WHERE {how})"  # noqa: S608 - made of constants
        return (f"NOT {held}" if query.how == "!=" else held), [value]
    if query.how == "~":
        return f"instr(folded({column}), folded(?)) > 0", [value]
    if field.kind == "money":
        column = f"CAST({column} AS REAL)"
    if query.how == "!=":
        return f"({column} IS NULL OR {column} <> ?)", [value]
    return f"{column} {_sign(query.how)} ?", [value]


def _sign(how: str) -> str:
    return {"=": "=", "!=": "<>"}.get(how, how)
