import asyncio
import random

import pytest

from rowen.jobs import Later, Worker
from rowen.jobs.worker import WorkerSettings
from rowen.values import Mistaken, Refused, Unavailable


@pytest.fixture
def working(queue, clock):
    """Makes a worker of handlers by kind."""

    def make(**handlers):
        return Worker(queue, handlers, clock, rng=random.Random(1))

    return make


async def test_a_job_is_done_and_its_result_kept(queue, working, store):
    async def double(task):
        task.progress(1, 1, "doubling")
        return {"n": await task.step("double", lambda: give(task.input["n"] * 2))}

    job = await queue.add("double", input={"n": 21})

    assert await working(double=double).once() == 1

    ended = await queue.get(job.id)
    assert (ended.state, ended.result, ended.done, ended.total, ended.note) == ("done", {"n": 42}, 1, 1, "doubling")
    assert await store.records.find("job.step") == []


async def test_steps_that_are_done_are_not_done_again_after_a_failure(queue, working, clock):
    paid = []

    async def work(task):
        for number in range(6):
            await task.step(str(number), lambda number=number: pay(number))
        return {"paid": len(paid)}

    async def pay(number):
        if number == 4 and paid.count("failed") < 2:
            paid.append("failed")
            raise Unavailable("upstream_timeout", "too slow")
        paid.append(number)
        return number

    worker = working(work=work)
    job = await queue.add("work")
    for _ in range(3):
        await worker.once()
        clock.move(60)

    assert (await queue.get(job.id)).state == "done"
    assert paid == [0, 1, 2, 3, "failed", "failed", 4, 5]


async def test_waits_after_failures_double_with_jitter_until_it_is_given_up(queue, working, clock):
    async def fail(_):
        raise Unavailable("upstream_connect", "nobody there")

    worker, waits = working(fail=fail), []
    job = await queue.add("fail")
    while (now := await queue.get(job.id)).state != "failed":
        clock.ns = max(clock.ns, now.due_ns)
        await worker.once()
        now = await queue.get(job.id)
        if now.state == "queued":
            waits.append((now.due_ns - clock.ns) / 1e9)

    assert [low <= wait <= 2 * low for wait, low in zip(waits, [1, 2, 4, 8], strict=True)] == [True] * 4
    assert (now.attempt, now.code, now.message) == (5, "upstream_connect", "nobody there")


@pytest.mark.parametrize("problem", [Mistaken("field_invalid", "no such trace"), Refused("key_scope", "may not")])
async def test_what_can_never_go_well_is_not_tried_again(problem, queue, working):
    async def fail(_):
        raise problem

    job = await queue.add("fail")
    await working(fail=fail).once()

    ended = await queue.get(job.id)
    assert (ended.state, ended.code, ended.attempt) == ("failed", problem.code, 1)


async def test_a_limit_is_waited_for_and_counts_as_no_failure(queue, working, clock):
    async def limited(_):
        raise Refused("limit_requests", "used up", retry_after=90)

    job = await queue.add("limited")
    await working(limited=limited).once()

    waiting = await queue.get(job.id)
    assert (waiting.state, waiting.attempt, waiting.note) == ("queued", 0, "used up")
    assert waiting.due_ns == clock.ns + 90_000_000_000


async def test_an_unexpected_error_is_recorded_without_what_it_held(queue, working, caplog):
    async def broken(_):
        raise RuntimeError("sk-secret")

    job = await queue.add("broken")
    await working(broken=broken).once()

    found = await queue.get(job.id)
    assert (found.code, found.message) == ("broken", "RuntimeError in a job of the kind broken")
    caplog.clear()


async def test_a_job_can_put_itself_off_and_keeps_its_steps(queue, working, clock):
    paid = []

    async def capped(task):
        await task.step("one", lambda: give(paid.append("one")))
        if len(paid) == 1 and clock.ns < tomorrow:
            raise Later(tomorrow, "the cap of the day is reached")
        await task.step("two", lambda: give(paid.append("two")))

    tomorrow = clock.ns + 86_400_000_000_000
    worker = working(capped=capped)
    job = await queue.add("capped")
    await worker.once()
    waiting = await queue.get(job.id)
    clock.ns = tomorrow
    await worker.once()

    assert (waiting.state, waiting.note, waiting.attempt) == ("queued", "the cap of the day is reached", 0)
    assert paid == ["one", "two"]
    assert (await queue.get(job.id)).state == "done"


