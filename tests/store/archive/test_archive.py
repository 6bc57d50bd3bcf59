"""What was in the store is in the archive, field by field, whatever happens to the one who writes it."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rowen.store.archive.archive import Archive, Erased, Kept, open_archive
from rowen.store.base import DAY_NS, ScoreFilter, Store, TraceFilter
from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock
from rowen.testing.contracts.made import HOUR, START, a_trace
from rowen.testing.contracts.scores import a_score
from rowen.testing.contracts.spans import a_span, some_spans
from rowen.values import Broken, Happening, Mistaken, Observed, Score, Trace, Unavailable

TOMORROW = START + DAY_NS


@asynccontextmanager
async def both(folder: Path, address: str = "memory:") -> AsyncIterator[tuple[Store, Archive]]:
    clock = FakeClock()
    store = await open_store(address, clock=clock)
    try:
        yield store, open_archive(folder, clock)
    finally:
        await store.close()


async def same_traces(store: Store, archive: Archive) -> int:
    """Compare every trace, span and score; return how many traces that were."""
    rows = await store.traces.find(TraceFilter(limit=10_000))
    wholes = {
        (each.trace.row.tenant, each.trace.row.id): each for each in await archive.wholes([row.id for row in rows])
    }
    assert len(wholes) == len(rows)
    for row in rows:
        whole = wholes[row.tenant, row.id]
        kept = await store.traces.get(row.id, row.tenant)
        assert kept is not None
        assert whole.trace.row == kept.row == row
        assert list(whole.sent) == await store.traces.sent(row.id, row.tenant)
    for score in await store.scores.find(ScoreFilter(limit=12)):
        if score.trace:
            assert score in await archive.scores(score.trace, score.tenant)
    return len(rows)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
amounts = st.one_of(
    st.none(),
    st.decimals(min_value=0, max_value=10**6, places=9),
    st.sampled_from([Decimal("1E-30"), Decimal("123456789012345678901.5"), Decimal("0.000000000000000001")]),
)
jsons = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
moments = st.integers(START, TOMORROW - 1)


@st.composite
def spans(draw: Any) -> Observed:
    number = draw(st.integers(1, 6))
    made = a_span(
        number,
        draw(st.sampled_from(["t1", "t2"])),
        tenant=draw(st.sampled_from(["acme", "um/brella", "", "день"])),
        started_ns=draw(moments),
        duration_ns=draw(st.integers(0, 10**12)),
        first_ns=draw(st.none() | st.integers(0, 10**12)),
        name=draw(texts),
        user=draw(texts),
        tags=tuple(draw(st.lists(texts, max_size=2))),
        cost=draw(amounts),
        input=draw(jsons),
        output=draw(jsons),
        attributes=draw(st.dictionaries(texts, jsons, max_size=3)),
    )
    span = made.span.but(
        message=draw(texts),
        ended_ns=draw(st.integers(0, 2**64)),
        events=(Happening(name=draw(texts), at_ns=draw(st.integers(0, 2**64)), attributes=draw(st.just({"a": 1}))),),
        links=(),
    )
    return made.but(span=span)


calls = st.builds(
    lambda number, fields: a_trace(number, **fields),
    st.integers(1, 4),
    st.fixed_dictionaries(
        {
            "tenant": st.sampled_from(["acme", ""]),
            "started_ns": moments,
            "first_ns": st.none() | st.integers(0, 10**12),
            "cost": amounts,
            "waste": st.decimals(0, 100, places=12),
            "asked": texts,
            "tags": st.lists(texts, max_size=3).map(tuple),
            "streamed": st.booleans(),
            "key": texts,
        }
    ),
)
scores = st.builds(
    lambda number, fields: a_score(number, **fields),
    st.integers(1, 5),
    st.fixed_dictionaries(
        {
            "tenant": st.sampled_from(["acme", "", "umbrella"]),
            "value": st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | texts,
            "number": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "confidence": st.none() | st.floats(0, 1),
            "judged_ns": moments,
            "created_ns": st.integers(0, 2**62),
            "reason": texts,
            "cost": amounts,
            "metadata": st.dictionaries(texts, jsons, max_size=2),
        }
    ),
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(spans(), max_size=10), st.lists(calls, max_size=3), st.lists(scores, max_size=4))
async def test_everything_comes_back_as_it_was(sent: list[Observed], own: list[Trace], judged: list[Score]):
    with TemporaryDirectory() as folder:
        async with both(Path(folder)) as (store, archive):
            await store.traces.observe(sent)
            await store.traces.write(own)
            await store.scores.put(judged)

            kept = await archive.keep(store.traces, store.scores, before_ns=TOMORROW)

            assert await same_traces(store, archive) == kept.traces
            assert kept.scores == len({(score.tenant, score.id) for score in judged})


@pytest.mark.parametrize("place", ["memory:", "sqlite:{}", "postgres:"])
async def test_every_store_is_archived_alike(tmp_path: Path, place: str, request: pytest.FixtureRequest):
    if place == "postgres:":
        place = request.getfixturevalue("emptied")
    async with both(tmp_path / "archive", place.format(tmp_path / "data")) as (store, archive):
        await store.traces.observe([*some_spans(120, 1), *(a_span(number, "long") for number in range(1, 450))])
        await store.traces.write([a_trace(1, id="t1"), a_trace(2)])
        await store.traces.observe([a_span(5, a_trace(2).row.id)])
        await store.scores.put([a_score(number) for number in range(1, 230)])

        kept = await archive.keep(store.traces, store.scores, before_ns=TOMORROW)

        assert await same_traces(store, archive) == kept.traces > 10
        assert kept.scores == 229


async def test_the_same_day_a_second_time_is_not_written_again(tmp_path: Path):
    async with both(tmp_path) as (store, archive):
        await store.traces.observe(some_spans(40, 2))
        first = await archive.keep(store.traces, store.scores, before_ns=TOMORROW)
        days = await archive.days()

        again = await archive.keep(store.traces, store.scores, before_ns=TOMORROW)
        forced = await archive.keep(store.traces, store.scores, before_ns=TOMORROW, final="traces")

        assert (first.days, again, forced) == (2, Kept(), Kept(unchanged=2))
        assert await archive.days() == days


async def test_a_day_that_is_not_over_and_an_empty_one_are_left(tmp_path: Path):
    async with both(tmp_path) as (store, archive):
        await store.traces.write([a_trace(1, started_ns=TOMORROW)])

        kept = await archive.keep(store.traces, store.scores, before_ns=TOMORROW)

        assert kept == Kept()
        assert await archive.days() == []
        assert (await archive.query("SELECT count(*) FROM traces")).rows == ((0,),)
        assert await archive.get("t1") is None


async def test_late_spans_make_a_new_generation(tmp_path: Path):
    async with both(tmp_path) as (store, archive):
        await store.traces.observe([a_span(2), a_span(3)])
        await archive.keep(store.traces, store.scores, before_ns=TOMORROW)

        await store.traces.observe([a_span(1, session="s1")])
        await archive.keep(store.traces, store.scores, before_ns=TOMORROW)

        (day,) = await archive.days()
        assert day.generation == 2
        assert await same_traces(store, archive) == 1
        files = {file.name for file in (tmp_path / day.place).iterdir()}
        assert files == {"manifest.json", "traces-2.parquet", "spans-2.parquet"}


@pytest.mark.parametrize("call", [False, True])
async def test_what_comes_after_the_store_deleted_a_day_is_added_to_it(tmp_path: Path, call: bool):
    async with both(tmp_path) as (store, archive):
        everything = await open_store("memory:", clock=FakeClock())
        early, late = [a_span(2, tags=("a",)), a_span(3, status="error")], [a_span(1, session="s1"), a_span(4)]
        for each in (store, everything):
            await each.traces.observe(early)
            if call:
                await each.traces.write([a_trace(9, id="t1")])
        await store.scores.put([a_score(1)])
        await archive.keep(store.traces, store.scores, before_ns=TOMORROW)
        assert await archive.seal("traces", await store.traces.days(before_ns=TOMORROW))
        await store.traces.delete(before_ns=TOMORROW)

        await store.traces.observe(late)
        await everything.traces.observe(late)
        await archive.keep(store.traces, store.scores, before_ns=TOMORROW)
        await archive.keep(store.traces, store.scores, before_ns=TOMORROW, final="traces")

        assert await same_traces(everything, archive) == 1
        (day,) = await archive.days()
        assert day.generation == 2
        assert len(await archive.scores(a_score(1).trace)) == 1


async def test_a_trace_whose_late_spans_fall_on_the_next_day_is_one_trace(tmp_path: Path):
    async with both(tmp_path) as (store, archive):
        await store.traces.observe([a_span(1), a_span(2)])
        await archive.keep(store.traces, store.scores, before_ns=TOMORROW)
        await archive.seal("traces", await store.traces.days(before_ns=TOMORROW))
        await store.traces.delete(before_ns=TOMORROW)

        await store.traces.observe([a_span(3, started_ns=TOMORROW + HOUR)])
        await archive.keep(store.traces, store.scores, before_ns=TOMORROW + DAY_NS)

        whole = await archive.whole("t1", "acme")
        found = await archive.get("t1")
        assert found is not None
        assert [span.name for span in found.spans] == ["work 1", "work 2", "work 3"]
        assert whole is not None
        assert [span.row.name for span in whole.sent] == ["work 1", "work 2", "work 3"]
        assert (whole.trace.row.spans, whole.trace.row.name) == (3, "work 1")


async def test_a_score_that_was_taken_back_leaves_its_day_until_the_store_deletes_it(tmp_path: Path):
    async with both(tmp_path) as (store, archive):
        await store.scores.put([a_score(1), a_score(2)])
        await archive.keep(store.traces, store.scores, before_ns=TOMORROW)

        await store.scores.delete(a_score(1).id)
        await archive.keep(store.traces, store.scores, before_ns=TOMORROW)
        await archive.seal("scores", await store.scores.days(before_ns=TOMORROW))
        await store.scores.prune(TOMORROW)
        await store.scores.put([a_score(3)])
        await archive.keep(store.traces, store.scores, before_ns=TOMORROW)

        found = await archive.query("SELECT id FROM scores ORDER BY id")
        assert [id for (id,) in found.rows] == [a_score(2).id, a_score(3).id]


async def test_a_day_is_sealed_only_when_all_of_it_is_there(tmp_path: Path):
    async with both(tmp_path) as (store, archive):
        await store.traces.write([a_trace(1)])
        unknown = await archive.seal("traces", await store.traces.days(before_ns=TOMORROW))
        await archive.keep(store.traces, store.scores, before_ns=TOMORROW)
        await store.traces.write([a_trace(2)])

        late = await archive.seal("traces", await store.traces.days(before_ns=TOMORROW))

        assert (unknown, late) == (False, False)


async def test_one_tenant_is_read_alone(tmp_path: Path):
    async with both(tmp_path) as (store, archive):
        await store.traces.write([a_trace(1), a_trace(1, tenant="umbrella"), a_trace(2, tenant="umbrella")])
        await store.scores.put([a_score(1), a_score(1, tenant="umbrella")])
        await archive.keep(store.traces, store.scores, before_ns=TOMORROW)

        assert [row.tenant for row in await archive.find(tenant="acme")] == ["acme"]
        assert await archive.get(a_trace(2).row.id, "acme") is None
        assert [each.tenant for each in await archive.days("acme")] == ["acme"]
        assert [score.tenant for score in await archive.scores(a_score(1).trace, "acme")] == ["acme"]
        assert await archive.find(tenant="nobody") == []


async def test_a_person_is_erased_from_every_day_and_what_went_is_told(tmp_path: Path):
    async with both(tmp_path) as (store, archive):
        await store.traces.observe(
            [
                a_span(1, "t1", user="ann"),
                a_span(2, "t1"),
                a_span(1, "t2", user="bob"),
                a_span(1, "t3", user="ann", started_ns=START - HOUR),
                a_span(1, "t4", user="ann", tenant="umbrella"),
            ]
        )
        await store.scores.put([a_score(1, trace="t1"), a_score(2, trace="t2"), a_score(3, trace="t3")])
        await archive.keep(store.traces, store.scores, before_ns=TOMORROW)

        erased = await archive.erase("acme", user="ann")

        assert erased == Erased(days=2, traces=2, spans=3, scores=2)
        left = await archive.query("SELECT tenant, id FROM traces ORDER BY 1, 2")
        assert left.rows == (("acme", "t2"), ("umbrella", "t4"))
        assert (await archive.query("SELECT trace FROM scores")).rows == (("t2",),)
        assert b"ann" not in b"".join(file.read_bytes() for file in tmp_path.rglob("*tenant=acme/*"))
        assert await archive.erase("acme", user="ann") == await archive.erase("acme") == Erased()


async def test_the_calls_within_a_persons_calls_go_with_them_as_far_down_as_they_go(tmp_path: Path):
    async with both(tmp_path) as (store, archive):
        hers, other = a_trace(1, user="ann"), a_trace(2, user="bob")
        inner = a_trace(3, within=hers.row.id, started_ns=START - HOUR)
        await store.traces.write([hers, other, inner, a_trace(4, within=inner.row.id), a_trace(5, within=other.row.id)])
        await archive.keep(store.traces, store.scores, before_ns=TOMORROW)

        await archive.erase("acme", user="ann")

        assert {row.id for row in await archive.find()} == {other.row.id, a_trace(5).row.id}


async def test_after_an_erasure_the_day_stays_without_them(tmp_path: Path):
    async with both(tmp_path) as (store, archive):
        await store.traces.observe([a_span(1, "t1", user="ann"), a_span(1, "t2", user="bob")])
        await archive.keep(store.traces, store.scores, before_ns=TOMORROW)

        await store.traces.erase("acme", user="ann")
        await archive.erase("acme", user="ann")
        await archive.keep(store.traces, store.scores, before_ns=TOMORROW, final="traces")

        assert [row.id for row in await archive.find()] == ["t2"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_csv('http://127.0.0.1:1/x.csv')",
        "SELECT * FROM read_parquet('{other}')",
        "SELECT * FROM glob('/etc/*')",
        "ATTACH '{other}.db'",
        "COPY traces TO '{other}.csv'",
        "COPY (SELECT 1) TO '{own}'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "PRAGMA database_list",
        "CREATE TABLE t (i INTEGER)",
        "DROP VIEW traces",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{other}.csv'",
        "SELECT 1; SELECT 2",
        "CALL pragma_version()",
        "SELECT * FROM tmp_path",
        "SELEC",
        "",
    ],
)
async def test_a_query_can_read_the_archive_and_nothing_else(tmp_path: Path, query: str):
    async with both(tmp_path / "archive") as (store, archive):
        await store.traces.write([a_trace(1)])
        await archive.keep(store.traces, store.scores, before_ns=TOMORROW)
        (day,) = await archive.days()
        own = tmp_path / "archive" / day.place / day.tables["traces"].file
        other = tmp_path / "other.parquet"
        other.write_bytes(own.read_bytes())

        with pytest.raises(Mistaken, match=r".") as raised:
            await archive.query(query.format(other=other, own=own))

        assert raised.value.code == "field_invalid"
        assert sorted(file.name for file in tmp_path.iterdir()) == ["archive", "other.parquet"]
        assert await archive.damage() == []


async def test_a_query_says_whether_there_is_more(tmp_path: Path):
    async with both(tmp_path) as (store, archive):
        await store.traces.write([a_trace(number) for number in range(1, 6)])
        await archive.keep(store.traces, store.scores, before_ns=TOMORROW)

        some = await archive.query("SELECT id FROM traces", limit=2)
        all_ = await archive.query("SELECT id, day, tenant FROM traces ORDER BY id", limit=5)

        assert (len(some.rows), some.more, len(all_.rows), all_.more) == (2, True, 5, False)
        assert all_.columns == ("id", "day", "tenant")


@pytest.mark.parametrize("harm", ["cut", "flip", "gone", "manifest"])
async def test_a_damaged_file_is_named(tmp_path: Path, harm: str):
    async with both(tmp_path) as (store, archive):
        await store.traces.write([a_trace(number) for number in range(1, 50)])
        await archive.keep(store.traces, store.scores, before_ns=TOMORROW)
        (day,) = await archive.days()
        file = tmp_path / day.place / ("manifest.json" if harm == "manifest" else day.tables["traces"].file)
        body = file.read_bytes()
        if harm == "gone":
            file.unlink()
        else:
            file.write_bytes(body[: len(body) // 2] if harm != "flip" else body[:-20] + b"x" * 20)

        with pytest.raises(Broken, match=file.name) as raised:
            await archive.query("SELECT sum(cost), max(asked), min(request) FROM traces")

        assert raised.value.code == "store_corrupt"
        if harm != "manifest":
            assert len(await archive.damage()) == 1


async def test_a_manifest_of_a_later_rowen_is_not_guessed_at(tmp_path: Path):
    async with both(tmp_path) as (store, archive):
        await store.traces.write([a_trace(1)])
        await archive.keep(store.traces, store.scores, before_ns=TOMORROW)
        (file,) = tmp_path.rglob("manifest.json")
        file.write_bytes(file.read_bytes().replace(b'{"', b'{"shape":2,"', 1))

        with pytest.raises(Broken, match="upgrade"):
            await archive.days()


async def test_a_writer_that_ends_in_the_middle_leaves_the_day_as_it_was(tmp_path: Path):
    class Ended(Exception):
        pass

    async with both(tmp_path) as (store, archive):
        await store.traces.write([a_trace(number) for number in range(1, 4)])
        await archive.keep(store.traces, store.scores, before_ns=TOMORROW)
        await store.traces.write([a_trace(number) for number in range(4, 1000)])
        left = 4

        async def beat() -> None:
            nonlocal left
            left -= 1
            if not left:
                raise Ended

        with pytest.raises(Ended):
            await archive.keep(store.traces, store.scores, before_ns=TOMORROW, beat=beat)

        assert (await archive.query("SELECT count(*) FROM traces")).rows == ((3,),)
        await archive.keep(store.traces, store.scores, before_ns=TOMORROW)
        assert (await archive.query("SELECT count(*) FROM traces")).rows == ((999,),)
        assert not list((tmp_path / ".staged").iterdir())


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from rowen.store.archive.archive import open_archive
from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock
from rowen.testing.contracts.made import START, a_trace
from rowen.testing.contracts.spans import a_span

async def main(folder, after):
    left = after
    async def beat():
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    store = await open_store("memory:", clock=FakeClock())
    await store.traces.write([a_trace(number) for number in range(1, 500)])
    for day in range(3):
        await store.traces.observe([a_span(number, f"d{day}", started_ns=START - day * 86_400_000_000_000 + number) for number in range(1, 9)])
    archive = open_archive(folder, FakeClock())
    await archive.sweep()
    await archive.keep(store.traces, store.scores, before_ns=START + 86_400_000_000_000, beat=beat)

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


@pytest.mark.parametrize("after", [2, 4, 6, 8])
def test_a_writer_that_is_killed_goes_on_where_it_was(tmp_path: Path, after: int, run_program: Any):
    died = run_program(KILLED, tmp_path, after).wait()
    left = list((tmp_path / ".staged").iterdir())
    ended = run_program(KILLED, tmp_path, 0).wait()

    archive = open_archive(tmp_path, FakeClock())
    rows = asyncio.run(archive.query("SELECT (SELECT count(*) FROM traces), (SELECT count(*) FROM spans)")).rows
    assert (died, ended) == (-signal.SIGKILL, 0)
    assert len(left) <= 1
    assert rows == ((499 + 3, 499 + 24),)
    assert asyncio.run(archive.damage()) == []
    assert {day.generation for day in asyncio.run(archive.days())} == {1}
    assert not list((tmp_path / ".staged").glob("*"))


FULL = """
import asyncio, resource, sys
from pathlib import Path
from rowen.store.archive.archive import open_archive
from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock
from rowen.testing.contracts.made import START, a_trace
from rowen.values import Unavailable

