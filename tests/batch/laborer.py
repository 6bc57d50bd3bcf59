"""A process that works on a batch and may be killed at any moment: it notes each line that it pays for."""

import asyncio
import sys
from pathlib import Path

from rowen.batch import ENDED, Batch, Batches, Files, Line, Room, Work, WorkSettings
from rowen.jobs import Queue, Worker
from rowen.jobs.worker import WorkerSettings
from rowen.store.catalog import open_store
from rowen.values import Problem, SystemClock


class Door:
    whole = False

    def __init__(self, paid: Path) -> None:
        self._paid = paid

    async def answer(self, batch: Batch, line: Line, id: str) -> bytes:
        with self._paid.open("a") as file:
            file.write(f"{line.custom_id}\n")
        await asyncio.sleep(0.01)
        return b'{"id": "%b"}' % line.custom_id.encode()

    def refusal(self, batch: Batch, line: Line, problem: Problem, id: str) -> bytes:
        raise AssertionError(problem)

    def unasked(self, batch: Batch, line: Line, id: str) -> bytes:
        raise AssertionError("every line is asked")


async def main(folder: Path) -> None:
    clock = SystemClock()
    store = await open_store(f"sqlite:{folder}/data", clock=clock)
    queue = Queue(store.records, clock)
    desk = Batches(store.records, Files(store.records, clock, Room()), queue, clock)
    work = Work(
        store.records, desk, {"/v1/x": Door(folder / "paid")}, clock, WorkSettings(at_once=3, slice=0.05, told=0.02)
    )
    worker = Worker(queue, {"batch": work}, clock, settings=WorkerSettings(lease=0.3, renew=0.1, look=0.05))
    worker.start()
    while (await desk.shelf.find())[0].state not in ENDED:
        await asyncio.sleep(0.02)
    await worker.stop()
    await store.close()


asyncio.run(main(Path(sys.argv[1])))
