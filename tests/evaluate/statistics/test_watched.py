"""What may be looked at at any time: it finds what is there, says nothing too early, and its parts agree."""

import math
from collections import Counter

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rowen.evaluate.statistics import (
    Arm,
    Bets,
    Logged,
    Sums,
    allotment,
    bernstein,
    best,
    betting,
    betting_of_two,
    betting_path,
    cuped,
    doubly_robust,
    drawn,
    from_sums,
    ips,
    ips_so_far,
    look,
    snips,
    split,
    split_so_far,
)


def binary(n: int, good: int) -> Sums:
    return Sums(n=n, total=float(good), squares=float(good))


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=40), st.lists(st.floats(-100, 100), max_size=20))
def test_sums_are_those_of_the_numbers(some, others):
    both = Sums.of(some).plus(Sums.of(others))

    assert both.mean == pytest.approx(np.mean(some + others), abs=1e-9)
    assert both.variance == pytest.approx(np.var(some + others, ddof=1), abs=1e-6)


def test_a_look_finds_a_difference_and_remembers_it():
    known = None
    for n in range(100, 2001, 100):
        known = look(binary(n, n * 9 // 10), binary(n, n * 8 // 10), expected=4000, before=known)

    later = look(binary(2100, 1700), binary(2100, 1690), expected=4000, before=known)

    assert known.p < 0.001
    assert known.difference.low > 0.03
    assert later.p == known.p
    assert later.looks == 21


def test_a_look_before_the_burn_in_says_nothing():
    known = look(binary(99, 99), binary(5000, 10), expected=1000)

    assert (known.p, known.difference.low, known.difference.high) == (1.0, -math.inf, math.inf)
    assert known.difference.value == pytest.approx(0.998)
    assert look(Sums(), Sums(), expected=10).difference.value is None


def test_the_p_value_and_the_interval_of_a_look_agree():
    for good in range(700, 900, 3):
        known = look(binary(1000, good), binary(1000, 800), expected=2000)

        assert (known.p <= 0.05) == (known.difference.low > 0 or known.difference.high < 0)


def test_looks_that_contradict_one_another_are_told():
    first = look(binary(1000, 900), binary(1000, 500), expected=2000)

    second = look(binary(5000, 2500), binary(5000, 2500), expected=2000, before=first)

    assert (first.conflict, second.conflict) == (False, True)
    assert second.difference.low < 0 < second.difference.high


def test_a_look_without_variation_or_a_plan_is_no_look():
    assert look(binary(200, 200), binary(200, 200), expected=400).difference.high == math.inf
    with pytest.raises(ValueError, match="narrowest"):
        look(binary(200, 100), binary(200, 100), expected=0)


def test_an_interval_that_holds_always_is_about_twice_as_wide_as_one_that_holds_once():
    known = look(binary(2000, 1600), binary(2000, 1600), expected=4000).difference
    once = stats.norm.ppf(0.975) * math.sqrt(2 * 0.16 / 2000)

    assert 1.3 < known.high / once < 2


def test_bets_are_as_sharp_as_they_should_be():
    rng = np.random.default_rng(1)
    steady = betting(0.8 + 0.05 * rng.standard_normal(1000).clip(-2, 2))
    rough = betting((rng.random(1000) < 0.8).astype(float))

    assert steady.high - steady.low < 0.03  # little variance is noticed
    assert rough.high - rough.low < 0.16
    assert from_sums(Sums.of([0.8] * 1000), expected=1000).high - 0.8 == pytest.approx(0.049, abs=0.01)
    assert 0 < (quick := bernstein(0.8 + 0.05 * rng.standard_normal(1000).clip(-2, 2))).high - quick.low < 0.05


def test_scores_may_come_in_any_pieces():
    scores = np.random.default_rng(2).random(700)

    whole, pieces = betting(scores), Bets()
    for start in range(0, 700, 33):
        pieces.add(scores[start : start + 33])

    assert pieces.interval.low == pytest.approx(whole.low)
    assert pieces.interval.high == pytest.approx(whole.high)
    lows, highs = betting_path(scores)
    assert (lows[-1], highs[-1]) == pytest.approx((whole.low, whole.high))
    assert (np.diff(lows) >= 0).all()
    assert (np.diff(highs) <= 0).all()


def test_bets_follow_the_bounds():
    scores = np.random.default_rng(3).random(300)
    plain, wide = betting(scores), betting(scores * 4 - 2, bounds=(-2, 2))

    assert (wide.low, wide.high, wide.value) == pytest.approx(
        (plain.low * 4 - 2, plain.high * 4 - 2, plain.value * 4 - 2)
    )


def test_nothing_observed_leaves_all_between_the_bounds():
    for found in (betting([]), bernstein([]), from_sums(Sums(), expected=10)):
        assert (found.value, found.low, found.high) == (None, 0.0, 1.0)
    assert betting_of_two([], []).low == -1.0
    assert betting_path([])[0].shape == (0,)


def test_two_arms_are_told_apart():
    rng = np.random.default_rng(4)

    found = betting_of_two(rng.random(800) < 0.9, rng.random(700) < 0.6)

    assert (found.n, found.low > 0.1) == (1500, True)


@pytest.mark.parametrize("wrong", [(1.0, 1.0), (0.0, math.inf)])
def test_bounds_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match="no bounds"):
        betting([], bounds=wrong)
    with pytest.raises(ValueError, match="outside of the bounds"):
        bernstein([2.0])


def test_cuped_is_the_regression_on_what_was_before():
    rng = np.random.default_rng(5)
    before = rng.normal(size=400)
    arm = np.repeat([1.0, 0.0], 200)
    after = 0.3 * arm + before + 0.5 * rng.normal(size=400)
    fitted = sm.OLS(after, sm.add_constant(np.column_stack([arm, before]))).fit()

    found = cuped(after[:200], after[200:], candidate_before=before[:200], baseline_before=before[200:])

    assert (found.difference.value, found.slope) == pytest.approx((fitted.params[1], fitted.params[2]))
    assert (found.difference.high - found.difference.low) == pytest.approx(np.ptp(fitted.conf_int()[1]), rel=0.02)
    assert found.saved == pytest.approx(0.8, abs=0.03)
    assert found.difference.value == pytest.approx(found.candidate.mean - found.baseline.mean)


def test_what_was_the_same_for_all_before_changes_nothing():
    found = cuped([1.0, 2.0, 4.0], [1.0, 1.5], candidate_before=[3, 3, 3], baseline_before=[3, 3])

    assert (found.slope, found.saved, found.difference.value) == (0.0, 0.0, found.plain.value)
    with pytest.raises(ValueError, match="one of before"):
        cuped([1.0, 2.0], [1.0, 2.0], candidate_before=[1.0], baseline_before=[1.0, 2.0])


@given(st.lists(st.integers(0, 500), min_size=2, max_size=6))
def test_a_split_is_tested_as_scipy_tests_it(counts):
    if sum(counts):
        shares = np.arange(1, len(counts) + 1)
        theirs = stats.chisquare(counts, sum(counts) * shares / shares.sum())

        assert split(counts, shares.tolist()).p == pytest.approx(theirs.pvalue, rel=1e-9, abs=1e-14)


def test_a_broken_split_is_found_while_it_runs():
    p, found = 1.0, 0
    for n in range(1000, 40_001, 1000):
        p = split_so_far((n * 52 // 100, n * 48 // 100), (1, 1), before=p).p
        found = found or (n if p < 0.001 else 0)

    assert 0 < found <= 20_000
    assert split_so_far((20_000, 20_000), (1, 1), before=0.004).p == 0.004
    assert split_so_far((5000, 5001), (1, 1)).p == 1.0


@pytest.mark.parametrize(("counts", "shares"), [((1,), (1,)), ((1, 2), (1,)), ((1, 2), (1, 0)), ((-1, 2), (1, 1))])
def test_what_is_no_split_is_refused(counts, shares):
    for test in (split, split_so_far):
        with pytest.raises(ValueError, match=r"split|shares"):
            test(counts, shares)


CHOICES = [
    Logged(reward=1, logged=0.5, wanted=1.0, guess=0.8, guess_wanted=0.8),
    Logged(reward=0, logged=0.5, wanted=0.0, guess=0.3, guess_wanted=0.8),
    Logged(reward=1, logged=0.25, wanted=0.5, guess=0.6, guess_wanted=0.7),
    Logged(reward=0, logged=0.8, wanted=0.4, guess=0.1, guess_wanted=0.2),
]


def test_what_another_policy_would_have_earned_is_the_hand_calculation():
    assert ips(CHOICES).estimate.value == pytest.approx((2 + 0 + 2 + 0) / 4)
    assert snips(CHOICES).estimate.value == pytest.approx(4 / 4.5)
    robust = (0.8 + 2 * 0.2) + 0.8 + (0.7 + 2 * 0.4) + (0.2 + 0.5 * -0.1)
    assert doubly_robust(CHOICES).estimate.value == pytest.approx(robust / 4)
    found = ips(CHOICES)
    assert (found.heaviest, found.unlike, found.effective) == pytest.approx((2.0, 1.125, 4.5**2 / 8.25))


def test_the_same_policy_would_have_earned_what_it_did():
    same = [each.but(wanted=each.logged) for each in CHOICES]

    assert [estimate(same).estimate.value for estimate in (ips, snips)] == pytest.approx([0.5, 0.5])
    assert ips(same).effective == 4


def test_guesses_that_are_right_leave_no_noise_but_that_of_the_world():
    right = [each.but(guess=each.reward) for each in CHOICES]

    assert doubly_robust(right).estimate.value == pytest.approx(2.5 / 4)


def test_choices_of_one_user_count_once():
    one = [each.but(cluster="ann") for each in CHOICES[:2]] + [each.but(cluster="bob") for each in CHOICES[2:]]

    assert [estimate(one).estimate.n for estimate in (ips, snips, doubly_robust)] == [2, 2, 2]
    assert ips([CHOICES[0].but(cluster="ann"), *CHOICES[1:]]).estimate.n == 4  # who is nobody's is alone


def test_a_policy_that_would_have_done_nothing_of_it_is_not_known():
    never = [each.but(wanted=0.0) for each in CHOICES]

    assert snips(never).estimate.value is None
    assert ips([]).estimate.value is None
    with pytest.raises(ValueError, match="probability"):
        ips([CHOICES[0].but(logged=0.0)])
    with pytest.raises(ValueError, match="above 1"):
        ips_so_far(CHOICES, heaviest=1.0)


def test_the_chance_to_be_best_is_the_integral():
    arms = [Arm(name="a", kept=binary(100, 50)), Arm(name="b", kept=binary(100, 55)), Arm(name="c", kept=binary(10, 6))]
    rng = np.random.default_rng(6)
    draws = np.column_stack([rng.beta(51, 51, 400_000), rng.beta(56, 46, 400_000), rng.beta(7, 5, 400_000)])
    drawn_best = np.bincount(draws.argmax(axis=1), minlength=3) / 400_000
    drawn_least = np.bincount(draws.argmin(axis=1), minlength=3) / 400_000

    assert list(best(arms).values()) == pytest.approx(drawn_best.tolist(), abs=0.004)
    assert list(best(arms, higher_is_better=False).values()) == pytest.approx(drawn_least.tolist(), abs=0.004)


def test_of_two_normal_arms_it_is_the_normal_tail():
    one = Arm(name="a", kept=Sums.of([1.0, 2.0, 3.0, 4.0]), yes_or_no=False)
    other = Arm(name="b", kept=Sums.of([1.5, 2.0, 2.5]), yes_or_no=False)
    gap = 0.5 / math.sqrt(one.kept.variance / 4 + other.kept.variance / 3)

    assert best([one, other])["a"] == pytest.approx(stats.norm.cdf(gap), abs=1e-4)
    assert best([one, other, Arm(name="c", yes_or_no=False)]) == dict.fromkeys("abc", 1 / 3)


def test_arms_of_millions_are_told_apart():
    arms = [Arm(name="a", kept=binary(10**7, 5_000_000)), Arm(name="b", kept=binary(10**7, 5_002_000))]
    gap = 0.0002 / math.sqrt(2 * 0.25 / 10**7)

    assert best(arms)["b"] == pytest.approx(stats.norm.cdf(gap), abs=1e-3)


@pytest.mark.parametrize("strategy", ["thompson", "top-two"])
@given(st.lists(st.integers(0, 30), min_size=2, max_size=4))
def test_every_arm_keeps_its_floor_and_all_get_everything(strategy, goods):
    arms = [Arm(name=str(place), kept=binary(30, good)) for place, good in enumerate(goods)]

    shares = allotment(arms, strategy=strategy, floor=0.1)

    assert min(shares.values()) >= 0.1
    assert sum(shares.values()) == pytest.approx(1.0)


def test_top_two_gives_the_challenger_half():
    arms = [
        Arm(name="a", kept=binary(1000, 900)),
        Arm(name="b", kept=binary(1000, 500)),
        Arm(name="c", kept=binary(9, 4)),
    ]

    one, two = allotment(arms, floor=0.01), allotment(arms, floor=0.01, strategy="top-two")

    assert one["a"] > 0.97
    assert two["a"] == pytest.approx(0.5, abs=0.02)


def test_a_floor_that_leaves_nothing_is_refused():
    arms = [Arm(name="a"), Arm(name="b")]
    with pytest.raises(ValueError, match="floor"):
        allotment(arms, floor=0.6)
    with pytest.raises(ValueError, match="floor"):
        allotment(arms, floor=0.0)
    with pytest.raises(ValueError, match="once"):
        best([arms[0], arms[0]])


def test_a_place_is_in_the_share_of_one_arm():
    shares = {"a": 0.2, "b": 0.5, "c": 0.3}
    counts = Counter(drawn(shares, (each + 0.5) / 1000) for each in range(1000))

    assert counts == {"a": 200, "b": 500, "c": 300}
    assert (drawn(shares, 0.0), drawn(shares, 1.0)) == ("a", "c")
    with pytest.raises(ValueError, match="0 to 1"):
        drawn(shares, 1.5)
