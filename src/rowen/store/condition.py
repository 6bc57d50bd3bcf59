"""A query over traces as a condition in SQL: one walk over its tree, in the words of whichever engine is asked.

The conditions of all engines bear values in the order of their marks. A comparison with what is not known is NULL, which
counts as not so wherever it is joined with others or denied.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, assert_never

from rowen.store.query import said_as
from rowen.store.words import fact_wanted
from rowen.values.query import (
    SESSION_FIELDS,
    SPAN_FIELDS,
    TRACE_FIELDS,
    Among,
    Comparison,
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


class Dialect(ABC):
    """How one engine says what conditions are made of. `column` is always SQL that another method here has given."""

    mark: str
    """Stands for a value."""
    yes: str
    no: str
    spans: str
    """` FROM … WHERE …` of the spans of the trace that the condition is on, to which conditions may be added."""
    some: dict[str, str]
    """The aggregates `sum`, `max`, `min` and `avg` over spans, with `{}` for the column."""

    @abstractmethod
    def of_trace(self, name: str) -> str:
        """Return the column of a trace that has a field of `TraceRow`."""

    @abstractmethod
    def of_span(self, name: str) -> str:
        """Return the column of a span that has a field of `SpanRow`, or what its trace has instead."""

    @abstractmethod
    def session(self, name: str) -> str:
        """Return the sum over all traces of the session; NULL where there is no session."""

    @abstractmethod
    def said(self, text: str) -> Condition:
        """Return the condition that a span of the trace says a text, which is as a filter's `text`."""

    @abstractmethod
    def fact(self, token: str) -> Condition:
        """Return the condition that a span was sent with an attribute, by its token."""

    @abstractmethod
    def among(self, traces: Sequence[str]) -> Condition:
        """Return the condition that the trace has one of some ids."""

    @abstractmethod
    def listed(self, column: str, value: str, *, part: bool) -> Condition:
        """Return the condition that a list holds a text, or with `part` one that contains it, whatever the case."""

    @abstractmethod
    def contains(self, column: str, value: str) -> Condition:
        """Return the condition that a text contains another, whatever the case."""

    def number(self, field: QueryField, column: str) -> str:  # noqa: ARG002 - not every engine asks what kind it is
        """Return a column as it compares to a number."""
        return column

    def given(self, field: QueryField, value: float | bool | str) -> Any:  # noqa: ARG002 - likewise
        """Return a value as it is handed to the engine."""
        return value

    def of_session(self, field: QueryField, query: Holds) -> Condition:
        """Return the condition on what the session of a trace has."""
        return compared(self, field, f"({self.session(field.name)})", query)

    def over(self, query: Spans, where: Condition) -> Condition:
        """Return the condition on all spans of a trace for which another holds."""
        only, values = where
        if query.take == "any":
            return f"EXISTS (SELECT 1{self.spans} AND {only})", values
        if query.take == "all":
            some = f"EXISTS (SELECT 1{self.spans})"
            return f"({some} AND NOT EXISTS (SELECT 1{self.spans} AND NOT coalesce({only}, {self.no})))", values
        found = f"(SELECT {self.taken(query)}{self.spans} AND {only})"
        return f"coalesce({found} {sign(query.how)} {self.mark}, {self.no})", [*values, query.value]

    def taken(self, query: Spans) -> str:
        """Return what is told of spans: how many, or an aggregate of a figure."""
        if query.take == "len":
            return "count(*)"
        field = SPAN_FIELDS[query.field]
        return self.some[query.take].format(self.number(field, f"spans.{field.name}"))


def condition(query: Query, dialect: Dialect) -> Condition:
    """Return the condition on `traces` with its values."""
    match query:
        case Every(parts=parts):
            return _joined([condition(part, dialect) for part in parts], dialect, every=True)
        case Either(parts=parts):
            return _joined([condition(part, dialect) for part in parts], dialect, every=False)
        case Unless(part=part):
            return _denied(condition(part, dialect), dialect)
        case Says(text=text, phrase=phrase):
            return dialect.said(said_as(text, phrase=phrase))
        case Spans(where=where):
            return dialect.over(query, (dialect.yes, []) if where is None else _on_span(where, dialect))
        case Among(traces=ids):
            return dialect.among(ids)
        case Holds(level="session"):
            return dialect.of_session(SESSION_FIELDS[query.field], query)
        case Holds():
            field = TRACE_FIELDS[query.field]
            return compared(dialect, field, dialect.of_trace(field.name), query)
        case _:
            assert_never(query)


def compared(dialect: Dialect, field: QueryField, column: str, query: Holds) -> Condition:
    """Return the condition that a column compares to a value as a field of its kind does."""
    value = dialect.given(field, query.value)
    if field.kind == "list":
        held, values = dialect.listed(column, value, part=query.how == "~")
        return (f"NOT {held}" if query.how == "!=" else held), values
    if query.how == "~":
        return dialect.contains(column, value)
    if field.kind not in {"text", "flag"}:
        column = dialect.number(field, column)
    if query.how == "!=":
        return f"({column} IS NULL OR {column} <> {dialect.mark})", [value]
    return f"{column} {sign(query.how)} {dialect.mark}", [value]


def fields_of(query: Query) -> set[str]:
    """Return the names of the fields that are compared anywhere in a query."""
    match query:
        case Every(parts=parts) | Either(parts=parts):
            return {name for part in parts for name in fields_of(part)}
        case Unless(part=part):
            return fields_of(part)
        case Holds(field=name):
            return {name}
        case Spans(where=where):
            return set() if where is None else fields_of(where)
        case Says() | Among():
            return set()
        case _:
            assert_never(query)


def sign(how: Comparison) -> str:
    """Return a comparison as SQL has it."""
    return "<>" if how == "!=" else how


def _on_span(query: Query, dialect: Dialect) -> Condition:
    match query:
        case Every(parts=parts):
            return _joined([_on_span(part, dialect) for part in parts], dialect, every=True)
        case Either(parts=parts):
            return _joined([_on_span(part, dialect) for part in parts], dialect, every=False)
        case Unless(part=part):
            return _denied(_on_span(part, dialect), dialect)
        case Holds(field=name) if name.startswith("attribute."):
            held, values = dialect.fact(fact_wanted(f"{name.removeprefix('attribute.')}={query.value}"))
            return (held if query.how == "=" else f"NOT {held}"), values
        case Holds():
            field = SPAN_FIELDS[query.field]
            return compared(dialect, field, dialect.of_span(field.name), query)
        case Says() | Spans() | Among():
            return dialect.no, []  # the reader lets none of them stand among spans
        case _:
            assert_never(query)


def _joined(parts: list[Condition], dialect: Dialect, *, every: bool) -> Condition:
    if not parts:
        return (dialect.yes if every else dialect.no), []
    said = (" AND " if every else " OR ").join(f"coalesce({text}, {dialect.no})" for text, _ in parts)
    return f"({said})", [value for _, values in parts for value in values]


def _denied(part: Condition, dialect: Dialect) -> Condition:
    text, values = part
    return f"NOT coalesce({text}, {dialect.no})", values
