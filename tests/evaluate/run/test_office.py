"""Suites that come back by themselves have a job at the pace that their table says now."""

from types import SimpleNamespace

from rowen.evaluate.run.office import SUITE, RunOffice
from rowen.evaluate.run.suite import EvaluateTable
from rowen.jobs import Queue
from rowen.testing.clock import FakeClock

DAY = 86_400


def office_of(store, clock, **tables: float) -> RunOffice:
    app = SimpleNamespace(
        definition=SimpleNamespace(app="shop"),
        tables={"evaluate": {name: EvaluateTable(cases="x.jsonl", every=every) for name, every in tables.items()}},
    )
    queue = Queue(store.records, clock)
    return RunOffice(None, None, None, store.records, queue, clock, lambda: [app], None)


async def jobs_of(store, clock) -> list[tuple[str, int]]:
    found = await Queue(store.records, clock).find(kind=SUITE)
    return sorted((job.state, job.every_ns // 10**9) for job in found)


async def test_a_suite_whose_table_changed_comes_back_at_its_new_pace(store):
    clock = FakeClock()
    await office_of(store, clock, smoke=DAY, by_hand=0).queue_written()

    await office_of(store, clock, smoke=DAY / 24, by_hand=0).queue_written()

    assert await jobs_of(store, clock) == [("queued", 3600)]


async def test_a_suite_that_was_gone_for_a_while_comes_back_again(store):
    clock = FakeClock()
    await office_of(store, clock, smoke=DAY).queue_written()
    (job,) = await Queue(store.records, clock).find(kind=SUITE)
    await Queue(store.records, clock).cancel(job.id)

    await office_of(store, clock, smoke=DAY).queue_written()

    assert await jobs_of(store, clock) == [("queued", DAY)]
