"""Compares runs: pairs their outcomes, says how every metric, slice and case differs, and what the plan says of it."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rowen.evaluate.compare.base import Change, Comparison, Difference, Relabelled
from rowen.evaluate.compare.differ import difference
from rowen.evaluate.compare.pairs import Column, Pairs, number, paired
from rowen.evaluate.compare.slices import Cuts, cut
from rowen.evaluate.plan import Decision, MetricsTable, decide
from rowen.evaluate.statistics import holm, linear
from rowen.evaluate.statistics.arrays import np
from rowen.values import Mistaken
from rowen.values.evaluation import Outcome
from rowen.values.interval import wilson

CHANGES = 50
"""Cases that are shown of those that became worse, and of those that became better."""

FEW = 30
"""Groups below which a comparison finds only large differences."""

_MOVES = 20


def compare(
    baseline: Sequence[Outcome],
    candidate: Sequence[Outcome],
    plan: MetricsTable,
    *,
    names: tuple[str, str] = ("baseline", "candidate"),
    metric: str = "",
    changes: int = CHANGES,
    share: int = 1,
) -> Comparison:
    """Return what a candidate changes against a baseline, over the cases that both have.

    Args:
        baseline: the outcomes of a run.
        candidate: those of another one over the same cases.
        plan: what decides. Without a primary metric nothing is decided, and all is shown.
        names: what both are called.
        metric: by which slices and cases are sorted; default: the plan's primary one, else the first score.
        changes: how many cases are shown of those that became worse, and of those that became better.
        share: with how many other candidates this one shares the chance to be wrong.

    Raises:
        Mistaken: `conflict` where the runs share no case; `field_invalid` for a metric that they do not have.

    """
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
    cuts = _cuts(pairs, columns[chosen], chosen, higher_is_better=higher)
    gains = _gains(pairs, chosen, higher_is_better=higher)
    moved = sorted((place for place, gain in enumerate(gains) if gain), key=lambda place: -abs(gains[place]))
    worse, better = [place for place in moved if gains[place] < 0], [place for place in moved if gains[place] > 0]
    decision = _decided(plan, found)
    return Comparison(
        baseline=names[0],
        candidate=names[1],
        metric=chosen,
        pairs=len(pairs),
        groups=len(set(pairs.clusters)),
        only_baseline=pairs.only_baseline,
        only_candidate=pairs.only_candidate,
        differences=tuple(found),
        labels=tuple(_labels(pairs)),
        slices=cuts.found,
        slices_tested=len(cuts.found),
        slices_small=cuts.small,
        better=len(better),
        worse=len(worse),
        same=len(gains) - len(moved),
        changes=tuple(_change(pairs, place, chosen, gains[place]) for place in (*worse[:changes], *better[:changes])),
        decision=decision,
        warnings=tuple(_warnings(pairs, found, plan)),
    )


def compare_all(
    runs: Mapping[str, Sequence[Outcome]], plan: MetricsTable, *, metric: str = "", changes: int = CHANGES
) -> list[Comparison]:
    """Return each run against the first one. Several candidates share the error: their intervals are wider for it.

    Raises:
        Mistaken: `field_invalid` for fewer than two runs; else as for `compare`.

    """
    if len(runs) < 2:
        raise Mistaken("field_invalid", "a comparison needs two runs or more, the baseline first", place="runs")
    (name, baseline), *candidates = runs.items()
    return [
        compare(
            baseline,
            outcomes,
            plan,
            names=(name, each),
            metric=metric,
            changes=changes,
            share=len(candidates),
        )
        for each, outcomes in candidates
    ]


def _chosen(metric: str, plan: MetricsTable, columns: Mapping[str, Column]) -> str:
    if metric and metric not in columns:
        message = f"the runs have no metric {metric!r} in common; they have {', '.join(columns)}"
        raise Mistaken("field_invalid", message, place="metric")
    scores = [name for name in columns if name not in _order()]
    return metric or (plan.primary if plan.primary in columns else next(iter(scores), "error_rate"))


def _order() -> tuple[str, ...]:
    return ("error_rate", "cost", "latency", "first_token", "input_tokens", "output_tokens")


def _ordered(columns: Mapping[str, Column], plan: MetricsTable) -> list[str]:
    """Return the metrics: those of the plan in its order, then scores, then what was measured."""
    first = [name for name in plan.roles if name in columns]
    scores = [name for name in columns if name not in _order() and name not in first]
    return [*first, *scores, *(name for name in columns if name in _order() and name not in first)]


def _decided(plan: MetricsTable, found: Sequence[Difference]) -> Decision | None:
    """Return what the plan says. A candidate that fails more often is not let out, whatever the plan watches."""
    if not plan.primary:
        return None
    decision = decide(plan, {each.metric: each.difference for each in found if each.role})
    fails = next((each for each in found if each.metric == "error_rate"), None)
    if decision.verdict == "ship" and fails is not None and fails.role is None and fails.standing == "worse":
        why = f"it fails more often, and what fails is not judged: error_rate {fails.difference}"
        return decision.but(verdict="stop", why=why)
    return decision


def _cuts(pairs: Pairs, column: Column, metric: str, *, higher_is_better: bool) -> Cuts:
    slices = [
        {**other.slices, **one.slices}
        for one, other in zip(pairs.baseline, pairs.candidate, strict=True)
        if number(one, metric) is not None and number(other, metric) is not None
    ]
    return cut(column, slices, higher_is_better=higher_is_better)


def _gains(pairs: Pairs, metric: str, *, higher_is_better: bool) -> list[float]:
    """Return how much better the candidate is on each pair. Where one of them failed, the other is better."""
    sign, found = 1 if higher_is_better else -1, []
    for one, other in zip(pairs.baseline, pairs.candidate, strict=True):
        before, after = number(one, metric), number(other, metric)
        gain = 0.0 if before is None or after is None else sign * (after - before)
        if one.state != other.state and not gain:
            gain = -1.0 if other.state == "failed" else 1.0
        found.append(gain)
    return found


def _change(pairs: Pairs, place: int, metric: str, gain: float) -> Change:
    one, other = pairs.baseline[place], pairs.candidate[place]
    return Change(
        case=one.case,
        trial=one.trial,
        before=number(one, metric),
        after=number(other, metric),
        gain=gain,
        answers=(one.answer, other.answer),
        traces=(one.trace, other.trace),
        failed=(_why(one), _why(other)),
        reasons=(one.reasons.get(metric, ""), other.reasons.get(metric, "")),
        slices={**other.slices, **one.slices},
        group=one.group or other.group,
    )


def _why(one: Outcome) -> str:
    return one.reasons.get("error", "it failed") if one.state == "failed" else ""


def _labels(pairs: Pairs) -> list[Relabelled]:
    names = sorted(set[str]().union(*(one.labels for one in pairs.baseline)))
    found = []
    for name in names:
        both = [
            (one.labels[name], other.labels[name], cluster)
            for one, other, cluster in zip(pairs.baseline, pairs.candidate, pairs.clusters, strict=True)
            if name in one.labels and name in other.labels
        ]
        if not both:
            continue
        moved = [float(before != after) for before, after, _ in both]
        clusters = [cluster for _, _, cluster in both]
        alone = len(set(clusters)) == len(clusters)
        moves = Counter((before, after) for before, after, _ in both if before != after).most_common(_MOVES)
        found.append(
            Relabelled(
                metric=name,
                n=len(both),
                changed=wilson(sum(moved), len(moved)) if alone else linear(np.array(moved), clusters=clusters),
                moves=tuple((before, after, count) for (before, after), count in moves),
            )
        )
    return found


def _warnings(pairs: Pairs, found: Sequence[Difference], plan: MetricsTable) -> list[str]:
    said = []
    left = pairs.only_baseline + pairs.only_candidate
    if left:
        said.append(f"{left} tries of cases are in one of the runs alone, and count for nothing here.")
    groups = len(set(pairs.clusters))
    if groups < FEW:
        said.append(f"They have {groups} cases or groups in common; fewer than {FEW} show only large differences.")
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
