"""The bootstrap: near SciPy's, the same for the same seed, and honest where nothing varies."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rowen.evaluate.statistics import bootstrap, bootstrap_of, paired, unpaired


def test_bca_comes_near_to_scipys():
    costs = np.random.default_rng(2).lognormal(size=80)
    theirs = stats.bootstrap((costs,), np.mean, n_resamples=20_000, method="BCa", rng=1).confidence_interval

    found = bootstrap(costs, how="bca", resamples=20_000)

    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), rel=0.02)


def test_any_estimate_can_be_drawn_again():
    costs = np.random.default_rng(2).lognormal(size=80)
    theirs = stats.bootstrap((costs,), np.median, n_resamples=5_000, method="BCa", rng=1).confidence_interval

    found = bootstrap_of(lambda at: float(np.median(costs[at])), 80, resamples=5_000)

    assert found.value == pytest.approx(np.median(costs))
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), rel=0.06)


def test_for_many_normal_scores_it_is_students_interval():
    scores = np.random.default_rng(4).normal(3, 1, 2_000)
    low, high = stats.t.interval(0.95, 1_999, scores.mean(), stats.sem(scores))

    for found in (bootstrap(scores), bootstrap(scores, how="bca")):
        assert (found.low, found.high) == pytest.approx((low, high), abs=0.005)


def test_the_same_seed_gives_the_same_interval_and_another_one_another():
    scores = np.random.default_rng(4).normal(size=40)

    assert bootstrap(scores, seed=1) == bootstrap(scores, seed=1)
    assert bootstrap(scores, seed=1) != bootstrap(scores, seed=2)


@given(st.lists(st.integers(0, 20), min_size=3, max_size=30), st.integers(-50, 50))
def test_it_moves_with_the_values_and_holds_their_mean(values, shift):
    found, moved = bootstrap(values, resamples=300), bootstrap([each + shift for each in values], resamples=300)

    assert found.low - 1e-9 <= found.value <= found.high + 1e-9
    assert (moved.low, moved.high) == pytest.approx((found.low + shift, found.high + shift), abs=1e-6)


def test_a_pair_is_the_interval_of_the_differences():
    rng = np.random.default_rng(6)
    one, other = rng.normal(1, 1, 50), rng.normal(size=50)

    assert paired(one, other) == bootstrap(one - other)


def test_clusters_are_drawn_whole_and_counted_as_one_each():
    scores = np.repeat(np.random.default_rng(8).normal(size=20), 10)
    users = np.repeat(np.arange(20), 10).tolist()

    alone, whole = bootstrap(scores), bootstrap(scores, clusters=users)

    assert (alone.n, whole.n) == (200, 20)
    assert whole.high - whole.low > 2.5 * (alone.high - alone.low)


def test_clusters_of_different_size_have_the_mean_of_all_cases():
    found = bootstrap([1.0, 1.0, 1.0, 0.0, 0.0, 0.5], clusters=["a", "a", "a", "b", "c", "d"])

    assert found.value == pytest.approx(3.5 / 6)


def test_where_nothing_varies_the_interval_says_what_may_still_be():
    few, many = bootstrap([1.0] * 3, bounds=(0, 1)), bootstrap([1.0] * 100, bounds=(0, 1))

    assert (few.low, many.low) == pytest.approx((1 - 0.7076, 1 - 0.0362), abs=1e-3)  # Clopper & Pearson: 0 of 3, of 100
    assert (few.high, many.high) == (1.0, 1.0)
    assert bootstrap([7.0] * 50).high == math.inf  # nothing is known of such numbers
    assert paired([1.0, 1.0], [1.0, 1.0], bounds=(0, 1)).low < -0.8


def test_one_case_or_none_says_nothing():
    assert bootstrap([]).value is None
    assert bootstrap([0.5], bounds=(0, 1)).low == pytest.approx(0.0125)
    assert unpaired([], [1.0, 2.0]).value is None
    assert unpaired([1.0], [1.0, 2.0]).high == math.inf


def test_an_unpaired_difference_is_near_welchs():
    rng = np.random.default_rng(9)
    one, other = rng.normal(0.5, 1, 300), rng.normal(0, 2, 400)
    theirs = stats.ttest_ind(one, other, equal_var=False).confidence_interval()

    found = unpaired(one, other)

    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="outside of the bounds"):
        bootstrap([0.5, 1.5], bounds=(0, 1))
    with pytest.raises(ValueError, match="cannot be paired"):
        paired([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="3 clusters are named for 2 values"):
        bootstrap_of(lambda at: 1.0, 2, clusters=["a", "b", "c"])


def test_an_estimate_that_never_varies_or_never_is_has_the_bounds():
    assert bootstrap_of(lambda at: None, 5, bounds=(0, 1)).value is None
    assert (bootstrap_of(lambda at: 0.7, 5, bounds=(0, 1)).low, bootstrap_of(lambda at: 0.7, 5).high) == (0, math.inf)
