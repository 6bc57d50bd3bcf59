"""Measures the pages: how long each takes over HTTP with a month of traces, signed in, on loopback.

bench/pages/run                       100,000 traces in a folder of its own
bench/pages/run --folder DIR          fill the folder and leave it, or measure one that is filled
bench/pages/run --store URL           another store, such as postgresql://…, filled where it is empty
bench/pages/run --only /costs         pages whose address begins so
bench/pages/run --json FILE           every value
"""

import argparse
import asyncio
import http.client
import json
import os
import re
import statistics
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from evaluated import fill_runs
from load import APP, Load

from rowen.evaluate.run.base import shelf as shelf_of
from rowen.insight.desk import Insight
from rowen.store.base import Store, TraceFilter
from rowen.store.catalog import open_store
from rowen.testing.serving import Running, serving
from rowen.values import SystemClock
from rowen.watch.engine import Mark

GOAL_MS = 300
PAGES = (
    "/", "/?range=30d", "/traces", "/traces?status=failed", "/traces?text={word}", "/traces?q=cost+%3E+0.005",
    "/traces/{call}", "/traces/{sent}", "/sessions", "/sessions/{session}", "/users", "/scores", "/scores/grounded",
    "/scores/thumbs", "/review", "/objectives", "/objectives/available", "/objectives/grounded", "/costs",
    "/costs?range=90d", "/costs?by=app", "/costs?by=feature", "/costs?by=key", "/costs?by=user", "/costs?by=release",
    "/costs?by=purpose", "/errors", "/errors/{error}", "/night", "/status", "/alerts",
    "/incidents", "/models", "/keys", "/runs", "/runs/{run}", "/runs/{run}?show=failed", "/runs/{run}?show=all&at=9000",
    "/runs/compare?runs={other},{run}", "/datasets", "/datasets/golden",
)  # fmt: skip


def main() -> None:
    said = arguments()
    with tempfile.TemporaryDirectory() as own:
        folder = Path(said.folder or own)
        folder.mkdir(parents=True, exist_ok=True)
        app = folder / "app.toml"
        app.write_text(APP)
        url = said.store or f"sqlite:{folder}/data"
        asyncio.run(filled(url, said.traces, said.cases, said.runs))
        began = time.perf_counter()
        with serving(app, store=url) as run:
            counted(run)
            print(f"ready after {time.perf_counter() - began:.1f} s", flush=True)
            found = measured(run, said)
    show(found, said.traces)
    if said.json:
        told = {"cores": os.cpu_count(), "load": os.getloadavg(), "traces": said.traces, "pages": found}
        Path(said.json).write_text(json.dumps(told, indent=1) + "\n")


async def filled(url: str, traces: int, cases: int, runs: int) -> None:
    """Fill the store unless something is in it."""
    store = await open_store(url, clock=SystemClock())
    if not await store.traces.find(TraceFilter(limit=1)):
        await fill(store, traces)
    await fill_runs(store, cases, runs)
    await store.close()


async def fill(store: Store, traces: int) -> None:
    """Write the load; batches of calls, of spans and of scores in turn, as a server does."""
    began = time.perf_counter()
    for number, (calls, spans, scores) in enumerate(Load(traces, SystemClock().now_ns()).batches()):
        await store.traces.write(calls)
        for first in range(0, len(spans), 300):
            await store.traces.observe(spans[first : first + 300])
        await store.scores.put(scores)
        if number % 20 == 19:
            print(f"{(number + 1) * 1000:,} traces: {time.perf_counter() - began:.0f} s", flush=True)


def counted(run: Running) -> None:
    """Wait until the objectives are counted and the book and the inbox are kept."""
    shelf = Mark.shelf(run.opened.store.records)
    while run.do(shelf.get("shop")) is None:
        time.sleep(0.2)
    run.do(run.opened.watching.engine.tick())
    run.do(insight_of(run).keep())


def insight_of(run: Running) -> Insight:
    """Return what counts costs and groups errors, over the store that is served."""
    store = run.opened.store
    return Insight(
        traces=store.traces, scores=store.scores, records=store.records, tenants=store.tenants, clock=SystemClock()
    )


