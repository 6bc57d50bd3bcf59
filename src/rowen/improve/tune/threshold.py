"""From where on to answer: the confidence below which an app should say that it does not know."""

from collections.abc import Sequence

from rowen.improve.tune.bench import Bench
from rowen.improve.tune.questions import Measure, Parts, Question
from rowen.improve.tune.space import Point
from rowen.retrieve.metrics import area_under, risk_coverage
from rowen.values import Value
from rowen.values.interval import Interval, wilson

RISK = 0.1
"""The share of what is answered that may be without what answers it."""
_LEAST = 10


class Threshold(Value, frozen=True, kw_only=True):
    """A threshold, chosen on the questions to choose by, and what it does to the others."""

    value: float | None
    """None: no threshold keeps the risk."""
    risk: float
    """That it was to keep."""
    area: float
    """Under risk against coverage, on the questions it was chosen by: the mean risk, less is better."""
    answered: Interval | None
    """The share of the held-out questions that have an answer and get one."""
    refused: Interval | None
    """The share of the held-out questions without an answer that get none."""
    wrong: Interval | None
    """The share of the held-out answers that have nothing to rest on."""


async def threshold(
    bench: Bench, point: Point, parts: Parts, measure: Measure, *, risk: float = RISK
) -> Threshold | None:
    """Return the loosest threshold that keeps the risk; None without enough questions that nothing answers."""
    if len(parts.unanswerable) < _LEAST:
        return None
    judged = await _judged(bench, point, (*parts.chosen_by, *parts.unanswerable), measure)
    curve = risk_coverage(judged)
    kept = [each for each in curve if each.risk <= risk]
    area = area_under(curve)
    if not kept:
        return Threshold(value=None, risk=risk, area=area, answered=None, refused=None, wrong=None)
    least = max(kept, key=lambda each: each.coverage).threshold
    there = await _judged(bench, point, parts.held_out, measure)
    away = await _judged(bench, point, parts.unanswerable_held_out, measure)
    said = [right for sure, right in (*there, *away) if sure >= least]
    return Threshold(
        value=round(least, 4),
        risk=risk,
        area=area,
        answered=wilson(sum(sure >= least for sure, _ in there), len(there)),
        refused=wilson(sum(sure < least for sure, _ in away), len(away)) if away else None,
        wrong=wilson(sum(not right for right in said), len(said)) if said else None,
    )


async def _judged(
    bench: Bench, point: Point, questions: Sequence[Question], measure: Measure
) -> list[tuple[float, bool]]:
    """Return of each question how sure the search was, and whether it found anything that answers it."""
    asked = [(each, await bench.ask(point, each, measure)) for each in questions]
    return [(one.confidence, bool(each.documents) and one.quality > 0) for each, one in asked]
