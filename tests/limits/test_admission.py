import asyncio
from collections import Counter

import pytest

from rowen.flow import Chain, Walk
from rowen.limits import Admission, AdmissionSettings, LimitsSettings, Meter, admit, settle
from rowen.values import Events, Finished, Refused, Said

SMALL = AdmissionSettings(in_flight=10, queue=4, wait=5, target=0.5)


def never_later(seconds, sweep):
    """The tests sweep themselves."""


@pytest.fixture
def admission(clock):
    return Admission(SMALL, clock, later=never_later)


async def turn():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_free_place_is_given_at_once(admission):
    assert await admission.enter("low") == 0.0
    assert admission.running == 1


async def test_the_last_places_are_kept_for_high_priority(admission):
    for _ in range(8):
        await admission.enter("low")
    low = asyncio.ensure_future(admission.enter("low"))
    await turn()

    waited = await admission.enter("high")

    assert waited == 0.0
    assert not low.done()
    low.cancel()
    await turn()


async def test_a_place_goes_to_high_then_normal_then_low(admission):
    for _ in range(10):
        await admission.enter("high")
    order: list[str] = []

    async def come(priority):
        await admission.enter(priority)
        order.append(priority)

    tasks = [asyncio.ensure_future(come(priority)) for priority in ("low", "normal", "high")]
    await turn()
    for _ in range(5):
        admission.leave()
        await turn()

    assert order == ["high", "normal", "low"]
    assert all(task.done() for task in tasks)


async def test_a_full_queue_sheds_the_lowest_priority_for_a_higher_one(admission):
    for _ in range(10):
        await admission.enter("high")
    lows = [asyncio.ensure_future(admission.enter("low")) for _ in range(4)]
    await turn()

    high = asyncio.ensure_future(admission.enter("high"))
    await turn()

    assert [task.done() for task in lows] == [False, False, False, True]
    shed = lows[3].exception()
    assert isinstance(shed, Refused)
    assert (shed.code, shed.status) == ("overloaded", 429)
    assert shed.retry_after
    assert not high.done()
    for task in (*lows[:3], high):
        task.cancel()
    await turn()


async def test_a_full_queue_sends_away_who_has_nobody_below(admission):
    for _ in range(10):
        await admission.enter("high")
    lows = [asyncio.ensure_future(admission.enter("low")) for _ in range(4)]
    await turn()

    with pytest.raises(Refused, match="low priority"):
        admission.check("low")
    with pytest.raises(Refused):
        await admission.enter("low")
    admission.check("normal")

    for task in lows:
        task.cancel()
    await turn()
    assert admission.waiting == 0


async def test_low_priority_waits_only_for_the_target_and_others_longer(admission, clock):
    for _ in range(10):
        await admission.enter("high")
    low = asyncio.ensure_future(admission.enter("low"))
    normal = asyncio.ensure_future(admission.enter("normal"))
    await turn()

    clock.move(1)
    admission.sweep()
    await turn()
    after_one_second = (low.done(), normal.done())
    clock.move(5)
    admission.sweep()
    await turn()

    assert after_one_second == (True, False)
    assert isinstance(low.exception(), Refused)
    assert isinstance(normal.exception(), Refused)
    assert admission.shed == {"high": 0, "normal": 1, "low": 1}


async def test_the_wait_is_told(admission, clock):
    for _ in range(10):
        await admission.enter("high")
    task = asyncio.ensure_future(admission.enter("high"))
    await turn()
    clock.move(0.25)
    admission.leave()

    assert await task == 0.25


async def test_a_client_that_leaves_frees_its_place_in_the_queue(admission):
    for _ in range(10):
        await admission.enter("high")
    gone, stays = (asyncio.ensure_future(admission.enter("high")) for _ in range(2))
    await turn()
    gone.cancel()
    await turn()

    admission.leave()
    await turn()

    assert stays.done()
    assert (admission.waiting, admission.running) == (0, 10)


