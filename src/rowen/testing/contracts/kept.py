"""What every store must keep as sums beside its traces. `StoreContract` holds these tests; they need hypothesis."""

from collections import defaultdict
from decimal import Decimal
from itertools import count, permutations
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rowen.store.base import COST_BYS, DAY_NS, DayCost, ScoreFilter, Store, TraceFilter, Traces
from rowen.testing.contracts.made import HOUR, MINUTE, START, a_trace, some_traces
from rowen.testing.contracts.spans import a_span, in_memory, in_trace, some_spans
from rowen.values import Observed, Score, Trace, Value

_EXAMPLES = count(1)

WINDOW: dict[str, Any] = {"since_ns": START, "until_ns": START + 3 * DAY_NS}

ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 40)),
        st.tuples(st.just("observe"), st.integers(0, 40)),
        st.tuples(st.just("user"), st.sampled_from(("ann", "bob"))),
        st.tuples(st.just("session"), st.sampled_from(("s1", "s2"))),
        st.tuples(st.just("traces"), st.integers(0, 12)),
        st.tuples(st.just("age"), st.integers(0, 60)),
    ),
    min_size=1,
    max_size=8,
)


class Look(Value, frozen=True, kw_only=True):
    """A question about sums, from the first of three days on."""

    of: Literal["days", "stretches"]
    by: str
    tenant: str | None
    app: str
    whole: bool = False
    """Of days: whether they are one sum."""
    since_ns: int = 0
    every_ns: int = 0

    async def same(self, found: Traces, wanted: Traces, start: int) -> None:
        """Assert that two stores answer it alike."""
        asked: dict[str, Any] = {
            "tenant": self.tenant, "app": self.app, "by": self.by, "since_ns": start + self.since_ns,
        }  # fmt: skip
        if self.of == "days":
            asked |= {"until_ns": start + 3 * DAY_NS, "whole": self.whole}
            assert await found.day_costs(**asked) == await wanted.day_costs(**asked), asked
        else:
            asked |= {"until_ns": start + 3 * DAY_NS - 11 * MINUTE, "every_ns": self.every_ns}
            assert await found.buckets(**asked) == await wanted.buckets(**asked), asked


_STRETCHES = ((0, DAY_NS), (7 * MINUTE, 5 * HOUR + 3 * MINUTE), (26 * HOUR, 90 * HOUR), (HOUR, HOUR))
LOOKS = (
    *(
        Look(of="days", by=by, tenant=tenant, app=app, whole=whole)
        for by in COST_BYS
        for tenant, app in ((None, ""), ("acme", ""), ("acme", "shop"))
        for whole in (False, True)
    ),
    *(
        Look(of="stretches", by=by, tenant=tenant, app=app, since_ns=since, every_ns=every)
        for by in ("", "model", "key", "user")
        for since, every in _STRETCHES
        for tenant, app in ((None, ""), ("acme", "shop"))
    ),
)


