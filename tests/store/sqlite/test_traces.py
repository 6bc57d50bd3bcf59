import sqlite3

import msgspec
import pytest
import zstandard

from rowen.store.pack import Body
from rowen.store.sqlite.schema import PACKED, PLACES, SPANS, TRACES, WHATS
from rowen.testing.contracts.made import HOUR, START, a_trace
from rowen.values import SpanRow, TraceRow


def table(folder, query: str) -> list[tuple]:
    connection = sqlite3.connect(folder / "traces.db")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_every_field_of_a_row_has_its_column():
    assert sorted(TRACES + WHATS) == sorted(TraceRow.__struct_fields__)
    assert sorted((*SPANS, *PLACES, *PACKED, "trace")) == sorted(SpanRow.__struct_fields__)


async def test_long_bodies_are_kept_compressed(open_at, folder):
    store = await open_at()
    await store.traces.write([a_trace(1, asked="hay " * 5000)])
    await store.close()

    ((size,),) = table(folder, "SELECT length(body) FROM bodies")

    assert size < 2000


async def test_a_body_compressed_before_there_was_a_dictionary_is_read(open_at, folder):
    store = await open_at()
    kept = a_trace(1, asked="hay " * 500)
    await store.traces.write([kept])
    await store.close()
    body = msgspec.json.encode(Body(spans=kept.spans, request=kept.request, answer=kept.answer))
    connection = sqlite3.connect(folder / "traces.db")
    connection.execute("UPDATE bodies SET body = ?", (zstandard.ZstdCompressor(level=1).compress(body),))
    connection.commit()
    connection.close()

    store = await open_at()
    found = await store.traces.get(kept.row.id)
    await store.close()

    assert found == kept


@pytest.mark.parametrize("length", [1, 150, 300, 5_000, 100_000])
async def test_bodies_of_any_length_come_back_whole(open_at, length):
    store = await open_at()
    kept = a_trace(1, asked=" ".join(str(number * number) for number in range(length // 4 + 1)))

    await store.traces.write([kept])
    found = await store.traces.get(kept.row.id)
    await store.close()

    assert found == kept


async def test_a_chart_over_hours_does_not_count_traces(open_at, folder):
    store = await open_at()
    await store.traces.write([a_trace(number, started_ns=START + number * 60_000_000_000) for number in range(600)])
    await store.close()
    connection = sqlite3.connect(folder / "traces.db")
    connection.execute("DELETE FROM spans")
    connection.execute("UPDATE traces SET input_tokens = 0")
    connection.commit()
    connection.close()

    store = await open_at()
    window = {"tenant": "acme", "since_ns": START, "until_ns": START + 10 * HOUR}
    hours = await store.traces.buckets(every_ns=HOUR, **window)
    minutes = await store.traces.buckets(every_ns=HOUR // 60, by="model", **window)

    assert [bucket.input_tokens for bucket in hours] == [720] * 10
    assert [bucket.calls for bucket in minutes] == [1] * 600
    await store.close()


async def test_nothing_stays_of_traces_that_were_deleted(open_at, folder):
    store = await open_at()
    await store.traces.write([a_trace(number, user=f"u{number}") for number in range(700)])

    assert await store.traces.delete(before_ns=START + HOUR) == 700

    await store.close()
    for name in ("traces", "bodies", "spans", "rollups", "charts", "span_rollups", "subjects", "whats", "places"):
        assert table(folder, f"SELECT count(*) FROM {name}") == [(0,)]
