"""Worlds whose truth is known, in which each method of `rowen.evaluate.statistics` can be wrong; and how often it may be.

`tests/evaluate/statistics/test_simulated.py` runs them 40 to 400 times each, `python bench/statistics` some thousand
times, for the table of `docs/explanation/statistics.md`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rowen.evaluate.statistics import (
    Arm,
    Logged,
    Sums,
    Watched,
    allotment,
    benjamini_hochberg,
    bernstein,
    betting,
    betting_of_two,
    bootstrap,
    cuped,
    doubly_robust,
    from_sums,
    holm,
    ips,
    ips_so_far,
    linear,
    look,
    mcnemar,
    not_worse,
    paired,
    paired_share_not_worse,
    paired_shares,
    pass_all,
    pass_at,
    permutation,
    permutation_of_two,
    share_not_worse,
    sign,
    snips,
    split,
    split_so_far,
    t_test,
    tango,
    unpaired,
    welch,
    wilcoxon,
)
from rowen.values.interval import Interval

Random = np.random.Generator
_LOGNORMAL = float(np.exp(0.5))  # the mean of exp(N(0, 1))


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One world and one method: whether the method was wrong in it this time."""

    method: str
    world: str
    wrong: Callable[[Random], bool | float]
    stated: float = 0.05
    allowed: float = 0.05
    """What is let pass: more than is stated where the method is an approximation, and the docs say so."""
    known_bad: float = 0.0
    """Of what one should not do: how often it is wrong at least, to show why."""
    times: int = 400


def _misses(interval: Interval, truth: float) -> bool:
    return not interval.low <= truth <= interval.high


def _clustered(rng: Random, clusters: int, size: int) -> tuple[np.ndarray, list[int]]:
    means = np.repeat(rng.normal(size=clusters), size)
    return means + rng.normal(size=clusters * size), np.repeat(np.arange(clusters), size).tolist()


def _two_runs(rng: Random, n: int, share: float = 0.8, gap: float = 0.0) -> tuple[list[bool], list[bool]]:
    """Two candidates on cases of different difficulty."""
    hard = np.clip(rng.normal(share, 0.2, n), 0.02, 0.98)
    return (rng.random(n) < hard - gap).tolist(), (rng.random(n) < hard).tolist()


def _paired_null(rng: Random, n: int = 50) -> list[bool]:
    return rng.random(n) < rng.choice([0.5, 0.9, 0.99], n)


def _peeked_t(rng: Random) -> bool:
    gaps = rng.normal(size=2000)
    return any(t_test(gaps[:n]).p < 0.05 for n in range(100, 2001, 100))


def _looked(draw: Callable[[Random, int], np.ndarray]) -> Callable[[Random], bool]:
    def wrong(rng: Random) -> bool:
        ones, others = draw(rng, 2000), draw(rng, 2000)
        at = np.arange(100, 2001, 10)
        sums = [(np.cumsum(each), np.cumsum(each**2)) for each in (ones, others)]
        known: Watched | None = None
        for n in at:
            one, other = (
                Sums(n=int(n), total=float(total[n - 1]), squares=float(squares[n - 1])) for total, squares in sums
            )
            known = look(one, other, expected=2000, before=known)
            if known.p <= 0.05 or _misses(known.difference, 0.0):
                return True
        return False

    return wrong


def _summed(rng: Random) -> bool:
    scores = (rng.random(2000) < 0.5).astype(float)
    totals = np.cumsum(scores)
    return any(
        _misses(from_sums(Sums(n=n, total=float(totals[n - 1]), squares=float(totals[n - 1])), expected=1000), 0.5)
        for n in range(1, 2001, 7)
    )


def _split_peeked(rng: Random) -> bool:
    arms = np.cumsum(rng.random(10_000) < 0.5)
    p = 1.0
    for n in range(50, 10_001, 50):
        p = split_so_far((int(arms[n - 1]), n - int(arms[n - 1])), (1, 1), before=p).p
    return p <= 0.05


def _chi_peeked(rng: Random) -> bool:
    arms = np.cumsum(rng.random(10_000) < 0.5)
    return any(split((int(arms[n - 1]), n - int(arms[n - 1])), (1, 1)).p <= 0.05 for n in range(50, 10_001, 50))


