"""The bootstrap: intervals of means and their differences by drawing the cases again, whole clusters at a time.

B. Efron & R. Tibshirani, "An Introduction to the Bootstrap" (1993): BCa in chapter 14, the studentised (bootstrap-t) in
12.5. A. C. Davison & D. V. Hinkley, "Bootstrap Methods and their Application" (1997), section 3.8 for clusters.

Cases of one user or one document are alike, and count for less than as many apart: name them as `clusters`, and whole
clusters are drawn. The `n` of the interval is then the number of clusters.
"""

import math
from collections.abc import Callable, Iterable
from statistics import NormalDist
from typing import Literal

from rowen.evaluate.statistics.arrays import Floats, Whole, floats, grouped, np, random
from rowen.values.interval import Interval

How = Literal["studentised", "bca"]

_CHUNK = 2_000_000  # draws at once: 16 MB
_NORMAL = NormalDist()


def bootstrap(
    values: Iterable[float],
    *,
    clusters: Iterable[object] | None = None,
    level: float = 0.95,
    how: How = "studentised",
    bounds: tuple[float, float] | None = None,
    resamples: int = 4000,
    seed: int = 0,
) -> Interval:
    """Return the mean of values with its bootstrap interval.

    Args:
        values: one for each case.
        clusters: what each case belongs to.
        level: how often the interval holds the truth.
        how: `studentised` keeps its level for small n better and is wider; `bca` never leaves the range of the values.
        bounds: between which numbers a value can lie at all. The interval is cut to them. Where all values are equal,
            nothing can be drawn that differs: the interval then says what share of cases may still be other ones
            (Clopper & Pearson's for none of n), and without bounds it is infinite.
        resamples: how many samples to draw.
        seed: the same seed gives the same interval.

    Raises:
        ValueError: a value is no finite number, or lies outside the bounds.

    """
    found = floats(values)
    least, most = bounds or (-math.inf, math.inf)
    if len(found) and (found.min() < least or found.max() > most):
        raise ValueError(f"a value lies outside of the bounds {least:g} to {most:g}")
    sums, counts = grouped(found, clusters)
    n = len(sums)
    method: Literal["studentised", "bca"] = how
    if not n:
        return Interval(value=None, low=least, high=most, n=0, level=level, method=method)
    centre = float(sums.sum() / counts.sum())
    residuals = sums - centre * counts
    if n == 1 or float(np.abs(residuals).max()) <= 1e-12 * max(1.0, float(np.abs(sums).max())):
        rest = 1 - ((1 - level) / 2) ** (1 / n)
        low = centre - rest * (centre - least) if math.isfinite(least) else -math.inf
        high = centre + rest * (most - centre) if math.isfinite(most) else math.inf
        return Interval(value=centre, low=low, high=high, n=n, level=level, method=method)
    if how == "studentised":
        low, high = _studentised(sums, counts, centre, level=level, resamples=resamples, seed=seed)
    else:
        means, _ = _drawn(sums, counts, resamples=resamples, seed=seed, errors=False)
        low, high = _bca(means, centre, residuals, level)
    return Interval(value=centre, low=max(low, least), high=min(high, most), n=n, level=level, method=method)


def paired(
    candidate: Iterable[float],
    baseline: Iterable[float],
    *,
    clusters: Iterable[object] | None = None,
    level: float = 0.95,
    how: How = "studentised",
    bounds: tuple[float, float] | None = None,
    resamples: int = 4000,
    seed: int = 0,
) -> Interval:
    """Return how much higher the candidate's mean is over the same cases, with its bootstrap interval.

    Args:
        candidate: the candidate's value of each case.
        baseline: the baseline's value of the same cases in the same order.
        clusters: what each case belongs to.
        level: how often the interval holds the truth.
        how: as for `bootstrap`.
        bounds: between which numbers a value (not a difference) can lie.
        resamples: how many samples to draw.
        seed: the same seed gives the same interval.

    Raises:
        ValueError: the rows differ in length, or as for `bootstrap`.

    """
    one, other = floats(candidate, "candidate"), floats(baseline, "baseline")
    if len(one) != len(other):
        raise ValueError(f"{len(one)} cases of the candidate cannot be paired with {len(other)} of the baseline")
    width = None if bounds is None else (bounds[0] - bounds[1], bounds[1] - bounds[0])
    return bootstrap(one - other, clusters=clusters, level=level, how=how, bounds=width, resamples=resamples, seed=seed)