@pytest.mark.parametrize(("wish", "state"), [("pause", "paused"), ("cancel", "cancelled")])
async def test_a_running_job_stops_before_its_next_step_and_can_go_on(wish, state, queue, clock):
    paid, renewed = [], asyncio.Event()

    async def sleep(_):
        await renewed.wait()
        renewed.clear()

    async def work(task):
        await task.step("one", lambda: give(paid.append("one")))
        if len(paid) == 1:
            await getattr(queue, wish)(task.id)
            renewed.set()
            while True:
                task.check()
                await asyncio.sleep(0)
        await task.step("two", lambda: give(paid.append("two")))

    worker = Worker(queue, {"work": work}, clock, sleep=sleep)
    job = await queue.add("work")
    await worker.once()
    stopped = await queue.get(job.id)
    await queue.resume(job.id)
    paid.append("resumed")
    await worker.once()

    assert (stopped.state, stopped.wish) == (state, "")
    assert paid == ["one", "resumed", "two"]
    assert (await queue.get(job.id)).state == "done"


async def test_a_renewal_keeps_the_lease_and_shows_the_progress(queue, clock):
    turns = asyncio.Queue()

    async def sleep(_):
        await turns.get()

    async def work(task):
        task.progress(3, 10, "judging")
        clock.move(20)
        turns.put_nowait(None)
        while (seen := await queue.get(task.id)).done != 3:
            await asyncio.sleep(0)
        return {"lease": seen.lease_ns - clock.ns}

    job = await queue.add("work")
    await Worker(queue, {"work": work}, clock, sleep=sleep).once()

    assert (await queue.get(job.id)).result == {"lease": 30_000_000_000}


async def test_whoever_lost_the_lease_leaves_the_job_alone(queue, clock):
    turns = asyncio.Queue()

    async def sleep(_):
        await turns.get()

    async def work(task):
        clock.move(31)
        assert (await queue.claim("quicker", {"work"}, 10**12)).id == task.id
        turns.put_nowait(None)
        while True:
            task.check()
            await asyncio.sleep(0)

    job = await queue.add("work")
    await Worker(queue, {"work": work}, clock, sleep=sleep).once()

    found = await queue.get(job.id)
    assert (found.state, found.owner) == ("running", "quicker")


async def test_work_that_comes_back_keeps_its_pace_and_does_its_steps_anew(queue, working, clock, store):
    seen = []

    async def tick(task):
        seen.append(await task.step("now", lambda: give(clock.ns)))

    minute = 60_000_000_000
    worker, begun = working(tick=tick), clock.ns
    job = await queue.add("tick", every_ns=minute)
    await worker.once()
    clock.ns = begun + 3 * minute + 7
    await worker.once()

    found = await queue.get(job.id)
    assert seen == [begun, begun + 3 * minute + 7]
    assert (found.state, found.due_ns, found.runs) == ("queued", begun + 4 * minute, 2)
    assert await store.records.find("job.step") == []


async def test_work_that_comes_back_survives_its_failures(queue, working, clock):
    async def fail(_):
        raise Mistaken("field_invalid", "wrong rule")

    job = await queue.add("fail", every_ns=60_000_000_000)
    await working(fail=fail).once()

    found = await queue.get(job.id)
    assert (found.state, found.message) == ("queued", "wrong rule")


async def test_a_worker_that_stops_puts_its_jobs_back(queue, clock):
    begun = asyncio.Event()

    async def endless(task):
        begun.set()
        await asyncio.Event().wait()

    worker = Worker(queue, {"endless": endless}, clock, settings=WorkerSettings(look=60))
    job = await queue.add("endless")
    worker.start()
    await begun.wait()
    await worker.stop()

    found = await queue.get(job.id)
    assert (found.state, found.owner, found.attempt) == ("queued", "", 0)


async def test_a_worker_takes_what_its_own_process_queues_without_looking_for_it(queue, clock):
    done = asyncio.Event()

    async def quick(_):
        done.set()

    worker = Worker(queue, {"quick": quick}, clock, settings=WorkerSettings(look=3600))
    worker.start()
    await asyncio.sleep(0)
    await queue.add("quick")
    await asyncio.wait_for(done.wait(), 30)
    await worker.stop()


async def give(value):
    return value
