"""`bench/gateway/parts.py`: what the parts of a call take when they are hot and alone, in microseconds.

In one process, without sockets: an app of one model whose provider answers at once, held to the seven limits of the
benchmark, its counters in memory, its traces in SQLite. Of many short windows the least counts, so that neighbours hardly
show. In a walk, one part after the other, each takes 1.5 to 2 times as long; what it is good for is to see which part
grew, and where to look next.
"""

import asyncio
import gc
import tempfile
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from itertools import count
from typing import Any

import msgspec

from rowen import limits, prompt, route
from rowen.api.metrics import Metrics
from rowen.api.reply import usage_of
from rowen.flow.chain import Chain
from rowen.flow.walk import Walk
from rowen.limits import LimitsSettings
from rowen.provider.prices import Prices, Snapshot
from rowen.provider.tokens import at_most, count_request
from rowen.provider.tokens import count as count_text
from rowen.store.catalog import open_store
from rowen.store.memory.counters import MemoryCounters
from rowen.store.own import found_rows
from rowen.store.pack import Packing
from rowen.trace import Buffer, TraceSettings, record
from rowen.trace.spans import trace_of
from rowen.values import (
    Call,
    Caller,
    Deployment,
    Door,
    Finished,
    Request,
    Said,
    Started,
    SystemClock,
    Usage,
    Used,
    new_id,
    says,
)
from rowen.values.price import Price

WINDOW = 50
WINDOWS = 200
TEXT = " ".join(["the second growth of a meadow comes after the first mowing"] * 10)
QUESTION = "When is the second growth of a meadow mown, and what is it good for? "
LIMITS = {
    "per_key": ["100M/min", "100G/day"],
    "tokens": {"per_key": "100G/day", "per_tenant": "900G/month"},
    "budget": {"per_key": "1000000 USD/day", "per_tenant": "9000000 USD/month"},
    "concurrency": {"per_key": 4000},
}
CLOCK = SystemClock()
CALLER = Caller(key="k" * 20, shown="rk-abcdef", tenant="default", user="")


class App:
    """The chain, and calls to walk through it; their lengths differ, as those of callers do."""

    def __init__(self) -> None:
        settings = msgspec.convert(LIMITS, LimitsSettings)
        place = Deployment(name="fast/0", model="fast", provider="openai", upstream="fast")
        names = {"fast": 0.0, "cached": 3600.0}
        models = route.Models(
            app="bench",
            routes={
                name: route.ModelRoute(name=name, deployments=(place,), cache_ttl=ttl) for name, ttl in names.items()
            },
            default="fast",
        )
        prices = Prices(Snapshot.load(), {("openai", "fast"): (Price(input=Decimal("0.15"), output=Decimal("0.60")),)})
        estimate = limits.Estimate(
            settings=settings, count_tokens=count_request, at_most=at_most, pricing=prices,
            deployments_of=lambda _: (place,),
        )  # fmt: skip
        admission = limits.Admission(limits.AdmissionSettings(), CLOCK)
        state = route.FleetState(CLOCK)
        cache = route.AnswerCache(None, CLOCK)
        self.buffer = Buffer(_nowhere, size=1_000_000)
        self.admit = limits.admit(limits.Meter(MemoryCounters(), CLOCK), settings, estimate, CLOCK, admission=admission)
        self.settle = limits.settle(estimate, admission=admission)
        self.choose = route.choose(models, state, cache, count=at_most, clock=CLOCK)
        self.attempt = route.attempt(
            models, state, ask=_ask, pricing=prices, count=count_request, count_text=count_text, clock=CLOCK
        )
        self.chain = Chain(
            before=(
                ("access.identify", _identify),
                ("limits.admit", self.admit),
                ("prompt.render", prompt.render(prompt.PromptSettings())),
                ("route.choose", self.choose),
            ),
            answer=self.attempt,
            after=(
                ("route.keep", route.keep(cache, models, CLOCK)),
                ("limits.settle", self.settle),
                ("trace.record", record(self.buffer, TraceSettings())),
            ),
        )
        self._number = count()

    def call(self, model: str = "fast") -> Call:
        number, now_ns = next(self._number), time.time_ns()
        question = QUESTION if model == "cached" else QUESTION * (1 + number % 5)
        request = Request(
            model=model, messages=(says("system", "Answer briefly."), says("user", question)), temperature=0.2,
            max_tokens=200 if model == "cached" else 100 + number % 97,
        )  # fmt: skip
        door = Door(shape="openai.chat", path="/v1/chat/completions", address="127.0.0.1", key_digest="a" * 64)
        return Call(id=new_id(now_ns), app="bench", definition="f" * 64, request=request, door=door, started_ns=now_ns)

    async def walked(self, model: str = "fast") -> Call:
        return await Walk(self.chain, self.call(model), CLOCK).answer()