async def main(folder):
    store = await open_store("memory:", clock=FakeClock())
    await store.traces.write([a_trace(number, asked=bytes(number * k % 256 for k in range(64)).hex()) for number in range(1, 500)])
    archive = open_archive(folder, FakeClock())
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    try:
        await archive.keep(store.traces, store.scores, before_ns=START + 86_400_000_000_000)
    except Unavailable as problem:
        print(problem.code, problem)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(await archive.days(), list((folder / ".staged").iterdir()))
    print((await archive.keep(store.traces, store.scores, before_ns=START + 86_400_000_000_000)).traces)

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.parametrize("room", [4_000, 30_000])
def test_a_full_disk_is_told_leaves_nothing_half_and_is_got_over(tmp_path: Path, room: int, run_program: Any):
    said, days, written = run_program(FULL, tmp_path, room).communicate().splitlines()

    assert said.startswith("store_unavailable the archive in")
    assert days == "[] []"
    assert written == "499"


async def test_bodies_of_a_megabyte_each_fit_into_bounded_memory(tmp_path: Path):
    async with both(tmp_path) as (store, archive):
        dice = random.Random(1)
        for number in range(1, 301):  # more than the writer may hold at once, but soon packed
            await store.traces.observe([a_span(number, f"t{number % 7}", input=dice.randbytes(5_000).hex() * 100)])

        kept = await archive.keep(store.traces, store.scores, before_ns=TOMORROW)
        erased = await archive.erase("acme", traces=["t1"])

        whole = await archive.whole("t2", "acme")
        assert (kept.spans, erased.spans) == (300, 43)
        assert whole is not None
        assert list(whole.sent) == await store.traces.sent("t2", "acme")


