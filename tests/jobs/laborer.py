"""A process with one worker, which a test kills: each step writes a line to a file, as paying for something would."""

import asyncio
import sys
from pathlib import Path

from rowen.jobs import Queue, Worker
from rowen.jobs.worker import WorkerSettings
from rowen.store.catalog import open_store
from rowen.values import SystemClock

STEPS = 40


async def main(folder: Path, lease: float) -> None:
    clock = SystemClock()
    store = await open_store(f"sqlite:{folder}/data", clock=clock)
    queue = Queue(store.records, clock)
    with (folder / "paid").open("a", encoding="utf-8", buffering=1) as paid:

        async def pay(number: int) -> int:
            paid.write(f"{number}\n")
            await asyncio.sleep(0.005)  # the time it takes to be answered
            return number * number

        async def work(task):
            total = 0
            for number in range(STEPS):
                total += await task.step(f"pay {number}", lambda number=number: pay(number))
                task.progress(number + 1, STEPS)
            return {"total": total}

        worker = Worker(queue, {"work": work}, clock, settings=WorkerSettings(lease=lease, renew=0.1, look=0.05))
        worker.start()
        while (await queue.get("the-job")).state != "done":
            await asyncio.sleep(0.02)
        await worker.stop()
    await store.close()


asyncio.run(main(Path(sys.argv[1]), float(sys.argv[2])))
