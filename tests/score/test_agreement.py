import random

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from rowen.score.agreement import cohen_kappa, krippendorff_alpha, with_interval

LABELLED = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=60)
UNITS = st.lists(st.lists(st.none() | st.integers(1, 5), min_size=3, max_size=3), min_size=3, max_size=30)


@given(LABELLED, st.sampled_from(["none", "linear", "quadratic"]))
def test_kappa_is_as_scikit_learn_computes_it(labels, weights):
    ones, others = zip(*labels, strict=True)

    ours = cohen_kappa(ones, others, weights=weights, order=range(5))

    if ours is not None:
        kind = None if weights == "none" else weights
        assert ours == pytest.approx(cohen_kappa_score(ones, others, weights=kind, labels=list(range(5))), abs=1e-9)
    else:
        assert len({*ones, *others}) == 1


def test_kappa_of_the_textbook_example():
    ones = ["yes"] * 25 + ["no"] * 25
    others = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15

    assert cohen_kappa(ones, others) == pytest.approx(0.4)


@settings(max_examples=60)
@given(UNITS, st.sampled_from(["nominal", "ordinal", "interval"]))
def test_alpha_is_as_the_krippendorff_package_computes_it(units, level):
    ours = krippendorff_alpha(units, level=level)

    raters = np.array([[np.nan if each is None else each for each in unit] for unit in units], dtype=float).T
    comparable = [each for unit in units if sum(x is not None for x in unit) > 1 for each in unit if each is not None]
    if len(set(comparable)) > 1:
        theirs = krippendorff.alpha(reliability_data=raters, level_of_measurement=level)
        assert ours == pytest.approx(theirs, abs=1e-9)
    else:
        assert ours is None


def test_alpha_of_krippendorffs_own_example_with_gaps():
    raters = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    ]
    units = list(zip(*raters, strict=True))

    assert krippendorff_alpha(units) == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha(units, level="ordinal") == pytest.approx(0.815, abs=5e-4)
    assert krippendorff_alpha(units, level="interval") == pytest.approx(0.849, abs=5e-4)


def test_lists_that_do_not_match_are_refused():
    with pytest.raises(ValueError, match="2 labels cannot be held against 1"):
        cohen_kappa([1, 2], [1])
    with pytest.raises(ValueError, match="'9'"):
        cohen_kappa([1, 9], [1, 1], order=[1, 2])


def test_a_bootstrap_interval_holds_the_estimate_and_is_the_same_each_time():
    rng = random.Random(3)
    items = [(label, label if rng.random() < 0.8 else 1 - label) for label in (rng.randrange(2) for _ in range(200))]

    def kappa(some):
        return cohen_kappa([a for a, _ in some], [b for _, b in some])

    first, second = with_interval(kappa, items), with_interval(kappa, items)

    assert first == second
    assert first.low < first.value < first.high
    assert first.n == 200
