"""What a rule says of a rollout, by what its arms have shown."""

import random

import pytest

from rowen.evaluate.plan import MetricsTable
from rowen.evaluate.statistics import Sums
from rowen.release.exposure import Exposure, Exposures
from rowen.release.tally import Tally
from rowen.release.verdict import Looks, judged, looked, plan_of, spread
from rowen.store.memory.scores import MemoryScores
from rowen.store.memory.shelves import MemoryRecords
from rowen.testing.clock import FakeClock
from rowen.values import Arm, Rollout, Score

PLAN = MetricsTable(primary="helpful", guard=("cost",), margins={"helpful": 0.15, "cost": 0.001})


def rollout(share: float = 0.5, **more) -> Rollout:
    arms = (Arm(name="baseline", definition="b", share=1 - share), Arm(name="candidate", definition="c", share=share))
    return Rollout(
        id="r",
        app="shop",
        strategy=more.pop("strategy", "canary"),
        arms=arms,
        steps=more.pop("steps", (share, 1.0)),
        **more,
    )


class World:
    """Exposures and scores in memory, made by a generator of chance."""

    def __init__(self, seed: int = 1) -> None:
        self.clock = FakeClock()
        self.exposures = Exposures(MemoryRecords(), self.clock)
        self.scores = MemoryScores()
        self.random = random.Random(seed)
        self.made = 0

    async def calls(self, arm: str, number: int, good: float, *, share: float = 0.5, **more) -> None:
        for _ in range(number):
            self.made += 1
            id, at = f"t{self.made}", self.clock.now_ns()
            unit = more.get("unit", f"u{self.made}")
            held = self.exposures._held.setdefault(("shop", "r"), [])
            held.append(
                Exposure(
                    trace=id,
                    tenant="default",
                    arm=arm,
                    unit=unit,
                    probability=share,
                    at_ns=at,
                    failed=self.random.random() < more.get("failed", 0.0),
                    milliseconds=100.0,
                    cost=more.get("cost", 0.01),
                    pair=more.get("pair", ""),
                )
            )
            number_ = float(self.random.random() < good)
            await self.scores.put(
                [Score(id=id, app="shop", trace=id, name="helpful", value=number_, number=number_, source="user", judged_ns=at, created_ns=at)]
            )  # fmt: skip
        await self.exposures.flush()

    async def looks(self, one: Rollout, plan: MetricsTable = PLAN, before: Looks | None = None) -> Looks:
        tally = Tally(one, plan.roles)
        await tally.read(self.exposures, self.scores, "shop")
        return looked(one, plan, tally, before or Looks())

    async def said(self, one: Rollout, plan: MetricsTable = PLAN, *, before: Looks | None = None, held: str = ""):
        tally = Tally(one, plan.roles)
        await tally.read(self.exposures, self.scores, "shop")
        looks = looked(one, plan, tally, before or Looks())
        return judged(one, plan, tally, looks, now_ns=self.clock.now_ns(), held=held)


@pytest.fixture
def world() -> World:
    return World()


async def test_a_worse_candidate_goes_back_and_says_by_how_much(world):
    await world.calls("baseline", 150, 0.9)
    await world.calls("candidate", 150, 0.4)

    verdict = await world.said(rollout())

    assert (verdict.action, verdict.arm) == ("roll back", "candidate")
    assert verdict.why.startswith("helpful (primary, 0.15 may be lost) is worse: -0.")
    assert verdict.figures["units"] == {"baseline": 150, "candidate": 150}


async def test_a_guard_that_breaks_sends_back_a_candidate_that_is_better(world):
    await world.calls("baseline", 150, 0.5)
    await world.calls("candidate", 150, 0.95, cost=0.02)

    assert (await world.said(rollout())).action == "roll back"


async def test_without_enough_units_nothing_is_done_whatever_is_seen(world):
    await world.calls("baseline", 99, 0.9)
    await world.calls("candidate", 99, 0.9)

    verdict = await world.said(rollout())

    assert (verdict.action, verdict.why) == ("wait", "99 of the 100 units that each arm must have had")


async def test_many_calls_of_few_users_are_few_observations(world):
    await world.calls("baseline", 150, 0.9)
    await world.calls("candidate", 600, 0.1, unit="one")

    assert (await world.said(rollout())).action == "wait"


@pytest.mark.parametrize(
    ("steps", "action"), [((0.5, 0.8, 1.0), "step"), ((0.5, 0.9), "step"), ((0.5, 1.0), "promote"), ((), "promote")]
)
async def test_a_candidate_that_is_not_worse_goes_on(world, steps, action):
    await world.calls("baseline", 400, 0.9)
    await world.calls("candidate", 400, 0.9)

    assert (await world.said(rollout(steps=steps))).action == action


