"""The load of evaluation: one data set of 10,000 cases and 20 runs over it, each with six metrics, as `rowen eval` leaves them."""

import random
import time
from decimal import Decimal

import msgspec

from rowen.evaluate.run.cut import Cut
from rowen.evaluate.run.desk import Plan
from rowen.evaluate.run.judges import Wanted
from rowen.evaluate.run.result import Results
from rowen.evaluate.run.work import counted
from rowen.serve.evaluating import desk_of
from rowen.store.base import Store
from rowen.values import Case, Outcome, SystemClock, Target

METRICS = ("resolved", "grounded", "helpful", "tone", "brevity", "safe")
LANGUAGES = ("de", "en", "fr", "it")
_BATCH = 500


async def fill_runs(store: Store, cases: int, runs: int) -> None:
    """Write the runs, unless some are there."""
    clock = SystemClock()
    desk = desk_of(store, clock)
    if await desk.all("default", limit=1):
        return
    began = time.perf_counter()
    made = [_case(number) for number in range(cases)]
    await desk.datasets.add(made)
    brought = await desk.kept(made, name="golden", tenant="default")
    for run in range(runs):
        plan = Plan(
            must={"resolved": ">= 0.7", "error_rate": "< 2%"},
            scorers=tuple(Wanted(kind="judge", name=name) for name in METRICS),
            cut=Cut(by="user", names=("language", "channel")),
        )
        target = Target(kind="definition", app="shop", definition=f"{run:064x}")
        one = await desk.begin(target, brought, plan, suite="full")
        for first in range(0, cases, _BATCH):
            batch = [_outcome(made[number], number, run) for number in range(first, min(cases, first + _BATCH))]
            await store.runs.put(one.id, batch, tenant="default")
        failed = sum(number % 97 == run for number in range(cases))
        ended = one.but(
            state="done", answered=cases - failed, failed=failed, cost=Decimal("4.2"), ended_ns=clock.now_ns()
        )
        await desk.shelf.put(ended)
        await Results(store.records).put(await counted(desk, ended))
        print(f"run {run + 1} of {runs}: {time.perf_counter() - began:.0f} s", flush=True)


def _case(number: int) -> Case:
    dice = random.Random(number)
    return Case(
        id=f"golden:{number:05d}",
        dataset="golden",
        app="shop",
        input=[{"role": "user", "content": f"Question {number}: " + " ".join(dice.choices(_WORDS, k=20))}],
        expected=" ".join(dice.choices(_WORDS, k=12)),
        metadata={"language": dice.choice(LANGUAGES), "channel": dice.choice(("mail", "chat", "phone"))},
        user=f"u-{dice.randrange(800)}",
        source="trace",
    )


def _outcome(case: Case, number: int, run: int) -> Outcome:
    dice = random.Random(number * 31 + run)
    failed = number % 97 == run
    numbers = {name: round(min(1.0, max(0.0, dice.gauss(0.75, 0.2))), 3) for name in METRICS[1:]}
    return Outcome(
        case=case.id,
        key=f"{run:04x}{number:028x}",
        state="failed" if failed else "answered",
        answer="" if failed else " ".join(dice.choices(_WORDS, k=60)),
        numbers={} if failed else {**numbers, "resolved": float(dice.random() < 0.72 + run / 200)},
        reasons={"error": "upstream_timeout: it took too long"} if failed else {"grounded": "All claims stand in it."},
        cost=Decimal(dice.randrange(100, 900)) / 1_000_000,
        paid=Decimal(dice.randrange(100, 900)) / 1_000_000,
        duration_ms=dice.lognormvariate(6.6, 0.5),
        first_ms=dice.lognormvariate(5.0, 0.4),
        input_tokens=dice.randrange(80, 900),
        output_tokens=dice.randrange(20, 400),
        trace=f"{number:032x}",
        group=case.user,
        slices=msgspec.convert(case.metadata, dict[str, str]),
        at_ns=run * 10**9 + number,
    )


_WORDS = [
    "hay",
    "meadow",
    "mower",
    "blade",
    "return",
    "refund",
    "parcel",
    "week",
    "order",
    "invoice",
    "address",
    "handle",
    "green",
    "second",
    "growth",
    "field",
    "account",
    "password",
    "browser",
    "warranty",
    "motor",
    "battery",
    "charge",
    "seed",
    "clover",
    "rain",
    "barn",
    "fence",
    "gate",
    "delivery",
]
