import random

import pytest

from rowen.evaluate.robust.phrasing import Phrasing
from rowen.evaluate.robust.sensitivity import Ways, measured
from rowen.values import Mistaken, Unavailable

pytest.importorskip("numpy")

CASE, SPACE = Phrasing("case", "be kind"), Phrasing("space", "Be  kind")


def questions(n: int, **ways) -> list[Ways]:
    return [Ways(f"Question {number}?", **ways) for number in range(n)]


async def test_a_model_that_agrees_with_itself_four_times_of_five_is_measured_as_such():
    rng = random.Random(2)
    share = 0.5 + 0.6**0.5 / 2  # two answers agree with share² + (1 - share)² = 0.8

    async def ask(prompt, question):
        return "yes" if rng.random() < share else "no"

    found = await measured(questions(300), ask, repeats=3)

    assert found.repeatability.low < 0.8 < found.repeatability.high
    assert found.repeatability.high - found.repeatability.low < 0.12
    assert found.repeatability.n == 300


async def test_a_model_that_minds_small_letters_is_found_out_and_one_way_alone():
    async def ask(prompt, question):
        return "no" if prompt == CASE.text else "yes"

    found = await measured(questions(12, prompts=(CASE, SPACE)), ask, repeats=2)

    by_how = {each.how: each for each in found.shifts}
    assert by_how["case"].sensitivity.value == 1
    assert by_how["space"].sensitivity.value == 0
    assert by_how["case"].sensitivity.low > by_how["space"].sensitivity.high
    assert found.sensitivity.value == pytest.approx(0.5)
    assert {(each.how, each.before, each.after) for each in found.others} == {("case", "yes", "no")}


async def test_what_a_model_says_anew_each_time_is_not_called_sensitivity():
    rng = random.Random(3)

    async def ask(prompt, question):
        return rng.choice(["yes", "no"])

    found = await measured(questions(150, prompts=(CASE,)), ask, repeats=3)

    assert found.sensitivity.low < 0 < found.sensitivity.high
    assert found.repeatability.high < 0.65


async def test_answers_in_other_words_say_the_same_and_are_not_identical():
    one, other = (
        "The bank on the square opens at nine every morning.",
        "Every morning at nine the bank on the square opens.",
    )
    told = iter([one, other, one])

    async def ask(prompt, question):
        return next(told)

    found = await measured([Ways("When?", questions=(Phrasing("typo", "Whn?"),))], ask, repeats=2)

    assert (found.repeatability.value, found.identical.value) == (1, 0)
    assert found.sensitivity.value == 0
    assert "one question" in found.warnings[0]


async def test_calls_that_fail_count_for_nothing_and_are_told():
    async def ask(prompt, question):
        if question == "Question 1?":
            raise Unavailable("upstream_timeout", who="m")
        return "yes"

    found = await measured(questions(3, prompts=(CASE,)), ask, repeats=2)

    assert (found.failed, found.answers, found.repeatability.n) == (3, 6, 2)
    assert any("3 calls were not answered" in each for each in found.warnings)


@pytest.mark.parametrize(("asked", "repeats"), [([], 3), (questions(1), 1)])
async def test_nothing_is_measured_of_nothing(asked, repeats):
    with pytest.raises(Mistaken):
        await measured(asked, None, repeats=repeats)
