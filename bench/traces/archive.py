"""Measures the archive: what a span costs to bring into it, the disk it takes, the memory, and how long asking takes.

bench/traces/archive.py                    120,000 spans of one day
bench/traces/archive.py --spans 1000000
"""

import argparse
import asyncio
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from load import START, Load

from rowen.store.archive.archive import open_archive
from rowen.store.base import DAY_NS
from rowen.store.catalog import open_store
from rowen.values import SystemClock

QUERIES = {
    "Sums by model": "SELECT model, count(*), sum(cost), quantile_cont(duration_ns, 0.95) FROM spans GROUP BY model",
    "Failed traces by hour": "SELECT date_trunc('hour', started), count(*) FROM traces WHERE status = 'failed' GROUP BY 1",
    "Spans by a word in what was asked": "SELECT count(*) FROM spans WHERE input ILIKE '%zephyr%'",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, default=120_000)
    parser.add_argument("--fill", default="", help=argparse.SUPPRESS)
    said = parser.parse_args()
    if said.fill:
        asyncio.run(fill(said.fill, said.spans // 6))
        return
    with tempfile.TemporaryDirectory() as folder:
        # In a process of its own, so that its memory is not counted.
        subprocess.run([sys.executable, __file__, "--fill", folder, "--spans", str(said.spans)], check=True)
        asyncio.run(measured(Path(folder)))


async def fill(folder: str, traces: int) -> None:
    store = await open_store(f"sqlite:{folder}", clock=SystemClock())
    load = Load(apart_ns=(START // DAY_NS * DAY_NS + DAY_NS - START) // (traces + 1))
    for first in range(0, traces, 100):
        await store.traces.observe(load.batch(first, min(100, traces - first)))
    await store.close()


async def measured(folder: Path) -> None:
    store = await open_store(f"sqlite:{folder}", clock=SystemClock())
    archive = open_archive(folder / "archive", SystemClock())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cpu, began = time.process_time(), time.perf_counter()
    kept = await archive.keep(store.traces, store.scores, before_ns=START + 2 * DAY_NS)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = sum(part.bytes for day in await archive.days() for part in day.tables.values())
    print(f"spans                     {kept.spans:>12,}")
    print(f"CPU per span              {cpu / kept.spans * 1e6:>12.0f} µs")
    print(f"spans a second            {kept.spans / wall:>12,.0f}")
    print(f"disk per 1,000 spans      {size / kept.spans * 1000 / 2**20:>12.2f} MiB")
    print(f"peak memory               {peak:>12.0f} MiB, {before:.0f} before")
    for name, query in QUERIES.items():
        took = []
        for _ in range(5):
            began = time.perf_counter()
            await archive.query(query)
            took.append((time.perf_counter() - began) * 1e3)
        print(f"{name:<34}{statistics.median(took):>6.0f} ms")
    await store.close()


if __name__ == "__main__":
    main()
