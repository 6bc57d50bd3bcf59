import asyncio
import json
import threading
from contextlib import aclosing
from pathlib import Path

import pytest

from rowen.provider.local.engine import Engine, Engines, Key
from rowen.values import Broken, Mistaken, Unavailable

KEY = Key(Path("model.gguf"), 64, 1, 1)


class Scripted:
    """A server that gives chunks until it is told to stop; `go` lets it begin, `stopped` says that it was."""

    def __init__(self, chunks=3, problem=None):
        self.go = threading.Event()
        self.stopped = threading.Event()
        self.bodies = []
        self._chunks = chunks
        self._problem = problem

    def handle_chat_completions(self, body, callback):
        self.bodies.append(body)
        self.go.wait(10)
        if self._problem:
            raise self._problem
        for number in range(self._chunks):
            if callback(json.dumps(number).encode()):
                self.stopped.set()
                return


async def told(engine, body=b"{}"):
    async with aclosing(engine.ask(body)) as chunks:
        return [json.loads(chunk) async for chunk in chunks]


async def test_gives_each_chunk_in_order_and_ends():
    server = Scripted(chunks=100)
    server.go.set()
    engine = Engine(server, 1)

    assert await told(engine) == list(range(100))

    engine.close()


async def test_leaving_stops_the_generation():
    server = Scripted(chunks=10**9)
    server.go.set()
    engine = Engine(server, 1)

    async with aclosing(engine.ask(b"{}")) as chunks:
        await anext(chunks)

    assert await asyncio.to_thread(server.stopped.wait, 10)
    engine.close()


async def test_one_beyond_the_slots_waits_and_then_is_answered():
    server = Scripted()
    engine = Engine(server, 1)
    first, second = asyncio.create_task(told(engine, b"first")), asyncio.create_task(told(engine, b"second"))
    await asyncio.sleep(0)

    server.go.set()

    assert await first == await second == [0, 1, 2]
    assert server.bodies == [b"first", b"second"]
    engine.close()


async def test_one_that_leaves_while_waiting_is_never_generated():
    server = Scripted()
    engine = Engine(server, 1)
    first = asyncio.create_task(told(engine, b"first"))
    await asyncio.sleep(0)
    second = asyncio.create_task(told(engine, b"second"))
    await asyncio.sleep(0)

    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    server.go.set()
    await first

    assert server.bodies == [b"first"]
    engine.close()


async def test_the_event_loop_runs_on_while_the_engine_computes():
    server = Scripted()
    engine = Engine(server, 1)
    asked = asyncio.create_task(told(engine))
    await asyncio.sleep(0)

    turns = 0
    for _ in range(1000):
        await asyncio.sleep(0)
        turns += 1
    assert not asked.done()
    server.go.set()
    await asked

    assert turns == 1000
    engine.close()


@pytest.mark.parametrize(
    ("raised", "kind", "code"),
    [
        (ValueError("unsupported $ref"), Mistaken, "upstream_refused"),
        (RuntimeError("bad template"), Mistaken, "upstream_refused"),
        (KeyError("odd"), Broken, "broken"),
    ],
)
async def test_what_the_library_raises_becomes_a_problem(raised, kind, code):
    server = Scripted(problem=raised)
    server.go.set()
    engine = Engine(server, 1)

    with pytest.raises(kind) as caught:
        await told(engine)

    assert caught.value.code == code
    engine.close()


async def test_closing_ends_whoever_is_asking():
    server = Scripted(chunks=10**9)
    server.go.set()
    engine = Engine(server, 1)
    chunks = engine.ask(b"{}")
    await anext(chunks)

    await asyncio.to_thread(engine.close)

    with pytest.raises(Unavailable) as caught:
        async for _ in chunks:
            pass
    assert caught.value.code == "shutting_down"
    with pytest.raises(Unavailable):
        await told(engine)


def test_equal_settings_share_one_engine_until_the_last_gives_it_back():
    loads = []

    def load(key):
        loads.append(key)
        return Scripted()

    engines = Engines(load)

    first, second = engines.take(KEY), engines.take(KEY)
    other = engines.take(KEY._replace(slots=2))
    engines.give(KEY)
    engines.give(KEY)
    third = engines.take(KEY)

    assert first is second
    assert other is not first
    assert third is not first
    assert loads == [KEY, KEY._replace(slots=2), KEY]


def test_threads_that_ask_at_once_load_once():
    loads = []
    engines = Engines(lambda key: loads.append(key) or Scripted())
    threads = [threading.Thread(target=engines.take, args=(KEY,)) for _ in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert loads == [KEY]
