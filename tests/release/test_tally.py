"""What the arms of a rollout have shown: whose figures count, once each, and as what."""

import pytest

from rowen.evaluate.statistics import Sums
from rowen.release.exposure import Exposure, Exposures
from rowen.release.tally import Tally, since_of
from rowen.store.memory.scores import MemoryScores
from rowen.store.memory.shelves import MemoryRecords
from rowen.testing.clock import FakeClock
from rowen.values import Arm, Rollout, Score

START = 1_000_000_000_000_000_000
ROLLOUT = Rollout(
    id="r",
    app="shop",
    strategy="canary",
    arms=(Arm(name="baseline", definition="b", share=0.5), Arm(name="candidate", definition="c", share=0.5)),
    began_ns=START - 10,
    step_ns=START,
)


class Told:
    """Exposures and scores as they come in."""

    def __init__(self) -> None:
        self.clock = FakeClock(START)
        self.exposures = Exposures(MemoryRecords(), self.clock)
        self.scores = MemoryScores()
        self.tally = Tally(ROLLOUT, ("helpful", "kind", "cost"))

    async def call(self, trace: str, unit: str = "", arm: str = "candidate", **more) -> None:
        exposure = Exposure(
            **{
                "trace": trace,
                "tenant": "default",
                "arm": arm,
                "unit": unit or trace,
                "probability": 0.5,
                "at_ns": self.clock.now_ns(),
                "failed": False,
                "milliseconds": 100.0,
                "cost": 0.5,
                **more,
            }
        )
        self.exposures._held.setdefault(("shop", "r"), []).append(exposure)
        await self.exposures.flush()

    async def score(self, trace: str, number: float | None, name: str = "helpful", id: str = "") -> None:
        at = self.clock.now_ns()
        value = "so-so" if number is None else number
        await self.scores.put(
            [Score(id=id or f"{name} {trace}", app="shop", trace=trace, name=name, value=value, number=number,
                   type="category" if number is None else "number", source="user", judged_ns=at, created_ns=at)]
        )  # fmt: skip

    async def read(self) -> Tally:
        await self.tally.read(self.exposures, self.scores, "shop")
        return self.tally


@pytest.fixture
def told() -> Told:
    return Told()


async def test_several_answers_to_one_unit_are_one_observation_their_mean(told):
    for n, number in enumerate((1.0, 1.0, 0.0, 0.0, 1.0)):
        await told.call(f"t{n}", "ann" if n < 4 else "bob")
        await told.score(f"t{n}", number)

    found = (await told.read()).sums("candidate", "helpful")

    assert found == Sums.of([0.5, 1.0])
    assert told.tally.units["candidate"] == {"ann", "bob"}
    assert told.tally.calls == {"baseline": 0, "candidate": 5}


async def test_pairs_of_one_unit_are_one_observation_too(told):
    for n, (original, copy) in enumerate(((1.0, 0.0), (1.0, 1.0), (0.0, 1.0))):
        unit = "ann" if n < 2 else "bob"
        await told.call(f"o{n}", unit, "baseline")
        await told.call(f"c{n}", unit, pair=f"o{n}")
        await told.score(f"o{n}", original)
        await told.score(f"c{n}", copy)

    assert (await told.read()).paired("helpful") == Sums.of([-0.5, 1.0])


async def test_a_call_that_is_told_twice_counts_once(told):
    await told.call("t1", cost=0.5)
    await told.call("t1", cost=0.5)

    tally = await told.read()

    assert (tally.calls["candidate"], tally.sums("candidate", "cost")) == (1, Sums.of([0.5]))


async def test_an_arm_that_the_rollout_has_not_is_passed_over(told):
    await told.call("t1", arm="of another time")

    assert (await told.read()).calls == {"baseline": 0, "candidate": 0}


async def test_a_score_that_came_before_its_call_counts_when_that_comes(told):
    await told.score("t1", 1.0)
    await told.read()
    await told.call("t1")

    assert (await told.read()).sums("candidate", "helpful") == Sums.of([1.0])


async def test_a_score_that_is_given_again_takes_its_own_place_among_others_of_its_unit(told):
    for trace, number in (("t1", 1.0), ("t2", 0.5)):
        await told.call(trace, "ann")
        await told.score(trace, number)
    await told.read()
    told.clock.move(1)
    await told.score("t1", 0.0)

    assert (await told.read()).sums("candidate", "helpful") == Sums.of([0.25])
    assert (await told.read()).sums("candidate", "helpful") == Sums.of([0.25])


async def test_a_label_is_no_number_and_counts_for_nothing(told):
    await told.call("t1")
    await told.score("t1", None)

    assert (await told.read()).sums("candidate", "helpful") == Sums()


async def test_scores_of_different_names_are_kept_apart(told):
    await told.call("t1")
    await told.score("t1", 1.0)
    await told.score("t1", 0.0, "kind")

    tally = await told.read()

    assert (tally.values("helpful"), tally.values("kind")) == ({"t1": 1.0}, {"t1": 0.0})


async def test_what_is_measured_is_no_score_that_somebody_gives_under_its_name(told):
    await told.call("t1", cost=0.5)
    await told.score("t1", 99.0, "cost")

    assert (await told.read()).sums("candidate", "cost") == Sums.of([0.5])


async def test_more_scores_than_one_page_are_all_counted_also_those_that_come_later(told):
    for n in range(1_150):
        told.exposures._held.setdefault(("shop", "r"), []).append(
            Exposure(trace=f"t{n}", tenant="default", arm="candidate", unit=f"t{n}", probability=0.5, at_ns=START,
                     failed=False, milliseconds=1.0, cost=None)
        )  # fmt: skip
    await told.exposures.flush()
    for n in range(1_100):
        await told.score(f"t{n}", 1.0)
    first = (await told.read()).sums("candidate", "helpful")
    told.clock.move(3600)
    for n in range(1_100, 1_150):
        await told.score(f"t{n}", 1.0)

    later = (await told.read()).sums("candidate", "helpful")

    assert (first.n, later.n) == (1_100, 1_150)


async def test_every_call_is_a_choice_with_its_chance_and_what_other_shares_would_have_chosen(told):
    await told.call("t1", "ann", "baseline", probability=0.75)
    await told.call("t2", "bob", probability=0.25)
    await told.score("t2", 1.0)

    (only,) = (await told.read()).logged("helpful", {"candidate": 0.9})

    assert (only.reward, only.logged, only.wanted, only.cluster) == (1.0, 0.25, 0.9, "bob")


def test_a_bandits_figures_are_of_one_from_its_beginning_and_a_canarys_of_its_step():
    assert since_of(ROLLOUT) == START
    assert since_of(ROLLOUT.but(strategy="bandit")) == START - 10
