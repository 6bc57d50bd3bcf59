"""Spans on the disk: what a full disk, a kill, an earlier shape and a search that nobody waits for leave behind."""

import asyncio
import gzip
import random
import sqlite3
import threading
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from rowen.store.base import SpanFilter, TraceFilter
from rowen.store.pack import Body
from rowen.store.sqlite.file import File, FileOptions
from rowen.store.sqlite.schema import FIRST
from rowen.testing.contracts.made import HOUR, START, a_trace, some_traces
from rowen.testing.contracts.spans import a_span, in_memory, same_of_spans, some_spans
from rowen.values import Mistaken, Observed, Trace, Unavailable

_TABLES = ("traces", "bodies", "tellings", "spans", "packs", "rollups", "charts", "span_rollups")


_FIXTURES = Path(__file__).parents[1] / "fixtures"


class Held(msgspec.Struct):
    """A line beside the file of an earlier release: a span that was sent, or a call."""

    spans: Observed | None = None
    call: Trace | None = None


def sound(folder) -> bool:
    """Whether the file and its full-text index are in order."""
    connection = sqlite3.connect(folder / "traces.db")
    try:
        connection.execute("INSERT INTO texts (texts) VALUES ('integrity-check')")
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()


async def test_a_full_disk_refuses_whole_batches_and_takes_them_when_there_is_room(open_at, folder):
    store = await open_at("?max_pages=150")
    wanted = await in_memory()
    dice = random.Random(1)
    batches = [
        [a_span(number, f"t{trace}", input=dice.randbytes(400).hex()) for number in range(1, 20)] for trace in range(40)
    ]
    refused = []

    for batch in batches:
        try:
            await store.traces.observe(batch)
        except Unavailable as problem:
            assert problem.code == "store_unavailable"
            refused.append(batch)
        else:
            await wanted.observe(batch)
    await same_of_spans(store.traces, wanted)
    assert 0 < len(refused) < len(batches)
    await store.traces._writer.apart(lambda connection: connection.execute("PRAGMA max_page_count=100000").fetchall())
    for batch in refused:
        await store.traces.observe(batch)
        await wanted.observe(batch)

    await same_of_spans(store.traces, wanted)
    await store.close()
    assert sound(folder)


async def test_acknowledged_spans_outlive_a_kill(start, open_at, folder):
    writes = """
        from rowen.testing.contracts.spans import a_span
        number = 0
        while True:
            await store.traces.observe([a_span(each, f"t{number}") for each in range(1, 21)])
            print(number, flush=True)
            number += 1
    """
    process = start(writes)
    said = 0
    while said < 30:
        said = int(process.stdout.readline())

    process.kill()
    said = max([said, *map(int, process.stdout.read().split())])
    process.wait()

    store = await open_at()
    rows = await store.traces.find(TraceFilter(limit=100_000))
    assert len(rows) in (said + 1, said + 2)
    assert {row.spans for row in rows} == {20}
    assert len(await store.traces.find_spans(SpanFilter(text="question", limit=100_000))) == 20 * len(rows)
    await store.close()
    assert sound(folder)


async def test_spans_that_were_sent_outlive_a_power_failure_and_calls_a_kill(open_at):
    store = await open_at()

    async def synchronous() -> int:
        read = store.traces._writer.apart(lambda connection: connection.execute("PRAGMA synchronous").fetchone())
        return (await read)[0]

    await store.traces.observe([a_span(1)])
    full = await synchronous()
    await store.traces.write([a_trace(1)])
    normal = await synchronous()

    assert (full, normal) == (2, 1)
    await store.close()


async def test_a_file_of_the_earlier_shape_is_brought_up_to_date_with_all_it_holds(open_at, folder):
    traces = {trace.row.id: trace for trace in some_traces(60, seed=9)}.values()
    folder.mkdir()
    connection = sqlite3.connect(folder / "traces.db", isolation_level=None)
    for script in FIRST:
        for statement in script.split(";\n"):
            connection.execute(statement)
    for number, trace in enumerate(traces):
        fields = msgspec.structs.asdict(trace.row) | {"spans": 0, "name": "", "tags": "[]"}
        fields |= {name: None if fields[name] is None else str(fields[name]) for name in ("cost", "waste")}
        names = ", ".join(fields)
        connection.execute(
            f"INSERT INTO traces (number, {names}) VALUES ({', '.join('?' * (len(fields) + 1))})",
            (number + 1, *fields.values()),
        )
        body = msgspec.json.encode(Body(spans=trace.spans, request=trace.request, answer=trace.answer))
        connection.execute("INSERT INTO bodies VALUES (?, ?)", (number + 1, body))
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    wanted = await in_memory()
    await wanted.write([t.but(row=t.row.but(spans=1, name="chat fast", tags=(), failed_spans=0)) for t in traces])

    store = await open_at()

    await same_of_spans(store.traces, wanted)
    await store.traces.observe([a_span(1)])
    await wanted.observe([a_span(1)])
    assert await store.traces.delete(before_ns=START + HOUR) == await wanted.delete(before_ns=START + HOUR) > 0
    await same_of_spans(store.traces, wanted)
    await store.close()
    assert sound(folder)


