import asyncio
import random
from decimal import Decimal
from typing import Any

import pytest

from rowen.store.base import DAY_NS, SpanFilter, TraceFilter
from rowen.store.catalog import open_store
from rowen.store.clickhouse import removal
from rowen.store.clickhouse.hours import Hours
from rowen.store.clickhouse.writing import Writing
from rowen.testing.contracts.made import HOUR, START, a_trace, some_traces
from rowen.testing.contracts.spans import a_span, in_memory, same_of_spans, some_spans
from rowen.values import SystemClock

DAY: dict[str, Any] = {"tenant": None, "since_ns": START, "until_ns": START + 24 * HOUR, "every_ns": HOUR}


@pytest.fixture
async def open_traces(traces_address):
    """Opens the same traces again, as another process would."""
    stores = []

    async def opened():
        stores.append(await open_store("memory:", clock=SystemClock(), traces=traces_address))
        return stores[-1].traces

    yield opened
    for store in stores:
        await store.close()


async def test_kept_sums_stay_those_of_the_rows_whatever_is_written_and_removed(open_traces):
    traces, wanted = await open_traces(), await in_memory()
    dice = random.Random(5)

    for turn in range(12):
        seed = dice.randrange(1000)
        match dice.choice(("calls", "calls", "spans", "spans", "delete", "erase")):
            case "calls":
                for each in (traces, wanted):
                    await each.write(some_traces(15, seed))
            case "spans":
                for each in (traces, wanted):
                    await each.observe(some_spans(15, seed))
            case "delete":
                for each in (traces, wanted):
                    await each.delete(before_ns=START + turn * HOUR // 12)
            case "erase":
                user = dice.choice(("ann", "bob"))
                for each in (traces, wanted):
                    await each.erase("acme", user=user)
        by, kind = ("", "status", "user")[turn % 3], ("type", "", "model")[turn % 3]
        assert await traces.buckets(**DAY, by=by) == await wanted.buckets(**DAY, by=by), (turn, by)
        assert await traces.span_buckets(**DAY, by=kind) == await wanted.span_buckets(**DAY, by=kind), (turn, kind)


async def test_a_past_hour_is_counted_once_until_it_changes(open_traces, traces_address, server_of):
    traces, server = await open_traces(), server_of(traces_address)
    counted = "SELECT family, count() FROM counted GROUP BY family ORDER BY family"
    await traces.write([a_trace(1), a_trace(7200)])

    await traces.buckets(**DAY)
    once = server.lists(counted)
    await traces.buckets(**DAY, by="model")
    twice = server.lists(counted)
    await traces.write([a_trace(2)])
    (first, _) = await traces.buckets(**DAY)

    assert once == twice == [["traces", 2]]
    assert server.lists(counted) == [["traces", 3]]
    assert first.calls == 2


async def test_processes_that_write_spans_of_one_trace_at_once_leave_it_whole(open_traces):
    several, wanted = [await open_traces() for _ in range(3)], await in_memory()
    spans = some_spans(90, seed=3)
    latest = list({(span.row.tenant, span.row.trace, span.row.id): span for span in spans}.values())
    batches = [latest[first : first + 10] for first in range(0, len(latest), 10)]
    await wanted.observe(latest)

    await asyncio.gather(*(several[number % 3].observe(batch) for number, batch in enumerate(batches)))

    await same_of_spans(several[0], wanted, by=("", "name"), every=3)


async def test_a_row_that_was_told_too_early_is_told_again(open_traces, traces_address, server_of):
    """Another process writes a span of the trace after the first has read it and before it writes what it read."""
    traces = await open_traces()
    server, clock = server_of(traces_address), SystemClock()
    other = Writing(clock, Hours(clock).late)

    class Meddled:
        meddled = False

        def __getattr__(self, name: str) -> Any:
            return getattr(server, name)

        def insert(self, table: str, *args: Any) -> None:
            if table == "traces" and not self.meddled:
                self.meddled = True
                other.observe(server, [a_span(2)])
            server.insert(table, *args)

    Writing(clock, Hours(clock).late).observe(Meddled(), [a_span(1)])

    (row,) = await traces.find(TraceFilter())
    assert (row.spans, row.input_tokens) == (2, 10)


async def test_a_week_that_has_nothing_left_is_dropped_from_the_disk(open_traces, traces_address, server_of):
    traces, server = await open_traces(), server_of(traces_address)
    weeks = "SELECT table, uniqExact(partition) FROM system.parts WHERE active AND database = currentDatabase() AND table IN ('calls', 'spans', 'traces') GROUP BY table ORDER BY table"
    await traces.write([a_trace(number, started_ns=START + number * 7 * DAY_NS) for number in range(3)])
    await traces.buckets(**DAY)
    before = server.lists(weeks)

    removed = await traces.delete(before_ns=START + 9 * DAY_NS)

    assert removed == 2
    assert before == [["calls", 3], ["spans", 3], ["traces", 3]]
    assert [count for _, count in server.lists(weeks)] in ([1, 1, 1], [2, 2, 2])
    assert len(await traces.find(TraceFilter())) == 1
    assert await traces.buckets(**DAY) == []


async def test_more_than_one_statement_takes_are_removed_in_several(open_traces, traces_address, server_of):
    traces, server = await open_traces(), server_of(traces_address)
    await traces.write([a_trace(number * 900) for number in range(7)])

    removed = removal.struck(server, a_trace(4 * 900).row.started_ns, Hours(SystemClock()).late, at_once=3)

    assert removed == 4
    assert [row.id for row in await traces.find(TraceFilter())] == [a_trace(n * 900).row.id for n in (6, 5, 4)]


async def test_what_is_erased_leaves_the_disk_at_once(open_traces, traces_address, server_of):
    traces, server = await open_traces(), server_of(traces_address)
    await traces.write([a_trace(1, user="ann"), a_trace(2, user="bob")])
    await traces.observe([a_span(3, a_trace(1).row.id, user="ann")])

    assert await traces.erase("acme", user="ann") == 1

    for table, count in (("spans", 1), ("calls", 1), ("traces", 1)):
        assert server.lists(f"SELECT count() FROM {table} SETTINGS final = 0, apply_deleted_mask = 0") == [[count]]


async def test_words_and_attributes_are_looked_up_in_indexes(open_traces, traces_address, server_of):
    traces, server = await open_traces(), server_of(traces_address)
    await traces.observe([a_span(number, input="hay" if number % 2 else "straw") for number in range(1, 20)])

    for term, index in (("hasAllTokens(said, ['barley'])", "words"), ("has(facts, 'xff')", "facts")):
        plan = " ".join(
            line
            for (line,) in server.lists(f"SELECT explain FROM (EXPLAIN indexes = 1 SELECT id FROM spans WHERE {term})")
        )
        assert f"Name: {index}" in plan
        assert "Granules: 0/" in plan


async def test_the_newest_are_found_in_the_latest_hours_and_older_ones_beyond(open_traces):
    traces, now = await open_traces(), SystemClock().now_ns()
    await traces.write([a_trace(number, started_ns=now - number * 20 * HOUR) for number in range(1, 6)])
    await traces.observe([a_span(1, started_ns=now + 400 * DAY_NS)])

    rows = await traces.find(TraceFilter(limit=3))
    rest = await traces.find(TraceFilter(limit=9, before=rows[-1].cursor))
    spans = await traces.find_spans(SpanFilter(limit=2))

    assert [row.id for row in rows] == ["t1", a_trace(1).row.id, a_trace(2).row.id]
    assert [row.id for row in rest] == [a_trace(number).row.id for number in (3, 4, 5)]
    assert [span.trace for span in spans] == ["t1", a_trace(1).row.id]


async def test_money_is_exact_to_the_last_digit(open_traces):
    traces = await open_traces()

    costs = [Decimal("0.1"), Decimal("1e-30"), Decimal("123456789012345678901234567890.123456789")]
    await traces.write([a_trace(number, cost=cost) for number, cost in enumerate(costs, 1)])

    (bucket,) = await traces.buckets(**DAY)

    assert [row.cost for row in reversed(await traces.find(TraceFilter()))] == costs
    assert bucket.cost == Decimal("123456789012345678901234567890.223456789000000000000000000001")
