"""Which metric predicts what users say: a planted weak one is found, and noise is not praised."""

import random

import pytest

from rowen.evaluate.predict import predicts
from rowen.values import Score


def score(trace, name, value, source="rule"):
    return Score(id=f"{trace}{name}{source}", trace=trace, name=name, value=value, source=source)


def world(n: int, seed: int = 1) -> list[Score]:
    """What users got decides the thumb; `grounded` sees it, `bleu` does not, `length` sees the opposite."""
    rng = random.Random(seed)
    found = []
    for number in range(n):
        quality, trace = rng.gauss(0, 1), f"t{number}"
        found += [
            score(trace, "thumbs", quality + rng.gauss(0, 0.7) > 0, "user"),
            score(trace, "grounded", quality + rng.gauss(0, 0.5), "model"),
            score(trace, "bleu", rng.random()),
            score(trace, "length", -quality + rng.gauss(0, 0.5)),
        ]
    return found


def worth(scores, **more):
    return {each.metric: each.worth for each in predicts("thumbs", scores, **more)}


def test_a_metric_that_sees_nothing_is_weak_and_one_that_sees_it_predicts():
    found = predicts("thumbs", world(800))

    assert {each.metric: each.worth for each in found} == {"grounded": "predicts", "bleu": "weak", "length": "against"}
    assert [each.metric for each in found] == ["grounded", "bleu", "length"]
    assert "says little" in found[1].warning
    assert found[0].warning == ""
    assert found[0].ranks.level == pytest.approx(1 - 0.05 / 3)


def test_of_what_should_be_low_the_low_is_good():
    assert worth(world(800), lower=("length",))["length"] == "predicts"


def test_of_few_traces_nothing_is_said():
    assert {*worth(world(20)).values()} == {"unknown"}
    assert "20 traces, too few" in predicts("thumbs", world(20))[0].warning


def test_noise_is_praised_no_more_often_than_is_stated():
    praised = 0
    for seed in range(200):
        rng = random.Random(seed)
        noise = [
            score(f"t{n}", name, rng.random(), "user" if name == "thumbs" else "rule")
            for n in range(60)
            for name in ("thumbs", "a", "b", "c")
        ]
        praised += any(each in {"predicts", "against"} for each in worth(noise).values())

    assert praised <= 20  # 5 % of 200 are 10; 20 or more of them come once in five hundred times


def test_several_on_one_trace_are_averaged_and_texts_are_no_numbers():
    scores = [*world(40), *(score(f"t{n}", "grounded", 1.0, "person") for n in range(40)), score("t1", "note", "text")]
    scores += [score("t1", "bleu", 5.0).but(id="again"), score("", "bleu", 1.0)]

    found = {(each.metric, each.source): each for each in predicts("thumbs", scores)}

    assert found["bleu", "rule"].n == 40
    assert found["grounded", "person"].worth == "unknown"  # it never varies
    assert ("note", "rule") not in found
