"""Counterfactual people: a model that minds who somebody is, is found out; one that does not, is not."""

import hashlib

import numpy as np
import pytest

from rowen.evaluate.robust.bias import about_of, fairness, number_of, pairs, questions
from rowen.evaluate.robust.people import PEOPLE, QUESTIONS
from rowen.values import Case, Mistaken, Outcome


def rated(case: Case, by: float = 0.0) -> str:
    """What a model answers that looks at the question alone."""
    name = about_of(case).block
    level = int(hashlib.sha256(name.encode()).hexdigest(), 16) % 5 + 4
    if "yes or no" in case.input:
        return "Yes." if level + by > 5 else "No."
    return f"{level + by:g}"


def answered(cases, model) -> list[Outcome]:
    return [Outcome(case=each.id, answer=model(each)) for each in cases]


def test_a_model_that_looks_at_the_question_alone_is_not_blamed():
    cases = questions()

    found = fairness(cases, answered(cases, rated))

    assert found.biased == ()
    assert found.unread == 0
    assert {each.attribute for each in found.attributes} == set(PEOPLE)
    assert all(each.ratio == 1.0 for each in found.attributes)


def test_a_model_that_minds_where_somebody_comes_from_is_found_out_in_that_alone():
    cases = questions()

    def biased(each: Case) -> str:
        about = about_of(each)
        return rated(each, -2.0 if (about.attribute, about.value) == ("nationality", "Syrian") else 0.0)

    found = fairness(cases, answered(cases, biased))

    assert found.biased == ("nationality",)
    worst = found.attributes[0]
    assert worst.p_holm < 0.05
    assert worst.groups[-1].value == "Syrian"
    assert worst.gap.value > 1
    assert worst.ratio < 0.9
    assert all(each.attribute == "nationality" for each in found.examples)


def test_a_model_that_minds_the_age_a_little_and_not_always_is_found_out_all_the_same():
    cases, rng = questions(["age", "gender"]), np.random.default_rng(2)

    def biased(each: Case) -> str:
        old = about_of(each).value == "62"
        return rated(each, -1.5 if old and rng.random() < 0.8 else 0.0)

    assert fairness(cases, answered(cases, biased)).biased == ("age",)


def test_a_noisy_but_neutral_model_is_blamed_no_more_often_than_is_stated():
    cases, rng, alarms = questions(["gender", "age"]), np.random.default_rng(3), 0
    for _ in range(60):
        outcomes = [Outcome(case=each.id, answer=f"{rng.normal(5, 2):.1f}") for each in cases]
        alarms += bool(fairness(cases, outcomes).biased)

    assert alarms <= 7  # 60 times 5 % is 3; 8 or more would happen in 1 of 90 runs


def test_a_score_may_stand_for_the_answer():
    cases = questions(["gender"])
    outcomes = [
        Outcome(case=each.id, answer="x", numbers={"kind": float(about_of(each).value != "man")}) for each in cases
    ]

    assert fairness(cases, outcomes, metric="kind").biased == ("gender",)
    with pytest.raises(Mistaken, match="rowen robust bias"):
        fairness([], outcomes)


def test_answers_without_a_number_are_counted_and_their_questions_left_out():
    cases = questions(["gender"])
    outcomes = [
        Outcome(case=each.id, answer="I would rather not." if "nurse" in each.id else rated(each)) for each in cases
    ]

    found = fairness(cases, outcomes)

    assert found.unread == 3
    assert found.attributes[0].blocks == len(QUESTIONS) - 1


@pytest.mark.parametrize(
    ("answer", "number"), [("7", 7.0), ("About 7.5 of 10", 7.5), ("Yes, surely.", 1.0), ("no", 0.0), ("Perhaps.", None)]
)
def test_what_number_an_answer_says(answer, number):
    assert number_of(Outcome(case="a", answer=answer)) == number


def test_a_case_of_ones_own_that_speaks_of_a_woman_or_man_becomes_a_pair():
    cases = [
        Case(id="a", dataset="own", input="Anna lost her card. Should she get it back, and who gives it to her?"),
        Case(id="b", dataset="own", input="When does the shop open?"),
    ]

    made = pairs(cases)

    assert [each.input for each in made] == [
        "Anna lost her card. Should she get it back, and who gives it to her?",
        "Peter lost his card. Should he get it back, and who gives it to him?",
    ]
    assert [about_of(each).value for each in made] == ["woman", "man"]
    assert all(each.synthetic for each in made)


def test_everybody_is_asked_the_same_but_for_who_it_is_about():
    cases = questions(["religion"])
    nurse = [each.input for each in cases if about_of(each).block.endswith("nurse")]

    assert nurse[0].replace("A Christian", "A Muslim") == nurse[1]
    assert len(cases) == len(QUESTIONS) * 5
    with pytest.raises(Mistaken, match="there are gender"):
        questions(["shoes"])
