"""What rules may spend in a day."""

from decimal import Decimal

import pytest

from rowen.score.allowance import Allowance, Capped
from rowen.score.rule import Rule
from rowen.store.memory.counters import MemoryCounters
from rowen.testing.clock import FakeClock

NOON = 1_790_000_000_000_000_000 // 86_400_000_000_000 * 86_400_000_000_000 + 43_200_000_000_000
RULE = Rule(name="helpful", app="shop", kind="judge", budget="0.01")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def allowance(clock: FakeClock) -> Allowance:
    return Allowance(MemoryCounters(), clock)


async def test_what_a_judgement_cost_is_booked_in_place_of_what_was_set_aside(allowance):
    aside = await allowance.set_aside(RULE)
    before = await allowance.spent_today(RULE)

    await allowance.settle(RULE, aside, Decimal("0.004"))

    assert (before, await allowance.spent_today(RULE)) == (Decimal("0.001"), Decimal("0.004"))


async def test_what_costs_less_than_was_set_aside_gives_the_rest_back(allowance):
    await allowance.settle(RULE, await allowance.set_aside(RULE), Decimal("0.0004"))

    assert await allowance.spent_today(RULE) == Decimal("0.0004")


async def test_the_next_judgement_is_taken_to_cost_what_those_before_did(allowance):
    await allowance.settle(RULE, await allowance.set_aside(RULE), Decimal("0.001"))
    await allowance.settle(RULE, await allowance.set_aside(RULE), Decimal("0.003"))

    aside = await allowance.set_aside(RULE)

    assert aside.amount == 2_000_000


async def test_where_the_cost_is_unknown_what_was_set_aside_stays_spent(allowance):
    await allowance.settle(RULE, await allowance.set_aside(RULE), None)

    assert await allowance.spent_today(RULE) == Decimal("0.001")


async def test_a_budget_that_is_used_up_is_refused_until_the_next_day(allowance, clock):
    await allowance.settle(RULE, await allowance.set_aside(RULE), Decimal("0.01"))

    with pytest.raises(Capped):
        await allowance.set_aside(RULE)
    clock.move(43_200)
    aside = await allowance.set_aside(RULE)

    assert aside.amount == 10_000_000
    assert await allowance.spent_today(RULE) == Decimal("0.01")


async def test_a_judgement_that_ends_after_midnight_is_booked_on_the_day_it_began(allowance, clock):
    late = await allowance.set_aside(RULE)
    clock.move(43_200)
    other = await allowance.set_aside(RULE)

    await allowance.settle(RULE, late, Decimal("0.0002"))
    today = await allowance.spent_today(RULE)

    assert today == Decimal(other.amount) / 10**9
    clock.move(-43_200)
    assert await allowance.spent_today(RULE) == Decimal("0.0002")


async def test_a_rule_without_a_budget_counts_nothing(allowance):
    free = RULE.but(budget="")

    await allowance.settle(free, await allowance.set_aside(free), Decimal(5))

    assert await allowance.spent_today(free) == 0
