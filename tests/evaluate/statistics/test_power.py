"""Power and sample sizes, held against statsmodels and against simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats import power as theirs
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import power_proportions_2indep

from rowen.evaluate.statistics import (
    all_of,
    any_of,
    benjamini_hochberg,
    cases_for,
    design_effect,
    holm,
    least_effect,
    mcnemar,
    pass_all,
    pass_at,
    power_of_means,
    power_of_paired_shares,
    power_of_pairs,
    power_of_shares,
    share_not_worse,
)


@pytest.mark.parametrize(("sides", "alternative"), [(1, "larger"), (2, "two-sided")])
@pytest.mark.parametrize(
    ("effect", "n"), [(0.0, 20), (0.2, 200), (0.5, 3), (0.5, 64), (0.8, 26), (1.5, 10), (0.05, 9000)]
)
def test_power_of_means_is_that_of_statsmodels(effect, n, sides, alternative):
    pairs = theirs.TTestPower().power(effect, n, 0.05, alternative=alternative)
    groups = theirs.TTestIndPower().power(effect, n, 0.05, ratio=1.5, alternative=alternative)

    assert power_of_pairs(effect, n, sides=sides) == pytest.approx(pairs, abs=1e-6)
    if n % 2 == 0:
        assert power_of_means(effect, n, other_n=int(n * 1.5), sides=sides) == pytest.approx(groups, abs=1e-6)


@pytest.mark.parametrize(("share", "other", "n"), [(0.8, 0.7, 200), (0.95, 0.9, 500), (0.5, 0.45, 1000)])
def test_power_of_shares_is_that_of_statsmodels(share, other, n):
    expected = power_proportions_2indep(share - other, other, n, return_results=False)

    assert power_of_shares(share, other, n) == pytest.approx(expected, abs=1e-6)


def test_the_cases_needed_are_the_textbooks():
    # Cohen 1988: d = 0.5 at 80 % needs 64 in each group; Fleiss: 0.6 against 0.5 needs 388 without correction.
    assert cases_for(lambda n: power_of_means(0.5, n)) == 64
    assert cases_for(lambda n: power_of_shares(0.6, 0.5, n)) == 388
    assert cases_for(lambda n: power_of_pairs(0.5, n)) == 34


def test_what_was_found_to_be_needed_finds_it_as_often_in_simulation():
    rng = np.random.default_rng(3)
    n = cases_for(lambda n: power_of_paired_shares(0.12, 0.04, n))
    found = 0
    for _ in range(400):
        kind = rng.choice(3, n, p=[0.12, 0.04, 0.84])
        found += mcnemar((kind != 1).tolist(), (kind != 0).tolist()).p <= 0.05

    assert found / 400 == pytest.approx(0.8, abs=0.07)  # the exact test is a little more careful


def test_non_inferiority_is_found_as_often_as_planned():
    rng = np.random.default_rng(4)
    n = cases_for(lambda n: power_of_shares(0.85, 0.85, n, alpha=0.025, sides=1, margin=0.05))
    found = [
        share_not_worse(*each, 0.05).p <= 0.025
        for each in ((int(rng.binomial(n, 0.85)), n, int(rng.binomial(n, 0.85)), n) for _ in range(500))
    ]

    assert np.mean(found) == pytest.approx(0.8, abs=0.05)


def test_the_least_effect_needs_as_many_cases_as_there_are():
    effect = least_effect(lambda d: power_of_pairs(d, 199))

    assert effect == pytest.approx(0.2, abs=0.002)
    assert least_effect(lambda d: power_of_pairs(d, 1)) is None


def test_no_number_of_cases_finds_nothing():
    with pytest.raises(ValueError, match="no number of cases"):
        cases_for(lambda n: power_of_shares(0.5, 0.5, n))


def test_cases_that_come_together_count_for_less():
    assert design_effect(1, 0.9) == 1
    assert design_effect(5, 0.5) == 3


@settings(max_examples=20)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_corrections_are_those_of_statsmodels_and_scipy(chances):
    assert holm(chances) == pytest.approx(list(multipletests(chances, method="holm")[1]))
    assert benjamini_hochberg(chances) == pytest.approx(list(stats.false_discovery_control(chances)))


def test_tests_whose_p_values_are_not_given_still_count():
    assert benjamini_hochberg([0.001, 0.01], tests=100) == pytest.approx([0.1, 0.5])
    assert holm([0.001, 0.01], tests=100) == pytest.approx([0.1, 0.99])


@settings(max_examples=30)
@given(st.integers(1, 6), st.integers(1, 6), st.floats(0.05, 0.95))
def test_several_tries_are_estimated_without_bias(k, more, chance):
    tries = k + more
    weights = [
        np.prod([(tries - i) / (i + 1) for i in range(c)]) * chance**c * (1 - chance) ** (tries - c)
        for c in range(tries + 1)
    ]

    assert sum(w * any_of(k, c, tries) for c, w in enumerate(weights)) == pytest.approx(1 - (1 - chance) ** k)
    assert sum(w * all_of(k, c, tries) for c, w in enumerate(weights)) == pytest.approx(chance**k)


def test_over_cases_one_try_is_the_mean_and_more_spread_apart():
    cases = [(3, 5), (5, 5), (0, 5), (1, 5)]

    once = pass_at(1, cases)

    assert once.value == pytest.approx(9 / 20)
    assert pass_at(3, cases).value > once.value > pass_all(3, cases).value
    assert (once.n, pass_at(1, cases, clusters=["a", "a", "b", "b"]).n) == (4, 2)


@pytest.mark.parametrize(("k", "passed", "tries"), [(0, 1, 2), (3, 1, 2), (1, 3, 2), (1, -1, 2)])
def test_more_than_was_tried_is_not_known(k, passed, tries):
    with pytest.raises(ValueError, match="tries"):
        any_of(k, passed, tries)
