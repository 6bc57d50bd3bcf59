"""Several processes on one folder, and processes that are killed."""

import asyncio

from rowen.store.base import TraceFilter
from rowen.testing.contracts.made import HOUR, START, a_key


async def test_two_processes_that_take_together_reach_the_limit_and_never_pass_it(start, open_at):
    takes = """
        print("ready", flush=True)
        sys.stdin.readline()
        got = [await store.counters.take("c", 3, 1000, START, least=1) for _ in range(300)]
        print(sum(got), flush=True)
    """
    processes = [start(takes) for _ in range(2)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"

    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    sums = [int(process.stdout.readline()) for process in processes]

    store = await open_at()
    assert sum(sums) == 1000
    assert await store.counters.sums(["c"]) == [1000]
    await store.close()


async def test_two_processes_hold_shares_that_fit_together(start, open_at):
    holds = """
        most = 0
        for amount in range(1, 101):
            if await store.counters.hold("c", args[0], amount, 100, START + HOUR, START):
                most = amount
        print(most, flush=True)
    """
    processes = [start(holds, owner) for owner in ("p1", "p2")]

    held = [int(process.stdout.readline()) for process in processes]

    assert sum(held) == 100
    store = await open_at()
    assert not await store.counters.hold("c", "p3", 1, 100, START + HOUR, START)
    await store.close()


async def test_the_audit_chain_stays_whole_when_two_processes_append(start, open_at):
    appends = """
        for number in range(60):
            await store.audit.append(an_entry(f"{args[0]}-{number}"))
    """
    processes = [start(appends, name) for name in ("a", "b")]

    assert [process.wait(60) for process in processes] == [0, 0]

    store = await open_at()
    assert len(await store.audit.entries(limit=1000)) == 120
    assert await store.audit.broken_at() is None
    await store.close()


async def test_processes_that_start_at_once_on_a_new_folder_all_come_up(start):
    processes = [start("print(set((await store.check()).values()), flush=True)") for _ in range(4)]

    assert [process.communicate() for process in processes] == ["{'ok'}\n"] * 4


async def test_one_process_sees_what_another_changed_by_the_revision(start, open_at):
    store = await open_at()
    before = await store.revisions.revision()

    assert start("await store.keys.put(a_key('theirs'))").wait(60) == 0

    assert await store.revisions.revision() > before
    assert [key.id for key in await store.keys.all()] == ["theirs"]
    await store.close()


async def test_two_processes_write_traces_and_the_sums_are_of_both(start, open_at):
    writes = """
        first = int(args[0])
        for batch in range(20):
            await store.traces.write([a_trace(first + batch * 10 + number) for number in range(10)])
    """
    processes = [start(writes, first) for first in (0, 1000)]

    assert [process.wait(60) for process in processes] == [0, 0]

    store = await open_at()
    buckets = await store.traces.buckets(tenant=None, since_ns=START, until_ns=START + HOUR, every_ns=HOUR)
    assert sum(bucket.calls for bucket in buckets) == 400
    assert len(await store.traces.find(TraceFilter(limit=1000))) == 400
    await store.close()


async def test_a_process_killed_in_mid_write_loses_nothing_that_was_committed(start, open_at):
    writes = """
        number = 0
        while True:
            await store.traces.write([a_trace(number * 50 + each) for each in range(50)])
            await store.keys.put(a_key(f"k{number}"))
            await store.audit.append(an_entry(f"e{number}"))
            await store.counters.add("c", 1, START)
            number += 1
            print(number, flush=True)
    """
    process = start(writes)
    said = 0
    while said < 12:
        said = int(process.stdout.readline())

    process.kill()  # while the next round is being written
    said = max([said, *map(int, process.stdout.read().split())])
    process.wait()

    store = await open_at()
    rows = await store.traces.find(TraceFilter(limit=100_000))
    (kept,) = await store.counters.sums(["c"])
    buckets = await store.traces.buckets(tenant=None, since_ns=START, until_ns=START + HOUR, every_ns=HOUR)
    assert len(rows) % 50 == 0
    assert len(rows) // 50 in (said, said + 1)
    assert sum(bucket.calls for bucket in buckets) == len(rows)
    assert kept in (said, said + 1)
    assert len(await store.keys.all()) in (said, said + 1)
    assert len(await store.audit.entries(limit=10_000)) in (said, said + 1)
    assert await store.audit.broken_at() is None
    assert set((await store.check()).values()) == {"ok"}
    await store.close()


async def test_a_share_of_a_killed_process_lapses(start, open_at):
    process = start("""
        await store.counters.hold("c", "killed", 10, 10, START + HOUR, START)
        print("held", flush=True)
        sys.stdin.readline()
    """)
    process.stdout.readline()
    process.kill()
    process.wait()

    store = await open_at()
    assert not await store.counters.hold("c", "next", 10, 10, START + HOUR, START)
    assert await store.counters.hold("c", "next", 10, 10, START + 2 * HOUR, START + HOUR)
    await store.close()


async def test_closing_finishes_what_was_handed_in(open_at):
    store = await open_at()
    waiting = [asyncio.ensure_future(store.keys.put(a_key(f"k{number}"))) for number in range(20)]
    await asyncio.sleep(0)

    await store.close()
    await asyncio.gather(*waiting)

    again = await open_at()
    assert len(await again.keys.all()) == 20
    await again.close()
