"""A run that was: its record on a shelf, and its outcomes as numbers by metric, to compare and to decide by."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from rowen.evaluate.plan import LOWER
from rowen.evaluate.run.estimate import estimate
from rowen.store.base import Figures, Record, Records, Runs
from rowen.store.shelf import Shelf
from rowen.values import Run
from rowen.values.interval import Interval

MEASURED = ("error_rate", "latency", "first_token", "cost", "input_tokens", "output_tokens")
"""Metrics that every run has. Times in milliseconds, cost in US dollars, of one answer with its judgements."""


def shelf(records: Records) -> Shelf[Run]:
    """Return where runs stand among the records: by app, in the group of their suite, the newest first."""
    return Shelf(records, "run", Run, _described)


@dataclass(frozen=True)
class Loaded:
    """A run with the figures of its outcomes, one for each case and trial.

    What failed counts: it raises `error_rate`, and of a metric that lies between 0 and 1 it has the worst value, so that
    an app gets no better by failing at what is hard. Of other metrics it has no value. A case that a scorer had nothing
    to say of, for want of a reference, has no value either, and is not counted in that metric's `n`.

    Args:
        run: its record.
        figures: of its outcomes.
        lower: metrics of which less is better, beside those of which it is known.

    """

    run: Run
    figures: Figures
    lower: Collection[str] = ()

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """What it was judged by, as it was told to, then whatever else scorers said; `MEASURED` are not among them."""
        found = {name for numbers in self.figures.numbers for name in numbers}
        asked = tuple(name for name in self.run.metrics if name in found or not len(self.figures))
        return (*asked, *sorted(found - {*asked}))

    def values(self, metric: str) -> list[float | None]:
        """Return a metric of each outcome, in the order of the figures; None where it has none."""
        figures = self.figures
        match metric:
            case "error_rate":
                return [float(state == "failed") for state in figures.states]
            case "latency" | "duration":
                return list(figures.durations)
            case "first_token":
                return list(figures.firsts)
            case "cost":
                return [None if cost is None else float(cost) for cost in figures.costs]
            case "input_tokens" | "output_tokens":
                return [float(each) for each in getattr(figures, metric)]
            case _:
                given = [numbers.get(metric) for numbers in figures.numbers]
                worst = self._worst(metric, given)
                return [
                    worst if state == "failed" and value is None else value
                    for value, state in zip(given, figures.states, strict=True)
                ]

    def cases(self, metric: str, only: Collection[str] | None = None) -> dict[str, float]:
        """Return a metric by case, over its trials; cases without a value are not there.

        Args:
            metric: its name.
            only: of these cases alone.

        """
        pairs = zip(self.figures.cases, self.values(metric), strict=True)
        if self._once:
            return {case: value for case, value in pairs if value is not None and (only is None or case in only)}
        found: dict[str, list[float]] = {}
        for case, value in pairs:
            if value is not None and (only is None or case in only):
                found.setdefault(case, []).append(value)
        return {case: sum(values) / len(values) for case, values in found.items()}

    def interval(self, metric: str, only: Collection[str] | None = None, *, level: float = 0.95) -> Interval:
        """Return the mean of a metric over cases like these, clustered by what they belong to."""
        found = self.cases(metric, only)
        groups = [self.groups[case] for case in found] if self.grouped else None
        return estimate(found.values(), clusters=groups, level=level, bounds=self.bounds(metric))

    def bounds(self, metric: str) -> tuple[float, float] | None:
        """Return between what a metric lies: 0 and 1 where all its values do, from 0 on what is measured."""
        if metric == "error_rate":
            return (0.0, 1.0)
        if metric in MEASURED:
            return (0.0, float("inf"))
        found = [value for value in self.values(metric) if value is not None]
        return (0.0, 1.0) if found and min(found) >= 0.0 and max(found) <= 1.0 else None

    @cached_property
    def groups(self) -> Mapping[str, str]:
        """What each case belongs to; itself where it says nothing."""
        return {case: group or case for case, group in zip(self.figures.cases, self.figures.groups, strict=True)}

    @cached_property
    def grouped(self) -> bool:
        """Whether some cases belong together."""
        return len(set(self.groups.values())) < len(self.groups)

    @cached_property
    def slices(self) -> Mapping[str, Mapping[str, frozenset[str]]]:
        """The cases by what they can be cut by: language, then `de`, then its cases."""
        found: dict[str, dict[str, set[str]]] = {}
        for case, slices in zip(self.figures.cases, self.figures.slices, strict=True):
            for name, value in slices.items():
                found.setdefault(name, {}).setdefault(value, set()).add(case)
        return {
            name: {value: frozenset(cases) for value, cases in sorted(values.items())}
            for name, values in sorted(found.items())
        }

    def higher_is_better(self, metric: str) -> bool:
        """Whether more of a metric is better."""
        return metric not in LOWER and metric not in self.lower

    @cached_property
    def _once(self) -> bool:
        """Whether every case was tried once, so that nothing need be averaged."""
        return not any(self.figures.trials)

    def _worst(self, metric: str, given: list[float | None]) -> float | None:
        known = [value for value in given if value is not None]
        if not known and metric not in self.run.metrics:
            return None
        if known and not (min(known) >= 0.0 and max(known) <= 1.0):
            return None
        return 0.0 if self.higher_is_better(metric) else 1.0


async def load(outcomes: Runs, run: Run, *, lower: Collection[str] = ()) -> Loaded:
    """Return a run with the figures of its outcomes so far."""
    return Loaded(run, await outcomes.figures(run.id, run.tenant), lower)


def _described(run: Run) -> Record:
    return Record(
        kind="", id=run.id, tenant=run.tenant, app=run.app, group=run.suite, state=run.state, at_ns=run.created_ns
    )