async def test_nothing_goes_on_while_an_error_budget_is_gone_and_goes_back_all_the_same(world):
    await world.calls("baseline", 400, 0.9)
    await world.calls("candidate", 400, 0.9)
    worse = World()
    await worse.calls("baseline", 150, 0.9)
    await worse.calls("candidate", 150, 0.4)

    held = await world.said(rollout(), held="the budget of answers is gone")
    back = await worse.said(rollout(), held="the budget of answers is gone")

    assert held.action == "wait"
    assert held.why.startswith("the budget of answers is gone; but for that: ")
    assert back.action == "roll back"


async def test_as_many_units_as_were_asked_for_are_enough(world):
    await world.calls("baseline", 400, 1.0)
    await world.calls("candidate", 400, 1.0)

    assert (await world.said(rollout(least=400))).action == "promote"
    assert (await world.said(rollout(least=401))).action == "wait"


async def test_the_arm_that_has_had_fewest_units_says_whether_there_are_enough(world):
    await world.calls("baseline", 400, 1.0, share=0.8)
    await world.calls("candidate", 99, 1.0, share=0.2)

    assert (await world.said(rollout(0.2))).why == "99 of the 100 units that each arm must have had"


async def test_a_canary_waits_for_what_its_margins_ask_and_not_for_its_goals(world):
    await world.calls("baseline", 150, 0.9, cost=0.01)
    await world.calls("candidate", 150, 0.9, cost=0.01)
    better = World()
    await better.calls("baseline", 300, 0.4)
    await better.calls("candidate", 300, 0.9)

    strict = await world.said(rollout(), MetricsTable(primary="cost", guard=("helpful",), margins={"helpful": 0.001}))
    easy = await world.said(rollout(), MetricsTable(primary="cost", goal=("helpful",)))
    gain = await better.said(rollout(), MetricsTable(primary="helpful", margins={"helpful": 0.001}))

    assert (strict.action, easy.action, gain.action) == ("wait", "promote", "promote")
    assert "helpful (guard, 0.001 may be lost) is undecided" in strict.why
    assert "helpful" not in easy.why


async def test_what_holds_a_release_up_is_not_said_where_nothing_would_go_on(world):
    await world.calls("baseline", 400, 0.7)
    await world.calls("candidate", 400, 0.7)

    verdict = await world.said(rollout(strategy="experiment", steps=()), held="the budget of answers is gone")

    assert verdict.action == "wait"
    assert "budget" not in verdict.why


async def test_a_step_lasts_its_time(world):
    await world.calls("baseline", 400, 0.9)
    await world.calls("candidate", 400, 0.9)
    began = world.clock.now_ns()

    early = await world.said(rollout(pause=3600, step_ns=began))
    world.clock.move(3600)

    assert (early.action, early.why) == ("wait", "the step lasts 3600 seconds more")
    assert (await world.said(rollout(pause=3600, step_ns=began))).action == "promote"


async def test_where_no_margin_is_set_it_is_enough_that_nothing_speaks_against_it_and_that_is_said(world):
    await world.calls("baseline", 150, 0.8)
    await world.calls("candidate", 150, 0.8)

    verdict = await world.said(rollout(), MetricsTable(primary="helpful"))

    assert verdict.action == "promote"
    assert verdict.why.startswith("nothing speaks against it in helpful, of which no margin is set")


async def test_what_decides_is_not_passed_over_for_having_too_few_calls_to_show_anything(world):
    await world.calls("baseline", 60, 1.0)
    await world.calls("candidate", 60, 0.0)

    verdict = await world.said(rollout(least=20), MetricsTable(primary="helpful"))

    assert verdict.action == "wait"
    assert "so few show nothing of what decides" in verdict.why


async def test_an_app_without_a_plan_is_judged_by_its_failures(world):
    plan = plan_of(MetricsTable())
    await world.calls("baseline", 600, 1.0)
    await world.calls("candidate", 600, 1.0)
    failing = World()
    await failing.calls("baseline", 300, 1.0)
    await failing.calls("candidate", 300, 1.0, failed=0.2)

    assert (await world.said(rollout(), plan)).action == "promote"  # none of 600 has failed
    assert (await failing.said(rollout(), plan)).action == "roll back"


async def test_a_broken_split_makes_every_figure_worthless(world):
    await world.calls("baseline", 300, 0.9)
    await world.calls("candidate", 600, 0.2)

    canary = await world.said(rollout())
    experiment = await world.said(rollout(strategy="experiment", steps=()))

    assert canary.action == experiment.action == "wait"
    assert "not split as they should have been" in canary.why
    assert "not split as they should have been" in experiment.why


