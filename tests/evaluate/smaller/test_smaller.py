"""Something smaller: a head that learns from a model's labels, and a cascade in front of the model."""

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from rowen.evaluate.smaller import Example, Tries, advise, cascade, learn, normal, of_words
from rowen.values import Mistaken

TOPICS = {
    "refund": "money back refund return paid wrong amount charge twice",
    "shipping": "parcel where late delivery address courier tracking arrive",
    "login": "password account sign email reset locked code enter",
}
FILLER = ["please", "my", "the", "i", "a", "is", "was", "to", "it", "help", "can", "you", "today", "again", "now"]


def ticket(rng, label) -> str:
    return " ".join([*rng.choice(TOPICS[label].split(), 4), *rng.choice(FILLER, 5)])


def tickets(n=240, *, model=0.95, truth=True, seed=1, hard=0.0) -> list[Example]:
    """Tickets of three kinds; the model labels so many of them rightly. Some are of words that tell nothing."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(n):
        label = str(rng.choice([*TOPICS]))
        text = " ".join(rng.choice(FILLER, 9)) if rng.random() < hard else ticket(rng, label)
        said = label if rng.random() < model else str(rng.choice([*TOPICS]))
        found.append(
            Example(text=text, said=said, right=label if truth else "", group=f"u{number % 120}", cost=0.002, ms=800.0)
        )
    return found


def advised(examples, **more):
    return advise(examples, of_words([each.text for each in examples]), features="words", **more)


def test_where_a_classifier_does_as_well_as_the_model_it_is_said():
    found = advised(tickets())

    assert found.advice == "yes"
    assert found.difference.low > -0.02
    assert (found.against, found.labels, found.n) == ("truth", 3, 240)
    assert found.cost.value == pytest.approx(0.002)


def test_where_it_does_worse_it_is_not_said():
    found = advised(tickets(model=1.0, hard=0.5))

    assert found.advice != "yes"
    assert found.difference.high < 0


def test_where_it_is_good_when_it_is_sure_a_cascade_is_told_of():
    found = advised([each.but(group=f"{n}") for n, each in enumerate(tickets(400, model=1.0, hard=0.25))], margin=0.04)

    assert found.advice == "partly"
    assert 0.4 < found.cascade.answered.value < 0.85
    assert found.cascade.saved.low > 0.3
    assert found.cascade.difference.low > -0.04
    assert "saves" in found.why


def test_without_the_truth_the_model_is_the_measure():
    found = advised(tickets(truth=False, model=1.0))

    assert (found.against, found.model.value) == ("model", 1.0)
    assert found.small.value > 0.9


def test_examples_of_one_group_are_never_on_both_sides():
    rng = np.random.default_rng(3)
    examples = [
        Example(text=f"thing{group}", said=str(rng.choice(["a", "b"])), group=f"g{group}") for group in range(60)
    ]
    doubled = [each for each in examples for _ in range(3)]

    assert advised(doubled).small.value < 0.75


def test_answers_that_are_no_labels_are_refused():
    prose = [Example(text=f"q{n}", said=f"A long answer number {n}.") for n in range(100)]

    with pytest.raises(Mistaken, match="100 different answers to 100 texts are no labels"):
        advised(prose)
    with pytest.raises(Mistaken, match="too few"):
        advised(tickets(20))


@pytest.mark.parametrize("strength", [1.0, 10.0])
def test_the_head_is_scikit_learns_logistic_regression(strength):
    examples = tickets(120, model=1.0, hard=0.2)
    rows, labels = of_words([each.text for each in examples]), [each.said for each in examples]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = LogisticRegression(C=strength, max_iter=2000, tol=1e-8).fit(rows, labels)

    ours = learn(rows, labels, strength=strength)

    assert ours.labels == tuple(theirs.classes_)
    assert np.abs(ours.chances(rows) - theirs.predict_proba(rows)).max() < 0.01


def tries(n=400, *, seed=1, small=0.7, large=0.9, honest=True) -> list[Tries]:
    rng = np.random.default_rng(seed)
    found = []
    for number in range(n):
        easy = rng.random() < small
        sure = rng.uniform(0.6, 1.0) if (easy if honest else rng.random() < small) else rng.uniform(0.0, 0.7)
        right = easy or rng.random() < (large - small) / (1 - small)
        found.append(
            Tries(
                group=f"g{number}", sure=sure, small=float(easy), large=float(right), small_cost=0.0001, large_cost=0.01
            )
        )
    return found


def test_a_cascade_with_an_honest_small_one_saves_at_an_equal_score():
    found = cascade(tries(800), margin=0.03)

    assert found.holds
    assert found.saved.low > 0.4
    assert found.difference.low > -0.03
    assert found.n + found.chosen_on == 800


def test_a_cascade_whose_small_one_does_not_know_when_it_is_wrong_saves_nothing_to_speak_of():
    found = cascade(tries(800, honest=False), margin=0.03)

    assert found.saved.value < 0.2 or not found.holds


def test_a_cascade_is_called_harmless_though_it_is_not_no_more_often_than_is_stated():
    wrong = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        even = [
            Tries(
                group=f"{n}", sure=float(rng.random() * 0.01 + 0.5), small=float(rng.random() < 0.84),
                large=float(rng.random() < 0.9), small_cost=0.0, large_cost=1.0,
            )
            for n in range(300)
        ]  # fmt: skip
        found = cascade(even, margin=0.03, seed=str(seed))
        loses = 0.06 * (found.answered.value or 0.0) > 0.03
        wrong += found.holds and loses

    assert wrong <= 3  # one-sided 2.5 % of 20 is 0.5


def test_too_few_cases_choose_no_threshold():
    with pytest.raises(Mistaken, match="too few"):
        cascade(tries(30))


@pytest.mark.parametrize("said", ["Refund", " refund. ", '"refund"', "**refund**"])
def test_labels_are_told_apart_by_their_words(said):
    assert normal(said) == "refund"
