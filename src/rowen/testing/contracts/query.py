"""What every store must find for a query: the same as is found by looking at each trace in Python."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rowen.store.base import Store, TraceFilter, Traces
from rowen.testing.contracts.made import HOUR, START, a_trace
from rowen.testing.contracts.spans import a_span, in_memory, some_spans
from rowen.trace.query import query_of
from rowen.values.query import (
    SESSION_FIELDS,
    SPAN_FIELDS,
    TRACE_FIELDS,
    Among,
    Either,
    Every,
    Holds,
    Level,
    Query,
    QueryField,
    Says,
    Spans,
    Unless,
)

_TEXTS = (
    "",
    "acme",
    "shop",
    "fast",
    "llm",
    "tool",
    "ok",
    "error",
    "question 3",
    "ANSWER",
    "a",
    "t1",
    "u1",
    "s1",
    "beta",
)
_FIGURES = (0.0, 1.0, 2.0, 3.0, 10.0, 30.0, 0.001, 0.002, 5e7, 1e9)


def _values(field: QueryField) -> st.SearchStrategy[tuple[Any, Any]]:
    match field.kind:
        case "text" | "list":
            return st.tuples(st.sampled_from(["=", "!=", "~"]), st.sampled_from(_TEXTS))
        case "flag":
            return st.tuples(st.sampled_from(["=", "!="]), st.booleans())
        case _:
            return st.tuples(st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), st.sampled_from(_FIGURES))


def _holds(level: Level, fields: dict[str, QueryField]) -> st.SearchStrategy[Query]:
    def of(name: str) -> st.SearchStrategy[Query]:
        return _values(fields[name]).map(lambda told: Holds(level=level, field=name, how=told[0], value=told[1]))

    return st.sampled_from(sorted(fields)).flatmap(of)


def _joined(inner: st.SearchStrategy[Query]) -> st.SearchStrategy[Query]:
    several = st.lists(inner, max_size=3).map(tuple)
    return st.one_of(
        several.map(lambda parts: Every(parts=parts)),
        several.map(lambda parts: Either(parts=parts)),
        inner.map(lambda part: Unless(part=part)),
    )


_attributes = st.tuples(st.sampled_from(["=", "!="]), st.integers(0, 4)).map(
    lambda told: Holds(level="span", field="attribute.custom.number", how=told[0], value=str(told[1]))  # type: ignore[arg-type]
)
_span_queries = st.recursive(_holds("span", SPAN_FIELDS) | _attributes, _joined, max_leaves=3)
_figures = [name for name, field in SPAN_FIELDS.items() if field.kind in {"number", "duration", "money"}]
_over = st.builds(
    Spans,
    take=st.sampled_from(["any", "all", "len", "sum", "max", "min"]),
    where=st.none() | _span_queries,
    field=st.sampled_from(_figures),
    how=st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
    value=st.sampled_from(_FIGURES),
)
_says = st.builds(
    Says, text=st.sampled_from(("question", "answer 3", "questi", "...", "nothing")), phrase=st.booleans()
)
QUERIES: st.SearchStrategy[Query] = st.recursive(
    _holds("trace", TRACE_FIELDS) | _holds("session", SESSION_FIELDS) | _over | _says, _joined, max_leaves=4
)

_LINES = (
    ("session:only any(type:tool and status:unset)", {"tagged"}),
    ("session:only any(code:timeout)", {"tagged"}),
    ("tag:beta origin:spans", {"tagged"}),
    ("tag~GRÖ", {"tagged"}),
    ("session.traces>=2 status:failed", {"c2"}),
    ("first>0ms any(first=1ms)", {"tagged"}),
    ("any(attribute.custom.number = 2) tag:beta", {"tagged"}),
)
"""With the traces that each finds."""


async def _filled(traces: Traces) -> None:
    await traces.observe(
        [
            *some_spans(120, seed=7),
            a_span(1, "tagged", tags=("beta", "Größe"), session="only", user="u1", type="tool"),
            a_span(2, "tagged", cost=None, first_ns=1_000_000, status="error", code="timeout"),
            a_span(1, "tagged", tenant="globex"),
        ]
    )
    call = a_trace(1, id="c1", session="s1", user="u1", tags=("beta",), cost=None)
    attempt = call.spans[0].but(
        id="b" * 16, parent=call.spans[0].id, kind="client", attributes={"rowen.cost": "0.002", "rowen.share": 0.5}
    )
    failed = a_trace(2, id="c2", session="s1", status="failed", code="upstream_cut", first_ns=None)
    await traces.write([call.but(spans=(*call.spans, attempt)), failed])


class QueryContract:
    """Queries over traces, their spans, their sessions."""

    @pytest.fixture
    async def plain(self, store: Store) -> Traces:
        """The traces that the store is filled with, in memory."""
        traces = await in_memory()
        await _filled(traces)
        await _filled(store.traces)
        return traces

    @settings(
        max_examples=120,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,
            HealthCheck.too_slow,
        ],
    )
    @given(query=QUERIES)
    async def test_a_query_finds_what_looking_at_every_trace_finds(
        self, store: Store, plain: Traces, query: Query
    ) -> None:
        asked = TraceFilter(where=query, since_ns=START, until_ns=START + 24 * HOUR, limit=1000)
        found = await store.traces.find(asked)
        looked = await plain.find(asked)

        assert [(row.tenant, row.id) for row in found] == [(row.tenant, row.id) for row in looked]

    async def test_a_line_of_text_finds_its_traces(self, store: Store) -> None:
        await _filled(store.traces)

        for text, ids in _LINES:
            found = await store.traces.find(TraceFilter(tenant="acme", where=query_of(text), limit=1000))

            assert {row.id for row in found} == ids, text

    async def test_a_query_may_name_the_traces_it_is_about(self, store: Store) -> None:
        await _filled(store.traces)
        await store.traces.write([a_trace(3, id='it\'s a "c3"?')])

        async def found(*ids: str) -> set[str]:
            query = Every(parts=(Among(traces=ids), Unless(part=Holds(field="status", value="failed"))))
            return {row.id for row in await store.traces.find(TraceFilter(where=query, limit=1000))}

        assert await found("c1", "c2", "tagged", "unknown") == {"c1", "tagged"}
        assert await found('it\'s a "c3"?', "' OR 1") == {'it\'s a "c3"?'}
        assert await found() == set()