async def test_a_damaged_day_does_not_hold_up_the_others(tmp_path: Path):
    async with both(tmp_path) as (store, archive):
        await store.traces.observe([a_span(1, "t1"), a_span(1, "t2", started_ns=START - HOUR)])
        await archive.keep(store.traces, store.scores, before_ns=TOMORROW)
        day = (await archive.days())[0]
        (tmp_path / day.place / day.tables["spans"].file).write_bytes(b"no parquet")
        await store.traces.observe([a_span(2, "t1"), a_span(2, "t2", started_ns=START - HOUR)])

        with pytest.raises(Broken, match=r"spans-1\.parquet"):
            await archive.keep(store.traces, store.scores, before_ns=TOMORROW)

        assert [each.generation for each in await archive.days()] == [1, 2]


async def test_a_writer_that_is_stopped_while_duckdb_works_ends_at_once(tmp_path: Path):
    async with both(tmp_path) as (store, archive):
        await store.traces.write([a_trace(number) for number in range(1, 3000)])
        task = asyncio.ensure_future(archive.keep(store.traces, store.scores, before_ns=TOMORROW))
        while not list(tmp_path.glob(".staged/*/*.parquet")) and not task.done():
            await asyncio.sleep(0)

        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert await archive.days() == []
        assert not list((tmp_path / ".staged").iterdir())


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path):
    (tmp_path / "file").write_text("")
    async with both(tmp_path / "file" / "archive") as (store, archive):
        await store.traces.write([a_trace(1)])

        with pytest.raises(Unavailable, match="cannot be"):
            await archive.keep(store.traces, store.scores, before_ns=TOMORROW)


