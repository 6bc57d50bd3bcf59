"""What every store must do with spans that are sent to it. `StoreContract` holds these tests; they need hypothesis."""

import random
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import cycle
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rowen.store.base import GroupBy, SpanFilter, SpanGroup, Store, TraceFilter, Traces
from rowen.store.bounds import LATEST_NS
from rowen.store.catalog import open_store
from rowen.testing.contracts.made import HOUR, MINUTE, START, a_trace
from rowen.testing.contracts.pairs import same_of_every_two
from rowen.values import Happening, Link, Observed, Span, SpanRow, SystemClock, TraceRow, Twig

SPAN_GROUPS: tuple[SpanGroup, ...] = (
    "", "type", "name", "model", "provider", "app", "status", "environment", "release", "prompt",
)  # fmt: skip

MILLISECOND = 1_000_000


def a_span(number: int, trace: str = "t1", **fields: Any) -> Observed:
    """Return a span that was sent; `number` makes its id and its start, and 1 is the root."""
    attributes = fields.pop("attributes", {"custom.number": number, "gen_ai.request.model": "fast"})
    input, output = fields.pop("input", f"question {number}"), fields.pop("output", f"answer {number}")
    started = fields.pop("started_ns", START + number * MILLISECOND)
    row = SpanRow(
        **{
            "trace": trace,
            "id": f"{number:016x}",
            "parent": "" if number == 1 else f"{1:016x}",
            "name": f"work {number}",
            "type": "chain" if number == 1 else "llm",
            "started_ns": started,
            "duration_ns": 50 * MILLISECOND,
            "tenant": "acme",
            "app": "shop",
            "model": "" if number == 1 else "fast",
            "provider": "" if number == 1 else "openai",
            "input_tokens": 10,
            "output_tokens": 20,
            "cost": Decimal("0.001"),
            "input": input[:200] if isinstance(input, str) else "",
            "output": output[:200] if isinstance(output, str) else "",
            **fields,
        }
    )
    span = Span(
        trace=trace,
        id=row.id,
        parent=row.parent,
        name=row.name,
        kind=row.kind,
        started_ns=row.started_ns,
        ended_ns=row.started_ns + row.duration_ns,
        status=row.status,
        attributes=attributes,
        events=(Happening(name="first token", at_ns=started + 1, attributes={"n": 1}),),
        links=(Link(trace="ab", span="cd"),),
        scope="openinference.instrumentation.openai 0.1.30",
    )
    return Observed(row=row, span=span, input=input, output=output)


def in_trace(span: Observed, trace: str) -> Observed:
    """Return the same span, of another trace."""
    return span.but(row=span.row.but(trace=trace), span=span.span.but(trace=trace))


def some_spans(count: int, seed: int) -> list[Observed]:
    """Return spans of every sort in some traces, out of order, some sent twice, some without their root."""
    dice = random.Random(seed)
    spans = []
    for _ in range(count):
        number = dice.randrange(1, 12)
        trace = f"t{dice.randrange(6)}"
        spans.append(
            a_span(
                number,
                trace,
                started_ns=START + dice.randrange(3 * HOUR),
                duration_ns=dice.randrange(10**10),
                first_ns=dice.choice((None, dice.randrange(10**9))),
                tenant=dice.choice(("acme", "umbrella")),
                app=dice.choice(("shop", "handbook")),
                type=dice.choice(("llm", "embedding", "tool", "chain", "other")),
                name=dice.choice(("plan", "search", "answer")),
                status=dice.choice(("ok", "unset", "error")),
                code=dice.choice(("", "timeout")),
                model=dice.choice(("", "fast", "careful")),
                provider=dice.choice(("", "openai")),
                environment=dice.choice(("", "production")),
                release=dice.choice(("", "1.0")),
                session=dice.choice(("", "s1", "s2")),
                user=dice.choice(("", "ann", "bob")),
                feature=dice.choice(("", "search")),
                tags=dice.choice(((), ("blue",), ("blue", "green"))),
                prompt=dice.choice(("", "greeting:3")),
                input_tokens=dice.randrange(1000),
                output_tokens=dice.randrange(1000),
                cached_tokens=dice.randrange(100),
                reasoning_tokens=dice.randrange(100),
                cost=dice.choice((None, Decimal(dice.randrange(10**9)) / 10**12)),
                input=dice.choice(("What is hay?", "", ["Wie viel Öl?", {"role": "user", "content": "in the barn"}])),
                output=dice.choice(("mown grass", "", None, {"text": "50 litres"})),
                attributes=dice.choice(({"colour": "blue", "n": 3}, {"colour": "red", "flag": True}, {})),
            )
        )
    return spans


