"""Scores that tell yes from no: how well they order, and how true they are as probabilities.

Area under the ROC curve: J. A. Hanley & B. J. McNeil, Radiology 143 (1982), as the chance that a yes is ranked above a no.
Expected calibration error: M. P. Naeini, G. Cooper & M. Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian
Binning", AAAI 2015; its interval rests on the cases, so it is biased upwards for few of them.
"""

from collections.abc import Sequence
from typing import Literal

from rowen.evaluate.statistics import bootstrap, bootstrap_of
from rowen.evaluate.statistics.arrays import Floats, Whole, floats, np
from rowen.values import Value
from rowen.values.interval import Interval, wilson

_LEAST = 2.0**-52  # what was stated as impossible and happened costs the logarithm of this, as in scikit-learn


class Bin(Value, frozen=True, kw_only=True, omit_defaults=False):
    """Cases whose stated probability is about the same."""

    stated: float
    """The mean of what was stated."""
    happened: Interval
    """How often it was so."""


class Calibrated(Value, frozen=True, kw_only=True, omit_defaults=False):
    """How true stated probabilities are."""

    n: int
    expected_error: Interval
    """ECE: how far what was stated is from what happened, on average over cases."""
    largest_error: float
    """MCE: the same of the worst bin."""
    bins: tuple[Bin, ...]


def roc_auc(
    labels: Sequence[bool], scores: Sequence[float], *, level: float = 0.95, resamples: int = 1000, seed: int = 0
) -> Interval:
    """Return the chance that a yes has a higher score than a no, ties counting half, with its BCa interval.

    `value` is None where all are yes, or all no.

    Raises:
        ValueError: the rows differ in length, or a score is no finite number.

    """
    yes, found = _rows(labels, scores)
    return bootstrap_of(
        lambda at: _auc(yes[at], found[at]), len(yes), level=level, bounds=(0, 1), resamples=resamples, seed=seed
    )


def average_precision(
    labels: Sequence[bool], scores: Sequence[float], *, level: float = 0.95, resamples: int = 1000, seed: int = 0
) -> Interval:
    """Return the area under the curve of precision over recall, as a sum of steps, with its BCa interval.

    Raises:
        ValueError: as for `roc_auc`.

    """
    yes, found = _rows(labels, scores)
    return bootstrap_of(
        lambda at: _steps(yes[at], found[at]), len(yes), level=level, bounds=(0, 1), resamples=resamples, seed=seed
    )


def brier(labels: Sequence[bool], stated: Sequence[float], *, level: float = 0.95) -> Interval:
    """Return the mean squared difference of stated probabilities and what happened, with its interval.

    Raises:
        ValueError: the rows differ in length, or a probability is not in 0 to 1.

    """
    yes, found = _probabilities(labels, stated)
    return bootstrap((found - yes) ** 2, bounds=(0, 1), level=level)


def log_loss(labels: Sequence[bool], stated: Sequence[float], *, level: float = 0.95) -> Interval:
    """Return the mean of the logarithms of how unlikely what happened was said to be, with its interval.

    Raises:
        ValueError: as for `brier`.

    """
    yes, found = _probabilities(labels, stated)
    sure = np.clip(np.where(yes > 0, found, 1 - found), _LEAST, 1)
    return bootstrap(-np.log(sure), level=level)


def calibrated(
    labels: Sequence[bool],
    stated: Sequence[float],
    *,
    bins: int = 10,
    how: Literal["width", "mass"] = "width",
    level: float = 0.95,
) -> Calibrated:
    """Return how true stated probabilities are, by bins of equal width or of as many cases each.

    Raises:
        ValueError: as for `brier`, or for fewer than one bin.

    """
    if bins < 1:
        raise ValueError("there is at least one bin")
    yes, found = _probabilities(labels, stated)
    edges = np.linspace(0, 1, bins + 1) if how == "width" else np.quantile(found, np.linspace(0, 1, bins + 1))
    place = np.searchsorted(edges[1:-1], found)
    shown = []
    for each in range(bins):
        here = place == each
        if here.any():
            happened = wilson(int(yes[here].sum()), int(here.sum()), level)
            shown.append(Bin(stated=float(found[here].mean()), happened=happened))
    gaps = [abs(each.stated - (each.happened.value or 0.0)) for each in shown]

    def error(at: Whole) -> float:
        sums = np.bincount(place[at], (found - yes)[at], bins)
        return float(np.abs(sums).sum() / len(at))

    return Calibrated(
        n=len(yes),
        expected_error=bootstrap_of(error, len(yes), level=level, bounds=(0, 1)),
        largest_error=max(gaps, default=0.0),
        bins=tuple(shown),
    )


def _auc(yes: Floats, scores: Floats) -> float | None:
    ups = int(yes.sum())
    downs = len(yes) - ups
    if not ups or not downs:
        return None
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[yes > 0].sum() - ups * (ups + 1) / 2) / (ups * downs))


def _steps(yes: Floats, scores: Floats) -> float | None:
    if not yes.any():
        return None
    order = np.argsort(-scores, kind="stable")
    hits, sorted_scores = np.cumsum(yes[order]), scores[order]
    last = np.append(np.flatnonzero(np.diff(sorted_scores)), len(scores) - 1)  # of those that are tied, all at once
    precision, recall = hits[last] / (last + 1), hits[last] / hits[-1]
    return float((np.diff(np.concatenate([[0.0], recall])) * precision).sum())


def _rows(labels: Sequence[bool], scores: Sequence[float]) -> tuple[Floats, Floats]:
    yes, found = floats([float(bool(each)) for each in labels], "labels"), floats(scores, "scores")
    if len(yes) != len(found):
        raise ValueError(f"{len(yes)} labels cannot be held against {len(found)} scores")
    return yes, found


def _probabilities(labels: Sequence[bool], stated: Sequence[float]) -> tuple[Floats, Floats]:
    yes, found = _rows(labels, stated)
    if len(found) and (found.min() < 0 or found.max() > 1):
        raise ValueError("a probability is in 0 to 1")
    return yes, found