def _logged(rng: Random, n: int = 400, *, users: int = 0) -> tuple[list[Logged], float]:
    """Two choices whose worth depends on the context; the logging policy knows a little, the wanted one all."""
    context = rng.random(n)
    whose = rng.integers(0, users, n) if users else np.full(n, -1)
    tilt = rng.normal(0, 0.15, max(users, 1))
    if users:
        context = np.clip(context * 0.3 + 0.5 + tilt[whose], 0.02, 0.98)
    first = rng.random(n) < 0.2 + 0.6 * context
    logged = np.where(first, 0.2 + 0.6 * context, 0.8 - 0.6 * context)
    worth = np.where(first, context, 0.4)
    reward = (rng.random(n) < worth).astype(float)
    wanted_first = np.where(context > 0.4, 0.9, 0.1)
    wanted = np.where(first, wanted_first, 1 - wanted_first)
    truth = wanted_first * context + (1 - wanted_first) * 0.4
    columns = (each.tolist() for each in (reward, logged, wanted, worth * 0.8, truth * 0.8, whose))
    found = [
        Logged(reward=r, logged=p, wanted=w, guess=g, guess_wanted=t, cluster=str(who) if users else "")
        for r, p, w, g, t, who in zip(*columns, strict=True)
    ]
    return found, float(truth.mean())


def _population() -> float:
    at = (np.arange(100_000) + 0.5) / 100_000
    return float(np.where(at > 0.4, 0.9 * at + 0.04, 0.1 * at + 0.36).mean())


POPULATION = _population()


def _learnt(rng: Random) -> bool:
    """A bandit that learns as it logs; what always choosing the first arm would have earned."""
    shares = {"a": 0.5, "b": 0.5}
    rewards = {"a": [0, 0], "b": [0, 0]}
    choices = []
    for step in range(600):
        if step % 50 == 0:
            arms = [
                Arm(name=name, kept=Sums(n=n, total=float(good), squares=float(good)))
                for name, (good, n) in rewards.items()
            ]
            shares = allotment(arms, floor=0.1)
        name = "a" if rng.random() < shares["a"] else "b"
        reward = int(rng.random() < (0.5 if name == "a" else 0.6))
        rewards[name][0] += reward
        rewards[name][1] += 1
        choices.append(Logged(reward=reward, logged=shares[name], wanted=float(name == "a")))
    return _misses(ips_so_far(choices, heaviest=10.0), 0.5)


def _tries(rng: Random) -> list[tuple[int, int]]:
    return [(int(each), 5) for each in rng.binomial(5, rng.beta(2, 1, 40))]


def _by_user(rng: Random) -> bool:
    scores, users = _clustered(rng, 20, 5)
    return _misses(bootstrap(scores, clusters=users, resamples=1000), 0.0)


def _flipped_by_user(rng: Random) -> bool:
    scores, users = _clustered(rng, 20, 5)
    return permutation(scores, clusters=users, draws=999).p <= 0.05


def _adjusted(rng: Random) -> bool:
    before, other_before = rng.normal(size=150), rng.normal(size=150)
    ones, others = before + 0.5 * rng.normal(size=150), other_before + 0.5 * rng.normal(size=150)
    found = cuped(ones, others, candidate_before=before, baseline_before=other_before)
    return _misses(found.difference, 0.0)


def _family(corrected: Callable[[list[float]], list[float]], effects: int) -> Callable[[Random], float]:
    """The share of alarms that are false, of 20 metrics; without true effects, whether there is any."""

    def wrong(rng: Random) -> float:
        shift = np.concatenate([np.full(effects, 0.6), np.zeros(20 - effects)])
        found = corrected([t_test(rng.normal(each, 1, 40)).p for each in shift])
        alarms = [place for place, p in enumerate(found) if p <= 0.05]
        return sum(place >= effects for place in alarms) / len(alarms) if alarms else 0.0

    return wrong


def _binary(share: float) -> Callable[[Random, int], np.ndarray]:
    return lambda rng, n: (rng.random(n) < share).astype(float)


def _of_users(rng: Random) -> Interval:
    users = np.repeat(np.arange(200), rng.integers(1, 6, 200))
    return linear(np.exp(rng.normal(size=200)[users] * 0.6 + rng.normal(size=len(users)) * 0.8), clusters=users)


