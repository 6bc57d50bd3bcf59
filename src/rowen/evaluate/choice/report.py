"""Quality, cost and latency of candidates over the same cases, with intervals; which of them are dominated, and where each leads."""

from collections.abc import Mapping, Sequence
from datetime import date
from math import inf

from rowen.evaluate.choice.base import Best, Candidate, CatalogueTable, Choice
from rowen.evaluate.compare.differ import interval, tested
from rowen.evaluate.compare.pairs import Column, paired
from rowen.evaluate.compare.slices import LEAST, VALUES
from rowen.evaluate.compare.write import named
from rowen.evaluate.plan import MetricsTable
from rowen.evaluate.run.base import Loaded
from rowen.evaluate.statistics import benjamini_hochberg, bootstrap_of
from rowen.evaluate.statistics.arrays import Whole, np
from rowen.values import Mistaken
from rowen.values.interval import Interval

_MEASURED = ("cost", "latency")


def choice(
    runs: Sequence[Loaded],
    plan: MetricsTable,
    *,
    id: str,
    today: date,
    metric: str = "",
    catalogue: Mapping[str, CatalogueTable] | None = None,
    models: Mapping[str, str] | None = None,
) -> Choice:
    """Return a report on candidates.

    Args:
        runs: two or more over the same cases.
        plan: its primary metric is the quality, unless `metric` names another.
        id: of the report.
        today: to warn of models that will be switched off.
        metric: the quality.
        catalogue: what is known of models, by name.
        models: which model of the catalogue a run tried; default: the one that the run's target is named after.

    Raises:
        Mistaken: `field_invalid` without two runs or a metric; `conflict` where they share no case.

    """
    if len(runs) < 2:
        raise Mistaken("field_invalid", "a choice needs two candidates or more", place="runs")
    shared = [name for name in runs[0].metrics if all(name in each.metrics for each in runs)]
    quality = metric or plan.primary or next(iter(shared), "")
    if quality not in shared:
        raise Mistaken("field_invalid", f"the runs have no metric {quality!r} in common", place="metric")
    known, higher = catalogue or {}, plan.higher_is_better(quality)
    pairs = [[_columns(one, other, quality) for other in runs] for one in runs]
    candidates = []
    for place, run in enumerate(runs):
        model = (models or {}).get(run.run.id, run.run.target.name)
        over = [
            (other, _beats(pairs[place][number], higher=higher)) for number, other in enumerate(runs) if number != place
        ]
        table = known.get(model)
        candidates.append(
            Candidate(
                run=run.run.id,
                name=named(run.run),
                model=model if table else "",
                quality=run.interval(quality),
                cost=run.interval("cost"),
                p95=quantile(run, 0.95),
                failed=run.interval("error_rate"),
                dominated=tuple(other.run.id for other, (points, _) in over if points),
                surely=any(surely for _, (points, surely) in over if points),
                catalogue=table,
                warnings=tuple(_warnings(table, today)) if table else ("It stands in no catalogue.",),
            )
        )
    return Choice(
        id=id,
        tenant=runs[0].run.tenant,
        app=runs[0].run.app,
        metric=quality,
        higher_is_better=higher,
        pairs=len(pairs[0][1][quality]),
        candidates=tuple(candidates),
        tasks=tuple(_tasks(runs, quality, higher=higher)),
    )


def quantile(run: Loaded, share: float) -> Interval:
    """Return a quantile of how long answers took, in milliseconds."""
    took = [
        (value, run.groups[case])
        for case, value in zip(run.figures.cases, run.figures.durations, strict=True)
        if value is not None
    ]
    values = np.array([value for value, _ in took])

    def estimate(places: Whole) -> float:
        return float(np.quantile(values[places], share))

    groups = [group for _, group in took]
    clusters = groups if len(set(groups)) < len(groups) else None
    return bootstrap_of(estimate, len(values), clusters=clusters, bounds=(0.0, inf), resamples=400)


def _columns(one: Loaded, other: Loaded, quality: str) -> dict[str, Column]:
    pairs = paired(one, other)
    if not len(pairs):
        raise Mistaken("conflict", f"{one.run.id} and {other.run.id} have no case in common", place="runs")
    return {name: pairs.column(name) for name in (quality, *_MEASURED)}


def _beats(columns: Mapping[str, Column], *, higher: bool) -> tuple[bool, bool]:
    """Return whether the other is no worse in all and better in one: by estimates, and by paired intervals.

    By intervals: significantly better in one, significantly worse in none.
    """
    gains = []
    for name, column in columns.items():
        if not len(column):
            continue
        gap = interval(column)
        sign = 1 if name not in _MEASURED and higher else -1
        low, high = sorted((sign * gap.low, sign * gap.high))
        gains.append((sign * (gap.value or 0.0), low, high))
    no_worse = all(value >= 0 for value, _, _ in gains) and any(value > 0 for value, _, _ in gains)
    surely = all(high >= 0 for _, _, high in gains) and any(low > 0 for _, low, _ in gains)
    return no_worse, surely


def _warnings(table: CatalogueTable, today: date) -> list[str]:
    said = [] if table.approved else ["It is not approved."]
    if end := table.warning(today):
        said.append(f"{end[:1].upper()}{end[1:]}.")
    return said


def _tasks(runs: Sequence[Loaded], quality: str, *, higher: bool) -> list[Best]:
    """Return who leads on each slice."""
    found: list[tuple[Best, float]] = []
    sign = 1 if higher else -1
    for by, values in runs[0].slices.items():
        if not 2 <= len(values) <= VALUES:
            continue
        for value, cases in values.items():
            means = [(sum(each.values()) / len(each), run) for run in runs if (each := run.cases(quality, cases))]
            if len(cases) < LEAST or len(means) < 2:
                continue
            means.sort(key=lambda one: -sign * one[0])
            (_, first), (_, second), *_ = means
            pairs = paired(second, first)
            names = second.figures.cases
            inside = [at for at, place in enumerate(pairs.places[0].tolist()) if names[place] in cases]
            ones, others = pairs.rows(quality)
            both = [at for at in inside if np.isfinite(ones[at]) and np.isfinite(others[at])]
            column = Column.of(ones[both], others[both], pairs.clusters[both])
            ranking = tuple((run.run.id, mean) for mean, run in means)
            found.append((Best(by=by, value=value, n=len(cases), ranking=ranking, q=1.0), tested(column).p))
    corrected = benjamini_hochberg([p for _, p in found])
    return [best.but(q=q) for (best, _), q in zip(found, corrected, strict=True)]