def unpaired(
    candidate: Iterable[float],
    baseline: Iterable[float],
    *,
    clusters: tuple[Iterable[object], Iterable[object]] | None = None,
    level: float = 0.95,
    resamples: int = 4000,
    seed: int = 0,
) -> Interval:
    """Return how much higher the candidate's mean is than that of other cases, with its studentised interval.

    Both samples are drawn again by themselves; the interval is symmetric (P. Hall, "The Bootstrap and Edgeworth Expansion",
    1992, section 3.6). The interval is infinite where one has fewer than two cases or clusters,
    or neither varies.

    Raises:
        ValueError: a value is no finite number.

    """
    of_one, of_other = clusters or (None, None)
    ones = grouped(floats(candidate, "candidate"), of_one)
    others = grouped(floats(baseline, "baseline"), of_other)
    n = len(ones[0]) + len(others[0])
    gap = (
        float(ones[0].sum() / ones[1].sum() - others[0].sum() / others[1].sum())
        if len(ones[0]) * len(others[0])
        else None
    )
    error = math.hypot(_error(*ones), _error(*others))
    if gap is None or min(len(ones[0]), len(others[0])) < 2 or error == 0:
        return Interval(value=gap, low=-math.inf, high=math.inf, n=n, level=level, method="studentised")
    means, errors = _drawn(*ones, resamples=resamples, seed=seed)
    other_means, other_errors = _drawn(*others, resamples=resamples, seed=seed + 1)
    # Symmetric, by the size of t alone: with each tail by itself, skewed samples of unequal size were missed twice as often.
    reach = _pivoted(abs(means - other_means - gap), np.hypot(errors, other_errors), 2 * level - 1)[1] * error
    return Interval(value=gap, low=gap - reach, high=gap + reach, n=n, level=level, method="studentised")


