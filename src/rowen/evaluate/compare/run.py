"""Compares runs: pairs their outcomes, says how every metric, slice and case differs, and what the plan says of it."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rowen.evaluate.compare.base import Change, Comparison, Difference, Relabelled
from rowen.evaluate.compare.differ import difference
from rowen.evaluate.compare.pairs import Column, Pairs, paired
from rowen.evaluate.compare.slices import cut
from rowen.evaluate.plan import MetricsTable, decide
from rowen.evaluate.run.base import MEASURED, Loaded
from rowen.evaluate.statistics import holm, linear
from rowen.evaluate.statistics.arrays import Floats, np
from rowen.values import Mistaken
from rowen.values.interval import wilson

CHANGES = 50
"""Cases that are shown of those that became worse, and of those that became better."""

FEW = 30
"""Groups below which a comparison finds only large differences."""

_MOVES = 20


def compare(
    baseline: Loaded,
    candidate: Loaded,
    plan: MetricsTable,
    *,
    metric: str = "",
    changes: int = CHANGES,
    share: int = 1,
) -> Comparison:
    """Return what a candidate changes against a baseline, over the cases that both have.

    Args:
        baseline: a run.
        candidate: another one over the same cases.
        plan: what decides. Without a primary metric nothing is decided, and all is shown.
        metric: by which slices and cases are sorted; default: the plan's primary one, else the first score.
        changes: how many cases are shown of those that became worse, and of those that became better.
        share: with how many other candidates this one shares the chance to be wrong.

    Raises:
        Mistaken: `conflict` where the runs share no case; `field_invalid` for a metric that they do not have.

    """
    names = (baseline.run.id, candidate.run.id)
    pairs = paired(baseline, candidate)
    if not len(pairs):
        message = f"{names[0]} and {names[1]} have no case in common, so there is nothing to compare"
        raise Mistaken("conflict", message, place="runs")
    columns = {name: pairs.column(name) for name in pairs.metrics}
    columns = {name: column for name, column in columns.items() if len(column)}
    chosen = _chosen(metric, plan, columns)
    found = [difference(columns[name], name, plan, share=share) for name in _ordered(columns, plan)]
    corrected = holm([each.test.p for each in found])
    found = [each.but(p_holm=p) for each, p in zip(found, corrected, strict=True)]
    higher = plan.higher_is_better(chosen)
    rows = pairs.rows(chosen)
    there = np.isfinite(rows[0]) & np.isfinite(rows[1])
    slices = [each for each, known in zip(pairs.slices(), there.tolist(), strict=True) if known]
    cuts = cut(columns[chosen], slices, higher_is_better=higher)
    gains: Floats = np.where(there, (rows[1] - rows[0]) * (1 if higher else -1), 0.0)
    order = np.argsort(-np.abs(gains), kind="stable").tolist()
    worse, better = [at for at in order if gains[at] < 0], [at for at in order if gains[at] > 0]
    return Comparison(
        baseline=names[0],
        candidate=names[1],
        metric=chosen,
        pairs=len(pairs),
        groups=pairs.groups,
        only_baseline=len(baseline.figures) - len(pairs),
        only_candidate=len(candidate.figures) - len(pairs),
        differences=tuple(found),
        labels=tuple(_labels(pairs)),
        slices=cuts.found,
        slices_tested=len(cuts.found),
        slices_small=cuts.small,
        better=len(better),
        worse=len(worse),
        same=len(pairs) - len(better) - len(worse),
        changes=tuple(_change(pairs, rows, at, float(gains[at])) for at in (*worse[:changes], *better[:changes])),
        decision=decide(plan, {each.metric: each.difference for each in found if each.role}) if plan.primary else None,
        warnings=tuple(_warnings(pairs, found, plan)),
    )


def compare_all(
    runs: Sequence[Loaded], plan: MetricsTable, *, metric: str = "", changes: int = CHANGES
) -> list[Comparison]:
    """Return each run against the first one. Several candidates share the error: their intervals are wider for it.

    Raises:
        Mistaken: `field_invalid` for fewer than two runs; else as for `compare`.

    """
    if len(runs) < 2:
        raise Mistaken("field_invalid", "a comparison needs two runs or more, the baseline first", place="runs")
    baseline, *candidates = runs
    return [compare(baseline, each, plan, metric=metric, changes=changes, share=len(candidates)) for each in candidates]


def _chosen(metric: str, plan: MetricsTable, columns: Mapping[str, Column]) -> str:
    if metric and metric not in columns:
        message = f"the runs have no metric {metric!r} in common; they have {', '.join(columns)}"
        raise Mistaken("field_invalid", message, place="metric")
    scores = [name for name in columns if name not in MEASURED]
    return metric or (plan.primary if plan.primary in columns else next(iter(scores), "error_rate"))


def _ordered(columns: Mapping[str, Column], plan: MetricsTable) -> list[str]:
    """Return the metrics: those of the plan in its order, then scores, then what was measured."""
    first = [name for name in plan.roles if name in columns]
    return [*first, *(name for name in columns if name not in first)]


def _change(pairs: Pairs, rows: tuple[Floats, Floats], at: int, gain: float) -> Change:
    one, other = int(pairs.places[0][at]), int(pairs.places[1][at])
    ours, theirs = pairs.baseline.figures, pairs.candidate.figures
    return Change(
        case=ours.cases[one],
        trial=ours.trials[one],
        before=float(rows[0][at]),
        after=float(rows[1][at]),
        gain=gain,
        traces=(ours.traces[one], theirs.traces[other]),
        slices=ours.slices[one] or theirs.slices[other],
        group=ours.groups[one] or theirs.groups[other],
    )


def _labels(pairs: Pairs) -> list[Relabelled]:
    ours, theirs = pairs.baseline.figures.labels, pairs.candidate.figures.labels
    ones, others = (each.tolist() for each in pairs.places)
    found = []
    for name in sorted(set[str]().union(*ours)):
        both = [
            (ours[one][name], theirs[other][name], at)
            for at, (one, other) in enumerate(zip(ones, others, strict=True))
            if name in ours[one] and name in theirs[other]
        ]
        if not both:
            continue
        moved = np.array([float(before != after) for before, after, _ in both])
        clusters = pairs.clusters[[at for _, _, at in both]]
        alone = len(np.unique(clusters)) == len(clusters)
        moves = Counter((before, after) for before, after, _ in both if before != after).most_common(_MOVES)
        found.append(
            Relabelled(
                metric=name,
                n=len(both),
                changed=wilson(float(moved.sum()), len(moved)) if alone else linear(moved, clusters=clusters),
                moves=tuple((before, after, count) for (before, after), count in moves),
            )
        )
    return found


def _warnings(pairs: Pairs, found: Sequence[Difference], plan: MetricsTable) -> list[str]:
    said = []
    left = len(pairs.baseline.figures) + len(pairs.candidate.figures) - 2 * len(pairs)
    if left:
        said.append(f"{left} tries of cases are in one of the runs alone, and count for nothing here.")
    if pairs.groups < FEW:
        said.append(
            f"They have {pairs.groups} cases or groups in common; fewer than {FEW} show only large differences."
        )
    ours, theirs = pairs.baseline.run, pairs.candidate.run
    if (ours.dataset, ours.version) != (theirs.dataset, theirs.version):
        said.append("They are not over the same version of a data set: what a case asks may have changed.")
    differ = [name for name, version in ours.scorers.items() if theirs.scorers.get(name, version) != version]
    if differ:
        said.append(f"{', '.join(differ)} was not judged by the same version of its scorer in both.")
    said += [
        f"{run.id} is not done: it is {run.state}{f', {run.why}' if run.why else ''}."
        for run in (ours, theirs)
        if run.state != "done"
    ]
    if not plan.primary:
        said.append("No metric plan says what decides, so nothing is decided.")
    said += [
        f"{each.metric} is lacking on one side of {each.lacking} of {len(pairs)} pairs."
        for each in found
        if each.role and each.lacking > 0.02 * len(pairs)
    ]
    missing = [name for name in plan.roles if name not in {each.metric for each in found}]
    if missing:
        said.append(f"{', '.join(missing)} of the plan was not measured in both runs.")
    return said
