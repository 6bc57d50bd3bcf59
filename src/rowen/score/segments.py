"""Who answered: whether some parts of the traffic answer more than others, and what the figure would be if they had not."""

import math
from collections.abc import Mapping
from statistics import variance
from typing import Literal

from rowen.score.configs import ASKED, BUILT_IN
from rowen.score.survey import Estimate, Window
from rowen.store.base import ScoreFilter, Scores, TraceFilter, Traces
from rowen.values import Score, TraceRow, Value
from rowen.values.interval import mean, wilson, z_at

Cut = Literal[
    "model", "deployment", "provider", "feature", "app", "environment", "release", "definition", "key", "door"
]

_ROWS = 10_000
_PAGE = 1_000


class Segment(Value, frozen=True, kw_only=True):
    """One part of the traffic: how many were asked, how many answered, and what they said."""

    name: str
    asked: int
    answered: int
    response: Estimate
    value: Estimate


class Segments(Value, frozen=True, kw_only=True):
    """A figure cut by one mark of the calls."""

    by: str
    segments: tuple[Segment, ...]
    plain: Estimate
    """The figure of all answers alike."""
    weighted: Estimate
    """The figure with each answer weighted by the inverse of its segment's response: as if all had answered alike."""
    warnings: tuple[str, ...] = ()


async def segmented(scores: Scores, traces: Traces, name: str, by: Cut, window: Window) -> Segments:
    """Return a name's figure by segment, over the newest 10,000 calls of a stretch of time.

    Where your program notes whom it asked (`feedback.asked`), only those calls count as asked.
    """
    rows = await _rows(traces, window)
    noted = {score.trace for score in await _found(scores, window, ScoreFilter(name=ASKED))}
    given = {score.trace: score for score in await _found(scores, window, ScoreFilter(name=name, source="user"))}
    asked = [row for row in rows if not noted or row.id in noted]
    cut = cut_by({row.id: getattr(row, by) for row in asked}, given, name, by)
    if len(rows) >= _ROWS:
        return cut.but(warnings=(f"only the newest {_ROWS:,} calls are looked at", *cut.warnings))
    return cut


def cut_by(asked: Mapping[str, str], given: Mapping[str, Score], name: str, by: str) -> Segments:
    """Return the segments of a survey.

    Responses differ where the Wilson intervals of two segments do not overlap, at 95 % for all segments together
    (Bonferroni). The weighted figure is that of D. G. Horvitz & D. J. Thompson, "A Generalization of Sampling Without
    Replacement from a Finite Universe", JASA 47 (1952), with the response of each segment as the propensity; its
    variance is that of a stratified mean.

    Args:
        asked: the segment of each call that was asked, by trace id.
        given: what was said, by trace id.
        name: the name it was said under.
        by: what the segments are.

    """
    worth = {id: found for id in asked if id in given and (found := worth_of(given[id])) is not None}
    names = sorted(set(asked.values()))
    level = 1 - 0.05 / max(1, len(names))
    calls: dict[str, int] = dict.fromkeys(names, 0)
    said: dict[str, list[float]] = {segment: list[float]() for segment in names}
    for id, segment in asked.items():
        calls[segment] += 1
        if id in worth:
            said[segment].append(worth[id])
    wide = {segment: wilson(len(said[segment]), calls[segment], level) for segment in names}
    parts = [
        Segment(
            name=segment,
            asked=calls[segment],
            answered=len(values),
            response=Estimate.of(wilson(len(values), calls[segment])),
            value=Estimate.of(mean(values), _factor(name)),
        )
        for segment, values in said.items()
    ]
    low = max(wide.items(), key=lambda item: item[1].low, default=None)
    high = min(wide.items(), key=lambda item: item[1].high, default=None)
    warnings = []
    if low and high and low[1].low > high[1].high:
        warnings.append(
            f"{low[0]!r} answered more often ({low[1].value:.1%}) than {high[0]!r} ({high[1].value:.1%}): "
            "look at the weighted figure"
        )
    silent = [segment.name for segment in parts if not segment.answered]
    if silent and worth:
        warnings.append(f"nobody answered in {', '.join(map(repr, silent))}: the weighted figure leaves that out")
    return Segments(
        by=by,
        segments=tuple(parts),
        plain=Estimate.of(mean(worth.values()), _factor(name)),
        weighted=_weighted(calls, said, _factor(name)),
        warnings=tuple(warnings),
    )


def worth_of(score: Score) -> float | None:
    """Return what an answer adds to its figure: 1 or 0 of a thumb or a satisfied one, 1, 0 or -1 of the NPS, else its number."""
    config = BUILT_IN.get(score.name)
    if score.number is None:
        return None
    if config is not None and config.scale == "csat":
        return float(score.number >= 4)
    if config is not None and config.scale == "nps":
        return float((score.number >= 9) - (score.number <= 6))
    return score.number


def _factor(name: str) -> float:
    config = BUILT_IN.get(name)
    return 100.0 if config is not None and config.scale == "nps" else 1.0


def _weighted(asked: Mapping[str, int], said: Mapping[str, list[float]], factor: float) -> Estimate:
    """Return the mean of the segments that answered, each by its share of those asked."""
    heard = {segment: values for segment, values in said.items() if values}
    total = sum(asked[segment] for segment in heard)
    n = sum(map(len, heard.values()))
    if not heard:
        return Estimate(method="normal")
    means = {segment: math.fsum(values) / len(values) for segment, values in heard.items()}
    value = math.fsum(asked[segment] / total * means[segment] for segment in heard) * factor
    if any(len(values) < 2 for values in heard.values()):
        return Estimate(value=value, n=n, method="normal")  # one answer alone does not tell how answers differ
    spread: float = math.fsum(
        (asked[segment] / total) ** 2 * variance(values) / len(values) for segment, values in heard.items()
    )
    half = z_at(0.95) * math.sqrt(spread) * factor
    return Estimate(value=value, low=value - half, high=value + half, n=n, method="normal")


async def _rows(traces: Traces, window: Window) -> list[TraceRow]:
    rows: list[TraceRow] = []
    before = ""
    while len(rows) < _ROWS:
        page = await traces.find(
            TraceFilter(
                tenant=window.tenant,
                app=window.app,
                status="ok",
                since_ns=window.since_ns,
                until_ns=window.until_ns,
                before=before,
                limit=_PAGE,
            )
        )
        rows += page
        if len(page) < _PAGE:
            break
        before = page[-1].cursor
    return rows[:_ROWS]


async def _found(scores: Scores, window: Window, filter: ScoreFilter) -> list[Score]:
    within = filter.but(
        tenant=window.tenant,
        app=window.app,
        since_ns=window.since_ns,
        until_ns=window.until_ns,
        target="trace",
        limit=2 * _ROWS,
    )
    return await scores.find(within)
