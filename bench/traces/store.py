"""Measures the trace store: what a span costs to write, the disk it takes, and how long finding takes.

bench/traces/store.py                         100,000 spans in a folder of its own
bench/traces/store.py --spans 1000000         the size that the goals are set for
bench/traces/store.py --folder DIR            fill the folder and leave it, or measure one that is filled
bench/traces/store.py --json FILE             every value
"""

import argparse
import asyncio
import gc
import json
import os
import platform
import resource
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
from load import MODELS, START, Load

from rowen.store.base import SpanFilter, Store, TraceFilter
from rowen.store.catalog import open_store
from rowen.values import SystemClock

GOALS: dict[str, tuple[str, float, str]] = {
    "write_us": ("CPU per span, rows to stored, searchable and on the disk", 276.0, "µs"),
    "disk_mib": ("Disk per 1,000 spans, with full text", 1.3, "MiB"),
    "list_ms": ("List of the 50 newest traces", 50.0, "ms"),
    "list_deep_ms": ("The same, a page from the middle", 50.0, "ms"),
    "model_ms": ("Spans of a common model", 100.0, "ms"),
    "rare_model_ms": ("Spans of a rare model", 100.0, "ms"),
    "failed_ms": ("Failed traces", 100.0, "ms"),
    "session_ms": ("Traces of one session", 100.0, "ms"),
    "attribute_ms": ("Spans by an attribute of their own", 100.0, "ms"),
    "common_ms": ("Traces by a word that all have", 50.0, "ms"),
    "rare_ms": ("Traces by a word that one in 10,000 has", 50.0, "ms"),
    "absent_ms": ("Traces by a word that none has", 50.0, "ms"),
    "two_ms": ("Spans by two common words", 50.0, "ms"),
    "phrase_ms": ("Traces by a phrase", 50.0, "ms"),
    "sums_ms": ("Sums over all spans by model, by the day", 100.0, "ms"),
    "sessions_ms": ("50 sessions", 100.0, "ms"),
    "large_ms": ("All rows of a trace of 50,000 spans", 1000.0, "ms"),
    "large_write_us": ("CPU per span of that trace, 100 at a time", 276.0, "µs"),
}


