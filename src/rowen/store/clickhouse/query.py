"""How ClickHouse says a query over traces. What is asked of the spans of a trace is asked of all spans at once."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from rowen.store.condition import Condition, Dialect, compared, fields_of, sign
from rowen.store.words import phrases
from rowen.values.query import Holds, QueryField, Spans

_OF_TRACE = {"session", "user", "feature", "tag"}
_TAGS = "if(empty(spans.tags), traces.tags, spans.tags)"
_JOINED = (
    " INNER JOIN (SELECT tenant, id, session, user, feature, tags FROM traces) AS traces"
    " ON traces.tenant = spans.tenant AND traces.id = spans.trace"
)
_SESSION_SUMS = {
    "traces": "toInt128(count())",
    "failed": "toInt128(countIf(status = 'failed'))",
    "tokens": "sum(input_tokens + output_tokens)",
    "cost": "sum(ifNull(cost, 0))",
}
_COMPARES = {
    "=": lambda value: value == 0, "!=": lambda value: value != 0, "<": lambda value: value > 0,
    "<=": lambda value: value >= 0, ">": lambda value: value < 0, ">=": lambda value: value <= 0,
}  # fmt: skip


class ClickhouseDialect(Dialect):
    """ClickHouse's words."""

    mark = "?"
    yes = "true"
    no = "false"
    some = {"sum": "sum(ifNull({}, 0))", "max": "max({})", "min": "min({})", "avg": "avg({})"}

    def of_trace(self, name: str) -> str:
        """Return the column of a trace."""
        return f"traces.`{name}`"

    def of_span(self, name: str) -> str:
        """Return the column of a span, or that of its trace."""
        if name == "tags":
            return _TAGS
        return f"{'traces' if name in _OF_TRACE else 'spans'}.`{name}`"

    def session(self, name: str) -> str:
        """Return the sum over the traces of a session, within their grouping."""
        return _SESSION_SUMS[name]

    def said(self, text: str) -> Condition:
        """Return the condition that one of the spans of a trace says a text."""
        says, values = said(text)
        return f"(traces.tenant, traces.id) IN (SELECT tenant, trace FROM spans WHERE {says})", values  # noqa: S608 - made of constants

    def fact(self, token: str) -> Condition:
        """Return the condition that a span has a token."""
        return "has(spans.facts, ?)", [token]

    def among(self, traces: Sequence[str]) -> Condition:
        """Return the condition that the trace has one of some ids."""
        places = "SELECT hour, tenant, trace FROM places WHERE trace IN ?"
        return f"(traces.hour, traces.tenant, traces.id) IN ({places})", [traces]

    def listed(self, column: str, value: str, *, part: bool) -> Condition:
        """Return the condition that a list holds a text."""
        if part:
            return f"arrayExists(tag -> position(lowerUTF8(tag), ?) > 0, {column})", [value.lower()]
        return f"has({column}, ?)", [value]

    def contains(self, column: str, value: str) -> Condition:
        """Return the condition that a text contains another."""
        return f"position(lowerUTF8(toString({column})), ?) > 0", [value.lower()]

    def given(self, field: QueryField, value: float | bool | str) -> Any:
        """Return a value; money as it is counted."""
        return Decimal(str(value)) if field.kind == "money" else value

    def of_session(self, field: QueryField, query: Holds) -> Condition:
        """Return the condition on what the session of a trace has."""
        holds, values = compared(self, field, self.session(field.name), query)
        some = (
            "(traces.tenant, traces.session) IN (SELECT tenant, session FROM traces WHERE session <> '' "  # noqa: S608 - made of constants
            f"GROUP BY tenant, session HAVING {holds})"
        )
        return (
            f"(traces.session = '' OR {some})" if query.how == "!=" else f"(traces.session <> '' AND {some})"
        ), values

    def over(self, query: Spans, where: Condition) -> Condition:
        """Return the condition that a trace is among those whose spans are so."""
        only, values = where
        joined = _JOINED if query.where is not None and fields_of(query.where) & _OF_TRACE else ""
        traces = f"SELECT spans.tenant, spans.trace FROM spans{joined}"  # noqa: S608 - made of constants
        if query.take == "any":
            return _among(f"{traces} WHERE {only}"), values
        if query.take == "all":
            every = f"{traces} GROUP BY spans.tenant, spans.trace HAVING min(coalesce({only}, false))"
            return _among(every), values
        value = Decimal(str(query.value)) if query.take != "avg" and query.field == "cost" else query.value
        told = f"{traces} WHERE {only} GROUP BY spans.tenant, spans.trace HAVING"
        taken = self.taken(query)
        if query.take not in {"len", "sum"} or not _COMPARES[query.how](query.value):
            return _among(f"{told} {taken} {sign(query.how)} ?"), [*values, value]
        # Of no spans at all it is so, too.
        return f"NOT {_among(f'{told} NOT ({taken} {sign(query.how)} ?)')}", [*values, value]


CLICKHOUSE = ClickhouseDialect()


def said(text: str) -> Condition:
    """Return the condition that a span says a text: its words from the index, the order of phrases from the span."""
    asked = phrases(text)
    if not asked:
        return CLICKHOUSE.no, []
    found: list[str] = []
    values: list[Any] = []
    whole = [word for words, goes_on in asked for word in (words[:-1] if goes_on else words)]
    if whole:
        found.append("hasAllTokens(spans.said, [?])".replace("?", ", ".join("?" * len(whole))))
        values += whole
    for words, goes_on in asked:
        if goes_on or len(words) > 1:
            found.append("position(spans.said, ?) > 0")
            values.append(f" {' '.join(words)}{'' if goes_on else ' '}")
    return " AND ".join(found), values


def _among(traces: str) -> str:
    return f"(traces.tenant, traces.id) IN ({traces})"
