"""A bandit earns more than an even split, keeps its floor, and its stored probabilities tell what else would have been earned."""

import random

import pytest

from rowen.evaluate.plan import MetricsTable
from rowen.release.bandit import chances, shares, what_if
from rowen.release.exposure import Exposure
from rowen.release.tally import Tally
from rowen.values import Arm, Rollout

PLAN = MetricsTable(primary="error_rate")
FAILS = {"a": 0.5, "b": 0.2, "c": 0.45}


def bandit(policy: str = "thompson", floor: float = 0.05, names: str = "abc") -> Rollout:
    arms = tuple(Arm(name=name, definition=name, share=1 / len(names)) for name in names)
    return Rollout(id="r", app="shop", strategy="bandit", arms=arms, floor=floor, policy=policy, unit="call")


def run(one: Rollout, rounds: int, calls: int, seed: int = 1) -> tuple[Rollout, Tally, float]:
    """Let a bandit live; return it as it ended, its figures, and its regret for each call."""
    chance, tally, regret = random.Random(seed), Tally(one, PLAN.roles), 0.0
    for round in range(rounds):
        batch = []
        for number in range(calls):
            arm = chance.choices(one.arms, [each.share for each in one.arms])[0]
            regret += FAILS[arm.name] - min(FAILS.values())
            id = f"{round}.{number}"
            batch.append(
                Exposure(
                    trace=id,
                    tenant="t",
                    arm=arm.name,
                    unit=id,
                    probability=arm.share,
                    at_ns=round + 1,
                    failed=chance.random() < FAILS[arm.name],
                    milliseconds=1.0,
                    cost=None,
                )
            )
        tally._take(batch)
        if wanted := shares(one, PLAN, tally):
            one = one.but(arms=tuple(arm.but(share=wanted[arm.name]) for arm in one.arms))
    return one, tally, regret / (rounds * calls)


@pytest.mark.parametrize(("policy", "part"), [("thompson", 0.6), ("top-two", 0.85)])
def test_it_finds_the_best_arm_and_loses_less_than_an_even_split(policy, part):
    even = sum(rate - min(FAILS.values()) for rate in FAILS.values()) / len(FAILS)

    lived = [run(bandit(policy), 15, 60, seed) for seed in range(6)]

    assert sum(regret for _, _, regret in lived) / len(lived) < part * even
    for one, tally, _ in lived:
        assert min(arm.share for arm in one.arms) >= 0.05 - 1e-9
        assert sum(arm.share for arm in one.arms) == pytest.approx(1)
        found = chances(one, PLAN, tally)
        assert max(found, key=found.__getitem__) == "b"


def test_shares_that_would_hardly_move_stay():
    one, tally, _ = run(bandit(), 15, 60)

    assert shares(one, PLAN, tally) is None


def test_what_else_would_have_been_earned_is_told_from_the_stored_probabilities():
    one, tally, _ = run(bandit(floor=0.1), 15, 80, seed=3)

    told = {each.arm: each for each in what_if(one, PLAN, tally)}

    for arm, truth in FAILS.items():
        for would in (told[arm].inverse, told[arm].normal, told[arm].robust):
            assert would.estimate.low - 0.05 <= truth <= would.estimate.high + 0.05
        assert told[arm].inverse.heaviest <= 1 / 0.1 + 1e-9
    assert what_if(one, PLAN, Tally(one, PLAN.roles)) == []
