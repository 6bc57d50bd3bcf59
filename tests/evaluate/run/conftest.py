import asyncio
from decimal import Decimal

import pytest

from rowen.evaluate.dataset import Datasets
from rowen.evaluate.run.aim import Aim, Reply, hashed
from rowen.evaluate.run.desk import Plan, RunDesk
from rowen.evaluate.run.judges import Judge
from rowen.evaluate.run.work import RunWork
from rowen.score.base import Verdict, flag
from rowen.testing.clock import FakeClock
from rowen.values import Case, Target


class Bench:
    """Runs over a memory store, of something that says what it is told to, and notes what it was asked."""

    def __init__(self, store, clock, sets: Datasets) -> None:
        self.store, self.clock = store, clock
        self.desk = RunDesk(store.records, store.runs, datasets=sets, clock=clock)
        self.asked: list[tuple[str, int]] = []
        self.judged: list[str] = []
        self.slept: list[float] = []
        self.says = lambda case, _: Reply(text=str(case.input), cost=Decimal("0.01"), duration_ms=5.0)
        self.content = "target v1"
        self.lasting = True
        self.version = "scorer v1"
        self.within: list[str] = []
        self.pays = False
        self.judge_says = lambda case, reply: (flag(reply.text == case.expected, "since it is"),)
        self.work = RunWork(self.desk, store.records, self, clock, sleep=self._sleep)

    async def aim(self, run, plan):
        async def ask(case: Case, trial: int) -> Reply:
            self.asked.append((case.id, trial))
            await asyncio.sleep(0)
            return self.says(case, trial)

        return Aim(
            target=Target(kind="callable", name="mine", definition=self.content),
            content=hashed(self.content),
            ask=ask,
            lasting=self.lasting,
        )

    def judges(self, run, plan):
        async def scorer(subject) -> tuple[Verdict, ...]:
            raise NotImplementedError

        judge = _Judge(
            name="right", version=self.version, within=lambda _: scorer, variables={}, pays=self.pays, bench=self
        )
        return [judge]

    async def begun(self, cases: list[Case], **plan):
        brought = await self.desk.kept(cases, name="hay", tenant="acme")
        return await self.desk.begin(
            Target(kind="callable", name="mine"), brought, Plan(**plan), suite="smoke", tenant="acme"
        )

    async def run(self, cases: list[Case], **plan):
        return await self.work.done(await self.begun(cases, **plan))

    async def outcomes(self, run):
        return await self.store.runs.page(run.id, tenant=run.tenant, limit=1000)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.move(seconds)
        await asyncio.sleep(0)


class _Judge(Judge):
    """Judges as the bench says."""

    def __init__(self, *, bench: Bench, **fields) -> None:
        super().__init__(**fields)
        object.__setattr__(self, "bench", bench)

    __slots__ = ("bench",)

    async def __call__(self, case, reply, trace=""):
        self.bench.judged.append(case.id)
        self.bench.within.append(trace)
        return self.bench.judge_says(case, reply)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def bench(store, clock, datasets) -> Bench:
    return Bench(store, clock, datasets)


@pytest.fixture
def some(case):
    """Makes cases c0, c1, … of which every third expects something else than it will get."""

    def make(n: int, **more) -> list[Case]:
        return [case(f"c{i}", f"say {i}", expected="no" if i % 3 == 2 else f"say {i}", **more) for i in range(n)]

    return make
