"""Bursts: what is there goes out at once, together, whole and in order."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.api.burst import Burst, before_waiting
from rowen.api.reply import Reply


class Line:
    """A connection that keeps what is written, and may be slow to take it."""

    def __init__(self, *, slow: bool = False) -> None:
        self.written: list[bytes] = []
        self._slow = slow

    async def __call__(self, message) -> None:
        if self._slow:
            await asyncio.sleep(0)
        if message["type"] == "http.response.body":
            self.written.append(message["body"])


async def pump(events: AsyncGenerator[bytes, None], line: Line) -> None:
    burst = Burst(Reply(line, "t"))
    while True:
        try:
            piece = await before_waiting(anext(events), burst.idle)
        except StopAsyncIteration:
            break
        if burst.put(piece):
            await burst.send()
    await burst.last(b".")


async def flow(events: AsyncGenerator[bytes, None], line: Line) -> None:
    """Like `pump`, with one look around the whole loop, as the doors do it."""
    burst = Burst(Reply(line, "t"))

    async def play() -> None:
        async for piece in events:
            if burst.put(piece):
                await burst.send()

    await before_waiting(play(), burst.idle)
    await burst.last(b".")


both = pytest.mark.parametrize("way", [pump, flow])


@both
@given(st.lists(st.tuples(st.binary(min_size=1, max_size=4), st.booleans()), max_size=20), st.booleans())
def test_nothing_is_lost_and_no_wait_begins_with_something_unsent(way, pieces, slow):
    async def play() -> None:
        line = Line(slow=slow)
        said = b""

        async def events() -> AsyncGenerator[bytes, None]:
            nonlocal said
            for piece, waits in pieces:
                if waits:
                    future = asyncio.get_running_loop().create_future()
                    asyncio.get_running_loop().call_soon(future.set_result, None)
                    await future
                    assert b"".join(line.written) == said
                said += piece
                yield piece

        await way(events(), line)

        assert b"".join(line.written) == said + b"."
        waits = sum(wait for _, wait in pieces[1:])
        assert len(line.written) <= waits + 3

    asyncio.run(play())


@both
async def test_what_is_there_together_is_one_write_after_the_first(way):
    line = Line()

    async def events() -> AsyncGenerator[bytes, None]:
        for letter in (b"a", b"b", b"c"):
            yield letter
        await asyncio.sleep(0)
        yield b"d"

    await way(events(), line)

    assert line.written == [b"a", b"bc", b"d."]


@both
async def test_a_source_that_never_waits_is_sent_in_pieces(way):
    line = Line()

    async def events() -> AsyncGenerator[bytes, None]:
        for _ in range(100):
            yield b"x" * 1024

    await way(events(), line)

    assert max(map(len, line.written)) <= 17 * 1024


@both
@pytest.mark.parametrize("slow", [False, True])
async def test_a_cancellation_reaches_the_source(way, slow):
    waiting = asyncio.Event()
    line = Line(slow=slow)
    closed = []

    async def events() -> AsyncGenerator[bytes, None]:
        try:
            yield b"a"
            yield b"b"
            waiting.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            closed.append("cancelled")
            raise

    task = asyncio.create_task(way(events(), line))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert closed == ["cancelled"]


async def test_an_error_of_the_line_reaches_the_source_and_the_caller():
    seen = []

    async def source() -> None:
        try:
            await asyncio.sleep(0)
        except OSError as error:
            seen.append(error)
            raise

    async def idle() -> None:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await before_waiting(source(), idle)
    assert len(seen) == 1


async def test_a_source_may_take_an_error_and_go_on():
    async def source() -> str:
        try:
            await asyncio.sleep(0)
        except OSError:
            await asyncio.sleep(0)
        return "done"

    async def idle() -> None:
        raise OSError("gone")

    assert await before_waiting(source(), idle) == "done"
