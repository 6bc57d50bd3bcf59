import asyncio

import pytest

from rowen.store.group import Group
from rowen.testing.contracts.spans import a_span
from rowen.values import Unavailable


class Disk:
    """Remembers what was written together; waits at its first write until it is let go on."""

    def __init__(self, fails: int = 0) -> None:
        self.writes: list[list[str]] = []
        self.go_on = asyncio.Event()
        self.fails = fails

    async def write(self, spans) -> None:
        ids = [span.row.trace for span in spans]
        self.writes.append(ids)
        if len(self.writes) == 1:
            await self.go_on.wait()
        if "bad" in ids:
            raise Unavailable("store_unavailable", "no room for bad ones")


async def started(disk: Disk, group: Group, *traces: str) -> list[asyncio.Task]:
    first = asyncio.ensure_future(group.put([a_span(1, "first")]))
    while not disk.writes:
        await asyncio.sleep(0)
    rest = [asyncio.ensure_future(group.put([a_span(1, trace)])) for trace in traces]
    await asyncio.sleep(0)
    return [first, *rest]


async def test_what_comes_during_a_write_goes_into_the_next_one_together():
    disk = Disk()
    tasks = await started(disk, Group(disk.write), "a", "b", "c")

    disk.go_on.set()
    await asyncio.gather(*tasks)

    assert disk.writes == [["first"], ["a", "b", "c"]]


async def test_no_write_is_larger_than_it_may_be():
    disk = Disk()
    tasks = await started(disk, Group(disk.write, most=2), "a", "b", "c")

    disk.go_on.set()
    await asyncio.gather(*tasks)

    assert disk.writes == [["first"], ["a", "b"], ["c"]]


async def test_a_batch_that_cannot_be_written_takes_no_other_with_it():
    disk = Disk()
    tasks = await started(disk, Group(disk.write), "a", "bad", "c")

    disk.go_on.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [type(None), type(None), Unavailable, type(None)]
    assert disk.writes == [["first"], ["a", "bad", "c"], ["a"], ["bad"], ["c"]]


async def test_a_caller_that_leaves_is_written_all_the_same():
    disk = Disk()
    _, leaves, stays = tasks = await started(disk, Group(disk.write), "a", "b")

    leaves.cancel()
    disk.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await leaves
    await stays

    assert disk.writes == [["first"], ["a", "b"]]
    assert tasks[0].done()
