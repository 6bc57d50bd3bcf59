"""What every store must do with traces of calls, and the sums over them. `StoreContract` holds these tests."""

import asyncio
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import cycle
from typing import Any

from rowen.store.base import Bucket, GroupBy, SpanFilter, Store, TraceFilter, Traces
from rowen.testing.contracts.made import HOUR, MINUTE, START, a_trace, a_walk, some_traces
from rowen.testing.contracts.pairs import same_of_every_two
from rowen.testing.contracts.spans import in_memory, some_spans
from rowen.values import (
    Request,
    Trace,
    TraceRow,
    says,
)

GROUPS: tuple[GroupBy, ...] = (
    "", "origin", "model", "deployment", "provider", "app", "environment", "release", "key", "user", "status", "code",
    "feature",
)  # fmt: skip
_SCOPES: tuple[tuple[str | None, str], ...] = ((None, ""), ("acme", ""), ("acme", "shop"))
"""Tenant and app."""
_TEXTS: tuple[tuple[str, list[int]], ...] = (
    ("öl", [2, 1]),
    ("OL", [2, 1]),
    ("mehr Ö", [2]),
    ("meh öl", []),
    ("öl mehr", [2]),
    ('"öl mehr"', []),
    ('"mehr öl', [2]),
    ('"the barn" hay', [4]),
    ("100%", [4, 3]),
    ("a_b", [3]),
    ("?!", []),
    ("words : hay", []),
    ("hay) OR (öl", []),
)
"""With the numbers of the traces that say each."""


def numbers(rows: Iterable[TraceRow]) -> list[int]:
    """Return the numbers that traces were made of."""
    return [int(row.id, 16) for row in rows]


