"""Nothing is deleted for its age that is not in the archive."""

from pathlib import Path

import pytest

from rowen.serve.archiving import Archiving, archiving_of
from rowen.serve.housekeeping import Housekeeping
from rowen.serve.settings import ServerSettings
from rowen.store.base import DAY_NS, ScoreFilter, Store, TraceFilter
from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock
from rowen.testing.contracts.made import START, a_trace
from rowen.testing.contracts.scores import a_score
from rowen.testing.contracts.spans import a_span
from rowen.values import Unavailable

DAY = 86_400


def archiving(store: Store, clock: FakeClock, folder: Path, **settings: int) -> Archiving:
    found = archiving_of(store, settings_of(folder, **settings), clock)
    assert found is not None
    return found


def settings_of(folder: Path, **settings: int) -> ServerSettings:
    return ServerSettings(**{"archive": str(folder), "trace_days": 2, "score_days": 3, **settings})


@pytest.fixture
def clock() -> FakeClock:
    clock = FakeClock()
    clock.move((START - clock.now_ns()) / 1e9 + DAY / 2)  # the noon of the first day
    return clock


async def test_a_day_is_archived_when_it_is_closed_and_deleted_when_it_is_past_its_time(
    clock: FakeClock, tmp_path: Path
):
    store = await open_store("memory:", clock=clock)
    found = archiving(store, clock, tmp_path)
    keeper = Housekeeping(store, settings_of(tmp_path), clock, archiving=found)
    await store.traces.write([a_trace(1)])
    await store.scores.put([a_score(1)])
    told = []

    for _ in range(6):
        await keeper.once()
        told.append(
            (
                len(await found.archive.days()),
                len(await store.traces.find(TraceFilter())),
                len(await store.scores.find(ScoreFilter())),
            )
        )
        clock.move(DAY)

    assert told == [(0, 1, 1), (0, 1, 1), (1, 1, 1), (1, 0, 1), (1, 0, 0), (1, 0, 0)]
    assert [row.id for row in await found.archive.find()] == [a_trace(1).row.id]
    assert len(await found.archive.scores(a_score(1).trace)) == 1


async def test_what_cannot_be_archived_is_not_deleted(clock: FakeClock, tmp_path: Path):
    (tmp_path / "file").write_text("")
    store = await open_store("memory:", clock=clock)
    await store.traces.write([a_trace(1)])
    await store.scores.put([a_score(1)])
    clock.move(10 * DAY)

    with pytest.raises(Unavailable):
        await Housekeeping(
            store, settings_of(tmp_path), clock, archiving=archiving(store, clock, tmp_path / "file")
        ).once()

    assert len(await store.traces.find(TraceFilter())) == len(await store.scores.find(ScoreFilter())) == 1


async def test_what_is_deleted_later_than_archived_waits_for_the_archive(clock: FakeClock, tmp_path: Path):
    store = await open_store("memory:", clock=clock)
    await store.traces.write([a_trace(1)])
    clock.move(5 * DAY)

    early = await archiving(store, clock, tmp_path, archive_after=9).once()
    clock.move(6 * DAY)
    late = await archiving(store, clock, tmp_path, archive_after=9).once()

    assert (early, late) == (0, 1)


async def test_spans_that_come_after_the_day_was_deleted_are_added_before_they_go_too(clock: FakeClock, tmp_path: Path):
    store = await open_store("memory:", clock=clock)
    await store.traces.observe([a_span(1), a_span(2)])
    clock.move(5 * DAY)
    await archiving(store, clock, tmp_path).once()
    await store.traces.observe([a_span(3)])

    found = archiving(store, clock, tmp_path)
    removed = await found.once()

    whole = await found.archive.whole("t1", "acme")
    assert removed == 1
    assert whole is not None
    assert [span.row.name for span in whole.sent] == ["work 1", "work 2", "work 3"]
    assert await store.traces.days(before_ns=START + DAY_NS) == []


async def test_one_process_archives_and_the_others_delete_nothing(clock: FakeClock, tmp_path: Path):
    store = await open_store("memory:", clock=clock)
    await store.traces.write([a_trace(1)])
    clock.move(5 * DAY)
    first, second = archiving(store, clock, tmp_path), archiving(store, clock, tmp_path)
    await store.counters.hold("archive:leader", "first", 1, 1, clock.now_ns() + 60 * 10**9, clock.now_ns())

    beside = await second.once()
    with pytest.raises(Unavailable, match="another process"):
        await second.now()
    clock.move(61)
    after = await first.once()

    assert (beside, after) == (0, 1)
    assert len(await first.archive.days()) == 1


async def test_one_look_an_hour_is_enough(clock: FakeClock, tmp_path: Path):
    store = await open_store("memory:", clock=clock)
    clock.move(5 * DAY)
    found = archiving(store, clock, tmp_path)
    await found.once()
    await store.traces.write([a_trace(1)])

    at_once = await found.once()
    clock.move(3601)
    later = await found.once()

    assert (at_once, later) == (0, 1)


async def test_a_person_is_erased_from_store_and_archive(clock: FakeClock, tmp_path: Path):
    store = await open_store("memory:", clock=clock)
    await store.traces.observe([a_span(1, user="ann"), a_span(1, "t2", user="bob")])
    clock.move(3 * DAY)
    found = archiving(store, clock, tmp_path, trace_days=0)
    await found.once()

    gone, erased = await found.erase("acme", user="ann")
    clock.move(3601)
    await found.once()

    assert (gone.traces, erased.traces, erased.spans) == (1, 1, 1)
    assert [row.id for row in await found.archive.find()] == ["t2"]


async def test_a_deployment_without_an_archive_deletes_as_before(clock: FakeClock):
    store = await open_store("memory:", clock=clock)
    await store.traces.write([a_trace(1)])
    clock.move(5 * DAY)

    assert archiving_of(store, ServerSettings(), clock) is None
    assert await Housekeeping(store, ServerSettings(trace_days=2), clock).once() == 1