def measured(run: Running, said: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Ask for every page, once cold and then some times in a row."""
    names = places(run)
    pages = {page: page.format(**names) for page in PAGES if page.startswith(said.only)}
    client = Client(run)
    found = {}
    for page, path in pages.items():
        cold, size = client.took(path)
        cpu = time.process_time()
        times = [client.took(path)[0] for _ in range(said.times)]
        cpu = (time.process_time() - cpu) / said.times * 1e3
        found[page] = {
            "first_ms": cold,
            "median_ms": statistics.median(times),
            "worst_ms": max(times),
            "cpu_ms": cpu,
            "kb": size / 1000,
        }
        print(
            f"{page:32} first {cold:7.0f}  median {statistics.median(times):6.0f}  CPU {cpu:5.0f}  kB {size / 1000:5.0f}",
            flush=True,
        )
    return found


def places(run: Running) -> dict[str, str]:
    """Return what the addresses need: a call, a sent trace, a session, a word, an error."""
    store = run.opened.store
    call = run.do(store.traces.find(TraceFilter(origin="call", limit=1)))[0]
    sent = run.do(store.traces.find(TraceFilter(origin="spans", limit=1)))[0]
    groups = run.do(insight_of(run).inbox.groups("default", since_ns=0, limit=1))
    runs = run.do(shelf_of(store.records).find(limit=2))
    return {
        "call": call.id,
        "sent": sent.id,
        "session": call.session,
        "word": call.asked.split()[0],
        "error": groups[0].id if groups else "",
        "run": runs[0].id,
        "other": runs[1].id,
    }


class Client:
    """A browser's requests without a browser: one kept connection, signed in."""

    def __init__(self, run: Running) -> None:
        self._host = urlsplit(run.url).netloc
        self._http = http.client.HTTPConnection(self._host)
        self._cookies: dict[str, str] = {}
        form = self._ask("GET", "/sign-in")[2].decode()
        csrf = re.search(r'name="csrf" value="([^"]+)"', form)
        assert csrf is not None
        body = urlencode({"key": run.admin, "csrf": csrf[1], "to": "/"})
        status, _, _ = self._ask("POST", "/sign-in", body)
        assert status == 303, status

    def took(self, path: str) -> tuple[float, int]:
        """Return the milliseconds that a page took, and its size."""
        began = time.perf_counter()
        status, _, body = self._ask("GET", path)
        took = (time.perf_counter() - began) * 1e3
        assert status == 200, (path, status, body[:500])
        return took, len(body)

    def _ask(self, method: str, path: str, body: str = "") -> tuple[int, str, bytes]:
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if body:
            headers |= {"content-type": "application/x-www-form-urlencoded", "origin": f"http://{self._host}"}
        self._http.request(method, path, body or None, headers)
        answer = self._http.getresponse()
        for line in answer.headers.get_all("set-cookie") or ():
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status, answer.headers.get("location", ""), answer.read()


def show(found: dict[str, dict[str, float]], traces: int) -> None:
    """Print a table beside the goal."""
    print(
        f"\n| page, {traces:,} traces | first, ms | median, ms | worst, ms | CPU, ms | kB |\n|---|---|---|---|---|---|"
    )
    for page, each in found.items():
        median = f"{each['median_ms']:,.0f}"
        mark = f"**{median}**" if each["median_ms"] <= GOAL_MS else f"{median} (missed)"
        print(
            f"| `{page}` | {each['first_ms']:,.0f} | {mark} | {each['worst_ms']:,.0f} | {each['cpu_ms']:,.0f} | {each['kb']:,.0f} |"
        )
    print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traces", type=int, default=100_000)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--times", type=int, default=15)
    parser.add_argument("--folder", default="")
    parser.add_argument("--store", default="")
    parser.add_argument("--only", default="/")
    parser.add_argument("--json", default="")
    return parser.parse_args()


if __name__ == "__main__":
    main()