class KeptContract:
    """Sums of days that are kept, and those of the longer stretches."""

    async def test_days_are_told_apart_by_each_thing_that_is_asked_by(self, store: Store) -> None:
        await store.traces.write(
            [
                a_trace(1, cost=Decimal("0.30"), waste=Decimal("0.10"), user="ann", feature="judge", release="1.0"),
                a_trace(2, cost=None, model="careful", tags=("experiment",)),
                a_trace(3, app="shop", status="failed", source="cache", started_ns=START + DAY_NS, cost=Decimal(2)),
                a_trace(4, tenant="umbrella", door="openai.embeddings", cost=Decimal("1e-18")),
            ]
        )

        def costs(found: list[DayCost]) -> list[tuple[int, str, Decimal, int]]:
            return [((each.start_ns - START) // DAY_NS, each.group, each.cost, each.calls) for each in found]

        ask = store.traces.day_costs
        assert costs(await ask(tenant="acme", **WINDOW)) == [(0, "", Decimal("0.3"), 2), (1, "", Decimal(2), 1)]
        assert costs(await ask(tenant=None, by="tenant", whole=True, since_ns=START, until_ns=START + 3)) == [
            (-START // DAY_NS, "acme", Decimal("0.3"), 2),
            (-START // DAY_NS, "umbrella", Decimal("1e-18"), 1),
        ]
        assert costs(await ask(tenant=None, by="purpose", **WINDOW)) == [
            (0, "embedding", Decimal("1e-18"), 1),
            (0, "experiment", Decimal(0), 1),
            (0, "judge", Decimal("0.3"), 1),
            (1, "inference", Decimal(2), 1),
        ]
        assert costs(await ask(tenant="acme", by="model", app="shop", **WINDOW)) == [(1, "fast", Decimal(2), 1)]
        assert costs(await ask(tenant="acme", by="model", names=("careful",), **WINDOW)) == [
            (0, "careful", Decimal(0), 1)
        ]
        assert costs(await ask(tenant="acme", by="app", names=(), **WINDOW)) == []
        (late,) = await ask(tenant="acme", since_ns=START + DAY_NS + HOUR, until_ns=START + DAY_NS + HOUR + 1)
        assert (late.failed, late.cached, late.unpriced, late.input_tokens) == (1, 1, 0, 12)
        (first,) = await ask(tenant="acme", since_ns=START, until_ns=START + DAY_NS)
        assert (first.waste, first.unpriced) == (Decimal("0.1"), 1)

    async def test_what_days_cost_outlives_the_age_of_traces_and_not_an_erasure(self, store: Store) -> None:
        await store.traces.write([a_trace(1, user="ann"), a_trace(2, user="bob")])
        await store.traces.write([a_trace(3, user="ann", started_ns=START + DAY_NS, cost=Decimal(1))])
        await store.traces.delete(before_ns=START + DAY_NS)

        aged = await store.traces.day_costs(tenant="acme", by="user", **WINDOW)
        await store.traces.erase("acme", user="ann")
        erased = await store.traces.day_costs(tenant="acme", by="user", **WINDOW)

        assert [(each.start_ns - START, each.group, each.calls) for each in aged] == [
            (0, "ann", 1), (0, "bob", 1), (DAY_NS, "ann", 1),
        ]  # fmt: skip
        assert [(each.start_ns - START, each.group, each.calls) for each in erased] == [(0, "", 1), (0, "bob", 1)]
        assert sum(each.calls for each in await store.traces.day_costs(tenant="acme", **WINDOW)) == 2

    async def test_a_day_to_which_something_came_is_not_deleted_with_the_others(self, store: Store) -> None:
        await store.traces.write([a_trace(1), a_trace(2), a_trace(3, tenant="umbrella")])
        await store.traces.write([a_trace(4, started_ns=START + DAY_NS), a_trace(5, started_ns=START + 2 * DAY_NS)])
        told = await store.traces.days(before_ns=START + 2 * DAY_NS)
        await store.traces.observe([a_span(1, "late", started_ns=START + HOUR)])

        removed = await store.traces.delete(before_ns=START + 2 * DAY_NS, days=told)
        left = [(row.id[-4:], row.tenant) for row in await store.traces.find(TraceFilter())]
        again = await store.traces.delete(
            before_ns=START + 2 * DAY_NS, days=await store.traces.days(before_ns=START + 2 * DAY_NS)
        )

        assert removed == 2  # of the other tenant, and of the other day
        assert sorted(left) == [("0001", "acme"), ("0002", "acme"), ("0005", "acme"), ("late", "acme")]
        assert again == 3
        assert await store.traces.delete(before_ns=START + 2 * DAY_NS, days=told) == 0
        assert [row.id for row in await store.traces.find(TraceFilter())] == [a_trace(5).row.id]

    async def test_a_day_that_fills_again_has_another_mark(self, store: Store) -> None:
        await store.traces.write([a_trace(1)])
        (first,) = await store.traces.days(before_ns=START + DAY_NS)
        await store.traces.delete(before_ns=START + DAY_NS)
        await store.traces.write([a_trace(2, duration_ns=7)])

        (second,) = await store.traces.days(before_ns=START + DAY_NS)

        assert first.count == second.count == 1
        assert first.mark != second.mark

    async def test_scores_of_a_day_to_which_one_came_stay(self, store: Store) -> None:
        def score(number: int, day: int) -> Score:
            return Score(
                id=f"s{number}", tenant="acme", trace="t", name="thumbs", value=True, source="user",
                judged_ns=START + day * DAY_NS + number, created_ns=number,
            )  # fmt: skip

        await store.scores.put([score(1, 0), score(2, 0), score(3, 1)])
        told = await store.scores.days(before_ns=START + 2 * DAY_NS)
        await store.scores.put([score(4, 0)])

        removed = await store.scores.prune(START + 2 * DAY_NS, days=told)

        assert removed == 1
        assert sorted(each.id for each in await store.scores.find(ScoreFilter())) == ["s1", "s2", "s4"]
        again = await store.scores.days(before_ns=START + 2 * DAY_NS)
        assert await store.scores.prune(START + 2 * DAY_NS, days=again) == 3

    async def test_a_hostile_span_breaks_no_sum(self, store: Store) -> None:
        spans = [
            a_span(n, f"h{n}", type="llm", cost=Decimal("1e30"), input_tokens=2**60, output_tokens=2**60)
            for n in range(1, 4)
        ]
        await store.traces.observe(spans)

        (day,) = await store.traces.day_costs(tenant="acme", **WINDOW)

        assert (day.calls, day.cost) == (3, Decimal(300_000))

    async def test_a_call_that_two_instrumentations_tell_of_is_counted_once(self, store: Store) -> None:
        spans = [
            a_span(1, type="chain", cost=None, input_tokens=0, output_tokens=0),
            # As LangChain's and the OpenAI client's instrumentations tell: no parent and child, but one within the other.
            a_span(2, type="llm", name="ChatOpenAI", input_tokens=11, output_tokens=5, cost=Decimal("0.5")),
            a_span(3, type="llm", name="ChatCompletion", input_tokens=11, output_tokens=5, cost=None,
                   duration_ns=10_000_000),
            # A framework's span with the sum of two steps, which are its children.
            a_span(4, type="llm", name="generate", input_tokens=30, output_tokens=3, cost=Decimal(3)),
            a_span(5, type="llm", name="step", parent=f"{4:016x}", input_tokens=20, output_tokens=2, cost=Decimal(2)),
        ]  # fmt: skip
        # Each trace has them in another order, and in up to five batches.
        batches: list[list[Observed]] = [[] for _ in spans]
        for number, order in enumerate(permutations(spans)):
            size = number % 5 + 1
            for at, span in enumerate(order):
                batches[at // size].append(in_trace(span, f"t{number}"))

        for batch in batches:
            await store.traces.observe(batch)

        rows = await store.traces.find(TraceFilter(tenant="acme", limit=1000))
        assert [(row.input_tokens, row.output_tokens, row.cost) for row in rows] == [(31, 7, Decimal("2.5"))] * 120

    @pytest.mark.parametrize("first", ["call", "spans"])
    async def test_a_call_through_rowen_is_not_counted_once_more_where_it_was_made(
        self, store: Store, first: str
    ) -> None:
        call = a_trace(1, within="t1", input_tokens=11, output_tokens=5, cost=Decimal(1))
        spans = [
            a_span(1, type="chain", cost=None, input_tokens=0, output_tokens=0),
            a_span(2, type="llm", name="ChatCompletion", input_tokens=11, output_tokens=5, cost=Decimal(1)),
            a_span(3, type="llm", name="elsewhere", input_tokens=7, output_tokens=7, cost=Decimal(4)),
        ]
        if first == "call":
            await store.traces.write([call])
        await store.traces.observe(spans)
        if first == "spans":
            alone = await store.traces.row("t1", "acme")
            assert alone is not None
            assert (alone.input_tokens, alone.cost) == (18, Decimal(5))
            await store.traces.write([call])
        await store.traces.write([call])

        (day,) = await store.traces.day_costs(tenant="acme", **WINDOW)
        row = await store.traces.row("t1", "acme")

        assert (day.calls, day.input_tokens, day.cost) == (2, 18, Decimal(5))
        assert row is not None
        assert (row.input_tokens, row.cost) == (7, Decimal(4))
        assert (await store.traces.buckets(tenant="acme", every_ns=DAY_NS, **WINDOW))[0].cost == Decimal(5)

    async def test_sums_of_days_and_stretches_are_alike_whatever_they_are_told_apart_by(self, store: Store) -> None:
        wanted = await in_memory()
        for act, much in (("write", 1), ("observe", 2), ("age", 3), ("user", "ann"), ("write", 4), ("traces", 5)):
            for traces in (store.traces, wanted):
                await _act(traces, act, much, 0)

        for look in LOOKS[::5]:  # by each thing, with the scopes in turn
            await look.same(store.traces, wanted, _start(0))

    @settings(
        max_examples=6,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(acts=ACTS, looks=st.lists(st.sampled_from(LOOKS), min_size=8, max_size=8, unique=True))
    async def test_kept_sums_are_those_of_the_rows_whatever_happened(
        self, store: Store, acts: list[Any], looks: list[Look]
    ) -> None:
        wanted, number = await in_memory(), next(_EXAMPLES)
        start, aged = _start(number), False
        for act, much in acts:
            for traces in (store.traces, wanted):
                await _act(traces, act, much, number)
            aged = aged or act == "age"

        for look in looks:
            await look.same(store.traces, wanted, start)
        if not aged:
            await _counted(store.traces, start)


def _start(number: int) -> int:
    """Return the first day of an example, which has days of its own."""
    return START + number * 10 * DAY_NS


async def _act(traces: Traces, act: str, much: Any, number: int) -> None:
    moved = _start(number) - START
    match act:
        case "write":
            calls = some_traces(12, seed=much)
            await traces.write([_moved(each, moved + much % 3 * DAY_NS, number) for each in calls])
        case "observe":
            spans = [in_trace(each, f"{number} {each.row.trace}") for each in some_spans(12, seed=much)]
            await traces.observe([each.but(row=each.row.but(started_ns=each.row.started_ns + moved)) for each in spans])
        case "age":
            await traces.delete(before_ns=_start(number) + much * HOUR)
        case "traces":
            for tenant in ("acme", "umbrella"):
                await traces.erase(tenant, traces=(f"{number} {much:032x}", f"{number} t{much % 6}"))
        case _:
            await traces.erase("acme", **{act: much})


def _moved(trace: Trace, ns: int, number: int) -> Trace:
    """Return a trace that began so much later, with an id that other examples have not."""
    id = f"{number} {trace.row.id}"
    spans = tuple(span.but(trace=id) for span in trace.spans)
    return trace.but(row=trace.row.but(id=id, started_ns=trace.row.started_ns + ns), spans=spans)


async def _counted(traces: Traces, start: int) -> None:
    """Assert that the sums of days are those of the rows that are there."""
    sums: dict[tuple[int, str], tuple[int, Decimal, int]] = defaultdict(lambda: (0, Decimal(0), 0))
    for row in await traces.find(TraceFilter(since_ns=start, until_ns=start + 10 * DAY_NS, limit=10_000)):
        place = (row.started_ns // DAY_NS * DAY_NS, row.model)
        calls, cost, unpriced = sums[place]
        sums[place] = (calls + 1, cost + (row.cost or Decimal(0)), unpriced + (row.cost is None))
    found = await traces.day_costs(tenant=None, by="model", since_ns=start, until_ns=start + 3 * DAY_NS)
    assert {(each.start_ns, each.group): (each.calls, each.cost, each.unpriced) for each in found} == sums
