"""How SQLite says a query over traces, on `traces` joined with `whats`."""

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from rowen.store.condition import Condition, Dialect
from rowen.store.pack import Body, Packing, shown
from rowen.store.sqlite.packs import Packs
from rowen.store.sqlite.schema import WHATS
from rowen.store.words import holds, phrases, split, words_of, words_of_span
from rowen.values.query import QueryField

_PLACES = {"name", "type", "kind", "status", "code", "app", "environment", "release", "model", "provider", "prompt"}
_OF_TRACE = {"session": "traces.session", "user": "traces.user", "feature": "whats.feature"}
_OWN = {"input": "traces.asked", "output": "traces.said"}
_SESSION = (
    "SELECT {} FROM subjects WHERE kind = 'session' AND name = traces.session AND subjects.tenant = traces.tenant"
)
_TELL = "SELECT spans.trace FROM texts CROSS JOIN spans ON spans.number = texts.rowid WHERE texts MATCH ?"
_TELL_CALLS = """SELECT spans.trace FROM texts CROSS JOIN spans ON spans.number = texts.rowid
CROSS JOIN traces ON traces.number = spans.trace WHERE texts MATCH ?"""
_FACT = "\ue000"  # what the tokens of attributes begin with in the index: a letter to it, and in no text

SAYS = """says(spans.own, spans.pack, spans.at,
(SELECT bodies.body FROM bodies WHERE spans.own AND bodies.number = spans.trace), traces.asked, traces.said, ?)"""
"""Whether a span that has all words of a text has its phrases, on `spans` and `traces`. The index does not know places."""


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
            return f"CASE spans.own WHEN 1 THEN {_OWN[name]} ELSE shown(spans.pack, spans.at, '{name}') END"
        if name == "id":
            return "CASE typeof(spans.id) WHEN 'blob' THEN lower(hex(spans.id)) ELSE spans.id END"
        if name == "tags":
            return "CASE spans.tags WHEN '[]' THEN traces.tags ELSE spans.tags END"
        return f"spans.{name}"

    def session(self, name: str) -> str:
        """Return what is kept of the session."""
        return _SESSION.format("input_tokens + output_tokens" if name == "tokens" else name)

    def said(self, text: str) -> Condition:
        """Return the condition that the full-text index has the text for a span."""
        wanted = matched(text)
        if wanted is None:
            return self.no, []
        if not has_phrase(text):
            return f"traces.number IN ({_TELL})", [wanted]
        return f"traces.number IN ({_TELL_CALLS} AND {SAYS})", [wanted, text]

    def fact(self, token: str) -> Condition:
        """Return the condition that the full-text index has the token for the span."""
        return "spans.number IN (SELECT rowid FROM texts WHERE texts MATCH ?)", [fact_matched(token)]

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


def prepare(connection: sqlite3.Connection, packing: Packing) -> None:
    """Teach a connection what conditions ask for.

    It folds case as Python does, since SQLite's own way knows only ASCII; and it looks into bodies.
    """
    packs = Packs(connection, packing)

    def shown_of(pack: int, at: int, name: str) -> str:
        return shown(packs.body(pack, at))[name == "output"] if pack else ""

    def says(own: int, pack: int, at: int, call: bytes | None, asked: str, said: str, text: str) -> bool:
        if own:
            body = Body() if call is None else packing.as_body(call)
            words = words_of(body.request, body.answer, asked, said)
        else:
            sent = packs.body(pack, at)
            words = words_of_span(sent.input, sent.output)
        return holds(split(words), phrases(text))

    connection.create_function(
        "folded", 1, lambda text: text if text is None else str(text).lower(), deterministic=True
    )
    connection.create_function("shown", 3, shown_of, deterministic=True)
    connection.create_function("says", 7, says, deterministic=True)


def matched(text: str) -> str | None:
    """Return a filter's `text` as FTS5 searches for its words; None when there is none in it."""
    found = [('"' + word + '"', goes_on) for words, goes_on in phrases(text) for word in words]
    return " AND ".join(word + ("*" if goes_on else "") for word, goes_on in found) or None


def has_phrase(text: str) -> bool:
    """Return whether a filter's `text` asks for words that follow one another."""
    return any(len(words) > 1 for words, _ in phrases(text))


def fact_matched(token: str) -> str:
    """Return the token of an attribute as FTS5 searches for it."""
    return f'"{_FACT}{token}"'


def searched(words: str, facts: Iterable[str]) -> str:
    """Return what the full-text index is told of a span."""
    return "\n".join([words, *(_FACT + fact for fact in facts)])