ONCE = (
    Scenario(
        method="bootstrap, studentised",
        world="20 normal scores",
        wrong=lambda rng: _misses(bootstrap(rng.normal(size=20), resamples=1000), 0.0),
    ),
    Scenario(
        method="bootstrap, studentised",
        world="50 log-normal costs",
        wrong=lambda rng: _misses(bootstrap(rng.lognormal(size=50), resamples=1000), _LOGNORMAL),
        allowed=0.09,
    ),
    Scenario(
        method="bootstrap, bca",
        world="50 log-normal costs",
        wrong=lambda rng: _misses(bootstrap(rng.lognormal(size=50), how="bca", resamples=1000), _LOGNORMAL),
        allowed=0.12,
    ),
    Scenario(
        method="bootstrap, studentised",
        world="60 cases, 95 % pass",
        wrong=lambda rng: _misses(bootstrap(_binary(0.95)(rng, 60), bounds=(0, 1), resamples=1000), 0.95),
        allowed=0.08,
    ),
    Scenario(
        method="bootstrap, studentised, by user",
        world="20 users of 5 alike calls",
        wrong=_by_user,
        allowed=0.06,
    ),
    Scenario(
        method="bootstrap, users ignored",
        world="20 users of 5 alike calls",
        wrong=lambda rng: _misses(bootstrap(_clustered(rng, 20, 5)[0], resamples=1000), 0.0),
        known_bad=0.2,
    ),
    Scenario(
        method="paired bootstrap",
        world="100 cases, 80 % pass",
        wrong=lambda rng: _misses(
            paired(*(np.array(each, float) for each in _two_runs(rng, 100)), bounds=(0, 1), resamples=1000), 0.0
        ),
    ),
    Scenario(
        method="unpaired bootstrap",
        world="60 and 40 log-normal costs",
        wrong=lambda rng: _misses(unpaired(rng.lognormal(size=60), rng.lognormal(size=40), resamples=1000), 0.0),
        allowed=0.05,
    ),
    Scenario(
        method="linearised",
        world="200 users with 1 to 5 log-normal costs each",
        wrong=lambda rng: _misses(_of_users(rng), _LOGNORMAL),
        allowed=0.07,
    ),
    Scenario(
        method="Newcombe, paired",
        world="50 cases, 80 % pass",
        wrong=lambda rng: _misses(paired_shares(*_two_runs(rng, 50)), 0.0),
    ),
    Scenario(
        method="Tango",
        world="50 cases, 80 % pass",
        wrong=lambda rng: _misses(tango(*_two_runs(rng, 50)), 0.0),
        allowed=0.06,
    ),
    Scenario(
        method="Welch",
        world="40 and 80 normal times",
        wrong=lambda rng: _misses(welch(Sums.of(rng.normal(0, 3, 40)), Sums.of(rng.normal(0, 1, 80))), 0.0),
    ),
    Scenario(
        method="pass@2",
        world="40 cases of 5 tries",
        wrong=lambda rng: _misses(pass_at(2, _tries(rng)), 5 / 6),  # E[1-(1-p)²] of Beta(2, 1)
        allowed=0.07,
        times=200,
    ),
    Scenario(
        method="pass^2",
        world="40 cases of 5 tries",
        wrong=lambda rng: _misses(pass_all(2, _tries(rng)), 1 / 2),  # E[p²] of Beta(2, 1)
        allowed=0.07,
        times=200,
    ),
    Scenario(method="CUPED", world="two arms of 150 users", wrong=_adjusted, allowed=0.055),
    Scenario(
        method="IPS",
        world="400 choices",
        wrong=lambda rng: _misses(ips(_logged(rng)[0]).estimate, POPULATION),
        allowed=0.06,
        times=300,
    ),
    Scenario(
        method="SNIPS",
        world="400 choices",
        wrong=lambda rng: _misses(snips(_logged(rng)[0]).estimate, POPULATION),
        allowed=0.06,
        times=300,
    ),
    Scenario(
        method="doubly robust",
        world="400 choices, guesses a fifth too low",
        wrong=lambda rng: _misses(doubly_robust(_logged(rng)[0]).estimate, POPULATION),
        allowed=0.06,
        times=300,
    ),
)
"""Intervals and tests that are looked at once."""

