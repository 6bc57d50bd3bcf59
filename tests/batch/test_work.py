"""How batches are worked on: what is kept counts, what fails is tried again, and every line has one result."""

import asyncio

import pytest

from rowen.batch import Holder, Work, WorkSettings
from rowen.jobs import Worker
from rowen.values import Mistaken, Refused, Unavailable

from .conftest import requests


async def test_every_line_has_its_result_over_pieces_and_slices_and_none_is_asked_twice(bench):
    made = await bench.made(requests(30, padding=40_000))
    bench.door.before = lambda: bench.clock.move(3)

    await bench.worker(slice=10.0).once()
    done = await bench.now(made)

    assert (done.state, done.total, done.tally.ok) == ("completed", 30, 30)
    assert sorted(bench.door.asked) == sorted(f"r{n}" for n in range(30))
    assert [each["ok"] for each in await bench.results(done.output)] == [f"r{n}" for n in range(30)]
    assert (await bench.files.get(done.output, holder(done))).bytes == len(await bench.read(done.output))
    assert done.errors == ""


async def test_a_worker_that_is_stopped_in_the_middle_asks_no_answered_line_again(bench):
    made = await bench.made(requests(12))
    asked = asyncio.Event()
    stays = asyncio.Event()

    class Slow:
        whole = False

        async def answer(self, batch, line, id):
            if line.number > 8:
                asked.set()
                await stays.wait()
            return await bench.door.answer(batch, line, id)

        refusal = bench.door.refusal
        unasked = bench.door.unasked

    work = Work(bench.store.records, bench.batches, {made.endpoint: Slow()}, bench.clock, WorkSettings(at_once=2))
    slow = Worker(bench.queue, {"batch": work}, bench.clock)
    slow.start()
    await asyncio.wait_for(asked.wait(), 10)
    await slow.stop()
    answered = list(bench.door.asked)

    await bench.worker().once()

    assert len(answered) == 8
    assert sorted(bench.door.asked) == sorted(f"r{n}" for n in range(12))
    assert (await bench.now(made)).tally.ok == 12


async def test_a_limit_that_is_used_up_is_waited_for(bench):
    made = await bench.made(requests(3))
    left = iter([None, Refused("limit_requests", retry_after=60.0), *[None] * 9])
    bench.door.fails = lambda _: next(left)
    worker = bench.worker(at_once=1)

    await worker.once()
    waiting, note = await bench.now(made), (await bench.queue.get(made.id)).note
    bench.clock.move(59)
    await worker.once()
    still = len(bench.door.asked)
    bench.clock.move(2)
    await worker.once()

    assert (waiting.state, waiting.tally.ok) == ("in_progress", 1)
    assert note == "The request limit is used up."
    assert still == 2
    assert (await bench.now(made)).tally.ok == 3


async def test_a_provider_that_fails_is_asked_again_later_and_given_up_in_the_end(bench):
    made = await bench.made(requests(4))
    bench.door.fails = lambda custom: Unavailable("upstream_error") if custom == "r1" else None
    worker = bench.worker(passes=3, wait=10.0)

    for _ in range(6):
        await worker.once()
        bench.clock.move(601)
    done = await bench.now(made)

    assert bench.door.asked.count("r1") == 3
    assert len(bench.door.asked) == 6
    assert (done.state, done.tally.ok, done.tally.bad) == ("completed", 3, 1)
    assert await bench.results(done.errors) == [{"bad": "r1", "code": "upstream_error"}]


async def test_what_was_asked_wrongly_is_a_result_and_is_not_asked_again(bench):
    made = await bench.made(requests(2))
    bench.door.fails = lambda custom: Mistaken("model_unknown") if custom == "r0" else None

    await bench.worker().once()
    done = await bench.now(made)

    assert (done.tally.ok, done.tally.bad) == (1, 1)
    assert bench.door.asked.count("r0") == 1


async def test_a_window_that_is_over_ends_the_batch_and_names_the_lines_that_were_not_asked(bench):
    made = await bench.made(requests(4), window="1h")
    left = iter([None, Refused("limit_budget", retry_after=86_400.0), *[None] * 9])
    bench.door.fails = lambda _: next(left)
    worker = bench.worker(at_once=1)

    await worker.once()
    bench.clock.move(3601)
    bench.queue.woken.set()
    await bench.queue.wake(made.id)
    await worker.once()
    done = await bench.now(made)

    assert (done.state, done.tally.ok, done.tally.unasked) == ("expired", 1, 3)
    assert await bench.results(done.errors) == [{"late": f"r{n}"} for n in (1, 2, 3)]


async def test_a_batch_cancelled_before_it_began_asks_nobody(bench):
    made = await bench.made(requests(3))

    await bench.batches.cancel(made.id, holder(made))
    await bench.worker().once()
    done = await bench.now(made)

    assert (done.state, done.total, done.tally.unasked, bench.door.asked) == ("cancelled", 3, 3, [])
    assert (done.output, done.errors) == ("", "")


async def test_a_batch_whose_job_was_cancelled_by_somebody_else_says_so(bench):
    made = await bench.made(requests(3))

    await bench.queue.cancel(made.id)
    await bench.worker().once()

    assert (await bench.now(made)).state == "cancelled"


async def test_a_file_that_is_deleted_in_the_middle_ends_the_batch_with_its_reason(bench):
    made = await bench.made(requests(3))
    await bench.files.delete(await bench.files.get(made.input, holder(made)))

    await bench.worker().once()
    done = await bench.now(made)

    assert (done.state, done.faults[0].code) == ("failed", "not_found")


@pytest.mark.parametrize("text", [b"", b"\n\n  \n"])
async def test_a_file_without_a_request_is_no_batch(bench, text):
    made = await bench.made(text)

    await bench.worker().once()
    done = await bench.now(made)

    assert (done.state, done.faults[0].message) == ("failed", "the file is empty")


async def test_more_lines_than_a_batch_may_have_are_told_before_any_is_asked(bench):
    made = await bench.made(requests(6))

    await bench.worker(lines=5).once()
    done = await bench.now(made)

    assert (done.state, bench.door.asked) == ("failed", [])
    assert done.faults[0].message == "a batch has 5 lines at most, not 6"


def holder(batch):
    return Holder(tenant=batch.tenant, keys=(batch.key,))