async def test_the_files_are_what_their_layout_says(tmp_path: Path):
    duckdb = pytest.importorskip("duckdb")
    async with both(tmp_path) as (store, archive):
        await store.traces.observe([a_span(1, started_ns=START + 123_456_789, cost=Decimal("0.000000000000000001"))])
        await archive.keep(store.traces, store.scores, before_ns=TOMORROW)

    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT day::VARCHAR, tenant, epoch_ns(started), typeof(cost), cost, attributes->>'custom.number', input->>'$' "
            f"FROM read_parquet('{tmp_path}/*/*/spans-*.parquet', hive_partitioning = true)"
        ).fetchall()
        (codec,) = connection.execute(
            f"SELECT DISTINCT compression FROM parquet_metadata('{tmp_path}/*/*/*.parquet')"
        ).fetchall()

    day = "2026-09-21"
    assert found == [(day, "acme", START + 123_456_789, "DECIMAL(38,18)", Decimal("1E-18"), "1", "question 1")]
    assert codec == ("ZSTD",)


def test_what_a_private_folder_holds_is_private(tmp_path: Path):
    async def work() -> None:
        async with both(tmp_path / "archive") as (store, archive):
            await store.traces.write([a_trace(1)])
            await archive.keep(store.traces, store.scores, before_ns=TOMORROW)

    asyncio.run(work())

    folders = [tmp_path / "archive", *(each for each in (tmp_path / "archive").rglob("*") if each.is_dir())]
    assert {folder.stat().st_mode & 0o077 for folder in folders} == {0}