async def test_a_file_of_before_bodies_were_packed_is_brought_up_to_date_with_all_it_holds(open_at, folder):
    folder.mkdir()
    (folder / "traces.db").write_bytes(gzip.decompress((_FIXTURES / "traces_0003.db.gz").read_bytes()))
    lines = gzip.decompress((_FIXTURES / "traces_0003.jsonl.gz").read_bytes()).splitlines()
    held = [msgspec.json.decode(line, type=Held) for line in lines]
    spans = [each.spans for each in held if each.spans is not None]
    wanted = await in_memory()
    await wanted.observe(spans)
    await wanted.write([each.call for each in held if each.call is not None])

    store = await open_at()

    await same_of_spans(store.traces, wanted)
    await store.traces.observe([span.but(input="said anew") for span in spans[:9]])
    await wanted.observe([span.but(input="said anew") for span in spans[:9]])
    await same_of_spans(store.traces, wanted)
    assert (
        await store.traces.delete(before_ns=START + 12 * HOUR) == await wanted.delete(before_ns=START + 12 * HOUR) > 0
    )
    await same_of_spans(store.traces, wanted)
    await store.close()
    assert sound(folder)


async def test_a_phrase_is_found_by_its_order_though_the_index_has_no_places(open_at):
    store = await open_at()
    texts = ("the hay is dry", "dry is the hay", "hay, the dry one", "the HAY is wet")
    await store.traces.observe([a_span(n, "t1", input=text, output="") for n, text in enumerate(texts, 1)])
    await store.traces.write([a_trace(1, asked="is the hay dry")])

    async def found(text):
        return sorted(row.input for row in await store.traces.find_spans(SpanFilter(text=text)))

    assert await found('"hay is"') == ["the HAY is wet", "the hay is dry"]
    assert await found('"the hay" dry') == ["dry is the hay", "is the hay dry", "the hay is dry"]
    assert await found('"is dry"') == ["the hay is dry"]
    assert await found('"wet hay"') == []
    assert len(await store.traces.find(TraceFilter(text='"hay is"'))) == 1
    await store.close()


async def test_a_word_that_goes_on_does_not_find_the_marks_of_attributes(open_at):
    store = await open_at()
    await store.traces.observe([a_span(1, input="hay", output="oats", attributes={"plan": "b"})])

    assert await store.traces.find_spans(SpanFilter(text="x")) == []
    assert len(await store.traces.find_spans(SpanFilter(attribute="plan=b"))) == 1
    await store.close()


async def test_nothing_of_deleted_spans_stays_and_their_room_is_given_back(open_at, folder):
    store = await open_at()
    for trace in range(60):
        await store.traces.observe([a_span(n, f"t{trace}", input=f"secret{trace * n} " * 300) for n in range(1, 11)])
    await store.traces.observe(some_spans(50, seed=4))
    await store.close()
    before = (folder / "traces.db").stat().st_size

    store = await open_at()
    await store.traces.delete(before_ns=START + 24 * HOUR)
    await store.close()

    connection = sqlite3.connect(folder / "traces.db")
    for name in (*_TABLES, "subjects", "whats", "places"):
        assert connection.execute(f"SELECT count(*) FROM {name}").fetchone() == (0,), name
    connection.execute("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab (main, texts, row)")
    assert connection.execute("SELECT count(*) FROM vocabulary").fetchone() == (0,)
    connection.close()
    assert (folder / "traces.db").stat().st_size < before / 2
    assert sound(folder)


async def test_a_search_that_nobody_waits_for_is_given_up(tmp_path):
    file = File(tmp_path / "any.db", ("CREATE TABLE t (x)",), FileOptions())
    await file.open()
    begun = threading.Event()

    def endless(connection):
        begun.set()
        query = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
        return connection.execute(query).fetchone()

    search = asyncio.ensure_future(file.read(endless))
    await asyncio.to_thread(begun.wait)
    search.cancel()

    assert await file.read(lambda connection: connection.execute("SELECT 1").fetchone()) == (1,)
    with pytest.raises(asyncio.CancelledError):
        await search
    await file.close()


async def test_two_processes_go_on_together_when_one_has_swept_the_names_that_the_other_knows(open_at):
    one, other = await open_at(), await open_at()
    await one.traces.observe([a_span(1, "t1"), a_span(2, "t1")])
    await other.traces.delete(before_ns=START + HOUR)
    await other.traces.observe([a_span(1, "t3", name="takes the number of an earlier name")])

    await one.traces.observe([a_span(1, "t2"), a_span(2, "t2")])

    assert {row.name for row in await other.traces.find_spans(SpanFilter(trace="t2"))} == {"work 1", "work 2"}
    assert len(await other.traces.find(TraceFilter())) == 2
    await one.close()
    await other.close()


async def test_a_text_that_is_no_text_is_a_mistake_and_takes_no_neighbour_with_it(open_at):
    store = await open_at()

    outcomes = await asyncio.gather(
        store.traces.observe([a_span(1, "good")]),
        store.traces.observe([a_span(1, "half", input="\ud800")]),
        store.traces.observe([a_span(1, "fine")]),
        return_exceptions=True,
    )

    assert [type(outcome) for outcome in outcomes] == [type(None), Mistaken, type(None)]
    assert sorted(row.id for row in await store.traces.find(TraceFilter())) == ["fine", "good"]
    await store.close()


async def test_names_that_nobody_else_uses_cost_no_memory_that_grows(open_at):
    store = await open_at()
    names = store.traces._ledger.places
    names._most = 100

    for batch in range(10):
        await store.traces.observe([a_span(n, f"t{batch}", name=f"GET /users/{batch}/{n}") for n in range(1, 50)])

    assert len(names._known) <= 100
    assert len(await store.traces.find_spans(SpanFilter(name="GET /users/3/7"))) == 1
    await store.close()


async def test_amounts_are_exact_however_small(open_at):
    store = await open_at()
    await store.traces.observe([a_span(n, cost=Decimal("0.000000000001")) for n in range(2, 12)])

    (row,) = await store.traces.find(TraceFilter())

    assert row.cost == Decimal("0.00000000001")
    await store.close()
