"""How SQLite says a query over traces, on `traces` joined with `whats`."""

import sqlite3
from collections.abc import Sequence

import msgspec

from rowen.store.condition import Condition, Dialect
from rowen.store.sqlite.schema import WHATS
from rowen.store.words import phrases
from rowen.values.query import QueryField

_PLACES = {"name", "type", "kind", "status", "code", "app", "environment", "release", "model", "provider", "prompt"}
_OF_TRACE = {"session": "traces.session", "user": "traces.user", "feature": "whats.feature"}
_OWN = {"input": "traces.asked", "output": "traces.said"}
_SESSION = (
    "SELECT {} FROM subjects WHERE kind = 'session' AND name = traces.session AND subjects.tenant = traces.tenant"
)
_TELL = "SELECT spans.trace FROM texts CROSS JOIN spans ON spans.number = texts.rowid WHERE texts MATCH ?"


class SqliteDialect(Dialect):
    """SQLite's words."""

    mark = "?"
    yes = "1"
    no = "0"
    spans = " FROM spans CROSS JOIN places ON places.number = spans.place WHERE spans.trace = traces.number"
    some = {"sum": "total({})", "max": "max({})", "min": "min({})", "avg": "avg({})"}

    def of_trace(self, name: str) -> str:
        """Return the column of a trace."""
        return f"{'whats' if name in WHATS else 'traces'}.{name}"

    def of_span(self, name: str) -> str:
        """Return the column of a span; of a call's own span what its trace has."""
        if name in _PLACES:
            return f"places.{name}"
        if name in _OF_TRACE:
            return _OF_TRACE[name]
        if name in _OWN:
            return f"CASE spans.own WHEN 1 THEN {_OWN[name]} ELSE spans.{name} END"
        if name == "tags":
            return "CASE spans.tags WHEN '[]' THEN traces.tags ELSE spans.tags END"
        return f"spans.{name}"

    def session(self, name: str) -> str:
        """Return what is kept of the session."""
        return _SESSION.format("input_tokens + output_tokens" if name == "tokens" else name)

    def said(self, text: str) -> Condition:
        """Return the condition that the full-text index has the text for a span."""
        wanted = matched(text)
        return (self.no, []) if wanted is None else (f"traces.number IN ({_TELL})", [wanted])

    def fact(self, token: str) -> Condition:
        """Return the condition that the full-text index has the token for the span."""
        return "spans.number IN (SELECT rowid FROM texts WHERE texts MATCH ?)", [f'facts : "{token}"']

    def among(self, traces: Sequence[str]) -> Condition:
        """Return the condition that the trace has one of some ids."""
        return "traces.id IN (SELECT value FROM json_each(?))", [msgspec.json.encode(traces).decode()]

    def listed(self, column: str, value: str, *, part: bool) -> Condition:
        """Return the condition that a list holds a text."""
        how = "instr(folded(value), folded(?)) > 0" if part else "value = ?"
        return f"EXISTS (SELECT 1 FROM json_each({column}) WHERE {how})", [value]  # noqa: S608 - made of constants

    def contains(self, column: str, value: str) -> Condition:
        """Return the condition that a text contains another."""
        return f"instr(folded({column}), folded(?)) > 0", [value]

    def number(self, field: QueryField, column: str) -> str:
        """Return a column as a number; money is kept as text."""
        return f"CAST({column} AS REAL)" if field.kind == "money" else column


SQLITE = SqliteDialect()


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
