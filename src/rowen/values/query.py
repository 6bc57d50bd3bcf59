"""Which traces: a tree of conditions on a trace, its spans, its session and its scores. Stores compile it.

Written by people as a line of text, which `trace.query` reads.
"""

from dataclasses import dataclass
from typing import Literal

from rowen.values.base import Value

Comparison = Literal["=", "!=", "<", "<=", ">", ">=", "~"]
"""`~` is "contains", whatever the case."""

FieldKind = Literal["text", "number", "duration", "money", "flag", "list", "score", "attribute"]
"""How a field is compared. A duration is kept in nanoseconds, money in US dollars; a list contains a text or not.
A score is a number or a label; an attribute of a span is a text, as JSON says it where it is none."""

Level = Literal["trace", "span", "session", "score"]


@dataclass(frozen=True, slots=True)
class QueryField:
    """A field that conditions may name: how it compares, and which field of the row it is."""

    kind: FieldKind
    name: str


TRACE_FIELDS: dict[str, QueryField] = {
    **{
        name: QueryField("text", name)
        for name in (
            "id",
            "origin",
            "name",
            "app",
            "definition",
            "tenant",
            "key",
            "user",
            "session",
            "feature",
            "door",
            "model",
            "deployment",
            "provider",
            "answered_by",
            "source",
            "status",
            "code",
            "environment",
            "release",
            "within",
            "asked",
            "said",
        )
    },
    **{
        name: QueryField("number", name)
        for name in ("attempts", "input_tokens", "output_tokens", "spans", "failed_spans")
    },
    "latency": QueryField("duration", "duration_ns"),
    "first": QueryField("duration", "first_ns"),
    "cost": QueryField("money", "cost"),
    "waste": QueryField("money", "waste"),
    "streamed": QueryField("flag", "streamed"),
    "estimated": QueryField("flag", "estimated"),
    "complete": QueryField("flag", "complete"),
    "tag": QueryField("list", "tags"),
}
"""What a condition on a trace may name."""

SPAN_FIELDS: dict[str, QueryField] = {
    **{
        name: QueryField("text", name)
        for name in (
            "id",
            "name",
            "type",
            "kind",
            "status",
            "code",
            "app",
            "environment",
            "release",
            "session",
            "user",
            "feature",
            "model",
            "provider",
            "prompt",
            "input",
            "output",
        )
    },
    **{
        name: QueryField("number", name)
        for name in ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")
    },
    "latency": QueryField("duration", "duration_ns"),
    "first": QueryField("duration", "first_ns"),
    "cost": QueryField("money", "cost"),
    "tag": QueryField("list", "tags"),
}
"""What a condition on a span may name, inside `any(…)`, `all(…)`, `len(…)` and `sum(…)`."""

SESSION_FIELDS: dict[str, QueryField] = {
    "traces": QueryField("number", "traces"),
    "failed": QueryField("number", "failed"),
    "tokens": QueryField("number", "tokens"),
    "cost": QueryField("money", "cost"),
}
"""What a condition on the session of a trace may name, as `session.NAME`."""


class Holds(Value, frozen=True, kw_only=True, tag="holds"):
    """A field compares to a value. What is not known holds for no comparison but `!=`."""

    level: Level = "trace"
    field: str
    """A name of the level's fields; for `score`, the name of the score, which a store no longer sees."""
    how: Comparison = "="
    value: float | bool | str


class Says(Value, frozen=True, kw_only=True, tag="says"):
    """The words, or the phrase, stand in what was asked or answered anywhere in the trace."""

    text: str
    phrase: bool = False


class Every(Value, frozen=True, kw_only=True, tag="every"):
    """All of the parts are so. No parts: always."""

    parts: tuple["Query", ...]


class Either(Value, frozen=True, kw_only=True, tag="either"):
    """At least one of the parts is so."""

    parts: tuple["Query", ...]


class Unless(Value, frozen=True, kw_only=True, tag="unless"):
    """The part is not so."""

    part: "Query"


class Spans(Value, frozen=True, kw_only=True, tag="spans"):
    """The spans of the trace, taken together.

    `any`: one of them is `where`. `all`: there are some, and each is. `len`: how many are, compared. `sum`, `max`,
    `min`, `avg`: of `field` over those that are, compared; without any such span only `sum` compares, as 0.
    """

    take: Literal["any", "all", "len", "sum", "max", "min", "avg"]
    where: "Query | None" = None
    """Conditions of the level `span`."""
    field: str = ""
    how: Comparison = "="
    value: float = 0.0


class Among(Value, frozen=True, kw_only=True, tag="among"):
    """The trace is one of these: what conditions on scores come to, once the scores have been asked."""

    traces: tuple[str, ...]


Query = Holds | Says | Every | Either | Unless | Spans | Among
