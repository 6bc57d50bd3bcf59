"""A store in memory, and traces in it."""

import random
from decimal import Decimal

import pytest

from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock
from rowen.values import Trace, TraceRow, new_id

DAY = 86_400_000_000_000
HOUR = 3_600_000_000_000
MONDAY = 1_790_553_600_000_000_000  # 2026-09-28T00:00Z


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(MONDAY + 60 * DAY)


@pytest.fixture
async def store(clock):
    found = await open_store("memory:", clock=clock)
    yield found
    await found.close()


class Rows:
    """Makes rows with what a test says and the rest plain."""

    def __init__(self) -> None:
        self.rand = random.Random(42)

    def __call__(self, at_ns: int = MONDAY, **changes) -> TraceRow:
        plain = {
            "app": "handbook",
            "definition": "d1",
            "tenant": "acme",
            "key": "k1",
            "user": "ann",
            "model": "fast",
            "deployment": "fast/0",
            "provider": "openai",
            "door": "openai.chat",
            "source": "model",
            "attempts": 1,
            "input_tokens": 100,
            "output_tokens": 10,
            "cost": Decimal("0.01"),
        }
        return TraceRow(
            id=new_id(at_ns, self.rand.randbytes), started_ns=at_ns, duration_ns=10**9, **{**plain, **changes}
        )


@pytest.fixture
def row() -> Rows:
    return Rows()


@pytest.fixture
def write(store):
    async def written(rows) -> None:
        await store.traces.write([one if isinstance(one, Trace) else Trace(row=one) for one in rows])

    return written
