"""Followers are told of what was written, in order, and never hold up the writing."""

import asyncio

import pytest

from rowen.trace import Follow
from rowen.values import Trace, TraceRow, Unavailable


def traces(*numbers: int) -> list[Trace]:
    return [Trace(row=TraceRow(id=str(n), started_ns=n, duration_ns=1, app="a", definition="d")) for n in numbers]


def ids(batches) -> list[list[str]]:
    return [[trace.row.id for trace in batch] for batch in batches]


@pytest.fixture
async def follow():
    found: Follow[Trace] = Follow(size=4)
    yield found
    await found.close()


async def test_every_follower_is_told_after_the_write_and_in_order(follow: Follow):
    written, one, other = [], [], []

    async def note(into, batch):
        into.append(batch)

    follow.add(lambda batch: note(one, batch))
    follow.add(lambda batch: note(other, batch))
    follow.start()
    write = follow.after(lambda batch: note(written, batch))
    await write(traces(1, 2))
    await write(traces(3))
    await follow.told()

    assert ids(written) == ids(one) == ids(other) == [["1", "2"], ["3"]]


async def test_what_could_not_be_written_is_told_to_nobody(follow: Follow):
    seen = []

    async def full(batch):
        raise Unavailable("store_unavailable")

    async def see(batch):
        seen.append(batch)

    follow.add(see)
    follow.start()
    with pytest.raises(Unavailable):
        await follow.after(full)(traces(1))
    await follow.told()

    assert seen == []


async def test_a_follower_that_breaks_keeps_nothing_from_the_others(follow: Follow, caplog):
    seen = []

    async def break_down(batch):
        raise RuntimeError("no")

    async def see(batch):
        seen.append(batch)

    follow.add(break_down)
    follow.add(see)
    follow.start()
    follow.tell(traces(1))
    follow.tell(traces(2))
    await follow.told()

    assert ids(seen) == [["1"], ["2"]]
    assert "1 records could not be followed" in caplog.text


async def test_what_waits_is_bounded_and_what_was_not_told_is_counted(follow: Follow):
    seen = []

    async def see(batch):
        seen.append(batch)

    follow.add(see)
    for number in range(6):
        follow.tell(traces(number))
    follow.start()
    await follow.told()

    assert ids(seen) == [["2"], ["3"], ["4"], ["5"]]
    assert follow.missed == 2


async def test_closing_tells_what_waits_first(follow: Follow):
    seen = []

    async def see(batch):
        await asyncio.sleep(0)
        seen.append(batch)

    follow.add(see)
    follow.start()
    follow.tell(traces(1))
    await follow.close()

    assert ids(seen) == [["1"]]