TESTS = (
    Scenario(method="permutation, all", world="12 pairs", wrong=lambda rng: permutation(rng.normal(size=12)).p <= 0.05),
    Scenario(
        method="permutation, drawn",
        world="50 pairs of yes and no",
        wrong=lambda rng: permutation(_paired_null(rng) * 1.0 - _paired_null(rng), draws=999).p <= 0.05,
        allowed=0.05,
    ),
    Scenario(
        method="permutation, by user",
        world="20 users of 5 alike calls",
        wrong=_flipped_by_user,
    ),
    Scenario(
        method="permutation of two",
        world="30 and 20 log-normal costs",
        wrong=lambda rng: permutation_of_two(rng.lognormal(size=30), rng.lognormal(size=20), draws=999).p <= 0.05,
    ),
    Scenario(method="sign", world="30 pairs", wrong=lambda rng: sign(rng.normal(size=30)).p <= 0.05),
    Scenario(
        method="McNemar, exact", world="50 cases, 80 % pass", wrong=lambda rng: mcnemar(*_two_runs(rng, 50)).p <= 0.05
    ),
    Scenario(method="Wilcoxon", world="30 pairs", wrong=lambda rng: wilcoxon(rng.normal(size=30)).p <= 0.05),
    Scenario(
        method="not worse, t",
        world="40 pairs, just as bad as the margin",
        wrong=lambda rng: not_worse(rng.normal(-0.3, 1, 40), 0.3).p <= 0.05,
    ),
    Scenario(
        method="not worse, Farrington & Manning",
        world="150 and 150 cases, just as bad as the margin",
        wrong=lambda rng: (
            share_not_worse(int(rng.binomial(150, 0.8)), 150, int(rng.binomial(150, 0.9)), 150, 0.1).p <= 0.05
        ),
        allowed=0.06,
    ),
    Scenario(
        method="not worse, Tango",
        world="150 cases, just as bad as the margin",
        wrong=lambda rng: paired_share_not_worse(*_two_runs(rng, 150, 0.6, 0.02), 0.02).p <= 0.05,
        allowed=0.06,
    ),
    Scenario(
        method="split, chi-squared",
        world="3 arms of 1,000 users",
        wrong=lambda rng: split(rng.multinomial(1000, [0.5, 0.3, 0.2]).tolist(), (0.5, 0.3, 0.2)).p <= 0.05,
    ),
    Scenario(method="Holm, any false alarm", world="20 metrics, none differs", wrong=_family(holm, 0)),
    Scenario(method="Holm, false among alarms", world="20 metrics, 5 differ", wrong=_family(holm, 5)),
    Scenario(
        method="Benjamini & Hochberg, false among alarms",
        world="20 metrics, 5 differ",
        wrong=_family(benjamini_hochberg, 5),
    ),
)
"""Tests of what is not so."""

WATCHED = (
    Scenario(
        method="t test at 20 looks",
        world="2,000 normal differences",
        wrong=_peeked_t,
        known_bad=0.12,
        times=200,
    ),
    Scenario(method="look (mSPRT)", world="A/A of 4,000, 80 % pass, 191 looks", wrong=_looked(_binary(0.8)), times=300),
    Scenario(method="look (mSPRT)", world="A/A of 4,000, 2 % fail, 191 looks", wrong=_looked(_binary(0.98)), times=300),
    Scenario(
        method="look (mSPRT)",
        world="A/A of 4,000 log-normal costs, 191 looks",
        wrong=_looked(lambda rng, n: rng.lognormal(size=n)),
        times=300,
    ),
    Scenario(
        method="betting",
        world="500 scores, every look",
        wrong=lambda rng: _misses(betting(rng.beta(4, 1, 500)), 0.8),
        times=60,
    ),
    Scenario(
        method="betting",
        world="500 cases, 97 % pass, every look",
        wrong=lambda rng: _misses(betting(_binary(0.97)(rng, 500)), 0.97),
        times=60,
    ),
    Scenario(
        method="betting of two",
        world="A/A of 2 × 500, 80 % pass, every look",
        wrong=lambda rng: _misses(betting_of_two(_binary(0.8)(rng, 500), _binary(0.8)(rng, 500)), 0.0),
        times=40,
    ),
    Scenario(
        method="empirical Bernstein",
        world="2,000 scores, every look",
        wrong=lambda rng: _misses(bernstein(rng.beta(4, 1, 2000)), 0.8),
    ),
    Scenario(method="from sums", world="2,000 cases, 50 % pass, 286 looks", wrong=_summed, times=200),
    Scenario(method="split so far", world="10,000 users, 200 looks", wrong=_split_peeked, times=200),
    Scenario(
        method="split, chi-squared, at every look",
        world="10,000 users, 200 looks",
        wrong=_chi_peeked,
        known_bad=0.2,
        times=100,
    ),
    Scenario(method="IPS so far", world="600 choices of a bandit that learns, every look", wrong=_learnt, times=40),
)
"""What is looked at again and again: wrong once is wrong."""
