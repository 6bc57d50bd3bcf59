"""The statistics agree with SciPy and with published examples."""

import random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rowen.insight import figures


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_fisher_agrees_with_scipy(a: int, b: int, c: int, d: int):
    found = figures.overrepresented(a, a + b, a + c, a + b + c + d)

    if a + b + c + d:
        assert found == pytest.approx(stats.fisher_exact([[a, b], [c, d]], alternative="greater").pvalue, rel=1e-8)


def test_fisher_is_one_of_common_size_for_large_tables():
    found = figures.overrepresented(700, 2_000, 9_000, 30_000)

    expected = stats.hypergeom.sf(699, 30_000, 2_000, 9_000)
    assert found == pytest.approx(expected, rel=1e-6)


@given(st.lists(st.integers(0, 9), min_size=3, max_size=40), st.lists(st.integers(0, 9), min_size=3, max_size=40))
def test_ranks_agree_with_scipy(sample: list[int], baseline: list[int]):
    if len(set(sample + baseline)) == 1:
        assert figures.tends_larger(sample, baseline) == 1.0
        return

    expected = stats.mannwhitneyu(sample, baseline, alternative="greater", method="asymptotic").pvalue

    assert figures.tends_larger(sample, baseline) == pytest.approx(expected)


def test_the_slope_is_scipys_and_outliers_do_not_move_it():
    rand = random.Random(2)
    xs = [rand.uniform(0, 100) for _ in range(80)]
    ys = [3 * x + rand.gauss(0, 1) for x in xs]
    ys[:8] = [1e6] * 8

    assert figures.slope(xs, ys) == pytest.approx(stats.theilslopes(ys, xs).slope)
    assert figures.slope(xs * 10, ys * 10) == pytest.approx(3, rel=0.05)
    assert figures.slope([1.0, 1.0], [2.0, 5.0]) == 0


def test_a_ratios_interval_covers_the_truth_as_often_as_it_says():
    rand = random.Random(3)
    covered = 0

    for _ in range(400):
        costs = [rand.lognormvariate(0, 0.5) for _ in range(200)]
        wins = [float(rand.random() < 0.3) for _ in costs]
        found = figures.ratio(wins, costs)
        covered += found.low <= 0.3 / 1.1331 <= found.high  # the mean of that lognormal is exp(0.125)

    assert 0.92 <= covered / 400 <= 0.98


def test_robust_spread_is_that_of_normal_data():
    rand = random.Random(4)

    assert figures.spread([rand.gauss(0, 2) for _ in range(4_000)] + [1e9] * 40) == pytest.approx(2, rel=0.1)


@given(st.lists(st.floats(-50, 50) | st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=40), st.integers(1, 9))
def test_a_sample_that_moves_on_has_the_figures_of_one_that_is_sorted_anew(values: list[float], size: int):
    moving = figures.Moving(values[:size])

    for at in range(1, len(values) - size + 1):
        moving.move(values[at + size - 1], values[at - 1])
        there = values[at : at + size]

        assert len(moving) == size
        assert (moving.median, moving.spread) == (median(there), figures.spread(there))
