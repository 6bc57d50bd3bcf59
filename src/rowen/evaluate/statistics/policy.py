"""What another policy would have earned, from what a randomising one logged: off-policy estimates.

Inverse propensity: D. G. Horvitz & D. J. Thompson, JASA 47 (1952). Self-normalised: J. Hájek (1971); A. Swaminathan &
T. Joachims, "The Self-Normalized Estimator for Counterfactual Learning", NeurIPS 2015. Doubly robust: M. Dudík, J. Langford
& L. Li, "Doubly Robust Policy Evaluation and Learning", ICML 2011. At any time: N. Karampatziakis, P. Mineiro & A. Ramdas,
"Off-policy Confidence Sequences", ICML 2021, here by betting on the bounded weighted reward.

All of it rests on the probability with which each choice was made being stored with it.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Literal

from rowen.evaluate.statistics.arrays import Floats, floats, grouped, np
from rowen.evaluate.statistics.base import Sums
from rowen.evaluate.statistics.bets import betting
from rowen.values import Value
from rowen.values.interval import Interval, mean_of_sums, t_quantile


class Logged(Value, frozen=True, kw_only=True):
    """One choice that was made, and what came of it."""

    reward: float
    logged: float
    """The probability with which the choice was made."""
    wanted: float
    """The probability with which the other policy would have made the same choice."""
    guess: float = 0.0
    """What a model says that this choice earns: doubly robust alone reads it."""
    guess_wanted: float = 0.0
    """What the model says that the other policy earns here, on average over its choices."""
    cluster: str = ""
    """Whose call it was: those of one user hang together."""


class Would(Value, frozen=True, kw_only=True):
    """What the other policy would have earned on average, and what that rests on."""

    estimate: Interval
    effective: float
    """How many observations of its own the logged ones are worth (Kish): few where the policies differ much."""
    heaviest: float
    """The largest weight. One call that stands for thousands decides alone."""
    unlike: float
    """The mean of the weights, which is 1 but for chance; far from it, the stored probabilities are wrong."""


def ips(choices: Sequence[Logged], *, level: float = 0.95) -> Would:
    """Return the inverse propensity estimate: no bias, much noise.

    Raises:
        ValueError: a choice was made with a probability of 0.

    """
    weights, rewards, _ = _read(choices)
    return _mean(choices, weights * rewards, weights, level, "ips")


def snips(choices: Sequence[Logged], *, level: float = 0.95) -> Would:
    """Return the self-normalised estimate: a little bias that vanishes, less noise, never outside of the rewards.

    Raises:
        ValueError: a choice was made with a probability of 0.

    """
    weights, rewards, clusters = _read(choices)
    total = float(weights.sum()) if len(weights) else 0.0
    if not total:
        nothing = Interval(value=None, low=-math.inf, high=math.inf, n=len(weights), level=level, method="snips")
        return _would(nothing, weights)
    centre = float((weights * rewards).sum()) / total
    rest, _ = grouped(weights * (rewards - centre), clusters)
    n = len(rest)
    half = math.inf
    if n > 1:
        half = t_quantile(0.5 + level / 2, n - 1) * math.sqrt(n / (n - 1) * float((rest * rest).sum())) / total
    estimate = Interval(value=centre, low=centre - half, high=centre + half, n=n, level=level, method="snips")
    return _would(estimate, weights)


def doubly_robust(choices: Sequence[Logged], *, level: float = 0.95) -> Would:
    """Return the doubly robust estimate: right when either the probabilities or the model's guesses are.

    The guesses must come of other data than these choices, or of a model that did not see the one it guesses.

    Raises:
        ValueError: a choice was made with a probability of 0.

    """
    weights, rewards, _ = _read(choices)
    guesses = floats([each.guess for each in choices], "guesses")
    averages = floats([each.guess_wanted for each in choices], "guesses")
    return _mean(choices, averages + weights * (rewards - guesses), weights, level, "doubly-robust")


def ips_so_far(
    choices: Sequence[Logged], *, heaviest: float, bounds: tuple[float, float] = (0.0, 1.0), level: float = 0.95
) -> Interval:
    """Return the inverse propensity estimate with an interval that holds at any time, in the order they were logged.

    It holds for probabilities that changed as the policy learnt, with no more assumed than the bounds.

    Args:
        choices: in the order in which they were made.
        heaviest: what no weight can be above, as 1 over the floor of the logging policy.
        bounds: between which numbers a reward lies.
        level: how likely it holds the truth at all times together.

    Raises:
        ValueError: a weight or reward is outside its bounds.

    """
    weights, rewards, _ = _read(choices)
    if len(weights) and weights.max() > heaviest * (1 + 1e-9):
        raise ValueError(f"a weight of {float(weights.max()):g} is above {heaviest:g}")
    low, high = bounds
    if len(rewards) and (rewards.min() < low or rewards.max() > high):
        raise ValueError(f"a reward lies outside of the bounds {low:g} to {high:g}")
    scaled = np.minimum(weights * (rewards - low) / (high - low), heaviest)
    found = betting(scaled, bounds=(0.0, heaviest), level=level)
    width = high - low
    value = None if found.value is None else low + width * found.value
    top = min(high, low + width * found.high)
    return found.but(value=value, low=min(low + width * found.low, top), high=top, method="ips")


def _mean(
    choices: Sequence[Logged], values: Floats, weights: Floats, level: float, method: Literal["ips", "doubly-robust"]
) -> Would:
    """Return the mean of values, whole clusters being the observations."""
    sums, counts = grouped(values, _clusters(choices))
    n = len(sums)
    if n == len(values):
        kept = Sums.of(values.tolist())
        estimate = mean_of_sums(kept.n, kept.total, kept.squares, level)
    else:
        centre = float(sums.sum() / counts.sum())
        rest = sums - centre * counts
        error = math.sqrt(n / (n - 1) * float((rest * rest).sum())) / float(counts.sum()) if n > 1 else math.inf
        half = t_quantile(0.5 + level / 2, n - 1) * error if n > 1 else math.inf
        estimate = Interval(value=centre, low=centre - half, high=centre + half, n=n, level=level, method="t")
    return _would(estimate.but(method=method), weights)


def _would(estimate: Interval, weights: Floats) -> Would:
    if not len(weights) or not weights.any():
        return Would(estimate=estimate, effective=0.0, heaviest=0.0, unlike=0.0)
    effective = float(weights.sum()) ** 2 / float((weights * weights).sum())
    return Would(estimate=estimate, effective=effective, heaviest=float(weights.max()), unlike=float(weights.mean()))


def _read(choices: Sequence[Logged]) -> tuple[Floats, Floats, list[object] | None]:
    logged = floats([each.logged for each in choices], "probabilities")
    wanted = floats([each.wanted for each in choices], "probabilities")
    if len(logged) and (logged.min() <= 0 or logged.max() > 1 or wanted.min() < 0 or wanted.max() > 1):
        raise ValueError("a choice is made with a probability above 0 and up to 1")
    return wanted / logged, floats([each.reward for each in choices], "rewards"), _clusters(choices)


def _clusters(choices: Iterable[Logged]) -> list[object] | None:
    """Return whose each choice was; who is nobody's is alone. None where all are."""
    named: list[object] = [each.cluster or place for place, each in enumerate(choices)]
    return named if any(isinstance(each, str) for each in named) else None
