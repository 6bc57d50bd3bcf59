"""The classical metrics are scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.calibration import calibration_curve

from rowen.evaluate.classical import (
    absolute_error,
    average_precision,
    brier,
    calibrated,
    explained,
    labelled,
    log_loss,
    roc_auc,
    squared_error,
)

PAIRS = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), min_size=1, max_size=40)
SCORED = st.lists(st.tuples(st.booleans(), st.integers(0, 10).map(lambda each: each / 10)), min_size=2, max_size=40)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=50)
@given(PAIRS)
def test_labels_are_judged_as_scikit_learn_judges_them(pairs):
    right, given_ = [a for a, _ in pairs], [b for _, b in pairs]
    found = labelled(right, given_)
    names = sorted({*right, *given_})
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        right, given_, labels=names, zero_division=0
    )

    assert [each.precision.value or 0.0 for each in found.labels.values()] == pytest.approx(list(precision))
    assert [each.recall.value or 0.0 for each in found.labels.values()] == pytest.approx(list(recall))
    assert [each.f1 for each in found.labels.values()] == pytest.approx(list(f1))
    assert [each.support for each in found.labels.values()] == list(support)
    assert found.accuracy.value == pytest.approx(metrics.accuracy_score(right, given_))
    assert found.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(right, given_))
    assert found.macro_precision == pytest.approx(
        metrics.precision_score(right, given_, average="macro", zero_division=0)
    )
    assert found.macro_recall == pytest.approx(metrics.recall_score(right, given_, average="macro", zero_division=0))
    assert found.macro_f1 == pytest.approx(metrics.f1_score(right, given_, average="macro", zero_division=0))
    assert found.weighted_f1 == pytest.approx(metrics.f1_score(right, given_, average="weighted", zero_division=0))
    assert found.mcc == pytest.approx(metrics.matthews_corrcoef(right, given_))
    if found.kappa is not None:
        assert found.kappa == pytest.approx(metrics.cohen_kappa_score(right, given_))


@settings(max_examples=40)
@given(SCORED)
def test_rankings_are_judged_as_scikit_learn_judges_them(scored):
    yes, scores = [a for a, _ in scored], [b for _, b in scored]
    if all(yes) or not any(yes):
        assert roc_auc(yes, scores, resamples=2).value is None
        return

    assert roc_auc(yes, scores, resamples=2).value == pytest.approx(metrics.roc_auc_score(yes, scores))
    found = average_precision(yes, scores, resamples=2).value
    assert found == pytest.approx(metrics.average_precision_score(yes, scores))


@settings(max_examples=40)
@given(SCORED)
def test_probabilities_are_judged_as_scikit_learn_judges_them(scored):
    yes, stated = [a for a, _ in scored], [b for _, b in scored]

    assert brier(yes, stated).value == pytest.approx(metrics.brier_score_loss(yes, stated, pos_label=True))
    assert log_loss(yes, stated).value == pytest.approx(metrics.log_loss(yes, stated, labels=[False, True]), rel=1e-6)


@pytest.mark.parametrize(("how", "strategy"), [("width", "uniform"), ("mass", "quantile")])
def test_calibration_is_scikit_learns_curve_and_its_error_the_weighted_distance(how, strategy):
    rng = np.random.default_rng(2)
    stated = rng.random(400)
    yes = rng.random(400) < stated**2
    happened, said = calibration_curve(yes, stated, n_bins=8, strategy=strategy)
    found = calibrated(yes.tolist(), stated.tolist(), bins=8, how=how)

    assert [each.happened.value for each in found.bins] == pytest.approx(happened.tolist())
    assert [each.stated for each in found.bins] == pytest.approx(said.tolist())
    weights = np.array([each.happened.n for each in found.bins]) / 400
    assert found.expected_error.value == pytest.approx(float((weights * abs(happened - said)).sum()))
    assert found.largest_error == pytest.approx(float(abs(happened - said).max()))
    assert found.expected_error.low < found.expected_error.value < found.expected_error.high


def test_numbers_are_judged_as_scikit_learn_judges_them():
    right, said = [3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0]

    assert absolute_error(right, said).value == pytest.approx(metrics.mean_absolute_error(right, said))
    assert squared_error(right, said).value == pytest.approx(metrics.mean_squared_error(right, said))
    assert explained(right, said).value == pytest.approx(metrics.r2_score(right, said))
    assert explained([1.0, 1.0], [1.0, 2.0]).value is None


def test_an_auc_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(3)
    truth = 0.7602499389  # the chance that N(1, 1) is above N(0, 1)
    missed = 0
    for seed in range(60):
        yes = np.repeat([True, False], 40)
        found = roc_auc(yes.tolist(), rng.normal(yes, 1).tolist(), resamples=200, seed=seed)
        missed += not found.low <= truth <= found.high

    assert missed <= 8


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: labelled([], []),
        lambda: labelled(["a"], []),
        lambda: roc_auc([True], []),
        lambda: brier([True], [1.5]),
        lambda: calibrated([True], [0.5], bins=0),
        lambda: absolute_error([1.0], [1.0, 2.0]),
    ],
)
def test_what_cannot_be_held_together_is_refused(wrong):
    with pytest.raises(ValueError, match=r"held against|0 to 1|at least one"):
        wrong()
