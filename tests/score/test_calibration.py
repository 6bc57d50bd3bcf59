import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.score.calibration import Pair, calibrate, pairs_of, prevalence, rogan_gladen
from rowen.values import Score


def labelled(both_yes, only_judge, only_people, both_no):
    return (
        [Pair(judge=True, people=True)] * both_yes
        + [Pair(judge=True, people=False)] * only_judge
        + [Pair(judge=False, people=True)] * only_people
        + [Pair(judge=False, people=False)] * both_no
    )


def test_seeded_labels_give_the_exact_kappa_and_error_rates():
    found = calibrate(labelled(20, 10, 5, 15))

    assert found.kappa.value == pytest.approx(0.4)
    assert (found.sensitivity.value, found.specificity.value) == (0.8, 0.6)
    assert found.agreement.value == 0.7
    assert (found.n, found.sensitivity.n, found.specificity.n) == (50, 25, 25)
    assert found.kappa.low < 0.4 < found.kappa.high


def test_a_corrected_share_is_the_one_of_rogan_and_gladen():
    found = prevalence(300, 1000, calibrate(labelled(90, 20, 10, 80)))

    assert found.corrected.value == pytest.approx((0.3 + 0.8 - 1) / (0.9 + 0.8 - 1))
    assert found.shown is found.corrected


def test_without_labels_the_judged_share_says_that_nobody_checked():
    found = prevalence(3, 10)

    assert found.shown == found.judged
    assert "nobody has measured" in str(found)


def test_with_labels_the_judged_share_never_stands_alone():
    found = prevalence(300, 1000, calibrate(labelled(90, 20, 10, 80)))

    assert str(found).startswith(str(found.corrected))
    assert "200 labels" in str(found)


def test_a_judge_no_better_than_a_coin_tells_nothing():
    known = calibrate(labelled(10, 10, 10, 10))

    found = prevalence(30, 100, known).corrected

    assert not known.useful
    assert (found.value, found.low, found.high) == (None, 0.0, 1.0)


def test_fewer_labels_make_the_interval_wider():
    many = prevalence(300, 1000, calibrate(labelled(900, 200, 100, 800))).corrected
    few = prevalence(300, 1000, calibrate(labelled(9, 2, 1, 8))).corrected

    assert few.high - few.low > 2 * (many.high - many.low)


@given(*[st.integers(0, 60)] * 6)
def test_bounds_stay_within_0_and_1_and_hold_the_estimate(a, b, c, d, e, f):
    found = rogan_gladen(a, a + b, caught=c, yes=c + d, passed=e, no=e + f)

    assert 0 <= found.low <= found.high <= 1
    assert found.value is None or found.low <= found.value <= found.high


@pytest.mark.parametrize(
    ("truth", "sens", "spec"), [(0.05, 0.9, 0.95), (0.2, 0.8, 0.9), (0.5, 0.7, 0.8), (0.9, 0.95, 0.85)]
)
def test_the_corrected_interval_covers_the_truth_where_the_judged_one_does_not(truth, sens, spec):
    rng = random.Random(11)

    def drawn(share, n):
        return sum(rng.random() < share for _ in range(n))

    corrected = judged = 0
    for _ in range(1000):
        yes = drawn(truth * sens + (1 - truth) * (1 - spec), 400)
        found = rogan_gladen(yes, 400, caught=drawn(sens, 60), yes=60, passed=drawn(spec, 120), no=120)
        corrected += found.low <= truth <= found.high
        raw = prevalence(yes, 400).judged
        judged += raw.low <= truth <= raw.high

    assert corrected / 1000 >= 0.93
    assert judged < corrected


def score(trace, number, by, at=0, source="person"):
    return Score(
        id=f"{trace}{by}{at}", trace=trace, name="x", value=number, number=number, source=source, by=by, created_ns=at
    )


def test_people_are_counted_by_majority_and_ties_are_left_out_and_told():
    judged = [score(trace, 1.0, "judge", source="model") for trace in "abc"]
    people = [
        score("a", 1.0, "ann"),
        score("b", 1.0, "ann"),
        score("b", 0.0, "bob"),
        score("c", 1.0, "ann", at=1),
        score("c", 0.0, "ann", at=2),
    ]

    pairs, torn = pairs_of(judged, people)

    assert pairs == [Pair(judge=True, people=True), Pair(judge=True, people=False)]
    assert torn == 1
