"""A store that forgets a filter beside another one is found out."""

from itertools import permutations
from typing import Any

import pytest

from rowen.store.base import TraceFilter
from rowen.testing.contracts.made import START, some_traces
from rowen.testing.contracts.pairs import same_of_every_two
from rowen.testing.contracts.spans import in_memory

FILTERS: list[dict[str, Any]] = [
    {"tenant": "acme"}, {"app": "shop"}, {"model": "fast"}, {"key": "k1"}, {"user": "ann"}, {"status": "ok"},
    {"tag": "green"}, {"slower_ms": 5000}, {"since_ns": START + 3_600_000_000_000},
]  # fmt: skip


@pytest.fixture
async def traces():
    traces = await in_memory()
    await traces.write(some_traces(120, seed=1))
    return traces


async def test_filters_that_hold_alone_and_together_pass(traces):
    async def find(fields):
        return await traces.find(TraceFilter(**fields))

    await same_of_every_two(find, find, FILTERS)


async def test_one_that_is_forgotten_beside_another_is_noticed_whichever_two_they_are(traces):
    async def find(fields):
        return await traces.find(TraceFilter(**fields))

    for one, other in permutations([name for each in FILTERS for name in each], 2):

        async def forgetful(fields, one=one, other=other):
            kept = {name: value for name, value in fields.items() if name != other or one not in fields}
            return await find(kept)

        with pytest.raises(AssertionError):
            await same_of_every_two(forgetful, find, FILTERS)


async def test_a_limit_that_is_forgotten_is_noticed(traces):
    async def find(fields):
        return await traces.find(TraceFilter(**fields))

    async def forgetful(fields):
        return await find(fields | {"limit": 1000})

    with pytest.raises(AssertionError):
        await same_of_every_two(forgetful, find, FILTERS)