class TracesContract:
    """Traces, and the sums over them."""

    async def test_a_trace_comes_back_as_it_was_written(self, store: Store) -> None:
        whole = a_trace(
            1,
            user="ann",
            session="s",
            feature="f",
            door="anthropic",
            answered_by="m-2026",
            status="failed",
            code="upstream_cut",
            streamed=True,
            attempts=2,
            estimated=True,
            waste=Decimal("0.1"),
        )
        bare = Trace(
            row=TraceRow(id="ff", started_ns=START, duration_ns=0, app="handbook", definition="d1"), masked=True
        )

        await store.traces.write([whole, bare])

        assert await store.traces.get(whole.row.id) == whole
        assert await store.traces.get("ff") == bare
        assert await store.traces.find(TraceFilter()) == [whole.row, bare.row]
        assert await store.traces.get("unknown") is None

    async def test_the_spans_of_a_call_are_told_from_what_its_walk_noted(self, store: Store) -> None:
        walked = a_walk(1, user="ann", session="s", first_ns=5)

        await store.traces.write([walked, a_walk(2)])

        assert await store.traces.get(walked.row.id) == walked
        rows = await store.traces.spans(walked.row.id)
        assert {row.id for row in rows} == {span.id for span in walked.spans}
        assert len(rows) == len(walked.spans) == walked.row.spans == 9
        for span in walked.spans:
            found = await store.traces.span(walked.row.id, span.id)
            assert found is not None
            assert found.span == span
        tried = await store.traces.find_spans(SpanFilter(type="llm", model="f-1", status="ok"))
        assert [(row.trace, row.cached_tokens, row.cost) for row in tried] == [
            (id, 4, Decimal("0.00001")) for id in (a_walk(2).row.id, walked.row.id)
        ]

    async def test_a_long_trace_comes_back_whole(self, store: Store) -> None:
        long = a_trace(1).but(request=Request(model="fast", messages=(says("user", "häy " * 50_000),)))

        await store.traces.write([long])

        assert await store.traces.get(long.row.id) == long

    async def test_a_trace_is_seen_by_its_own_tenant_only(self, store: Store) -> None:
        await store.traces.write([a_trace(1), a_trace(2, tenant="umbrella")])

        assert await store.traces.get(a_trace(1).row.id, "umbrella") is None
        assert await store.traces.get(a_trace(1).row.id, "acme") is not None
        assert numbers(await store.traces.find(TraceFilter(tenant="umbrella"))) == [2]
        assert await store.traces.find(TraceFilter(tenant="")) == []
        assert await store.traces.values("key", "nobody") == []

    async def test_several_traces_are_read_together_in_the_order_asked_each_once(self, store: Store) -> None:
        both = [a_trace(2, tenant="umbrella"), a_trace(2), a_trace(1), a_walk(4, user="ann")]
        await store.traces.write(both)
        sent = some_spans(1, seed=3)[:1]
        await store.traces.observe(sent)
        await store.traces.observe([sent[0].but(row=sent[0].row.but(trace=a_trace(1).row.id, tenant="acme"))])
        ids = [a_walk(4).row.id, sent[0].row.trace, "unknown", a_trace(2).row.id, a_trace(1).row.id, a_walk(4).row.id]

        listed = await store.traces.rows(ids)
        calls = await store.traces.calls(ids)
        theirs = await store.traces.calls(ids, "umbrella")

        assert listed == [row for id in dict.fromkeys(ids) if (row := await store.traces.row(id)) is not None]
        assert [row.id for row in listed] == [ids[0], ids[1], ids[3], ids[4]]
        assert calls == [both[3], both[1], both[2].but(row=listed[3])]
        assert theirs == [both[0]]
        assert not any([await store.traces.rows(ids, "nobody"), await store.traces.rows([])])
        assert not any([await store.traces.calls(ids, "nobody"), await store.traces.calls([])])

    async def test_traces_are_paged_newest_first(self, store: Store) -> None:
        await store.traces.write([a_trace(number) for number in (3, 1, 2, 5, 4)])

        page = await store.traces.find(TraceFilter(limit=2))
        rest = await store.traces.find(TraceFilter(limit=9, before=page[-1].cursor))

        assert (numbers(page), numbers(rest)) == ([5, 4], [3, 2, 1])

    async def test_a_text_means_words_in_any_order_and_phrases(self, store: Store) -> None:
        await store.traces.write(
            [
                a_trace(1, asked="Wie viel ÖL?", said=""),
                a_trace(2, asked="", said="mehr öl"),
                a_trace(3, asked="100%", said="a_b"),
                a_trace(4, asked="hay in the barn", said="100 per cent"),
            ]
        )

        for text, found in _TEXTS:
            assert numbers(await store.traces.find(TraceFilter(text=text))) == found, text

    async def test_slower_dearer_and_times_bound_what_is_found(self, store: Store) -> None:
        await store.traces.write(
            [
                a_trace(1, duration_ns=100_000_000, cost=Decimal("0.5")),
                a_trace(2, duration_ns=100_000_001, cost=Decimal("0.50001")),
                a_trace(3, duration_ns=1, cost=None),
            ]
        )

        assert numbers(await store.traces.find(TraceFilter(slower_ms=100))) == [2]
        assert numbers(await store.traces.find(TraceFilter(dearer=Decimal("0.5")))) == [2]
        assert numbers(await store.traces.find(TraceFilter(dearer=Decimal(0)))) == [2, 1]
        second = a_trace(2).row.started_ns
        assert numbers(await store.traces.find(TraceFilter(since_ns=second))) == [3, 2]
        assert numbers(await store.traces.find(TraceFilter(until_ns=second))) == [1]

    async def test_every_filter_and_pair_of_filters_finds_just_what_fits(self, store: Store) -> None:
        traces, spans = some_traces(120, seed=1), some_spans(20, seed=1)
        wanted = await in_memory()
        for each in (wanted, store.traces):
            await each.write(traces)
            await each.observe(spans)
        single: list[dict[str, Any]] = [
            {"tenant": "acme"}, {"app": "shop"}, {"model": "fast"}, {"deployment": "fast/1"}, {"provider": "echo"},
            {"key": "k1"}, {"user": "ann"}, {"session": "s1"}, {"feature": "search"}, {"status": "failed"},
            {"status": "ok"}, {"code": "upstream_cut"}, {"source": "cache"}, {"environment": "production"}, {"release": "1.0"},
            {"tag": "green"}, {"within": "f0"}, {"name": "chat fast"}, {"origin": "spans"}, {"complete": True}, {"text": "HAY"}, {"text": "ÄRGER"},
            {"since_ns": START + HOUR}, {"until_ns": START + HOUR}, {"slower_ms": 5000},
            {"dearer": Decimal("0.0005")}, {"before": traces[60].row.cursor},
        ]  # fmt: skip

        await same_of_every_two(
            lambda fields: store.traces.find(TraceFilter(**fields)),
            lambda fields: wanted.find(TraceFilter(**fields)),
            single,
        )

    async def test_a_trace_that_is_written_again_is_replaced_and_counted_once(self, store: Store) -> None:
        await store.traces.write([a_trace(1, status="failed"), a_trace(2)])

        await store.traces.write([a_trace(1, status="failed", cost=Decimal(9)), a_trace(1, user="ann", cost=None)])
        await store.traces.write([])

        assert await store.traces.get(a_trace(1).row.id) == a_trace(1, user="ann", cost=None)
        (bucket,) = await store.traces.buckets(tenant="acme", since_ns=START, until_ns=START + MINUTE, every_ns=MINUTE)
        assert (bucket.calls, bucket.failed, bucket.unpriced) == (2, 0, 1)
        assert bucket.cost == Decimal("0.000012")
        assert sum(bucket.durations.values()) == 2
        assert await store.traces.values("user") == ["ann"]

    async def test_sums_are_those_of_the_traces_whatever_the_stretch_and_the_group(self, store: Store) -> None:
        traces = some_traces(200, seed=2)
        wanted = await in_memory()
        for batch in _batches(traces, 37):
            await wanted.write(batch)
            await store.traces.write(batch)

        await _same_sums(store, wanted)

    async def test_the_sums_follow_a_deletion(self, store: Store) -> None:
        traces = some_traces(200, seed=3)
        wanted = await in_memory()
        await wanted.write(traces)
        await store.traces.write(traces)
        moment = START + HOUR + 17 * MINUTE + 5

        removed = await store.traces.delete(before_ns=moment)

        assert removed == await wanted.delete(before_ns=moment) > 0
        assert await store.traces.delete(before_ns=moment) == 0
        assert await store.traces.find(TraceFilter(limit=999)) == await wanted.find(TraceFilter(limit=999))
        await _same_sums(store, wanted)

    async def test_an_empty_window_has_no_sums(self, store: Store) -> None:
        await store.traces.write([a_trace(1)])

        empty = await store.traces.buckets(
            tenant=None, since_ns=START + HOUR, until_ns=START + 2 * HOUR, every_ns=MINUTE
        )

        assert empty == []

    async def test_values_are_distinct_sorted_and_of_the_tenant(self, store: Store) -> None:
        await store.traces.write(
            [a_trace(1, user="bob"), a_trace(2, user="ann"), a_trace(3, user=""), a_trace(4, user="eve", tenant="u")]
        )

        assert await store.traces.values("user") == ["ann", "bob", "eve"]
        assert await store.traces.values("user", "acme") == ["ann", "bob"]
        assert await store.traces.values("model") == ["fast"]
        assert await store.traces.values("") == []

    async def test_writers_and_readers_do_not_disturb_one_another(self, store: Store) -> None:
        batches = _batches([a_trace(number) for number in range(200)], 20)

        await asyncio.gather(
            *(store.traces.write(batch) for batch in batches),
            *(store.traces.find(TraceFilter(limit=5)) for _ in range(10)),
        )

        (bucket,) = await store.traces.buckets(tenant="acme", since_ns=START, until_ns=START + HOUR, every_ns=HOUR)
        assert bucket.calls == 200