async def main() -> None:
    said = arguments()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(said.folder or made)
        store = await open_store(f"sqlite:{folder}", clock=SystemClock())
        load = Load()
        found: dict[str, Any] = {}
        there = (await store.traces.find(TraceFilter(limit=1))) != []
        if not there:
            found |= await written(store, load, said.spans // 6, said.batch)
            found["disk_mib"] = await disk(store, folder) / (said.spans // 6 * 6) * 1000 / 2**20
        found |= await read(store, load, said.spans // 6)
        found |= await large(store, load)
        await store.close()
    found["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    show(found, said.spans)
    if said.json:
        told = {"machine": f"{os.cpu_count()} cores, Python {platform.python_version()}", "spans": said.spans, **found}
        Path(said.json).write_text(json.dumps(told, indent=1) + "\n")


async def written(store: Store, load: Load, traces: int, batch: int) -> dict[str, float]:
    """Fill the store; the making of the load is not counted."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)  # as the server has it
    cpu = wall = 0.0
    size, spans = 0, 0
    for first in range(0, traces, batch // 6):
        coming = load.batch(first, min(batch // 6, traces - first))
        if not first:
            size = sum(len(msgspec.json.encode(span.span)) + len(span.input) + len(span.output) for span in coming)
            size //= len(coming)
        spans += len(coming)
        before, began = time.process_time(), time.perf_counter()
        await store.traces.observe(coming)
        cpu += time.process_time() - before
        wall += time.perf_counter() - began
        if first // (batch // 6) % 1000 == 999:
            print(f"{spans:,} spans: {cpu / spans * 1e6:.0f} µs", flush=True)
    return {"write_us": cpu / spans * 1e6, "write_per_s": spans / wall, "span_bytes": size}


async def disk(store: Store, folder: Path) -> int:
    """Return the size of the files of traces, the log put away."""
    await store.close()
    again = await open_store(f"sqlite:{folder}", clock=SystemClock())
    await again.close()
    reopened = await open_store(f"sqlite:{folder}", clock=SystemClock())
    store.traces = reopened.traces
    store.close = reopened.close  # type: ignore[method-assign]
    return sum(file.stat().st_size for file in folder.glob("traces.db*"))


async def read(store: Store, load: Load, traces: int) -> dict[str, float]:
    """Ask each question several times; the first asking is not left out of the median's odd ones, but shown apart."""
    middle = load.batch(traces // 2, 1)[-1].row
    day = 86_400_000_000_000
    phrase = " ".join(load.batch(traces // 3, 1)[0].input.split()[3:7])
    window = {"tenant": "default", "since_ns": START // day * day, "until_ns": START + 40 * day, "every_ns": day}
    two = " ".join(load.batch(5, 1)[0].input.split()[:2])
    asked: dict[str, Callable[[], Awaitable[Any]]] = {
        "list_ms": lambda: store.traces.find(TraceFilter(tenant="default")),
        "list_deep_ms": lambda: store.traces.find(
            TraceFilter(tenant="default", before=f"{middle.started_ns}:{middle.trace}:default")
        ),
        "model_ms": lambda: store.traces.find_spans(SpanFilter(tenant="default", model=MODELS[0])),
        "rare_model_ms": lambda: store.traces.find_spans(SpanFilter(tenant="default", model=MODELS[-1])),
        "failed_ms": lambda: store.traces.find(TraceFilter(tenant="default", status="failed")),
        "session_ms": lambda: store.traces.find(TraceFilter(tenant="default", session=middle.session)),
        "attribute_ms": lambda: store.traces.find_spans(
            SpanFilter(tenant="default", attribute=f"custom.order={traces // 2}")
        ),
        "common_ms": lambda: store.traces.find(TraceFilter(tenant="default", text="invoice")),
        "rare_ms": lambda: store.traces.find(TraceFilter(tenant="default", text="zephyr")),
        "absent_ms": lambda: store.traces.find(TraceFilter(tenant="default", text="nowhereatall")),
        "two_ms": lambda: store.traces.find_spans(SpanFilter(tenant="default", text=two + " ")),
        "phrase_ms": lambda: store.traces.find(TraceFilter(tenant="default", text=f'"{phrase}"')),
        "sums_ms": lambda: store.traces.span_buckets(by="model", **window),  # type: ignore[arg-type]
        "sessions_ms": lambda: store.traces.sessions(tenant="default"),
    }
    return {name: await middle_of(ask) for name, ask in asked.items()}


async def large(store: Store, load: Load) -> dict[str, float]:
    """Write one trace of 50,000 spans, 100 at a time in any order, and open it."""
    (first, *_), count = load.batch(10**9, 1), 50_000
    spans = [
        first.but(
            row=first.row.but(
                id=f"{number:016x}", parent="" if number == 1 else f"{1:016x}", started_ns=START + number * 1_000_000
            ),
            span=first.span.but(id=f"{number:016x}"),
        )
        for number in range(count, 0, -1)
    ]
    if not await store.traces.spans(first.row.trace, "default"):
        cpu = time.process_time()
        for at in range(0, count, 100):
            await store.traces.observe(spans[at : at + 100])
        cpu = time.process_time() - cpu
    else:
        cpu = float("nan")
    took = await middle_of(lambda: store.traces.spans(first.row.trace, "default"), 5)
    return {"large_write_us": cpu / count * 1e6, "large_ms": took}


async def middle_of(ask: Callable[[], Awaitable[Any]], times: int = 15) -> float:
    """Return the median time of a question in milliseconds."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        await ask()
        took.append((time.perf_counter() - began) * 1e3)
    return statistics.median(took)


def show(found: dict[str, Any], spans: int) -> None:
    """Print a table beside the goals."""
    print(f"\n| figure, {spans:,} spans | goal | measured |\n|---|---|---|")
    for name, (what, goal, unit) in GOALS.items():
        if name in found:
            value = f"{found[name]:,.2f}" if found[name] < 10 else f"{found[name]:,.0f}"
            mark = f"**{value}**" if found[name] <= goal else f"{value} (missed)"
            print(f"| {what}, {unit} | ≤ {goal:g} | {mark} |")
    for name in ("write_per_s", "span_bytes", "peak_mib"):
        if name in found:
            print(f"{name}: {found[name]:,.0f}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=600, help="spans in one write")
    parser.add_argument("--folder", default="")
    parser.add_argument("--json", default="")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
