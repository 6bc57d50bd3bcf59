import asyncio
import threading

import pytest

from rowen.store.sqlite.thread import Line
from rowen.values import Unavailable


@pytest.fixture
async def line():
    line = Line("test")
    yield line
    await line.close()


async def test_work_is_done_in_one_other_thread_in_order(line):
    done: list[tuple[int, int]] = []

    await asyncio.gather(*(line.run(lambda n=n: done.append((n, threading.get_ident()))) for n in range(20)))

    assert [number for number, _ in done] == list(range(20))
    assert len({thread for _, thread in done}) == 1
    assert done[0][1] != threading.get_ident()


async def test_what_work_raises_reaches_the_one_who_waits_and_the_next_work_is_done(line):
    with pytest.raises(ZeroDivisionError):
        await line.run(lambda: 1 / 0)

    assert await line.run(lambda: 7) == 7


async def test_work_of_a_caller_that_left_is_done_all_the_same(line):
    begun, go_on = threading.Event(), threading.Event()
    done: list[str] = []

    def first():
        begun.set()
        go_on.wait(10)
        done.append("first")

    callers = [asyncio.ensure_future(line.run(first)), asyncio.ensure_future(line.run(lambda: done.append("second")))]
    await asyncio.to_thread(begun.wait, 10)
    for caller in callers:
        caller.cancel()
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    go_on.set()
    await line.run(lambda: None)

    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
    assert done == ["first", "second"]


def test_a_loop_that_is_gone_does_not_stop_the_thread():
    line = Line("test")
    go_on = threading.Event()

    async def leave():
        task = asyncio.ensure_future(line.run(lambda: go_on.wait(10)))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(leave())
    go_on.set()

    assert asyncio.run(line.run(lambda: 7)) == 7
    asyncio.run(line.close())


async def test_nothing_is_taken_after_the_end():
    line = Line("test")
    await line.close()
    await line.close()

    with pytest.raises(Unavailable):
        await line.run(lambda: None)