async def test_where_shares_moved_no_split_is_held_against_them(world):
    await world.calls("baseline", 300, 0.9)
    await world.calls("candidate", 300, 0.9)
    await world.calls("candidate", 300, 0.9, share=0.9)

    looks = await world.looks(rollout(), before=Looks(split=0.25))

    assert looks.split == 0.25


async def test_what_was_before_the_step_does_not_count(world):
    await world.calls("candidate", 500, 0.1)
    world.clock.move(10)
    began = world.clock.now_ns()
    await world.calls("baseline", 200, 0.9)
    await world.calls("candidate", 200, 0.9)

    verdict = await world.said(rollout(step_ns=began))

    assert verdict.figures["units"] == {"baseline": 200, "candidate": 200}
    assert verdict.action != "roll back"


async def test_an_experiment_is_promoted_only_when_it_is_better(world):
    await world.calls("baseline", 400, 0.7)
    await world.calls("candidate", 400, 0.7)
    better = World()
    await better.calls("baseline", 300, 0.5)
    await better.calls("candidate", 300, 0.9)
    plan = MetricsTable(primary="helpful", margins={"helpful": 0.3})

    same = await world.said(rollout(strategy="experiment", steps=()), plan)
    won = await better.said(rollout(strategy="experiment", steps=()), plan)

    assert same.action == "wait"
    assert (won.action, won.arm) == ("promote", "candidate")


def three(**more) -> Rollout:
    """An experiment of two candidates beside what is live."""
    names = ("baseline", "first", "second")
    return rollout(strategy="experiment", steps=(), **more).but(
        arms=tuple(Arm(name=name, definition=name, share=1 / 3) for name in names)
    )


async def test_an_arm_that_lost_does_not_end_an_experiment_of_several(world):
    for arm, good in (("baseline", 0.5), ("first", 0.1), ("second", 0.9)):
        await world.calls(arm, 300, good, share=1 / 3)

    verdict = await world.said(three(), MetricsTable(primary="helpful"))

    assert (verdict.action, verdict.arm) == ("promote", "second")


@pytest.mark.parametrize("better", ["first", "second"])
async def test_of_two_better_arms_the_one_that_gains_most_is_promoted(world, better):
    cheaper = World()
    for arm in ("baseline", "first", "second"):
        good, cost = (0.3, 0.03) if arm == "baseline" else (0.95, 0.01) if arm == better else (0.65, 0.02)
        await world.calls(arm, 300, good, share=1 / 3)
        await cheaper.calls(arm, 300, 1.0, share=1 / 3, cost=cost)

    best = await world.said(three(), MetricsTable(primary="helpful"))
    cheapest = await cheaper.said(three(), MetricsTable(primary="cost"))

    assert (best.action, best.arm) == ("promote", better)
    assert (cheapest.action, cheapest.arm) == ("promote", better)


async def test_steps_and_arms_share_the_error_between_them(world):
    canary = await world.looks(rollout(steps=(0.5, 0.8, 0.9, 1.0)))
    alone = await world.looks(rollout(strategy="experiment", steps=()))
    several = await world.looks(three())

    def error(looks: Looks, arm: str) -> float:
        return 1 - looks.arms[arm]["helpful"].difference.level

    assert error(alone, "candidate") == pytest.approx(0.05)
    assert error(canary, "candidate") == pytest.approx(0.05 / 4)
    assert error(several, "first") == error(several, "second") == pytest.approx(0.05 / 2)


async def test_looks_of_a_step_are_held_together_and_the_next_step_begins_anew(world):
    await world.calls("baseline", 200, 0.9)
    await world.calls("candidate", 200, 0.5)
    first = await world.looks(rollout())
    await world.calls("baseline", 200, 0.9)
    await world.calls("candidate", 200, 0.5)

    second = await world.looks(rollout(), before=first)
    world.clock.move(1)
    step = await world.looks(rollout(step_ns=world.clock.now_ns()), before=second)

    one, two = (looks.arms["candidate"]["helpful"] for looks in (first, second))
    assert (one.looks, two.looks, step.arms["candidate"]["helpful"].looks) == (1, 2, 1)
    assert one.difference.low <= two.difference.low < two.difference.high <= one.difference.high


async def test_what_a_verdict_rests_on_is_told(world):
    await world.calls("baseline", 2, 1.0)
    await world.calls("candidate", 1, 1.0)

    verdict = await world.said(rollout(step=0))

    assert {name: verdict.figures[name] for name in ("step", "shares", "units", "calls", "primary")} == {
        "step": 0,
        "shares": {"baseline": 0.5, "candidate": 0.5},
        "units": {"baseline": 2, "candidate": 1},
        "calls": {"baseline": 2, "candidate": 1},
        "primary": "helpful",
    }
    assert [each.partition(" ")[0] for each in verdict.figures["metrics"]["candidate"]] == ["helpful", "cost"]


