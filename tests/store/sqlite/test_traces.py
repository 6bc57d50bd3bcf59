import sqlite3

from rowen.testing.contracts.store import HOUR, START, a_trace
from rowen.values import TraceRow


def table(folder, query: str) -> list[tuple]:
    connection = sqlite3.connect(folder / "traces.db")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


async def test_every_field_of_a_row_has_its_column(open_at, folder):
    store = await open_at()
    await store.close()

    columns = [name for _, name, *_ in table(folder, "PRAGMA table_info(traces)")]

    assert columns == ["number", *TraceRow.__struct_fields__]


async def test_long_bodies_are_kept_compressed(open_at, folder):
    store = await open_at()
    await store.traces.write([a_trace(1, asked="hay " * 5000)])
    await store.close()

    ((size,),) = table(folder, "SELECT length(body) FROM bodies")

    assert size < 2000


async def test_a_chart_over_hours_does_not_count_traces(open_at, folder):
    store = await open_at()
    await store.traces.write([a_trace(number, started_ns=START + number * 60_000_000_000) for number in range(600)])
    await store.close()
    connection = sqlite3.connect(folder / "traces.db")
    connection.execute("DELETE FROM traces")
    connection.commit()
    connection.close()

    store = await open_at()
    window = {"tenant": "acme", "since_ns": START, "until_ns": START + 10 * HOUR}
    hours = await store.traces.buckets(every_ns=HOUR, **window)
    minutes = await store.traces.buckets(every_ns=HOUR // 60, by="key", **window)

    assert [bucket.calls for bucket in hours] == [60] * 10
    assert [bucket.calls for bucket in minutes] == [1] * 600
    await store.close()


async def test_nothing_stays_of_traces_that_were_deleted(open_at, folder):
    store = await open_at()
    await store.traces.write([a_trace(number, user=f"u{number}") for number in range(700)])

    assert await store.traces.delete(before_ns=START + HOUR) == 700

    await store.close()
    for name in ("traces", "bodies", "rollups"):
        assert table(folder, f"SELECT count(*) FROM {name}") == [(0,)]
