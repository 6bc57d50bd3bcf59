"""A route with scripted upstreams, a clock that moves only when told, and waits that take no time."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import pytest

from rowen.route import AnswerCache, Breaking, FleetState, ModelRoute, Models, attempt, choose, keep
from rowen.values import (
    Attempt,
    Call,
    Caller,
    Deployment,
    Door,
    Event,
    Events,
    Finished,
    Fold,
    Money,
    Patience,
    Problem,
    Request,
    Said,
    Started,
    Unavailable,
    Usage,
    Used,
    says,
)

HANG = "hang"
Play = Sequence[Event | BaseException | str]


class FakeClock:
    def __init__(self) -> None:
        self.seconds = 1_000_000.0
        self.slept: list[float] = []

    def now_ns(self) -> int:
        return int(self.seconds * 1e9)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)


def whole(*texts: str, usage: Usage | None = Usage(input_tokens=10, output_tokens=5)) -> list[Event]:
    events: list[Event] = [Started(id="a", model="m"), *(Said(text=text) for text in texts), Finished(reason="stop")]
    return [*events, Used(usage=usage)] if usage else events


def broken(code: str = "upstream_error", *, after: Sequence[Event] = (), retry_after: float | None = None) -> Play:
    return [*after, Unavailable(code, retry_after=retry_after)]


class Script:
    """An `Ask` that plays, for each deployment, one play after the other, the last one for ever.

    So many of its events as `together` says come in one batch.
    """

    def __init__(self, *, together: int = 1, **plays: list[Play]) -> None:
        self.plays = plays
        self.together = together
        self.asked: list[str] = []
        self.requests: list[Request] = []
        self.closed = 0

    async def __call__(self, request: Request, deployment: str) -> Events:
        number = self.asked.count(deployment)
        self.asked.append(deployment)
        self.requests.append(request)
        plays = self.plays[deployment]
        try:
            batch: list[Event] = []
            for item in plays[min(number, len(plays) - 1)]:
                if not isinstance(item, BaseException | str):
                    batch.append(item)
                    if len(batch) < self.together:
                        continue
                if batch:
                    yield batch
                    batch = []
                if isinstance(item, BaseException):
                    raise item
                if isinstance(item, str):
                    await asyncio.get_running_loop().create_future()
            if batch:
                yield batch
        finally:
            self.closed += 1


class Stage:
    """One app's route with everything around it faked."""

    def __init__(
        self, ask: Any, *routes: ModelRoute, cache: AnswerCache | None = None, clock: FakeClock, breaking: Breaking
    ) -> None:
        self.ask = ask
        self.clock = clock
        self.models = Models(app="shop", routes={route.name: route for route in routes}, default=routes[0].name)
        self.state = FleetState(clock, breaking)
        self.attempts: list[Attempt] = []
        self.events: list[Event] = []
        self.cache = cache
        self.rand = lambda: 0.5
        self.choose = choose(self.models, self.state, cache, count=lambda _: 7, clock=clock, rand=self._drawn)
        self.attempt = attempt(
            self.models,
            self.state,
            ask=ask,
            pricing=lambda _provider, _model, usage, _at: Money(amount=usage.total) if usage.total else None,
            count=lambda _: 7,
            count_text=lambda text: len(text.split()),
            clock=clock,
            rand=self._drawn,
            sleep=clock.sleep,
        )
        self.keep = keep(cache, self.models, clock) if cache else None

    def _drawn(self) -> float:
        return self.rand()

    def call(self, **changes: Any) -> Call:
        request = Request(model=self.models.default, messages=(says("user", "Hello"),), stream=True)
        return Call(
            id="0" * 32,
            app="shop",
            definition="d1",
            request=request.but(**changes),
            door=Door(shape="openai.chat"),
            started_ns=self.clock.now_ns(),
            caller=Caller(key="k1", shown="rk-1", tenant="acme", user="ann"),
        )

    async def answer(self, call: Call | None = None, *, leave_after: int | None = None) -> str:
        """Choose and answer; return the text of the answer. `events` and `attempts` have the rest."""
        chosen = await self.choose(call or self.call())
        self.events, self.attempts = [], []
        fold = Fold()
        async with aclosing(self.attempt(chosen, self.attempts.append)) as events:
            if leave_after == 0:
                return ""
            async for batch in events:
                self.events += batch
                fold.take(batch)
                if leave_after is not None and len(self.events) >= leave_after:
                    break
        return fold.answer().text

    async def problem(self, call: Call | None = None) -> Problem:
        """Answer, and return the problem that it ends with."""
        with pytest.raises(Problem) as caught:
            await self.answer(call)
        return caught.value

    @property
    def told(self) -> list[tuple[str, str, str]]:
        return [(attempt.deployment, attempt.reason, attempt.status) for attempt in self.attempts]


def deployment(name: str, **changes: Any) -> Deployment:
    made = Deployment(name=name, model=name.partition("_")[0], provider="fake", upstream="up", patience=Patience())
    return made.but(**changes)


def route(*names: str, model: str = "fast", deployments: dict[str, Any] | None = None, **changes: Any) -> ModelRoute:
    made = ModelRoute(
        name=model,
        deployments=tuple(deployment(name, model=model, **(deployments or {})) for name in names or (model,)),
        strategy="order",
    )
    return made.but(**changes)


class Kit:
    """The makers, by one fixture: test files import nothing of one another."""

    HANG = HANG
    Script = Script
    whole = staticmethod(whole)
    broken = staticmethod(broken)
    route = staticmethod(route)
    deployment = staticmethod(deployment)
    FakeClock = FakeClock

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock

    def stage(
        self, ask: Any, *routes: ModelRoute, cache: AnswerCache | None = None, breaking: Breaking | None = None
    ) -> Stage:
        return Stage(ask, *(routes or (route(),)), cache=cache, clock=self.clock, breaking=breaking or Breaking())


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def kit(clock: FakeClock) -> Kit:
    return Kit(clock)


@pytest.fixture(scope="session")
def fresh_kit():
    """A maker of kits, for tests that need one for each example."""
    return lambda: Kit(FakeClock())
