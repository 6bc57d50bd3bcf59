import asyncio

import pytest

from rowen.jobs import Queue
from rowen.values import Mistaken

LEASE = 30_000_000_000


async def test_the_job_that_is_due_for_longest_is_taken_first(queue, clock):
    later = await queue.add("a", due_ns=clock.ns + 20)
    first = await queue.add("a", due_ns=clock.ns + 10)
    await queue.add("other")
    clock.ns += 30

    taken = [await queue.claim("me", {"a"}, LEASE) for _ in range(3)]

    assert [job and job.id for job in taken] == [first.id, later.id, None]
    assert (taken[0].state, taken[0].owner) == ("running", "me")


async def test_a_job_is_not_taken_before_its_time(queue, clock):
    await queue.add("a", due_ns=clock.ns + 1_000)

    assert await queue.claim("me", {"a"}, LEASE) is None


async def test_of_many_who_want_a_job_one_gets_it(store, clock):
    queues = [Queue(store.records, clock) for _ in range(8)]
    for _ in range(5):
        await queues[0].add("a")

    async def all_of(queue, name):
        found = []
        while (job := await queue.claim(name, {"a"}, LEASE)) is not None:
            found.append(job.id)
        return found

    taken = await asyncio.gather(*[all_of(queue, f"w{number}") for number, queue in enumerate(queues)])

    ids = [id for found in taken for id in found]
    assert len(ids) == len(set(ids)) == 5


async def test_a_lapsed_lease_lets_another_go_on(queue, clock):
    job = await queue.add("a")
    await queue.claim("killed", {"a"}, LEASE)
    assert await queue.claim("me", {"a"}, LEASE) is None

    clock.move(31)

    taken = await queue.claim("me", {"a"}, LEASE)
    assert (taken.id, taken.owner, taken.attempt) == (job.id, "me", 1)


async def test_a_job_that_kills_its_process_each_time_is_given_up(queue, clock):
    job = await queue.add("a")
    for _ in range(job.attempts):
        assert await queue.claim("doomed", {"a"}, LEASE) is not None
        clock.move(31)

    assert await queue.claim("me", {"a"}, LEASE) is None

    ended = await queue.get(job.id)
    assert (ended.state, ended.code) == ("failed", "broken")
    assert "without a word" in ended.message


async def test_a_wish_outlives_the_process_it_was_meant_for(queue, clock):
    job = await queue.add("a")
    await queue.claim("killed", {"a"}, LEASE)
    assert (await queue.cancel(job.id)).wish == "cancel"
    clock.move(31)

    assert await queue.claim("me", {"a"}, LEASE) is None
    assert (await queue.get(job.id)).state == "cancelled"


async def test_the_same_id_is_queued_once(queue):
    one = await queue.add("a", id="nightly", input={"n": 1})
    two = await queue.add("a", id="nightly", input={"n": 2})

    assert one == two
    assert len(await queue.find()) == 1


async def test_waiting_jobs_are_paused_resumed_and_cancelled_at_once(queue):
    job = await queue.add("a")

    assert (await queue.pause(job.id)).state == "paused"
    assert await queue.claim("me", {"a"}, LEASE) is None
    assert (await queue.resume(job.id)).state == "queued"
    assert (await queue.cancel(job.id)).state == "cancelled"
    with pytest.raises(Mistaken, match="the job is cancelled"):
        await queue.cancel(job.id)


async def test_a_job_that_waits_or_runs_cannot_be_resumed(queue):
    job = await queue.add("a")

    with pytest.raises(Mistaken, match="the job is queued") as caught:
        await queue.resume(job.id)

    assert caught.value.code == "conflict"


async def test_another_tenants_job_is_not_there(queue):
    job = await queue.add("a", tenant="acme")

    for act in (queue.get, queue.cancel, queue.pause, queue.resume):
        with pytest.raises(Mistaken) as caught:
            await act(job.id, "other")
        assert caught.value.code == "not_found"
    assert await queue.find(tenant="other") == []
    assert [each.id for each in await queue.find(tenant="acme")] == [job.id]


async def test_old_jobs_and_their_steps_are_pruned(queue, clock, store):
    job = await queue.add("a")
    await queue.remember(job, "one", b"1")
    await queue.cancel(job.id)
    clock.move(10)
    waiting = await queue.add("a")

    assert await queue.prune(clock.ns) == 1

    assert [each.id for each in await queue.find()] == [waiting.id]
    assert await store.records.find("job.step") == []


HOUR = 3_600_000_000_000


async def test_work_that_comes_back_has_one_job_however_often_it_is_seen_to(queue):
    first = await queue.keep("a", id="daily", every_ns=24 * HOUR, input={"of": "shop"})
    again = await queue.keep("a", id="daily", every_ns=24 * HOUR, input={"of": "other"})

    assert again == first
    assert [job.id for job in await queue.find()] == ["daily"]


async def test_a_shorter_pace_holds_from_now_on_and_a_longer_one_from_the_next_time(queue, clock):
    await queue.keep("a", id="daily", every_ns=24 * HOUR)
    await queue.change("daily", None, lambda job: job.but(due_ns=clock.ns + 24 * HOUR))

    sooner = await queue.keep("a", id="daily", every_ns=HOUR)
    later = await queue.keep("a", id="daily", every_ns=48 * HOUR)

    assert (sooner.every_ns, sooner.due_ns) == (HOUR, clock.ns + HOUR)
    assert (later.every_ns, later.due_ns) == (48 * HOUR, clock.ns + HOUR)


async def test_work_that_is_wanted_again_after_it_had_ended_begins_again_and_whoever_sees_to_it_is_told_before(queue):
    await queue.keep("a", id="daily", every_ns=HOUR)
    await queue.cancel("daily")
    seen = []

    async def anew():
        seen.append((await queue.get("daily")).state)

    job = await queue.keep("a", id="daily", every_ns=HOUR, anew=anew)
    await queue.keep("a", id="daily", every_ns=HOUR, anew=anew)

    assert job.state == "queued"
    assert seen == ["cancelled"]


async def test_work_that_somebody_paused_stays_paused(queue):
    await queue.keep("a", id="daily", every_ns=HOUR)
    await queue.pause("daily")

    assert (await queue.keep("a", id="daily", every_ns=HOUR)).state == "paused"


async def test_of_many_processes_that_want_it_again_none_fails(store, clock):
    queues = [Queue(store.records, clock) for _ in range(8)]
    await queues[0].keep("a", id="daily", every_ns=HOUR)
    await queues[0].cancel("daily")

    jobs = await asyncio.gather(*(each.keep("a", id="daily", every_ns=HOUR) for each in queues))

    assert {job.state for job in jobs} == {"queued"}