async def main() -> None:
    app = App()
    done = [await app.walked() for _ in range(500)]
    await app.walked("cached")
    called = [await _identify(app.call()) for _ in range(WINDOW)]
    held = [await app.choose(await app.admit(call)) for call in called]
    traces = [trace_of(call, TraceSettings()) for call in done]
    gc.collect()
    gc.freeze()
    gc.disable()
    metrics, packing, turn = Metrics(), Packing(), count()

    async def limited() -> None:
        call = await app.admit(called[next(turn) % WINDOW])
        await app.settle(call.but(attempts=done[0].attempts))

    async def answered() -> None:
        events = app.attempt(held[next(turn) % WINDOW], _untold)
        async for _ in events:
            pass
        await events.aclose()

    await _shown("a call's walk, provider apart", app.walked, app)
    await _shown("a cache hit's walk", lambda: app.walked("cached"), app)
    await _shown("  limits: admit and settle", limited)
    await _shown("  route: choose", lambda: app.choose(called[next(turn) % WINDOW]))
    await _shown("  route: attempt", answered)
    _told("metrics", lambda: metrics.called(done[0], model="fast", status=200, usage=usage_of(done[0])))
    _told("trace: made", lambda: trace_of(done[next(turn) % 500], TraceSettings()))
    _told("trace: its row among spans", lambda: found_rows(traces[next(turn) % 500]))
    _told("trace: its body, JSON and compressed, 50 together", lambda: packing.calls(traces[:50]), each=50)
    for batch in (20, 250):
        print(f"{f'trace: stored, batches of {batch}':52} {await _stored(app, batch):6.1f}")


async def _stored(app: App, batch: int) -> float:
    """The CPU of all threads for each trace of the quickest of 40 batches."""
    least = float("inf")
    with tempfile.TemporaryDirectory() as folder:
        store = await open_store(f"sqlite:{folder}", clock=CLOCK)
        for _ in range(40):
            traces = [trace_of(await app.walked(), TraceSettings()) for _ in range(batch)]
            began = time.process_time()
            await store.traces.write(traces)
            least = min(least, time.process_time() - began)
        await store.close()
    return least / batch * 1e6


async def _shown(name: str, make: Callable[[], Awaitable[Any]], app: App | None = None) -> None:
    least = float("inf")
    for _ in range(WINDOWS):
        began = time.process_time()
        for _ in range(WINDOW):
            await make()
        least = min(least, time.process_time() - began)
        if app is not None:
            await app.buffer.flush()  # into nowhere
    print(f"{name:52} {least / WINDOW * 1e6:6.1f}")


def _told(name: str, do: Callable[[], Any], each: int = 1) -> None:
    least = float("inf")
    for _ in range(WINDOWS):
        began = time.process_time()
        for _ in range(WINDOW // each):
            do()
        least = min(least, time.process_time() - began)
    print(f"{name:52} {least / WINDOW * 1e6:6.1f}")


async def _identify(call: Call) -> Call:
    return call.but(caller=CALLER, priority=CALLER.priority)


async def _ask(_request: Request, _name: str) -> Any:
    yield (
        Started(id="chatcmpl-bench", model="fast"),
        Said(text=TEXT),
        Finished(reason="stop"),
        Used(usage=Usage(input_tokens=41, output_tokens=100)),
    )


def _untold(_attempt: object) -> None:
    pass


async def _nowhere(_traces: object) -> None:
    pass


if __name__ == "__main__":
    asyncio.run(main())
