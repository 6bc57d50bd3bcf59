"""What is worked out beside a page."""

import asyncio

import pytest

from rowen.testing.clock import FakeClock
from rowen.values import Unavailable
from rowen.web.kept import Kept

MINUTE = 60_000_000_000


async def test_what_is_quick_is_there_at_once_and_worked_out_once():
    kept, asked = Kept(FakeClock(), patience=5), []

    async def make():
        asked.append(1)
        return "made"

    first, second = await kept.get("a", make), await kept.get("a", make)

    assert (first.value, second.value, len(asked)) == ("made", "made", 1)


async def test_what_is_slow_is_not_waited_for_and_there_the_next_time():
    kept, gate = Kept(FakeClock(), patience=0), asyncio.Event()

    async def make():
        await gate.wait()
        return "made"

    before = await kept.get("a", make)
    gate.set()
    for _ in range(5):
        await asyncio.sleep(0)
    after = await kept.get("a", make)

    assert (before.value, after.value) == (None, "made")


async def test_an_old_value_is_shown_while_the_next_is_worked_out():
    clock, gate = FakeClock(), asyncio.Event()
    kept = Kept(clock, fresh_ns=MINUTE, patience=0)

    async def old():
        return "old"

    async def new():
        await gate.wait()
        return "new"

    await kept.get("a", old)
    await asyncio.sleep(0)
    clock.move(61)
    shown = await kept.get("a", new)
    gate.set()
    for _ in range(5):
        await asyncio.sleep(0)
    then = await kept.get("a", new)

    assert (shown.value, then.value) == ("old", "new")


async def test_a_failure_is_told_and_not_raised():
    kept = Kept(FakeClock(), patience=5)

    async def make():
        raise Unavailable("store_unavailable", "the store is away")

    found = await kept.get("a", make)

    assert found.failed is not None
    assert found.value is None


async def test_keys_do_not_see_one_another():
    kept = Kept(FakeClock(), patience=5)

    async def made(value: str) -> str:
        return value

    assert (await kept.get(("x", "acme"), lambda: made("acme"))).value == "acme"
    assert (await kept.get(("x", "globex"), lambda: made("globex"))).value == "globex"


async def test_it_stops_what_it_works_on():
    kept = Kept(FakeClock(), patience=0)
    stopped = asyncio.Event()

    async def make():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            stopped.set()
            raise

    await kept.get("a", make)
    await asyncio.sleep(0)
    await kept.close()

    assert stopped.is_set()


@pytest.mark.parametrize("count", [65, 100])
async def test_it_keeps_only_so_many(count):
    kept = Kept(FakeClock(), patience=5)

    async def make():
        return 1

    for number in range(count):
        await kept.get(number, make)

    assert len(kept._found) == 64