async def test_a_client_that_leaves_as_its_turn_comes_gives_the_place_on(admission):
    for _ in range(10):
        await admission.enter("high")
    gone, stays = (asyncio.ensure_future(admission.enter("high")) for _ in range(2))
    await turn()

    admission.leave()
    gone.cancel()
    await turn()

    assert gone.cancelled()
    assert stays.done()
    assert admission.running == 10


async def test_the_event_loop_ends_a_wait_by_itself(clock):
    asked: list[float] = []
    admission = Admission(SMALL, clock, later=lambda seconds, sweep: asked.append(seconds))
    for _ in range(10):
        await admission.enter("high")

    tasks = [asyncio.ensure_future(admission.enter(priority)) for priority in ("low", "high")]
    await turn()

    assert asked == [0.5]
    for task in tasks:
        task.cancel()
    await turn()


class World:
    """A slow upstream on a fake clock: every answer takes a tenth of a second, and time goes on in ticks of 10 ms."""

    def __init__(self, clock, counters, call, estimate_of) -> None:
        self.clock = clock
        self.call = call
        limits = LimitsSettings(per_app="1M/min")
        meter = Meter(counters, clock)
        self.admission = Admission(
            AdmissionSettings(in_flight=100, queue=500, wait=5, target=0.5), clock, later=never_later
        )
        estimate = estimate_of(limits)
        self.chain = Chain(
            before=(("limits.admit", admit(meter, limits, estimate, clock, admission=self.admission)),),
            answer=self.answer,
            after=(("limits.settle", settle(estimate, admission=self.admission)),),
        )
        self.busy: list[tuple[float, asyncio.Future]] = []
        self.most = 0
        self.waits: dict[str, list[float]] = {"high": [], "normal": [], "low": []}
        self.shed: Counter[str] = Counter()

    async def answer(self, call, tell) -> Events:
        done = asyncio.get_running_loop().create_future()
        self.busy.append((self.clock.monotonic() + 0.1, done))
        self.most = max(self.most, len(self.busy))
        await done
        yield Said(text="done"), Finished(reason="stop")

    async def walk(self, priority) -> None:
        began = self.clock.monotonic()
        try:
            await Walk(self.chain, self.call.but(priority=priority), self.clock).answer()
        except Refused as refused:
            assert refused.code == "overloaded"
            self.shed[priority] += 1
        else:
            self.waits[priority].append(self.clock.monotonic() - began - 0.1)

    async def tick(self) -> None:
        self.clock.move(0.01)
        now = self.clock.monotonic()
        for _, done in [one for one in self.busy if one[0] <= now]:
            done.set_result(None)
        self.busy = [one for one in self.busy if one[0] > now]
        self.admission.sweep()
        for _ in range(12):
            await asyncio.sleep(0)


async def test_2000_concurrent_walks_leave_high_priority_as_quick_as_alone_and_shed_only_low(
    clock, counters, call, estimate_of, new_clock, new_counters
):
    alone = World(new_clock(), new_counters(), call, estimate_of)
    flooded = World(clock, counters, call, estimate_of)

    async def run(world, flood):
        tasks = [asyncio.ensure_future(world.walk(priority)) for priority in flood]
        await world.tick()
        for _ in range(100):
            tasks.append(asyncio.ensure_future(world.walk("high")))
            await world.tick()
            await world.tick()
        while not all(task.done() for task in tasks):
            await world.tick()
        await asyncio.gather(*tasks)

    await run(alone, [])
    await run(flooded, ["low"] * 1_700 + ["normal"] * 200)

    assert len(flooded.waits["high"]) == len(alone.waits["high"]) == 100
    assert max(flooded.waits["high"]) <= max(alone.waits["high"]) + 0.011  # a tick: they queue at most for one
    assert set(flooded.shed) == {"low"}
    assert len(flooded.waits["normal"]) == 200
    assert flooded.shed["low"] + len(flooded.waits["low"]) == 1_700
    assert flooded.most <= 100
    assert (flooded.admission.running, flooded.admission.waiting) == (0, 0)
