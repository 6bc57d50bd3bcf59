"""Tests that are right for any number of cases: of pairs, of two groups, of yes and no.

A permutation test asks how often chance alone would have dealt what was seen. All deals are counted where they are few;
else some are drawn, and the one that was seen counts among them, which keeps the level exactly (B. Phipson & G. K. Smyth,
"Permutation P-values Should Never Be Zero", Statistical Applications in Genetics and Molecular Biology 9, 2010).
"""

import math
from collections.abc import Iterable, Sequence

from rowen.evaluate.statistics.arrays import Floats, floats, grouped, np, random
from rowen.evaluate.statistics.base import Side, Tested
from rowen.values.interval import Interval, beta_cdf, wilson

_ALL = 1 << 16  # deals that are counted one by one
_NEAR = 1e-9  # relative: what differs by rounding alone is the same
_CHUNK = 1_000_000
_TABLE = 50  # pairs up to which the signed ranks are counted out


def permutation(
    differences: Iterable[float],
    *,
    clusters: Iterable[object] | None = None,
    side: Side = "both",
    draws: int = 10_000,
    seed: int = 0,
) -> Tested:
    """Test whether the mean of paired differences is 0, by flipping their signs; those of a cluster flip together.

    R. A. Fisher, "The Design of Experiments" (1935), chapter 3. Pairs without a difference decide nothing.

    Raises:
        ValueError: a difference is no finite number.

    """
    sums, _ = grouped(floats(differences, "differences"), clusters)
    sums = sums[np.abs(sums) > 0]
    n, seen = len(sums), float(sums.sum())
    if not n:
        return Tested(p=1.0, statistic=0.0, n=0, method="permutation, exact")
    exact = n <= int(math.log2(_ALL))
    found = _flipped(sums) if exact else _flipped_some(sums, draws, seed)
    how = "permutation, exact" if exact else f"permutation, {draws} drawn"
    return Tested(
        p=_share(found, seen, side, float(np.abs(sums).sum()), drawn=not exact), statistic=seen, n=n, method=how
    )