@pytest.mark.parametrize(
    ("values", "variance"),
    [
        ([0.0] * 98, 0.01 * 0.99),  # none of 98: as if one of 100
        ([1.0] * 98, 0.01 * 0.99),
        ([0.0] * 49 + [1.0] * 49, 0.25 * 98 / 97),  # what shows is kept
        ([3.0] * 50, (3e-6) ** 2),  # prices that are all the same
        ([0.0, 0.0], 0.25 * 0.75),
    ],
)
def test_no_less_spread_is_believed_than_chance_may_hide(values, variance):
    assert spread(Sums.of(values)).variance == pytest.approx(variance, rel=1e-3)
    assert spread(Sums.of(values)).mean == pytest.approx(Sums.of(values).mean)


def test_of_one_observation_no_spread_is_known():
    assert spread(Sums.of([1.0])) == Sums.of([1.0])


async def test_a_shadow_sees_in_pairs_what_two_arms_would_not_show(world):
    pairs = [(1.0, 0.0)] * 24 + [(1.0, 1.0)] * 76 + [(0.0, 0.0)] * 100  # (original, copy)
    for original, copy in pairs:
        await world.calls("baseline", 1, original, share=1.0)
        await world.calls("candidate", 1, copy, share=1.0, pair=f"t{world.made}", unit=f"pair{world.made}")
    plan = MetricsTable(primary="helpful")

    paired = await world.said(rollout(1.0, strategy="shadow", steps=()), plan)
    apart = await world.looks(rollout(strategy="experiment", steps=()), plan)

    assert paired.action == "stop"
    assert apart.arms["candidate"]["helpful"].difference.low < 0 < apart.arms["candidate"]["helpful"].difference.high


async def test_a_shadow_that_is_better_ends_and_says_so(world):
    for n in range(200):
        await world.calls("baseline", 1, float(n % 2), share=1.0)
        await world.calls("candidate", 1, 1.0, share=1.0, pair=f"t{world.made}", unit=f"pair{n}")

    verdict = await world.said(rollout(1.0, strategy="shadow", steps=()), MetricsTable(primary="helpful"))

    assert (verdict.action, verdict.arm) == ("stop", "candidate")
    assert verdict.why.startswith("over copies, helpful (primary) is better: 0.5 ")


async def test_a_shadow_compares_each_copy_with_its_original(world):
    # Answers to a hard question are bad on both sides; only the pairs tell the two apart.
    for hard in range(120):
        good = 0.05 if hard % 2 else 0.95
        await world.calls("baseline", 1, good, share=1.0)
        await world.calls("candidate", 1, 0.0, share=1.0, pair=f"t{world.made}", unit=f"pair{hard}")

    verdict = await world.said(rollout(1.0, strategy="shadow", steps=()), MetricsTable(primary="helpful"))

    assert verdict.action == "stop"
    assert "helpful (primary) is worse" in verdict.why
    assert "n = 120" in verdict.why


async def test_a_score_that_is_given_again_counts_once_with_its_last_value(world):
    await world.calls("baseline", 120, 1.0)
    await world.calls("candidate", 120, 1.0)
    one = rollout()
    tally = Tally(one, PLAN.roles)
    await tally.read(world.exposures, world.scores, "shop")
    world.clock.move(5)
    at = world.clock.now_ns()
    taken_back = Score(id="t130", app="shop", trace="t130", name="helpful", value=0.0, number=0.0, source="user", judged_ns=at, created_ns=at)  # fmt: skip
    await world.scores.put([taken_back])

    await tally.read(world.exposures, world.scores, "shop")

    kept = tally.sums("candidate", "helpful")
    assert (kept.n, kept.total) == (120, 119.0)


@pytest.mark.parametrize("strategy", ["canary", "experiment"])
async def test_two_equal_versions_are_seldom_told_apart_however_often_one_looks(strategy):
    wrong = 0
    for seed in range(20):
        world, looks = World(seed), Looks()
        one = rollout(strategy=strategy, steps=(0.5, 0.8, 1.0) if strategy == "canary" else ())
        tally = Tally(one, PLAN.roles)
        plan = MetricsTable(primary="helpful")
        for _ in range(6):
            await world.calls("baseline", 60, 0.7)
            await world.calls("candidate", 60, 0.7)
            await tally.read(world.exposures, world.scores, "shop")
            looks = looked(one, plan, tally, looks)
            if judged(one, plan, tally, looks, now_ns=world.clock.now_ns()).action in {"roll back", "stop"}:
                wrong += 1
                break

    assert wrong <= 3  # of 20 at 5 %: more would come about in 1 of 60 runs of another seed
