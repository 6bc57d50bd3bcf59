"""From where on to answer: the confidence below which an app should say that it does not know.

That takes questions that nothing answers. Where none are given, each question is asked once more as if the documents that
answer it were not there: it is a question that a user might well ask, in the app's own subject, which is harder to tell
than one from elsewhere. Others of the documents may answer it too, so what is then called wrong is at most as much.
"""

from collections.abc import Sequence
from typing import Literal

from rowen.improve.tune.bench import Bench
from rowen.improve.tune.calibrate import Judged, calibrated
from rowen.improve.tune.questions import Measure, Parts, Question
from rowen.improve.tune.space import Point
from rowen.retrieve.calibration import Calibration
from rowen.retrieve.metrics import Risk, area_under, risk_coverage
from rowen.values import Value
from rowen.values.interval import Interval, wilson

RISK = 0.1
"""The share of what is answered that may be without what answers it."""
UNANSWERABLE = 0.2
"""The share of users' questions that nothing answers, where the questions do not show it."""
_LEAST = 10
_POINTS = (1.0, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.25)  # coverages that are told


class Threshold(Value, frozen=True, kw_only=True):
    """A threshold, chosen on the questions to choose by, and what it does to the others."""

    value: float | None
    """None: no threshold keeps the risk."""
    risk: float
    """That it was to keep."""
    how: Literal["given", "taken away"]
    """Where the questions without an answer come from: the file, or documents taken away."""
    share: float
    """Of all questions, that nothing answers."""
    area: float
    """Under risk against coverage, on the questions it was chosen by: the mean risk, less is better."""
    curve: tuple[Risk, ...]
    """Risk against coverage on the questions held out, from answering all to answering few."""
    answered: Interval | None
    """The share of the held-out questions that have an answer and get one."""
    refused: Interval | None
    """The share of the held-out questions without an answer that get none."""
    wrong: Interval | None
    """The share of the held-out answers that have nothing to rest on."""
    calibration: Calibration
    """How far the search can be believed that is so sure."""


async def threshold(
    bench: Bench,
    point: Point,
    parts: Parts,
    measure: Measure,
    *,
    risk: float = RISK,
    unanswerable: float = UNANSWERABLE,
) -> Threshold | None:
    """Return the loosest threshold that keeps the risk; None without enough questions that have an answer.

    Args:
        bench: where questions are asked.
        point: of which candidate.
        parts: the questions.
        measure: of what is found.
        risk: what is to be kept.
        unanswerable: the share of questions that nothing answers, where the file has too few to show it.

    """
    given = len(parts.unanswerable) >= _LEAST
    if min(len(parts.chosen_by), len(parts.held_out)) < _LEAST:
        return None
    share = len(parts.unanswerable) / (len(parts.unanswerable) + len(parts.chosen_by)) if given else unanswerable
    chosen = await _judged(bench, point, parts.chosen_by, measure, parts.unanswerable if given else None)
    out = await _judged(bench, point, parts.held_out, measure, parts.unanswerable_held_out if given else None)
    curve = _curve(chosen, share)
    kept = [each for each in curve if each.risk <= risk]
    least = max(kept, key=lambda each: each.coverage).threshold if kept else None
    there, away = ([each for each in out if each.answerable is one] for one in (True, False))
    return Threshold(
        value=None if least is None else round(least, 4),
        risk=risk,
        how="given" if given else "taken away",
        share=share,
        area=area_under(curve),
        curve=_told(_curve(out, share)),
        answered=None if least is None else wilson(sum(each.sure >= least for each in there), len(there)),
        refused=wilson(sum(each.sure < least for each in away), len(away)) if away and least is not None else None,
        wrong=None if least is None else _wrong(there, away, least, share),
        calibration=calibrated(chosen, out, share=share, how="given" if given else "taken away"),
    )


async def _judged(
    bench: Bench, point: Point, questions: Sequence[Question], measure: Measure, unanswerable: Sequence[Question] | None
) -> list[Judged]:
    """Return of each question how sure the search was, and whether it found anything that answers it."""
    found = [(each, await bench.ask(point, each, measure)) for each in questions]
    there = [Judged(one.confidence, one.quality > 0, answerable=True, group=each.group) for each, one in found]
    if unanswerable is None:
        away = [(each, (await bench.found(point, each, away=True))[0].confidence) for each in questions]
    else:
        away = [(each, (await bench.ask(point, each, measure)).confidence) for each in unanswerable]
    return [*there, *(Judged(sure, right=False, answerable=False, group=each.group) for each, sure in away)]


def _curve(judged: Sequence[Judged], share: float) -> list[Risk]:
    there = sum(each.answerable for each in judged)
    away = len(judged) - there
    weight = {True: (1 - share) / max(1, there), False: share / max(1, away)}
    return risk_coverage([(each.sure, each.right) for each in judged], [weight[each.answerable] for each in judged])


def _told(curve: Sequence[Risk]) -> tuple[Risk, ...]:
    found = [min(curve, key=lambda each: abs(each.coverage - wanted)) for wanted in _POINTS]
    return tuple(dict.fromkeys(found))


def _wrong(there: Sequence[Judged], away: Sequence[Judged], least: float, share: float) -> Interval | None:
    """Return the share of answers without anything to rest on; its bounds are those of its three parts at their worst."""
    if not away:
        return None
    good = wilson(sum(each.sure >= least and each.right for each in there), len(there))
    bad = wilson(sum(each.sure >= least and not each.right for each in there), len(there))
    lost = wilson(sum(each.sure >= least for each in away), len(away))

    def ratio(lost: float, bad: float, good: float) -> float:
        wrong = share * lost + (1 - share) * bad
        whole = wrong + (1 - share) * good
        return wrong / whole if whole else 0.0

    return Interval(
        value=ratio(lost.value or 0.0, bad.value or 0.0, good.value or 0.0),
        low=ratio(lost.low, bad.low, good.high),
        high=ratio(lost.high, bad.high, good.low),
        n=len(there) + len(away),
        method="wilson",
    )
