from collections.abc import Sequence

import pytest

from rowen.limits import Estimate, LimitsSettings
from rowen.store.memory.counters import MemoryCounters
from rowen.testing.clock import FakeClock
from rowen.values import Call, Caller, Deployment, Door, Request, Unavailable, Usage, says, usd

MINUTE = 60_000_000_000
START = 1_795_000_000_000_000_000 - 1_795_000_000_000_000_000 % (86_400 * 1_000_000_000)


class Counters(MemoryCounters):
    """Shared counters that can be looked into and can fail; several meters on them are several processes."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.down = False

    @property
    def kept(self) -> dict[str, int]:
        return {name: total for name, (total, _) in self._sums.items()}

    @property
    def held(self) -> list[int]:
        return [amount for shares in self._shares.values() for amount, _ in shares.values()]

    def _reached(self) -> None:
        self.asked += 1
        if self.down:
            raise Unavailable("store_unavailable", who="memory")

    async def take(self, *args, **named) -> int:
        self._reached()
        return await super().take(*args, **named)

    async def give_back(self, *args) -> None:
        self._reached()
        await super().give_back(*args)

    async def add(self, *args) -> None:
        self._reached()
        await super().add(*args)

    async def sums(self, counters: Sequence[str]) -> list[int]:
        self._reached()
        return await super().sums(counters)

    async def hold(self, *args) -> bool:
        self._reached()
        return await super().hold(*args)


@pytest.fixture
def clock():
    return FakeClock(START)


@pytest.fixture
def counters():
    return Counters()


@pytest.fixture(scope="session")
def new_counters():
    return Counters


@pytest.fixture(scope="session")
def new_clock():
    return FakeClock


@pytest.fixture(scope="session")
def call():
    return Call(
        id="0" * 32,
        app="handbook",
        definition="d",
        request=Request(model="fast", messages=(says("user", "hello there"),), max_tokens=100),
        door=Door(shape="internal"),
        started_ns=START,
        caller=Caller(key="k1", shown="rk-abc", tenant="acme", user="ann"),
    )


@pytest.fixture
def estimate_of():
    """Makes an estimate: 10 tokens a prompt, 1 USD per million tokens at `cheap`, 2 at `dear`, unknown elsewhere."""

    def pricing(provider: str, model: str, usage: Usage, at_ns: int):
        price = {"cheap": 1, "dear": 2}.get(model)
        return None if price is None else usd(price) if not usage.total else usd(f"{price * usage.total / 1e6:.9f}")

    def make(settings: LimitsSettings, upstreams: tuple[str, ...] = ("cheap", "dear"), tokens: int = 10) -> Estimate:
        places = tuple(
            Deployment(name=upstream, model="fast", provider="echo", upstream=upstream) for upstream in upstreams
        )
        return Estimate(
            settings=settings,
            count_tokens=lambda request: tokens,
            at_most=lambda request: tokens,
            pricing=pricing,
            deployments_of=lambda model: places,
        )

    return make