def permutation_of_two(
    candidate: Iterable[float], baseline: Iterable[float], *, side: Side = "both", draws: int = 10_000, seed: int = 0
) -> Tested:
    """Test whether two groups of cases have the same mean, by dealing the cases anew.

    E. J. G. Pitman, "Significance Tests Which May be Applied to Samples From any Populations", JRSS Supplement 4 (1937).

    Raises:
        ValueError: a value is no finite number, or a group is empty.

    """
    one, other = floats(candidate, "candidate"), floats(baseline, "baseline")
    if not (len(one) and len(other)):
        raise ValueError("a group without cases cannot be tested")
    every, rng = np.concatenate([one, other]), random(seed)
    seen = float(one.mean() - other.mean())
    found = np.empty(draws)
    step = max(1, _CHUNK // len(every))
    for start in range(0, draws, step):
        here = slice(start, min(draws, start + step))
        dealt = rng.permuted(np.broadcast_to(every, (here.stop - start, len(every))), axis=1)
        found[here] = dealt[:, : len(one)].mean(axis=1) - dealt[:, len(one) :].mean(axis=1)
    p = _share(found, seen, side, float(np.abs(every).max()), drawn=True)
    return Tested(p=p, statistic=seen, n=len(every), method=f"permutation, {draws} drawn")


def sign(differences: Iterable[float], *, side: Side = "both") -> Tested:
    """Test whether as many pairs got better as worse; by how much does not count. Ties decide nothing.

    J. Arbuthnot (1710); W. J. Conover, "Practical Nonparametric Statistics" (1999), section 3.4.
    """
    found = floats(differences, "differences")
    return _binomial(int((found > 0).sum()), int((found < 0).sum()), side, "sign")


def mcnemar(candidate: Sequence[bool], baseline: Sequence[bool], *, side: Side = "both") -> Tested:
    """Test whether the candidate passes as often as the baseline on the same cases, by those that only one passes.

    Q. McNemar, "Note on the sampling error of the difference between correlated proportions", Psychometrika 12 (1947), in
    its exact form.

    Raises:
        ValueError: the rows differ in length.

    """
    if len(candidate) != len(baseline):
        raise ValueError(f"{len(candidate)} cases cannot be paired with {len(baseline)}")
    gained = sum(bool(one) and not other for one, other in zip(candidate, baseline, strict=True))
    lost = sum(bool(other) and not one for one, other in zip(candidate, baseline, strict=True))
    return _binomial(gained, lost, side, "mcnemar, exact")


def wilcoxon(differences: Iterable[float], *, side: Side = "both") -> Tested:
    """Test whether paired differences lie symmetrically around 0, by their signed ranks. Ties with 0 are left out.

    F. Wilcoxon, "Individual Comparisons by Ranking Methods", Biometrics Bulletin 1 (1945). Up to 50 pairs without equal
    differences are counted out; else the normal approximation, corrected for ties and continuity. It is apt for scores
    on an ordered scale with outliers; what it tests is the median, not the mean that is reported beside it.
    """
    found = floats(differences, "differences")
    found = found[found != 0]
    n = len(found)
    if not n:
        return Tested(p=1.0, statistic=0.0, n=0, method="wilcoxon, exact")
    sizes, inverse, counts = np.unique(np.abs(found), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    above = float(ranks[found > 0].sum())
    if n <= _TABLE and len(sizes) == n:
        ways = _rank_sums(n)
        total = float(ways.sum())
        up, down = float(ways[round(above) :].sum()) / total, float(ways[: round(above) + 1].sum()) / total
        return Tested(p=_sided(up, down, side), statistic=above, n=n, method="wilcoxon, exact")
    middle = n * (n + 1) / 4
    ties = float((counts.astype(float) ** 3 - counts).sum()) / 48
    spread = math.sqrt(n * (n + 1) * (2 * n + 1) / 24 - ties)
    up = math.erfc((above - middle - 0.5) / spread / math.sqrt(2)) / 2
    down = math.erfc(-(above - middle + 0.5) / spread / math.sqrt(2)) / 2
    return Tested(p=_sided(up, down, side), statistic=above, n=n, method="wilcoxon, normal")


def paired_shares(candidate: Sequence[bool], baseline: Sequence[bool], level: float = 0.95) -> Interval:
    """Return how much more often the candidate passes on the same cases, with Newcombe's interval for pairs.

    R. G. Newcombe, "Improved confidence intervals for the difference between binomial proportions based on paired data",
    Statistics in Medicine 17 (1998), method 10.

    Raises:
        ValueError: the rows differ in length.

    """
    if len(candidate) != len(baseline):
        raise ValueError(f"{len(candidate)} cases cannot be paired with {len(baseline)}")
    n = len(candidate)
    if not n:
        return Interval(value=None, low=-1.0, high=1.0, n=0, level=level, method="newcombe")
    both = sum(bool(one and other) for one, other in zip(candidate, baseline, strict=True))
    gained, lost = sum(map(bool, candidate)) - both, sum(map(bool, baseline)) - both
    neither = n - both - gained - lost
    one, other = wilson(both + gained, n, level), wilson(both + lost, n, level)
    assert one.value is not None
    assert other.value is not None
    margins = (both + gained) * (lost + neither) * (both + lost) * (gained + neither)
    excess = float(both * neither - gained * lost)
    if excess > 0:
        excess = max(excess - n / 2, 0.0)
    phi = excess / math.sqrt(margins) if margins else 0.0
    gap = one.value - other.value

    def reach(mine: float, others: float) -> float:
        return math.sqrt(max(0.0, mine * mine - 2 * phi * mine * others + others * others))

    low = gap - reach(one.value - one.low, other.high - other.value)
    high = gap + reach(one.high - one.value, other.value - other.low)
    return Interval(value=gap, low=max(-1.0, low), high=min(1.0, high), n=n, level=level, method="newcombe")


def _flipped(sums: Floats) -> Floats:
    """Return the sum under each of all ways to set the signs."""
    found = np.zeros(1)
    for each in sums:
        found = np.concatenate([found + each, found - each])
    return found


def _flipped_some(sums: Floats, draws: int, seed: int) -> Floats:
    rng, found = random(seed), np.empty(draws)
    step = max(1, _CHUNK // len(sums))
    for start in range(0, draws, step):
        here = slice(start, min(draws, start + step))
        signs = rng.integers(0, 2, (here.stop - start, len(sums)), dtype=np.int8) * 2.0 - 1.0
        found[here] = signs @ sums
    return found


def _share(found: Floats, seen: float, side: Side, scale: float, *, drawn: bool) -> float:
    """Return how often chance dealt as much as was seen."""
    slack = _NEAR * scale
    match side:
        case "both":
            as_much = int((np.abs(found) >= abs(seen) - slack).sum())
        case "greater":
            as_much = int((found >= seen - slack).sum())
        case "less":
            as_much = int((found <= seen + slack).sum())
    return (as_much + drawn) / (len(found) + drawn)


def _binomial(ups: int, downs: int, side: Side, method: str) -> Tested:
    n = ups + downs
    up = beta_cdf(0.5, ups, downs + 1) if ups else 1.0
    down = beta_cdf(0.5, downs, ups + 1) if downs else 1.0
    return Tested(p=_sided(up, down, side), statistic=float(ups), n=n, method=method)


def _sided(up: float, down: float, side: Side) -> float:
    return {"both": min(1.0, 2 * min(up, down)), "greater": min(1.0, up), "less": min(1.0, down)}[side]


def _rank_sums(n: int) -> Floats:
    """Return in how many ways the ranks 1 to n, each taken or not, add up to each sum."""
    ways = np.zeros(n * (n + 1) // 2 + 1)
    ways[0] = 1.0
    for rank in range(1, n + 1):
        ways[rank:] = ways[rank:] + ways[: len(ways) - rank]
    return ways