class SpansContract:
    """Spans from anywhere, and the traces that they make."""

    async def test_a_span_comes_back_as_it_was_sent(self, store: Store) -> None:
        sent = a_span(
            1,
            session="s1",
            user="ann",
            feature="search",
            tags=("blue",),
            first_ns=5,
            input=[{"role": "user", "parts": [{"type": "text", "content": "hay?"}]}],
            output={"answer": 42, "share": 0.5, "none": None},
        )

        await store.traces.observe([sent])

        assert await store.traces.span("t1", sent.row.id) == sent
        assert await store.traces.spans("t1") == [sent.row]
        assert await store.traces.find_spans(SpanFilter()) == [sent.row]
        assert await store.traces.span("t1", "unknown") is None
        assert await store.traces.span("unknown", sent.row.id) is None
        assert await store.traces.spans("unknown") == []

    async def test_the_shape_of_a_trace_and_some_of_its_spans_are_read_alone(self, store: Store) -> None:
        await store.traces.observe(some_spans(60, seed=3))
        await store.traces.write([a_trace(1, id="t1", tenant="acme")])

        whole = await store.traces.spans("t1", "acme")
        chosen = [whole[0].id, whole[-1].id, "unknown"]

        assert await store.traces.tree("t1", "acme") == [
            Twig(id=row.id, parent=row.parent, started_ns=row.started_ns, duration_ns=row.duration_ns) for row in whole
        ]
        assert await store.traces.spans("t1", "acme", only=chosen) == [whole[0], whole[-1]]
        assert await store.traces.spans("t1", "acme", only=()) == []
        assert await store.traces.tree("unknown") == []

    async def test_spans_sent_are_read_whole_page_by_page(self, store: Store) -> None:
        spans = [a_span(number, tags=("blue",)) for number in range(1, 8)]
        await store.traces.observe([*reversed(spans), a_span(1, tenant="umbrella")])

        first = await store.traces.sent("t1", "acme", limit=4)
        rest = await store.traces.sent("t1", "acme", after=first[-1].row.id)

        assert [*first, *rest] == spans
        assert await store.traces.sent("t1", "nobody") == await store.traces.sent("t2", "acme") == []

    async def test_days_are_counted_by_tenant_and_marked(self, store: Store) -> None:
        day = 24 * HOUR
        await store.traces.write([a_trace(1), a_trace(2, started_ns=START + day - 1, tenant="umbrella")])
        await store.traces.observe([a_span(1, "t9", started_ns=START + day), a_span(2, "t9", started_ns=START + day)])

        days = await store.traces.days(before_ns=START + day + 1)
        await store.traces.observe([a_span(3, "t9", started_ns=START + 2 * day)])
        later = await store.traces.days(before_ns=START + day + 1)

        assert [(each.start_ns - START, each.tenant, each.count) for each in days] == [
            (0, "acme", 1),
            (0, "umbrella", 1),
            (day, "acme", 1),
        ]
        assert later[:2] == days[:2]
        assert later[2].mark != days[2].mark
        assert await store.traces.days(before_ns=START) == []

    async def test_a_trace_is_told_from_its_spans(self, store: Store) -> None:
        root = a_span(1, name="answer", status="error", code="timeout", session="s1", environment="production")
        child = a_span(2, user="ann", status="error", duration_ns=200 * MILLISECOND)

        await store.traces.observe([child, root])

        (row,) = await store.traces.find(TraceFilter())
        assert row == TraceRow(
            id="t1", origin="spans", tenant="acme", name="answer", started_ns=root.row.started_ns,
            duration_ns=201 * MILLISECOND, app="shop", definition="", environment="production", session="s1",
            user="ann", model="fast", provider="openai", asked="question 1", said="answer 1", status="failed",
            code="timeout", input_tokens=10, output_tokens=20, cost=Decimal("0.001"), spans=2, failed_spans=2,
        )  # fmt: skip

    async def test_a_trace_without_its_root_is_guessed_until_the_root_comes(self, store: Store) -> None:
        await store.traces.observe([a_span(3), a_span(2, name="first", session="guess")])
        (guessed,) = await store.traces.find(TraceFilter(complete=False))

        await store.traces.observe([a_span(1, name="root", session="told")])

        (told,) = await store.traces.find(TraceFilter(complete=True))
        assert (guessed.name, guessed.session, guessed.spans, guessed.complete) == ("first", "guess", 2, False)
        assert (told.name, told.session, told.spans, told.complete) == ("root", "told", 3, True)
        assert await store.traces.find(TraceFilter(complete=False)) == []
        assert [row.session for row in await store.traces.spans("t1")] == ["told"] * 3

    async def test_a_span_sent_again_replaces_itself_everywhere(self, store: Store) -> None:
        await store.traces.observe([a_span(1), a_span(2, session="old", input="barley", attributes={"colour": "red"})])

        moved = a_span(2, status="error", session="new", input="hay", cost=Decimal(3), started_ns=START + HOUR)
        await store.traces.observe([moved, moved])

        (row,) = await store.traces.find(TraceFilter())
        assert (row.spans, row.failed_spans, row.cost, row.session) == (2, 1, Decimal(3), "new")
        assert [each.session for each in await store.traces.sessions(tenant=None)] == ["new"]
        assert await store.traces.find_spans(SpanFilter(text="barley")) == []
        assert await store.traces.find_spans(SpanFilter(attribute="colour=red")) == []
        assert len(await store.traces.find_spans(SpanFilter(text="hay"))) == 1
        buckets = await store.traces.span_buckets(
            tenant=None, since_ns=START, until_ns=START + 2 * HOUR, every_ns=HOUR, by="status"
        )
        assert [(each.start_ns, each.group, each.count) for each in buckets] == [
            (START, "unset", 1),
            (START + HOUR, "error", 1),
        ]

    async def test_two_tenants_may_have_the_same_trace_id(self, store: Store) -> None:
        mine, theirs = a_span(1, name="mine"), a_span(1, name="theirs", tenant="umbrella")
        await store.traces.observe([mine, theirs])
        await store.traces.write([a_trace(7, id="t1", tenant="third")])

        assert await store.traces.spans("t1", "acme") == [mine.row]
        assert await store.traces.spans("t1", "umbrella") == [theirs.row]
        assert await store.traces.span("t1", mine.row.id, "umbrella") == theirs
        assert await store.traces.spans("t1", "nobody") == []
        assert [row.tenant for row in await store.traces.find(TraceFilter())] == ["third", "umbrella", "acme"]
        found = [await store.traces.get("t1", tenant) for tenant in ("acme", "umbrella", "third", None)]
        assert [each.row.tenant for each in found if each] == ["acme", "umbrella", "third", "acme"]
        assert await store.traces.erase("umbrella", traces=["t1"]) == 1
        assert [row.tenant for row in await store.traces.find(TraceFilter())] == ["third", "acme"]

    @pytest.mark.parametrize("call_first", [True, False])
    async def test_a_call_keeps_what_it_is_and_gains_spans(self, store: Store, call_first: bool) -> None:
        call = a_trace(1)
        sent = a_span(5, call.row.id, status="error", input="barley")
        own = a_span(9, call.row.id).but(row=a_span(9, call.row.id).row.but(id=call.spans[0].id))

        if call_first:
            await store.traces.write([call])
        await store.traces.observe([sent, own])
        await store.traces.write([call])

        (row,) = await store.traces.find(TraceFilter())
        assert row == call.row.but(spans=call.row.spans + 1, failed_spans=1)
        whole = await store.traces.get(call.row.id)
        assert whole == call.but(row=row, spans=(*call.spans, sent.span))
        assert [each.id for each in await store.traces.spans(call.row.id)] == [sent.row.id, call.spans[0].id]
        assert await store.traces.find(TraceFilter(text="barley")) == [row]

    async def test_a_span_that_was_sent_and_that_the_call_then_has_itself_is_counted_once(self, store: Store) -> None:
        call, sent = a_trace(1), a_span(5, a_trace(1).row.id)
        attempt = call.spans[0].but(id="ab", parent=call.spans[0].id, kind="client")
        await store.traces.write([call.but(spans=(*call.spans, attempt))])
        await store.traces.observe([sent])
        before = await store.traces.row(call.row.id)

        await store.traces.write([call.but(spans=(*call.spans, attempt, attempt.but(id=sent.row.id)))])

        after = await store.traces.row(call.row.id)
        assert before == call.row.but(spans=call.row.spans + 1)
        assert after == call.row
        spans = await store.traces.spans(call.row.id)
        assert sorted(each.id for each in spans) == sorted([call.spans[0].id, "ab", sent.row.id])

    async def test_a_call_is_found_among_spans_by_its_attempts(self, store: Store) -> None:
        call = a_trace(1, asked="Where is the hay?", session="s1")
        good = call.spans[0].but(
            id="ab", parent=call.spans[0].id, kind="client", name="chat fast",
            attributes={
                "gen_ai.request.model": "fast-2026", "gen_ai.provider.name": "echo", "gen_ai.usage.input_tokens": 12,
                "gen_ai.usage.output_tokens": 30, "rowen.cost": "0.5", "gen_ai.response.time_to_first_chunk": 0.25,
            },
        )  # fmt: skip
        bad = good.but(id="aa", status="error", started_ns=good.started_ns - 9)
        step = call.spans[0].but(id="a9", parent=call.spans[0].id, kind="internal", name="prompt.render")
        await store.traces.write([call.but(spans=(*call.spans, step, bad, good))])

        found, failed = await store.traces.find_spans(SpanFilter(type="llm"))

        assert (found.id, found.model, found.provider, found.cost) == ("ab", "fast-2026", "echo", Decimal("0.5"))
        assert (found.session, found.input_tokens, found.first_ns) == ("s1", 12, 250 * MILLISECOND)
        assert (found.input, failed.input) == ("Where is the hay?", "")
        assert await store.traces.find_spans(SpanFilter(text="hay")) == [found]
        assert await store.traces.find_spans(SpanFilter(type="chain")) == []
        listed = await store.traces.spans(call.row.id)
        assert [row.type for row in listed] == ["llm", "chain", "prompt", "llm"]
        assert (listed[0], listed[3]) == (failed, found)
        for id in (call.spans[0].id, "ab"):
            whole = await store.traces.span(call.row.id, id)
            assert whole is not None
            assert whole.input == [{"role": "user", "content": "Where is the hay?"}]
        buckets = await store.traces.span_buckets(
            tenant=None, since_ns=START, until_ns=START + HOUR, every_ns=HOUR, by="model"
        )
        assert [(each.group, each.count, each.errors, each.cost) for each in buckets] == [
            ("fast-2026", 2, 1, Decimal("1.0"))
        ]

    async def test_a_call_without_an_attempt_is_found_by_its_root(self, store: Store) -> None:
        call = a_trace(1, asked="Where is the hay?", source="cache")
        await store.traces.write([call])

        (found,) = await store.traces.find_spans(SpanFilter(text="hay"))

        assert (found.id, found.type, found.input, found.cost) == (call.spans[0].id, "chain", "Where is the hay?", None)

    async def test_every_filter_of_spans_and_pair_of_filters_finds_just_what_fits(self, store: Store) -> None:
        # Of some_spans every trace is of every session; these are not.
        spans = [
            *some_spans(150, seed=1),
            *(a_span(1, f"alone {n}", started_ns=START + n * 7 * MINUTE) for n in range(20)),
        ]
        wanted = await in_memory()
        await wanted.observe(spans)
        await store.traces.observe(spans)
        single: list[dict[str, Any]] = [
            {"tenant": "acme"}, {"trace": "t1"}, {"type": "llm"}, {"name": "plan"}, {"model": "fast"},
            {"provider": "openai"}, {"status": "error"}, {"code": "timeout"}, {"app": "shop"},
            {"environment": "production"}, {"release": "1.0"}, {"session": "s1"}, {"user": "ann"},
            {"feature": "search"}, {"tag": "green"}, {"prompt": "greeting:3"}, {"attribute": "colour=blue"},
            {"attribute": "flag=true"}, {"text": "hay"}, {"text": "öl barn"}, {"text": "ÖL in"},
            {"since_ns": START + HOUR}, {"until_ns": START + HOUR}, {"slower_ms": 5000}, {"dearer": Decimal("0.0005")},
            {"before": spans[70].row.cursor},
        ]  # fmt: skip

        await same_of_every_two(
            lambda fields: store.traces.find_spans(SpanFilter(**fields)),
            lambda fields: wanted.find_spans(SpanFilter(**fields)),
            single,
        )

    async def test_spans_are_paged_without_gap_or_repetition_when_many_begin_at_once(self, store: Store) -> None:
        spans = [a_span(number, started_ns=START) for number in range(1, 41)]
        await store.traces.observe(spans)

        seen: list[str] = []
        before = ""
        while page := await store.traces.find_spans(SpanFilter(before=before, limit=7)):
            seen += [row.id for row in page]
            before = page[-1].cursor

        assert sorted(seen) == sorted(span.row.id for span in spans)

    async def test_sums_over_spans_are_those_of_the_spans(self, store: Store) -> None:
        spans = some_spans(200, seed=2)
        wanted = await in_memory()
        for first in range(0, 200, 23):
            await wanted.observe(spans[first : first + 23])
            await store.traces.observe(spans[first : first + 23])

        await same_of_spans(store.traces, wanted)

    async def test_all_books_follow_a_deletion(self, store: Store) -> None:
        spans = some_spans(120, seed=3)
        calls = [a_trace(number, session="s1", user="ann", tenant="acme") for number in range(5)]
        wanted = await in_memory()
        for traces in (wanted, store.traces):
            await traces.observe(spans)
            await traces.write(calls)

        removed = await store.traces.delete(before_ns=START + 20 * MINUTE)
        erased = await store.traces.erase("acme", session="s1")

        assert removed == await wanted.delete(before_ns=START + 20 * MINUTE) > 0
        assert erased == await wanted.erase("acme", session="s1") > 0
        await same_of_spans(store.traces, wanted, by=("", "type", "model"), every=2)
        for user in ("ann", "bob"):
            assert await store.traces.erase("umbrella", user=user) == await wanted.erase("umbrella", user=user)
        await same_of_spans(store.traces, wanted, by=("", "name"), every=3)
        assert await store.traces.erase("acme") == 0
        await store.traces.observe(spans)
        await wanted.observe(spans)
        await same_of_spans(store.traces, wanted, by=("", "status"), every=3)

    async def test_sessions_and_users_are_paged_by_their_latest_trace(self, store: Store) -> None:
        await store.traces.write(
            [a_trace(number, session=f"s{number % 5}", user=f"u:{number % 3}") for number in range(20)]
        )

        page = await store.traces.sessions(tenant="acme", limit=2)
        rest = await store.traces.sessions(tenant="acme", before=page[-1].cursor)
        users = await store.traces.users(tenant=None, limit=1)
        others = await store.traces.users(tenant=None, before=users[-1].cursor)

        assert [row.session for row in page + rest] == ["s4", "s3", "s2", "s1", "s0"]
        assert [row.user for row in users + others] == ["u:1", "u:0", "u:2"]
        assert (page[0].traces, page[0].asked, page[0].first_ns) == (4, "question 19", a_trace(4).row.started_ns)
        assert await store.traces.sessions(tenant="umbrella") == []
        since = a_trace(18).row.started_ns
        assert [row.session for row in await store.traces.sessions(tenant=None, since_ns=since)] == ["s4", "s3"]

    async def test_odd_numbers_and_contents_are_kept_within_bounds(self, store: Store) -> None:
        odd = [
            a_span(1, "old", started_ns=0, duration_ns=0),
            a_span(1, "late", started_ns=4_102_444_800_000_000_000),
            a_span(1, "never", started_ns=2**64 - 1, duration_ns=2**63),
            a_span(1, "before", started_ns=-5, duration_ns=-5, first_ns=-1, input_tokens=-3, output_tokens=2**70),
            a_span(1, "large", input="hay " * 300_000, attributes={"x" * 1000: "y" * 1_000_000}),
            a_span(1, "wide", attributes={f"name {number}": number for number in range(2_000)}),
            a_span(1, "deep", input={"a": [{"b": [[["barley\x00 oats"]]]}]}, attributes={"n": float("inf")}),
        ]

        await store.traces.observe(odd)
        await store.traces.observe(odd)

        rows = {row.id: row for row in await store.traces.find(TraceFilter())}
        assert rows["old"].started_ns == rows["before"].started_ns == 0
        assert rows["late"].started_ns == 4_102_444_800_000_000_000
        assert rows["never"].started_ns == LATEST_NS
        assert rows["before"].input_tokens == rows["before"].duration_ns == 0
        large = await store.traces.span("large", odd[4].row.id)
        assert large is not None
        assert large.input == odd[4].input
        assert [row.trace for row in await store.traces.find_spans(SpanFilter(attribute="name 1=1"))] == ["wide"]
        assert [row.trace for row in await store.traces.find_spans(SpanFilter(text="barl"))] == ["deep"]
        assert await store.traces.delete(before_ns=2**62) == len(odd)
        assert await store.traces.find_spans(SpanFilter(text="hay")) == []

    @settings(
        max_examples=2,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(data=st.data())
    async def test_any_order_and_repetition_of_the_same_spans_gives_the_same(self, store: Store, data: Any) -> None:
        await store.traces.delete(before_ns=2**62)
        wanted = await in_memory()
        steps: list[list[Observed]] = [[] for _ in range(10)]
        for number in range(4):
            spans = _latest(number, some_spans(40, seed=data.draw(st.integers(0, 50))))
            await wanted.observe(spans)
            coming = data.draw(st.permutations(spans)) + data.draw(st.lists(st.sampled_from(spans), max_size=20))
            size = -(-len(coming) // data.draw(st.integers(1, len(steps))))
            for step, first in zip(steps, range(0, len(coming), size), strict=False):
                step.extend(coming[first : first + size])

        for step in steps:
            await store.traces.observe(step)

        await same_of_spans(store.traces, wanted, by=("", "name"), every=4)


def _latest(number: int, spans: Iterable[Observed]) -> list[Observed]:
    """Return the latest of each of some spans, in traces that have a number of their own."""
    latest = {(each.row.tenant, each.row.trace, each.row.id): each for each in spans}
    return [in_trace(each, f"{number} {each.row.trace}") for each in latest.values()]


async def in_memory() -> Traces:
    """Return traces in memory, where everything is told anew whenever it is asked for."""
    return (await open_store("memory:", clock=SystemClock())).traces


async def same_of_spans(
    found: Traces, wanted: Traces, *, by: Sequence[SpanGroup] = SPAN_GROUPS, every: int = 1
) -> None:
    """Assert that two stores tell the same of everything: rows, spans, sums, sessions, users, searches.

    Args:
        found: the store in question.
        wanted: one that is right.
        by: what the sums over spans are told apart by.
        every: of so many traces, one is read whole.

    """
    everything = TraceFilter(limit=10_000)
    rows = await wanted.find(everything)
    assert await found.find(everything) == rows
    for number, row in enumerate(rows[::every]):
        if number % 2:
            assert await found.spans(row.id, row.tenant) == await wanted.spans(row.id, row.tenant)
        else:
            assert await found.get(row.id, row.tenant) == await wanted.get(row.id, row.tenant)
    for text in ("", "hay", "mown gr", '"in the barn"', "question"):
        filter = SpanFilter(text=text, limit=10_000)
        assert _sorted(await found.find_spans(filter)) == _sorted(await wanted.find_spans(filter))
        if text:
            assert await found.find(everything.but(text=text)) == await wanted.find(everything.but(text=text))
    assert await found.sessions(tenant=None) == await wanted.sessions(tenant=None)
    assert await found.users(tenant=None) == await wanted.users(tenant=None)
    window: dict[str, Any] = {"since_ns": START, "until_ns": START + 24 * HOUR, "every_ns": HOUR}
    scopes: tuple[tuple[str | None, str], ...] = ((None, ""), ("acme", ""), ("acme", "shop"))
    for group, (tenant, app) in [*zip(by, cycle(scopes), strict=False), *(("", scope) for scope in scopes[1:])]:
        asked: dict[str, Any] = {"tenant": tenant, "app": app, "by": group, **window}
        assert await found.span_buckets(**asked) == await wanted.span_buckets(**asked), asked
    minutes = {**window, "every_ns": 7 * MINUTE, "since_ns": START + 17 * MINUTE}
    assert await found.span_buckets(tenant=None, **minutes) == await wanted.span_buckets(tenant=None, **minutes)
    groups: tuple[GroupBy, ...] = ("", "origin", "user", "model", "environment")
    for of in groups:
        assert await found.buckets(tenant=None, by=of, **window) == await wanted.buckets(
            tenant=None, by=of, **window
        ), of
        assert await found.values(of) == await wanted.values(of)


def _sorted(rows: Sequence[SpanRow]) -> list[SpanRow]:
    return sorted(rows, key=lambda row: (row.started_ns, row.trace, row.id, row.tenant))
