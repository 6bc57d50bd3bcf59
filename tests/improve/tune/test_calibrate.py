"""The chance that what was found answers, learnt from questions; and how far it is borne out by others."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

from rowen.improve.tune.calibrate import BINS, Judged, bins, calibrated, curve, error, weights_of
from rowen.retrieve.calibration import ChanceTable


def world(n, *, slope=10.0, at=0.4, seed=0, share=0.3):
    """Questions of which what is surer is the more often right, by a curve; those without an answer are never right."""
    rng = np.random.default_rng(seed)
    found = []
    for number, sure in enumerate(rng.uniform(0, 1, n)):
        right = bool(rng.random() < ChanceTable(slope=slope, at=at).of(sure))
        found.append(Judged(float(sure), right, right or bool(rng.random() > share), number))
    return found


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.floats(0.1, 5)), min_size=1, max_size=60))
def test_the_error_and_the_bins_are_those_of_the_published_formula(rows):
    said, right, weights = (np.array(each, dtype=float) for each in zip(*rows, strict=True))

    wanted = 0.0
    for number in range(BINS):  # sum over bins of their weight times the gap of their means
        inside = [
            (one, yes, weight)
            for one, yes, weight in zip(said, right, weights, strict=True)
            if number <= one * BINS < number + 1 or (number == BINS - 1 and one == 1.0)
        ]
        whole = sum(weight for *_, weight in inside)
        if whole:
            confidence = sum(one * weight for one, _, weight in inside) / whole
            accuracy = sum(yes * weight for _, yes, weight in inside) / whole
            wanted += whole / weights.sum() * abs(accuracy - confidence)

    assert error(said, right, weights) == pytest.approx(wanted, abs=1e-9)
    assert sum(each.n for each in bins(said, right, weights)) == len(rows)


def test_the_reliability_table_is_that_of_scikit_learn():
    rng = np.random.default_rng(3)
    said = rng.uniform(0, 1, 400)
    right = (rng.random(400) < said**2).astype(float)

    ours = bins(said, right, np.ones(400))
    true, predicted = calibration_curve(right, said, n_bins=BINS, strategy="uniform")

    assert [each.right.value for each in ours] == pytest.approx(true)
    assert [each.said for each in ours] == pytest.approx(predicted)


def test_the_curve_is_that_of_a_logistic_regression_over_platts_targets():
    judged = world(300)
    weights = weights_of(judged, 0.25)
    right = np.array([each.right for each in judged])
    good, bad = weights[right].sum(), weights[~right].sum()
    targets = np.where(right, (good + 1) / (good + 2), 1 / (bad + 2))
    sure = np.array([[each.sure] for each in judged])

    ours = curve(judged, 0.25)
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(
        np.vstack([sure, sure]),
        np.repeat([1, 0], len(judged)),
        sample_weight=np.concatenate([weights * targets, weights * (1 - targets)]),
    )

    assert ours.slope == pytest.approx(theirs.coef_[0, 0], rel=1e-3)
    assert ours.at == pytest.approx(-theirs.intercept_[0] / theirs.coef_[0, 0], abs=1e-3)


def test_what_is_learnt_is_borne_out_by_others_and_its_error_is_no_more_than_luck():
    found = calibrated(world(400, seed=1), world(400, seed=2), share=0.2, how="given")

    assert found.error.value < 0.12
    assert found.error.low <= found.error.value <= found.error.high
    assert found.questions + found.unanswerable == 400
    assert 0 < found.luck < 0.1


def test_a_curve_that_is_off_is_found_out():
    sure = [each._replace(sure=min(1.0, each.sure * 2)) for each in world(400, seed=1)]

    found = calibrated(sure, world(400, seed=2), share=0.2, how="given")

    assert found.p < 0.01
    assert found.error.low > found.luck


def test_of_a_right_curve_its_error_is_called_more_than_luck_no_more_often_than_is_stated():
    rng = np.random.default_rng(5)
    called = 0
    for _ in range(100):
        said = rng.uniform(0, 1, 60)
        right = (rng.random(60) < said).astype(float)
        luck = [error(said, (rng.random(60) < said).astype(float), np.ones(60)) for _ in range(200)]
        called += error(said, right, np.ones(60)) > np.quantile(luck, 0.95)

    assert called <= 12


@pytest.mark.parametrize(
    "judged",
    [
        [Judged(0.5, True, True, 0)] * 10,
        [Judged(0.5, False, False, 0)] * 10,
        [Judged(0.9, False, True, n) for n in range(10)] + [Judged(0.1, True, True, n) for n in range(10)],
        [],
    ],
)
def test_where_being_sure_says_nothing_there_is_no_curve_and_nothing_breaks(judged):
    found = calibrated(judged, judged, share=0.2, how="given")

    assert found.chance is None
    assert 0 <= found.p <= 1


@given(st.floats(0.01, 9_999), st.floats(-5, 5), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=50)
def test_a_chance_is_one_and_rises(slope, at, one, other):
    table = ChanceTable(slope=slope, at=at)

    assert 0 <= table.of(min(one, other)) <= table.of(max(one, other)) <= 1


def test_a_curve_that_falls_is_refused():
    with pytest.raises(ValueError, match="`slope` is more than 0"):
        ChanceTable(slope=-1, at=0.5)
