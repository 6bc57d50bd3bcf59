"""Exact tests, held against SciPy's and statsmodels' and against counting by hand."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as their_mcnemar

from rowen.evaluate.statistics import mcnemar, paired_shares, permutation, permutation_of_two, sign, wilcoxon

NUMBERS = st.lists(st.integers(-8, 8).map(lambda each: each / 4), min_size=1, max_size=9)
SIDES = {"both": "two-sided", "greater": "greater", "less": "less"}


@given(NUMBERS, st.sampled_from(["both", "greater", "less"]))
def test_flipped_signs_are_counted_as_by_hand(differences, side):
    seen = sum(differences)
    sums = [
        sum(a * b for a, b in zip(differences, signs, strict=True))
        for signs in product((1, -1), repeat=len(differences))
    ]
    as_much = {
        "both": sum(abs(each) >= abs(seen) - 1e-9 for each in sums),
        "greater": sum(each >= seen - 1e-9 for each in sums),
        "less": sum(each <= seen + 1e-9 for each in sums),
    }[side]

    assert permutation(differences, side=side).p == pytest.approx(as_much / len(sums))


def test_flipped_signs_are_those_of_scipy():
    differences = np.random.default_rng(3).normal(0.5, 1, 12)
    theirs = stats.permutation_test(
        (differences,), lambda x, axis: x.mean(axis=axis), permutation_type="samples", n_resamples=np.inf
    )

    assert permutation(differences).p == pytest.approx(theirs.pvalue)


def test_drawn_signs_come_near_to_all_of_them_and_never_give_nought():
    differences = np.random.default_rng(3).normal(0.5, 1, 16)
    exact, drawn = permutation(differences), permutation(np.append(differences, [1e-12] * 4))

    assert exact.method == "permutation, exact"
    assert drawn.method == "permutation, 10000 drawn"
    assert drawn.p == pytest.approx(exact.p, abs=0.01)
    assert permutation(np.ones(200)).p == pytest.approx(1 / 10_001)


def test_cases_of_one_user_flip_together():
    alike = permutation([1.0] * 12, clusters=["ann"] * 6 + ["bob"] * 6)

    assert (alike.n, alike.p) == (2, 0.5)


def test_two_groups_are_dealt_as_scipy_deals_them():
    rng = np.random.default_rng(5)
    one, other = rng.normal(0.6, 1, 9), rng.normal(size=8)
    theirs = stats.permutation_test(
        (one, other), lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis), n_resamples=np.inf
    )

    assert permutation_of_two(one, other, draws=40_000).p == pytest.approx(theirs.pvalue, abs=0.01)


@given(NUMBERS, st.sampled_from(["both", "greater", "less"]))
def test_the_sign_test_is_scipys_binomial_test(differences, side):
    ups, n = sum(each > 0 for each in differences), sum(each != 0 for each in differences)
    theirs = stats.binomtest(ups, n, alternative=SIDES[side]).pvalue if n else 1.0

    assert sign(differences, side=side).p == pytest.approx(theirs)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_mcnemars_test_is_that_of_statsmodels(pairs):
    one, other = [a for a, _ in pairs], [b for _, b in pairs]
    table = [[sum(a is x and b is y for a, b in pairs) for y in (True, False)] for x in (True, False)]

    assert mcnemar(one, other).p == pytest.approx(their_mcnemar(table, exact=True).pvalue)


@pytest.mark.parametrize("side", ["both", "greater", "less"])
@pytest.mark.parametrize("n", [6, 20, 49])
def test_signed_ranks_are_scipys_without_ties(n, side):
    differences = np.random.default_rng(n).normal(0.3, 1, n)
    theirs = stats.wilcoxon(differences, alternative=SIDES[side], method="exact")

    assert wilcoxon(differences, side=side).p == pytest.approx(theirs.pvalue)


@pytest.mark.parametrize("side", ["both", "greater", "less"])
def test_signed_ranks_are_scipys_with_ties_and_many(side):
    differences = np.random.default_rng(1).integers(-3, 5, 120).astype(float)
    theirs = stats.wilcoxon(
        differences[differences != 0], alternative=SIDES[side], method="asymptotic", correction=True
    )

    assert wilcoxon(differences, side=side).p == pytest.approx(theirs.pvalue)


def test_pairs_without_a_difference_decide_nothing():
    assert [test([0.0, 0.0]).p for test in (permutation, sign, wilcoxon)] == [1.0, 1.0, 1.0]
    assert permutation([0.0, 0.0, 1.0]).n == 1


def test_paired_shares_are_newcombes_published_example():
    # Newcombe 1998b, table II, the first data set: 36, 12, 2 and 0 of 50.
    one = [True] * 48 + [False] * 2
    other = [True] * 36 + [False] * 12 + [True] * 2

    found = paired_shares(one, other)

    assert found.value == pytest.approx(0.2)
    assert (round(found.low, 4), round(found.high, 4)) == (0.0569, 0.3404)


@pytest.mark.parametrize("wrong", [[float("nan")], [float("inf")], [[1.0, 2.0]]])
def test_what_is_no_row_of_numbers_is_refused(wrong):
    with pytest.raises(ValueError, match="numbers"):
        permutation(wrong)


def test_rows_of_different_length_are_no_pairs():
    with pytest.raises(ValueError, match="cannot be paired"):
        mcnemar([True], [])
    with pytest.raises(ValueError, match="cannot be paired"):
        paired_shares([True], [])
    with pytest.raises(ValueError, match="2 clusters are named for 1 values"):
        permutation([1.0], clusters=["a", "b"])
