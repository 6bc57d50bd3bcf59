"""How PostgreSQL says a query over traces, and a text that is searched for."""

from collections.abc import Sequence
from typing import Any

from rowen.store.condition import Condition, Dialect
from rowen.store.postgres.rows import lexeme, plain
from rowen.store.words import phrases
from rowen.values.query import QueryField

TAGS = "CASE WHEN spans.tags = '{}' THEN traces.tags ELSE spans.tags END"
"""The tags of a span, which are those of its trace where it has none."""

_OF_TRACE = {"session", "user", "feature"}
_SESSION = """CASE WHEN traces.session <> '' THEN (SELECT {} FROM traces AS others
WHERE others.session = traces.session AND others.session <> '' AND others.tenant = traces.tenant) END"""
_SESSION_SUMS = {
    "traces": "count(*)",
    "failed": "count(*) FILTER (WHERE others.status = 'failed')",
    "tokens": "sum(others.input_tokens + others.output_tokens)",
    "cost": "sum(coalesce(others.cost, 0))",
}


class PostgresDialect(Dialect):
    """PostgreSQL's words."""

    mark = "%s"
    yes = "true"
    no = "false"
    spans = " FROM spans WHERE spans.trace = traces.id AND spans.tenant = traces.tenant"
    some = {"sum": "coalesce(sum({}), 0)", "max": "max({})", "min": "min({})", "avg": "avg({})"}

    def of_trace(self, name: str) -> str:
        """Return the column of a trace."""
        return f'traces."{name}"'

    def of_span(self, name: str) -> str:
        """Return the column of a span, or that of its trace."""
        if name == "tags":
            return TAGS
        return f'{"traces" if name in _OF_TRACE else "spans"}."{name}"'

    def session(self, name: str) -> str:
        """Return the sum over the traces of the session."""
        return _SESSION.format(_SESSION_SUMS[name])

    def said(self, text: str) -> Condition:
        """Return the condition that one of the spans of a trace says a text."""
        says, values = said(text)
        return f"EXISTS (SELECT 1{self.spans} AND {says})", values

    def fact(self, token: str) -> Condition:
        """Return the condition that a span has a token. The second half lets the index be used."""
        return "(spans.facts @> ARRAY[%s]::text[] AND spans.facts <> '{}')", [token]

    def among(self, traces: Sequence[str]) -> Condition:
        """Return the condition that the trace has one of some ids."""
        return "traces.id = ANY(%s::text[])", [[plain(id) for id in traces]]

    def listed(self, column: str, value: str, *, part: bool) -> Condition:
        """Return the condition that a list holds a text."""
        how = "strpos(folded(tag), %s) > 0" if part else "tag = %s"
        held = f"EXISTS (SELECT 1 FROM unnest({column}) AS tag WHERE {how})"  # noqa: S608 - made of constants
        return held, [value.lower() if part else value]

    def contains(self, column: str, value: str) -> Condition:
        """Return the condition that a text contains another."""
        return f"strpos(folded({column}::text), %s) > 0", [value.lower()]

    def number(self, field: QueryField, column: str) -> str:  # noqa: ARG002 - all of them compare alike
        """Return a column as a number."""
        return f"({column})::float8"

    def given(self, field: QueryField, value: float | bool | str) -> Any:  # noqa: ARG002 - likewise
        """Return a value; a text as a column holds it."""
        return plain(value) if isinstance(value, str) else value


POSTGRES = PostgresDialect()


def said(text: str) -> Condition:
    """Return the condition that a span says a text: its words from the index, the order of phrases from the span."""
    asked = phrases(text)
    if not asked:
        return POSTGRES.no, []
    wanted = " & ".join(f"'{lexeme(word)}'{':*' if goes_on else ''}" for words, goes_on in asked for word in words)
    found, values = ["spans.words @@ %s::tsquery"], [wanted]
    for words, goes_on in asked:
        if len(words) > 1 or lexeme(words[0]) != words[0]:
            found.append("strpos(spans.said, %s) > 0")
            values.append(f" {' '.join(words)}{'' if goes_on else ' '}")
    return " AND ".join(found), values
