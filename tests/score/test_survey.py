"""CSAT, NPS and the rest, against figures worked by hand."""

import math

import pytest

from rowen.score.configs import ASKED
from rowen.score.survey import Surveys, Window, csat, nps, summed_up
from rowen.store.base import ScoreBucket
from rowen.store.memory.scores import MemoryScores
from rowen.store.memory.traces import MemoryTraces
from rowen.values import Score, Trace, TraceRow


def bucket(*numbers: float) -> ScoreBucket:
    labels: dict[str, int] = {}
    for number in numbers:
        labels[str(int(number))] = labels.get(str(int(number)), 0) + 1
    return ScoreBucket(
        start_ns=0,
        count=len(numbers),
        numbers=len(numbers),
        total=sum(numbers),
        squares=sum(number * number for number in numbers),
        labels=labels,
    )


def test_the_nps_is_promoters_less_detractors_in_points():
    # 10 answers: 5 promoters, 2 passives, 3 detractors: 50 % - 30 % = 20.
    found = summed_up("nps", bucket(10, 10, 9, 9, 9, 8, 7, 6, 3, 0), asked=20)

    assert (found.promoters, found.passives, found.detractors) == (5, 2, 3)
    assert found.value.value == pytest.approx(20)
    assert found.mean.value == pytest.approx(7.1)
    assert found.scale == "nps"


def test_the_interval_of_the_nps_is_that_of_a_mean_of_one_nought_and_minus_one():
    # n = 100, p = 0.6, d = 0.2: s² = (80 - 100·0.4²)/99, t(0.975, 99) = 1.984216951586417.
    found = nps(60, 20, 20)

    half = 1.984216951586417 * math.sqrt((80 - 16) / 99 / 100) * 100
    assert found.value == pytest.approx(40)
    assert (found.low, found.high) == (pytest.approx(40 - half), pytest.approx(40 + half))


@pytest.mark.parametrize(("satisfied", "meets"), [(90, True), (89, False)])
def test_of_a_hundred_answers_ninety_satisfied_meet_ninety_per_cent_and_one_less_does_not(satisfied, meets):
    found = csat({"5": satisfied - 40, "4": 40, "3": 5, "2": 0, "1": 95 - satisfied})

    assert found.n == 100
    assert (found.value >= 0.9) is meets


def test_a_csat_has_wilsons_interval():
    # statsmodels.stats.proportion.proportion_confint(90, 100, method="wilson")
    found = csat({"4": 50, "5": 40, "1": 10})

    assert (found.low, found.high) == (pytest.approx(0.8256343384950865), pytest.approx(0.9447708192202203))


def test_few_answers_and_few_who_answer_are_said():
    few = summed_up("csat", bucket(5, 5, 4), asked=10)
    silent = summed_up("csat", bucket(*[5] * 40), asked=1000)
    well = summed_up("csat", bucket(*[5] * 40), asked=100)
    over = summed_up("csat", bucket(*[5] * 40), asked=30)

    assert few.warnings == ("only 3 answers: fewer than 30 say little",)
    assert silent.warnings == ("4.0% of those asked answered, less than 10%: those who did not may think otherwise",)
    assert well.warnings == ()
    assert "more answers (40) than were asked (30)" in over.warnings[0]
    assert well.response.value == pytest.approx(0.4)


def test_nothing_said_is_nothing_known():
    found = summed_up("nps", bucket(), asked=0)

    assert (found.value.value, found.value.low, found.response.value) == (None, None, None)
    assert found.warnings


def test_a_name_without_a_scale_has_a_mean():
    found = summed_up("tone", bucket(1, 2, 3), asked=10)

    assert (found.scale, found.value.value, found.value.n) == ("mean", pytest.approx(2), 3)


def test_a_name_of_ones_own_that_is_true_or_false_has_a_share():
    found = summed_up("solved", bucket(1, 0, 1, 1).but(labels={"true": 3, "false": 1}), asked=10)

    assert (found.scale, found.value.value, found.value.method) == ("share", 0.75, "wilson")


def score(number: int, name: str, value: object, source: str = "user") -> Score:
    return Score(
        id=f"{name}{number}",
        tenant="acme",
        app="shop",
        trace=str(number),
        name=name,
        type="boolean" if isinstance(value, bool) else "number",
        value=value,
        number=float(value),
        source=source,
        judged_ns=1_000 + number,
    )


def trace(number: int, **fields) -> Trace:
    return Trace(
        row=TraceRow(
            **{
                "id": str(number),
                "started_ns": 1_000 + number,
                "duration_ns": 1,
                "app": "shop",
                "definition": "d",
                "tenant": "acme",
                **fields,
            }
        )
    )


async def filled() -> tuple[MemoryScores, MemoryTraces]:
    scores, traces = MemoryScores(), MemoryTraces()
    await traces.write([trace(number) for number in range(50)])
    await traces.write([trace(60, status="failed"), trace(61, status="refused"), trace(62, tenant="umbrella")])
    await traces.write([trace(63, feature="judge:helpful"), trace(64, feature="retrieve")])  # asked by Rowen itself
    await scores.put([score(number, "thumbs", number % 4 != 0) for number in range(20)])
    await scores.put([score(99, "thumbs", False, source="model")])
    await scores.put([score(number, "interaction.regenerate", True, source="rule") for number in range(7)])
    return scores, traces


WINDOW = Window(tenant="acme", app="", since_ns=0, until_ns=10**12)


async def test_a_survey_counts_users_alone_among_the_calls_that_were_answered():
    found = await Surveys(*await filled()).survey("thumbs", WINDOW)

    assert (found.asked, found.answered, found.asked_by) == (50, 20, "calls")
    assert (found.value.value, found.response.value) == (pytest.approx(0.75), pytest.approx(0.4))


async def test_where_it_is_noted_who_was_asked_only_they_count():
    scores, traces = await filled()
    await scores.put([score(number, ASKED, True, source="rule") for number in range(25)])

    found = await Surveys(scores, traces).survey("thumbs", WINDOW)

    assert (found.asked, found.asked_by, found.response.value) == (25, ASKED, pytest.approx(0.8))


async def test_the_regenerate_rate_is_exact():
    found = {each.event: each for each in await Surveys(*await filled()).interactions(WINDOW)}

    assert (found["regenerate"].count, found["regenerate"].calls) == (7, 50)
    assert found["regenerate"].rate.value == pytest.approx(0.14)
    assert found["copy"].rate.value == 0.0


async def test_another_tenants_calls_and_answers_are_not_in_it():
    found = await Surveys(*await filled()).survey("thumbs", WINDOW.but(tenant="umbrella"))

    assert (found.asked, found.answered) == (1, 0)
