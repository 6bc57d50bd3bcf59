"""The promise: a budget is never overspent by more than the reservations in flight."""

import asyncio
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from rowen.limits import LimitsSettings, Meter, limits_of, rules_for
from rowen.values import Refused

LIMIT = 20_000
TOKENS = LimitsSettings(tokens=f"{LIMIT}/day")


class Ledger:
    """What was really reserved and used, told apart from what the meter believes."""

    def __init__(self) -> None:
        self.used = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.refused = 0

    def reserve(self, amount: int) -> None:
        self.in_flight += amount
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def settle(self, amount: int, used: int) -> None:
        self.in_flight -= amount
        self.used += used


def interleaving(counters: type):
    """Counters that let other tasks run before and after each decision."""

    class Interleaving(counters):
        async def take(self, *args, **named):
            await asyncio.sleep(0)
            got = await super().take(*args, **named)
            await asyncio.sleep(0)
            return got

        async def give_back(self, *args):
            await asyncio.sleep(0)
            await super().give_back(*args)

        async def add(self, *args):
            await asyncio.sleep(0)
            await super().add(*args)

    return Interleaving()


async def spend(meter, rules, clock, ledger, rand, *, over: bool, check) -> None:
    seats = meter.seats(rules)
    for _ in range(rand.randint(5, 25)):
        amount = rand.randint(1, 400)
        try:
            held = await seats.reserve([amount], clock.now_ns())
        except Refused:
            ledger.refused += 1
            await asyncio.sleep(0)
            continue
        ledger.reserve(amount)
        check()
        for _ in range(rand.randint(0, 4)):
            await asyncio.sleep(0)
        used = rand.randint(0, 2 * amount if over else amount)
        ledger.settle(amount, used)
        await held.settle(tokens=used, money=lambda currency: 0)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), processes=st.integers(1, 3), crash=st.booleans())
def test_64_tasks_on_several_processes_never_spend_more_than_the_limit(
    seed, processes, crash, new_counters, new_clock, call
):
    rand, clock, counters, ledger = random.Random(seed), new_clock(), interleaving(new_counters), Ledger()
    rules = rules_for(call, limits_of(TOKENS), {})

    def check() -> None:
        assert ledger.used + ledger.in_flight <= LIMIT

    async def run() -> None:
        meters = [Meter(counters, clock, owner=str(number)) for number in range(processes)]
        tasks = [
            asyncio.ensure_future(
                spend(meters[number % processes], rules, clock, ledger, rand, over=False, check=check)
            )
            for number in range(64)
        ]
        while not all(task.done() for task in tasks):
            clock.move(0.03)
            await rand.choice(meters).flush()
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        for meter in meters[1 if crash else 0 :]:
            await meter.close()

    asyncio.run(run())

    (kept,) = counters.kept.values()
    assert ledger.used <= kept <= LIMIT
    if not crash:
        assert kept == ledger.used


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), processes=st.integers(1, 3))
def test_answers_longer_than_reserved_overspend_by_no_more_than_was_in_flight(
    seed, processes, new_counters, new_clock, call
):
    rand, clock, counters, ledger = random.Random(seed), new_clock(), interleaving(new_counters), Ledger()
    rules = rules_for(call, limits_of(TOKENS), {})

    async def run() -> None:
        meters = [Meter(counters, clock, owner=str(number)) for number in range(processes)]
        await asyncio.gather(
            *(
                spend(meters[number % processes], rules, clock, ledger, rand, over=True, check=lambda: None)
                for number in range(64)
            )
        )
        for meter in meters:
            await meter.close()

    asyncio.run(run())

    (kept,) = counters.kept.values()
    assert kept == ledger.used
    assert ledger.used <= LIMIT + ledger.most_in_flight


async def test_a_single_process_may_use_a_limit_to_the_last_unit(clock, counters, call):
    meter = Meter(counters, clock)
    rules = rules_for(call, limits_of(LimitsSettings(per_user="1000/min")), {})
    passed = 0

    for _ in range(1_200):
        try:
            await meter.seats(rules).reserve([1], clock.now_ns())
        except Refused:
            continue
        passed += 1

    assert passed == 1_000


async def test_two_processes_together_use_a_limit_to_the_last_unit(clock, counters, call):
    rules = rules_for(call, limits_of(LimitsSettings(per_user="1000/min")), {})
    meters = [Meter(counters, clock), Meter(counters, clock)]
    seats = [meter.seats(rules) for meter in meters]
    passed = 0

    for number in range(1_200):
        try:
            await seats[number % 2].reserve([1], clock.now_ns())
        except Refused:
            await meters[1 - number % 2].flush()
            clock.move(0.25)
            continue
        passed += 1

    assert passed == 1_000
