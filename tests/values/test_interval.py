import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rowen.values.interval import (
    beta_cdf,
    beta_quantile,
    clopper_pearson,
    mean,
    mean_of_sums,
    newcombe,
    t_quantile,
    wilson,
)

COUNTS = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
LEVELS = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99])


@given(COUNTS, LEVELS)
def test_wilson_is_as_scipy_computes_it(counts, level):
    ours = wilson(*counts, level)

    theirs = stats.binomtest(*counts).proportion_ci(level, method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert ours.value == counts[0] / counts[1]


@given(COUNTS, LEVELS)
def test_clopper_pearson_is_as_scipy_computes_it(counts, level):
    ours = clopper_pearson(*counts, level)

    theirs = stats.binomtest(*counts).proportion_ci(level, method="exact")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=50), LEVELS)
def test_a_mean_has_the_t_interval_of_scipy(values, level):
    ours = mean(values, level)

    error = stats.sem(values)
    if error > 1e-6:
        low, high = stats.t.interval(level, len(values) - 1, loc=sum(values) / len(values), scale=error)
        assert (ours.low, ours.high) == pytest.approx((low, high), rel=1e-6, abs=1e-6)
    assert ours.low <= ours.value <= ours.high


@given(st.lists(st.integers(0, 10), min_size=2, max_size=50))
def test_kept_sums_give_the_same_mean_as_the_numbers_themselves(values):
    whole = mean(values)

    kept = mean_of_sums(len(values), sum(values), sum(each * each for each in values))

    assert (kept.value, kept.low, kept.high) == pytest.approx((whole.value, whole.low, whole.high), abs=1e-6)


@given(st.floats(0.001, 0.999), st.floats(0.5, 300), st.floats(0.5, 300))
def test_the_beta_distribution_is_as_scipy_computes_it(x, a, b):
    ours = beta_cdf(x, a, b)

    assert ours == pytest.approx(stats.beta.cdf(x, a, b), abs=1e-10)
    assert stats.beta.cdf(beta_quantile(x, a, b), a, b) == pytest.approx(x, abs=1e-9)


@given(st.floats(1e-12, 1e-3), st.floats(0.5, 5_000), st.floats(1, 5_000))
def test_a_beta_quantile_far_out_in_a_tail_is_where_scipy_has_it(tail, a, b):
    assert stats.beta.cdf(beta_quantile(tail, a, b), a, b) == pytest.approx(tail, rel=1e-6)


@pytest.mark.parametrize("freedom", [1, 2, 5, 30, 1000])
@pytest.mark.parametrize("p", [0.01, 0.5, 0.9, 0.975, 0.995])
def test_t_quantiles_are_as_scipy_computes_them(p, freedom):
    assert t_quantile(p, freedom) == pytest.approx(stats.t.ppf(p, freedom), rel=1e-9, abs=1e-12)


def test_nothing_observed_leaves_everything_possible():
    assert (wilson(0, 0).value, wilson(0, 0).low, wilson(0, 0).high) == (None, 0.0, 1.0)
    assert (clopper_pearson(0, 0).low, clopper_pearson(0, 0).high) == (0.0, 1.0)
    assert (mean([]).value, mean([]).low, mean([]).high) == (None, -math.inf, math.inf)
    assert (mean([3.0]).value, mean([3.0]).high) == (3.0, math.inf)


def test_more_successes_than_tries_are_refused():
    with pytest.raises(ValueError, match="5 of 4"):
        wilson(5, 4)
    with pytest.raises(ValueError, match="-1 of 4"):
        clopper_pearson(-1, 4)


def test_a_wilson_interval_covers_the_truth_as_often_as_it_says_on_average():
    rng = random.Random(7)
    hits = 0
    for _ in range(4000):
        truth = rng.random()
        found = wilson(sum(rng.random() < truth for _ in range(40)), 40)
        hits += found.low <= truth <= found.high

    assert 0.935 < hits / 4000 < 0.965


def test_an_interval_says_what_it_rests_on():
    assert str(wilson(8, 10)) == "0.8 [0.49, 0.943] (n = 10, 95%, wilson)"


def test_the_difference_of_shares_is_newcombes_published_example():
    # Newcombe 1998, table II, column (a), method 10: 56/70 against 48/80 is 0.2 (0.0524 to 0.3339).
    found = newcombe(56, 70, 48, 80)

    assert found.value == pytest.approx(0.2)
    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)


def test_a_share_of_nothing_differs_by_anything():
    found = newcombe(0, 0, 1, 2)

    assert (found.value, found.low, found.high) == (None, -1.0, 1.0)


def test_an_interval_is_told_with_its_ends_and_says_so_where_it_has_none():
    assert wilson(8, 10).bounds(".2f") == "0.49 to 0.94"
    assert mean([0.0]).bounds() == "no bounds"
    assert str(mean([0.0])) == "0 [no bounds] (n = 1, 95%, t)"
