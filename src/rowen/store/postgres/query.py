"""A query over traces, and a text that is searched for, as conditions in SQL."""

from collections.abc import Sequence
from typing import Any, assert_never

from rowen.store.postgres.rows import lexeme, plain
from rowen.store.query import said_as
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

TAGS = "CASE WHEN spans.tags = '{}' THEN traces.tags ELSE spans.tags END"
"""The tags of a span, which are those of its trace where it has none."""

_OF_TRACE = {"session", "user", "feature"}
_FROM = "FROM spans WHERE spans.trace = traces.id AND spans.tenant = traces.tenant"
_SESSION = """CASE WHEN traces.session <> '' THEN (SELECT {} FROM traces AS others
WHERE others.session = traces.session AND others.session <> '' AND others.tenant = traces.tenant) END"""
_SESSION_SUMS = {
    "traces": "count(*)",
    "failed": "count(*) FILTER (WHERE others.status = 'failed')",
    "tokens": "sum(others.input_tokens + others.output_tokens)",
    "cost": "sum(coalesce(others.cost, 0))",
}
_NEVER: Condition = ("false", [])


def condition(query: Query) -> Condition:
    """Return the condition on `traces` with its values, in the order of their places."""
    match query:
        case Every(parts=parts):
            return _joined(parts, " AND ", "true")
        case Either(parts=parts):
            return _joined(parts, " OR ", "false")
        case Unless(part=part):
            inner, values = condition(part)
            return f"NOT coalesce({inner}, false)", values
        case Says(text=text, phrase=phrase):
            return told(said_as(text, phrase=phrase))
        case Spans():
            return _over(query)
        case Among(traces=ids):
            return "traces.id = ANY(%s::text[])", [[plain(id) for id in ids]]
        case Holds(level="session"):
            field = SESSION_FIELDS[query.field]
            return _compared(field, f"({_SESSION.format(_SESSION_SUMS[field.name])})", query)
        case Holds():
            field = TRACE_FIELDS[query.field]
            return _compared(field, f'traces."{field.name}"', query)
        case _:
            assert_never(query)


def told(text: str) -> Condition:
    """Return the condition that one of the spans of a trace says a text."""
    says, values = said(text)
    return f"EXISTS (SELECT 1 {_FROM} AND {says})", values


def said(text: str) -> Condition:
    """Return the condition that a span says a text: its words from the index, the order of phrases from the span."""
    asked = phrases(text)
    if not asked:
        return _NEVER
    wanted = " & ".join(f"'{lexeme(word)}'{':*' if goes_on else ''}" for words, goes_on in asked for word in words)
    found, values = ["spans.words @@ %s::tsquery"], [wanted]
    for words, goes_on in asked:
        if len(words) > 1 or lexeme(words[0]) != words[0]:
            found.append("strpos(spans.said, %s) > 0")
            values.append(f" {' '.join(words)}{'' if goes_on else ' '}")
    return " AND ".join(found), values


def _over(query: Spans) -> Condition:
    where, values = _of_span(query.where) if query.where is not None else ("true", [])
    if query.take == "any":
        return f"EXISTS (SELECT 1 {_FROM} AND {where})", values
    if query.take == "all":
        some = f"EXISTS (SELECT 1 {_FROM})"
        return f"({some} AND NOT EXISTS (SELECT 1 {_FROM} AND NOT coalesce({where}, false)))", values
    if query.take == "len":
        return f"(SELECT count(*) {_FROM} AND {where})::float8 {_sign(query.how)} %s", [*values, query.value]
    column = f"spans.{SPAN_FIELDS[query.field].name}"
    taken = {
        "sum": f"coalesce(sum({column}), 0)",
        "max": f"max({column})",
        "min": f"min({column})",
        "avg": f"avg({column})",
    }
    return (
        f"coalesce((SELECT {taken[query.take]} {_FROM} AND {where})::float8 {_sign(query.how)} %s, false)",
        [*values, query.value],
    )


def _of_span(query: Query) -> Condition:
    match query:
        case Every(parts=parts):
            return _joined(parts, " AND ", "true", span=True)
        case Either(parts=parts):
            return _joined(parts, " OR ", "false", span=True)
        case Unless(part=part):
            inner, values = _of_span(part)
            return f"NOT coalesce({inner}, false)", values
        case Holds(field=name) if name.startswith("attribute."):
            wanted = fact_wanted(f"{name.removeprefix('attribute.')}={query.value}")
            held = "(spans.facts @> ARRAY[%s]::text[] AND spans.facts <> '{}')"
            return (held if query.how == "=" else f"NOT {held}"), [wanted]
        case Holds():
            field = SPAN_FIELDS[query.field]
            return _compared(field, _column(field.name), query)
        case Says() | Spans() | Among():
            return _NEVER  # the reader lets none of them stand among spans
        case _:
            assert_never(query)


def _column(name: str) -> str:
    if name == "tags":
        return TAGS
    return f'{"traces" if name in _OF_TRACE else "spans"}."{name}"'


def _joined(parts: tuple[Query, ...], word: str, none: str, *, span: bool = False) -> Condition:
    found = [_of_span(part) if span else condition(part) for part in parts]
    said = word.join(f"coalesce({text}, false)" for text, _ in found)
    return (f"({said})" if said else none), [value for _, values in found for value in values]


def _compared(field: QueryField, column: str, query: Holds) -> Condition:
    value = plain(query.value) if isinstance(query.value, str) else query.value
    if field.kind == "list":
        how = "strpos(folded(tag), %s) > 0" if query.how == "~" else "tag = %s"
        held = f"EXISTS (SELECT 1 FROM unnest({column}) AS tag WHERE {how})"  # noqa: S608 - made of constants
        return (f"NOT {held}" if query.how == "!=" else held), [str(value).lower() if query.how == "~" else value]
    if query.how == "~":
        return f"strpos(folded({column}::text), %s) > 0", [str(value).lower()]
    if field.kind not in {"text", "flag"}:
        column = f"({column})::float8"
    if query.how == "!=":
        return f"({column} IS NULL OR {column} <> %s)", [value]
    return f"{column} {_sign(query.how)} %s", [value]


def _sign(how: str) -> str:
    return {"=": "=", "!=": "<>"}.get(how, how)
