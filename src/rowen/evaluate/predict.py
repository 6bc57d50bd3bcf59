"""Which metric predicts what users say: each automatic score held against an outcome on the same traces.

A metric that does not hang together with the outcome is no reason to change anything, however much it rises.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from rowen.evaluate.statistics import spearman
from rowen.values import Score, Value
from rowen.values.interval import Interval

Worth = Literal["predicts", "weak", "against", "unknown"]

WEAK = 0.3
"""The rank correlation below which a metric says little of an outcome (J. Cohen's medium effect)."""

FEW = 30
"""Traces that both judged, below which nothing is said."""


class Predicts(Value, frozen=True, kw_only=True, omit_defaults=False):
    """How one metric hangs together with an outcome."""

    metric: str
    source: str
    """Who gives it: a rule, a model, a person, a guard."""
    n: int
    """Traces that have both."""
    ranks: Interval | None
    """Spearman's correlation; its level is that of all metrics together (Bonferroni). None for too few or equal ones."""
    worth: Worth

    @property
    def warning(self) -> str:
        """What to say against deciding by it; empty where nothing is."""
        match self.worth:
            case "predicts":
                return ""
            case "weak":
                return f"{self.metric} says little of it: it can be pushed up without anybody being better served"
            case "against":
                return f"{self.metric} falls as it rises: deciding by it would do harm"
            case "unknown":
                return f"{self.metric} was seen with it on {self.n} traces, too few to tell"


def predicts(
    outcome: str, scores: Iterable[Score], *, lower: Sequence[str] = (), level: float = 0.95
) -> list[Predicts]:
    """Return how each metric among scores hangs together with an outcome, the best first.

    Args:
        outcome: the name of the score that says what users got, such as `thumbs`.
        scores: all scores of some time, those of the outcome among them. Several of a name on one trace are averaged.
        lower: metrics of which less is better.
        level: of all intervals together.

    """
    outcomes: dict[str, list[float]] = defaultdict(list)
    metrics: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for score in scores:
        number = _number(score)
        if number is None or not score.trace:
            continue
        if score.name == outcome:
            outcomes[score.trace].append(number)
        elif score.source != "user":
            metrics[score.name, score.source][score.trace].append(number)
    each = 1 - (1 - level) / max(1, len(metrics))
    found = [
        _held(name, source, values, outcomes, level=each, sign=-1.0 if name in lower else 1.0)
        for (name, source), values in metrics.items()
    ]
    return sorted(found, key=lambda one: (-(one.ranks.value or 0.0) if one.ranks else math.inf, one.metric))


def _held(
    name: str,
    source: str,
    values: Mapping[str, Sequence[float]],
    outcomes: Mapping[str, Sequence[float]],
    *,
    level: float,
    sign: float,
) -> Predicts:
    both = sorted(values.keys() & outcomes.keys())
    xs = [sign * math.fsum(values[id]) / len(values[id]) for id in both]
    ys = [math.fsum(outcomes[id]) / len(outcomes[id]) for id in both]
    ranks = spearman(xs, ys, level=level)
    return Predicts(metric=name, source=source, n=len(both), ranks=ranks, worth=_worth(ranks, len(both)))


def _worth(ranks: Interval | None, n: int) -> Worth:
    if ranks is None or n < FEW:
        return "unknown"
    if ranks.high < 0:
        return "against"
    if ranks.high < WEAK:
        return "weak"
    return "predicts" if ranks.low > 0 else "unknown"


def _number(score: Score) -> float | None:
    if score.number is not None:
        return float(score.number)
    return float(score.value) if isinstance(score.value, bool | int | float) else None