def bootstrap_of(
    estimate: Callable[[Whole], float | None],
    n: int,
    *,
    clusters: Iterable[object] | None = None,
    level: float = 0.95,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """Return any estimate over cases with its BCa interval.

    Args:
        estimate: given the places of the cases that were drawn, some of them repeatedly; None where these give none,
            and such a sample is left out.
        n: how many cases there are.
        clusters: what each case belongs to.
        level: how often the interval holds the truth.
        bounds: the interval where the estimate never varies.
        resamples: how many samples to draw.
        seed: the same seed gives the same interval.

    Raises:
        ValueError: there are not as many clusters as cases.

    """
    members = _members(range(n) if clusters is None else clusters)
    if (named := sum(map(len, members))) != n:
        raise ValueError(f"{named} clusters are named for {n} values")
    groups = len(members)
    value = estimate(np.arange(n)) if n else None
    rng = random(seed)
    drawn: list[float] = []
    for _ in range(resamples if value is not None else 0):
        picked = rng.integers(0, groups, groups)
        found = estimate(picked if groups == n else np.concatenate([members[each] for each in picked]))
        if found is not None:
            drawn.append(found)
    if value is None or len(drawn) < 2 or min(drawn) == max(drawn):
        return Interval(value=value, low=bounds[0], high=bounds[1], n=groups, level=level, method="bca")
    left_out = [estimate(each) for each in _without(members)]
    rest = np.array([each for each in left_out if each is not None])
    low, high = _bca(np.array(drawn), value, rest.mean() - rest if len(rest) else np.zeros(1), level)
    return Interval(value=value, low=low, high=high, n=groups, level=level, method="bca")


def _drawn(sums: Floats, counts: Floats, *, resamples: int, seed: int, errors: bool = True) -> tuple[Floats, Floats]:
    """Return the means of samples drawn again, and their standard errors."""
    rng, n = random(seed), len(sums)
    alone = bool((counts == 1).all())
    means, found = np.empty(resamples), np.empty(resamples)
    step = max(1, _CHUNK // n)
    for start in range(0, resamples, step):
        here = slice(start, min(resamples, start + step))
        picked = rng.integers(0, n, (here.stop - start, n), dtype=np.int32)
        values = sums[picked]
        if alone:
            means[here] = values.mean(axis=1)
            if errors:
                found[here] = values.std(axis=1, ddof=1) / math.sqrt(n)
        else:
            sizes = counts[picked]
            total = sizes.sum(axis=1)
            means[here] = values.sum(axis=1) / total
            if errors:
                rest = values - means[here, None] * sizes
                found[here] = np.sqrt(n / (n - 1) * (rest * rest).sum(axis=1)) / total
    return means, found


def _error(sums: Floats, counts: Floats) -> float:
    """Return the standard error of a mean of clusters, by linearisation; of single values it is the usual one."""
    n = len(sums)
    if n < 2:
        return 0.0
    rest = sums - sums.sum() / counts.sum() * counts
    return float(math.sqrt(n / (n - 1) * float((rest * rest).sum())) / counts.sum())


def _studentised(
    sums: Floats, counts: Floats, centre: float, *, level: float, resamples: int, seed: int
) -> tuple[float, float]:
    means, errors = _drawn(sums, counts, resamples=resamples, seed=seed)
    low, high = _pivoted(means - centre, errors, level)
    error = _error(sums, counts)
    return centre - high * error, centre - low * error


def _pivoted(gaps: Floats, errors: Floats, level: float) -> tuple[float, float]:
    """Return the quantiles of gap by error. A sample that does not vary says that the gap may be of any size."""
    flat = errors <= 1e-12 * max(float(errors.max()), 1e-300)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(flat, np.where(np.abs(gaps) < 1e-15, 0.0, np.sign(gaps) * np.inf), gaps / errors)
    t.sort()
    tail = (1 - level) / 2
    return float(t[_rank(tail, len(t))]), float(t[len(t) - 1 - _rank(tail, len(t))])


def _rank(tail: float, many: int) -> int:
    """Return which of the sorted samples cuts off a tail: the wider one, so that the level is kept."""
    return max(0, math.ceil(tail * (many + 1)) - 1 if tail * (many + 1) >= 1 else 0)


def _bca(drawn: Floats, value: float, influence: Floats, level: float) -> tuple[float, float]:
    """Return the interval, corrected for bias and acceleration; `influence` is that of each case on the estimate."""
    many = len(drawn)
    below = (float((drawn < value).sum()) + float((drawn == value).sum()) / 2) / many
    bias = _NORMAL.inv_cdf(min(max(below, 0.5 / many), 1 - 0.5 / many))
    spread = float((influence**2).sum())
    bend = float((influence**3).sum()) / (6 * spread**1.5) if spread else 0.0
    drawn = np.sort(drawn)
    ends = []
    for tail in ((1 - level) / 2, (1 + level) / 2):
        z = bias + _NORMAL.inv_cdf(tail)
        at = _NORMAL.cdf(bias + z / (1 - bend * z)) if bend * z < 1 else float(tail > 0.5)
        ends.append(float(np.quantile(drawn, at)))
    return ends[0], ends[1]


def _members(clusters: Iterable[object]) -> list[Whole]:
    found: dict[object, list[int]] = {}
    for place, each in enumerate(clusters):
        found.setdefault(each, []).append(place)
    return [np.array(places) for places in found.values()]


def _without(members: list[Whole], most: int = 200) -> Iterable[Whole]:
    """Give the cases without each cluster in turn; of many clusters, without each of some blocks of them."""
    blocks = np.array_split(np.arange(len(members)), min(len(members), most))
    for block in blocks:
        gone = set(block.tolist())
        kept = [each for place, each in enumerate(members) if place not in gone]
        if kept:
            yield np.concatenate(kept)
