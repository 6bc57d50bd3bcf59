"""A desk of batches over a memory or an SQLite store, a clock that is told the time, and a door that plays a script."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from rowen.batch import Batch, Batches, Files, Holder, Line, Room, Work, WorkSettings
from rowen.batch.desk import Wish
from rowen.jobs import Queue, Worker
from rowen.store.base import Store
from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock
from rowen.values import Problem

ENDPOINT = "/v1/chat/completions"
HOLDER = Holder(tenant="default", keys=("k1",))


@dataclass
class Door:
    """Answers with the custom id, unless told otherwise."""

    whole: bool = False
    asked: list[str] = field(default_factory=list)
    fails: Callable[[str], Problem | None] = lambda _: None
    before: Callable[[], None] = lambda: None

    async def answer(self, batch: Batch, line: Line, id: str) -> bytes:
        self.before()
        self.asked.append(line.custom_id)
        if problem := self.fails(line.custom_id):
            raise problem
        return json.dumps({"ok": line.custom_id}).encode()

    def refusal(self, batch: Batch, line: Line, problem: Problem, id: str) -> bytes:
        return json.dumps({"bad": line.custom_id, "code": problem.code}).encode()

    def unasked(self, batch: Batch, line: Line, id: str) -> bytes:
        return json.dumps({"late": line.custom_id}).encode() if batch.state == "expired" else b""


@dataclass
class Bench:
    store: Store
    clock: FakeClock
    queue: Queue
    files: Files
    batches: Batches
    door: Door

    def worker(self, **settings: float) -> Worker:
        work = Work(self.store.records, self.batches, {ENDPOINT: self.door}, self.clock, WorkSettings(**settings))
        return Worker(self.queue, {"batch": work}, self.clock)

    async def made(self, text: bytes, *, window: str = "24h") -> Batch:
        file = await self.files.keep(HOLDER, "a.jsonl", chunks(text))
        return await self.batches.make(HOLDER, Wish(endpoint=ENDPOINT, input=file.id, window=window))

    async def now(self, batch: Batch) -> Batch:
        return await self.batches.get(batch.id, HOLDER)

    async def read(self, id: str) -> bytes:
        return b"".join([piece async for piece in self.files.content(await self.files.get(id, HOLDER))])

    async def results(self, id: str) -> list[dict]:
        return [json.loads(line) for line in (await self.read(id)).splitlines()]


async def chunks(text: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for at in range(0, len(text), size):
        yield text[at : at + size]


def requests(number: int, *, padding: int = 0) -> bytes:
    body = {"model": "m", "pad": "x" * padding}
    return b"".join(
        json.dumps({"custom_id": f"r{n}", "method": "POST", "url": ENDPOINT, "body": body}).encode() + b"\n"
        for n in range(number)
    )


@asynccontextmanager
async def standing(address: str, room: Room | None = None) -> AsyncIterator[Bench]:
    clock = FakeClock()
    store = await open_store(address, clock=clock)
    try:
        queue = Queue(store.records, clock)
        files = Files(store.records, clock, room or Room())
        yield Bench(store, clock, queue, files, Batches(store.records, files, queue, clock), Door())
    finally:
        await store.close()


@pytest.fixture(params=["memory", "sqlite"])
async def bench(request, tmp_path):
    async with standing("memory:" if request.param == "memory" else f"sqlite:{tmp_path}/data") as made:
        yield made
