import random

import pytest
from scipy import stats

from rowen.evaluate.statistics import pearson, spearman


def drawn(rho: float, n: int):
    rand = random.Random(7)
    xs = [rand.gauss(0, 1) for _ in range(n)]
    return xs, [rho * x + (1 - rho * rho) ** 0.5 * rand.gauss(0, 1) for x in xs]


def test_pearson_is_scipys_with_its_interval():
    xs, ys = drawn(0.6, 80)
    theirs = stats.pearsonr(xs, ys)

    ours = pearson(xs, ys)

    assert ours.value == pytest.approx(theirs.statistic)
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval(0.95)))
    assert ours.n == 80


def test_spearman_is_scipys_also_with_ties():
    xs, ys = drawn(0.6, 80)
    xs = [round(x) for x in xs]

    ours = spearman(xs, ys)

    assert ours.value == pytest.approx(stats.spearmanr(xs, ys).statistic)
    assert ours.low < ours.value < ours.high


def test_what_cannot_be_correlated_is_none():
    assert pearson([1, 2, 3], [1, 2, 3]) is None
    assert pearson([1, 1, 1, 1], [1, 2, 3, 4]) is None
    assert pearson([1, 2, 3, 4], [2, 4, 6, 8]).value == pytest.approx(1)
