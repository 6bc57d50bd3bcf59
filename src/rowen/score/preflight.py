"""What a rule would do to traffic and cost, told from a few examples before it is switched on."""

from collections.abc import Sequence
from decimal import Decimal

from rowen.score.base import Verdict
from rowen.values import Value
from rowen.values.interval import Interval, mean


class Example(Value, frozen=True, kw_only=True):
    """One thing that a preflight judged, without keeping a score."""

    trace: str
    span: str = ""
    session: str = ""
    verdicts: tuple[Verdict, ...] = ()
    code: str = ""
    message: str = ""
    """The error, where it was one."""


class Preflight(Value, frozen=True, kw_only=True):
    """What a rule would do to the traffic of a window."""

    matching: int
    """What fits its filter."""
    sampled: int
    """What it would judge of that."""
    examples: tuple[Example, ...] = ()
    cost_each: Interval | None = None
    """US dollars of one judgement, from the examples; None where a price is unknown."""
    cost: float | None = None
    """US dollars of all, estimated."""
    version: str = ""


def each_of(costs: Sequence[Decimal | None]) -> Interval | None:
    """Return what one judgement costs by those of examples, in US dollars; None where the cost of any is unknown.

    Of one example nothing is known but what it cost: the interval then begins at nothing and ends there.
    """
    known = [float(cost) for cost in costs if cost is not None]
    if not known or len(known) < len(costs):
        return None
    each = mean(known)
    if len(known) > 1 or each.value is None:
        return each.but(low=max(0.0, each.low))
    return each.but(low=0.0, high=each.value)