def _batches(traces: Sequence[Trace], size: int) -> list[Sequence[Trace]]:
    return [traces[first : first + size] for first in range(0, len(traces), size)]


async def _same_sums(store: Store, wanted: Traces) -> None:
    """Assert that sums are the same: in every stretch by everything, and of every scope."""
    for by, (tenant, app) in zip(GROUPS, cycle(_SCOPES), strict=False):
        await _same_stretches(store, wanted, by, tenant, app)
    for tenant, app in _SCOPES[1:]:
        await _same_stretches(store, wanted, "", tenant, app)


async def _same_stretches(store: Store, wanted: Traces, by: GroupBy, tenant: str | None, app: str) -> None:
    for since, until, every in (
        (START, START + 3 * HOUR, MINUTE),
        (START, START + 24 * HOUR, HOUR),
        (START + 30 * MINUTE, START + 150 * MINUTE + 1, 24 * HOUR),
        (START + 7 * MINUTE + 3, START + 90 * MINUTE, 15 * MINUTE),
    ):
        window: dict[str, Any] = {"since_ns": since, "until_ns": until, "every_ns": every}
        found = await store.traces.buckets(tenant=tenant, by=by, app=app, **window)
        expected = await wanted.buckets(tenant=tenant, by=by, app=app, **window)
        assert _in_order(found) == _in_order(expected), (by, tenant, app, window)


def _in_order(buckets: Iterable[Bucket]) -> list[Bucket]:
    return sorted(buckets, key=lambda bucket: (bucket.start_ns, bucket.group))
