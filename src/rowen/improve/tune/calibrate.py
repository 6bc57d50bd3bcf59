"""Learns from an app's own questions how often what a search found answers, by how sure it was; and says how far that holds.

The curve is J. Platt's ("Probabilistic outputs for support vector machines", 1999): logistic, with targets that are drawn in
by one question on each side, so that few questions do not make it certain. Its error is the expected calibration error over
bins of equal width (M. Naeini, G. Cooper & M. Hauskrecht, AAAI 2015). That is never 0 over few questions, even of a perfect
curve, so what chance alone would show stands beside it (J. Bröcker & L. Smith, Weather and Forecasting 22, 2007).
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from rowen.evaluate.statistics.arrays import Floats, Whole, np, random
from rowen.evaluate.statistics.bootstrap import bootstrap_of
from rowen.retrieve.calibration import Bin, Calibration, ChanceTable
from rowen.values.interval import Interval, wilson

BINS = 10
_LUCK = 2_000  # draws
_STEPS = 100
_STILL = 1e-10


class Judged(NamedTuple):
    """A question that was asked."""

    sure: float
    right: bool
    """Whether anything that was found answers it."""
    answerable: bool
    group: object
    """Questions of one group have documents in common."""


def calibrated(
    chosen: Sequence[Judged], out: Sequence[Judged], *, share: float, how: Literal["given", "taken away"]
) -> Calibration:
    """Return the curve that some questions show, and how it does on others.

    Args:
        chosen: to learn it by.
        out: to hold it against.
        share: of all questions, that nothing answers; both kinds are weighed to it.
        how: where those that nothing answers come from.

    """
    chance = curve(chosen, share)
    there = sum(each.answerable for each in out)
    said = np.array([each.sure if chance is None else chance.of(each.sure) for each in out], dtype=float)
    right = np.array([each.right for each in out], dtype=float)
    weights = weights_of(out, share)
    drawn = random(0).random((_LUCK, len(out))) < said
    by_luck = np.array([error(said, each.astype(float), weights) for each in drawn])
    found = error(said, right, weights)

    def again(places: Whole) -> float | None:
        return error(said[places], right[places], weights[places])

    return Calibration(
        questions=there,
        unanswerable=len(out) - there,
        how=how,
        share=share,
        chance=chance,
        error=bootstrap_of(again, len(out), clusters=[each.group for each in out], bounds=(0.0, 1.0)),
        luck=float(by_luck.mean()) if len(out) else 0.0,
        p=float((1 + (by_luck >= found - 1e-12).sum()) / (1 + _LUCK)),
        bins=bins(said, right, weights),
    )


def curve(judged: Sequence[Judged], share: float) -> ChanceTable | None:
    """Return Platt's curve, by Newton's method; None where what is surer is no more often right."""
    right = np.array([each.right for each in judged], dtype=float)
    weights = weights_of(judged, share)
    good, bad = float(weights[right > 0].sum()), float(weights[right == 0].sum())
    if not good or not bad:
        return None
    targets = np.where(right > 0, (good + 1) / (good + 2), 1 / (bad + 2))
    sure = np.array([[each.sure, 1.0] for each in judged])
    held = np.zeros(2)
    for _ in range(_STEPS):
        said = 1 / (1 + np.exp(-np.clip(sure @ held, -700, 700)))
        slope = sure.T @ (weights * (targets - said))
        bend = (sure * (weights * said * (1 - said))[:, None]).T @ sure + _STILL * np.eye(2)
        step = np.linalg.solve(bend, slope)
        held += step
        if float(np.abs(step).max()) < _STILL:
            break
    rises, base = float(held[0]), float(held[1])
    if not 1e-3 < rises < 1e4:
        return None
    return ChanceTable(slope=round(rises, 4), at=round(-base / rises, 4))


def weights_of(judged: Sequence[Judged], share: float) -> Floats:
    """Return what each question counts, so that those that nothing answers have their share; 1 on average."""
    away = sum(not each.answerable for each in judged)
    there = len(judged) - away
    weigh = {True: (1 - share) / max(1, there), False: share / max(1, away)}
    weights: Floats = np.array([weigh[each.answerable] for each in judged], dtype=float)
    return weights / weights.mean() if len(weights) and weights.sum() else weights


def error(said: Floats, right: Floats, weights: Floats) -> float:
    """Return the expected calibration error: over bins of equal width, the mean gap between what was said and what was so."""
    if not len(said):
        return 0.0
    at = _place(said)
    gaps = np.bincount(at, weights * (said - right), BINS)
    return float(np.abs(gaps).sum() / weights.sum())


def bins(said: Floats, right: Floats, weights: Floats) -> tuple[Bin, ...]:
    """Return the bins that are not empty, from the least chance on."""
    at, found = _place(said), []
    for number in range(BINS):
        inside = at == number
        if not inside.any():
            continue
        some = weights[inside]
        worth = float(some.sum() ** 2 / (some**2).sum())  # Kish's effective number
        share = float((some * right[inside]).sum() / some.sum())
        found.append(
            Bin(
                low=number / BINS,
                high=(number + 1) / BINS,
                said=float((some * said[inside]).sum() / some.sum()),
                right=_share(share, worth),
                n=int(inside.sum()),
            )
        )
    return tuple(found)


def _place(said: Floats) -> Whole:
    return np.clip((said * BINS).astype(np.int64), 0, BINS - 1)


def _share(share: float, worth: float) -> Interval:
    n = max(1, round(worth))
    return wilson(min(1.0, max(0.0, share)) * n, n)
