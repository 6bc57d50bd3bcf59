"""What a rule says of a rollout: wait, go on, promote or roll back, with the sentence and the figures that it rests on.

Looked at again and again, so every interval is always-valid (`evaluate.statistics.mixture`). What is compared is the step that
runs: over steps with different shares, candidate and baseline had different times, and their means would not compare. The
steps share the error between them (Bonferroni), the arms of an experiment as well.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Any, Literal

from rowen.evaluate.plan import Decision, MetricsTable, decide
from rowen.evaluate.statistics import Sums, Watched, look, split_so_far
from rowen.release.tally import Tally, since_of
from rowen.values import Arm, Rollout, Value

Action = Literal["wait", "step", "promote", "roll back", "stop"]

EXPECTED = 1_000
"""Units of both arms at which intervals are narrowest."""
_BROKEN_SPLIT = 0.001
_PLAIN = MetricsTable(primary="error_rate", margins={"error_rate": 0.02})
"""What holds where an app has no metric plan."""


class Looks(Value, frozen=True, kw_only=True):
    """What looking at a rollout has given so far in its step; handed in again with the next look."""

    since_ns: int = 0
    arms: dict[str, dict[str, Watched]] = {}
    """By arm and metric, against the baseline."""
    split: float = 1.0
    """The always-valid p-value that units were split as they should have been."""


class Verdict(Value, frozen=True, kw_only=True):
    """What the rule says now."""

    action: Action
    why: str
    arm: str = ""
    """Which arm is promoted, or is why it is rolled back."""
    figures: dict[str, Any] = {}
    """What it rests on, for the log; JSON types only."""


def plan_of(table: MetricsTable) -> MetricsTable:
    """Return the metric plan by which a rollout is judged: the app's own, or failures where it has none."""
    return table if table.primary else _PLAIN


def looked(rollout: Rollout, plan: MetricsTable, tally: Tally, before: Looks) -> Looks:
    """Look at a rollout once more."""
    since = since_of(rollout)
    last = before if before.since_ns == since else Looks(since_ns=since)
    baseline, *others = rollout.arms
    share = len(rollout.steps or (1,)) * len(others)
    arms: dict[str, dict[str, Watched]] = {}
    for arm in others:
        known = last.arms.get(arm.name, {})
        arms[arm.name] = {
            metric: _look(
                rollout, tally, (arm, baseline), metric, known.get(metric), 1 - (1 - plan.level(metric)) / share
            )
            for metric in plan.roles
        }
    return Looks(since_ns=since, arms=arms, split=_split(rollout, tally, last.split))


def judged(rollout: Rollout, plan: MetricsTable, tally: Tally, looks: Looks, *, now_ns: int, held: str = "") -> Verdict:
    """Return what is to be done with a rollout.

    Args:
        rollout: as it runs.
        plan: which metric decides, and which guard.
        tally: what its step has shown.
        looks: the intervals of it.
        now_ns: the time.
        held: why nothing may be let out now, such as an error budget that is gone; empty when it may.

    """
    found = {arm: decide(plan, {name: each.difference for name, each in by.items()}) for arm, by in looks.arms.items()}
    figures = _figures(rollout, plan, tally, looks, found)
    if rollout.strategy == "bandit":
        return Verdict(action="wait", why="a bandit moves its shares until somebody ends it", figures=figures)
    if looks.split < _BROKEN_SPLIT:
        why = f"units were not split as they should have been (p = {looks.split:.2g}), so no figure can be believed"
        return Verdict(action="wait", why=why, figures=figures)
    for arm, decision in found.items():
        if decision.verdict == "stop":
            if len(found) > 1:
                continue  # an arm that lost is not what ends an experiment of several
            return Verdict(
                action="roll back" if rollout.strategy == "canary" else "stop",
                why=decision.why,
                arm=arm,
                figures=figures,
            )
    least = min(len(units) for units in tally.units.values())
    if least < max(rollout.least, 1):
        why = f"{least} of the {rollout.least} units that each arm must have had"
        return Verdict(action="wait", why=why, figures=figures)
    if (left := rollout.pause - (now_ns - rollout.step_ns) / 1e9) > 0:
        return Verdict(action="wait", why=f"the step lasts {left:.0f} seconds more", figures=figures)
    verdict = _going_on(rollout, plan, found, figures)
    if held and verdict.action in {"step", "promote"}:
        return verdict.but(action="wait", why=f"{held}; but for that: {verdict.why}")
    return verdict


def _going_on(rollout: Rollout, plan: MetricsTable, found: Mapping[str, Decision], figures: dict[str, Any]) -> Verdict:
    if rollout.strategy == "canary":
        (arm, decision), *_ = found.items()
        why, unknown = _harmless(plan, decision)
        if unknown:
            return Verdict(action="wait", why=unknown, figures=figures)
        further = rollout.steps[rollout.step + 1] if rollout.step + 1 < len(rollout.steps) else 1.0
        return Verdict(action="step" if further < 1 else "promote", why=why, arm=arm, figures=figures)
    better = [(arm, each) for arm, each in found.items() if each.verdict == "ship"]
    if not better:
        return Verdict(
            action="wait", why="; ".join(f"{arm}: {each.why}" for arm, each in found.items()), figures=figures
        )
    if rollout.strategy == "shadow":
        return Verdict(action="stop", why=f"over copies, {better[0][1].why}", arm=better[0][0], figures=figures)
    arm, decision = max(better, key=lambda each: _gain(plan, each[1]))
    return Verdict(action="promote", why=decision.why, arm=arm, figures=figures)


def _harmless(plan: MetricsTable, decision: Decision) -> tuple[str, str]:
    """Return why a canary may go on, and what of it is not known yet; that is empty when it may.

    A metric with a margin must be shown to lose less than it. Where none was set nothing can be shown, since no two
    versions are exactly equal; it is then enough that nothing speaks against the candidate. In the metric that decides,
    something must be able to: before there are so many observations that its interval has bounds, nothing could.
    """
    said, unknown = [], []
    for each in decision.metrics:
        if each.role == "goal":
            continue
        if each.standing in {"better", "not worse"}:
            said.append(str(each))
        elif each.metric in plan.margins or each.difference is None or each.difference.value is None:
            unknown.append(str(each))
        elif each.role == "primary" and not (isfinite(each.difference.low) or isfinite(each.difference.high)):
            unknown.append(f"{each}: so few show nothing of what decides, however bad it were")
        else:
            said.append(f"nothing speaks against it in {each.metric}, of which no margin is set: {each.difference}")
    return "; ".join(said), "; ".join(unknown)


def _gain(plan: MetricsTable, decision: Decision) -> float:
    difference = decision.metrics[0].difference
    value = difference.value if difference is not None and difference.value is not None else 0.0
    return value if plan.higher_is_better(plan.primary) else -value


def _look(
    rollout: Rollout, tally: Tally, arms: tuple[Arm, Arm], metric: str, before: Watched | None, level: float
) -> Watched:
    if rollout.strategy == "shadow":
        # Pairs: candidate less original of the same question, which is one arm against nothing. As many as there are pairs.
        pairs = tally.paired(metric)
        found = look(pairs, Sums(n=pairs.n), expected=EXPECTED, before=before, level=level)
        return found.but(difference=found.difference.but(n=pairs.n))
    candidate, baseline = (spread(tally.sums(arm.name, metric)) for arm in arms)
    return look(candidate, baseline, expected=EXPECTED, before=before, level=level)


def spread(kept: Sums) -> Sums:
    """Return sums with no less variance than may be believed: what has not failed yet is not known never to fail.

    Of yes and no it is at least that of a share with one more of each (A. Agresti & B. Caffo, The American Statistician 54,
    2000); of other numbers a millionth of their size, for prices that are all the same.
    """
    if kept.n < 2:
        return kept
    share = (kept.total + 1) / (kept.n + 2)
    least = share * (1 - share) if kept.squares == kept.total else (1e-6 * kept.mean) ** 2
    if kept.variance >= least:
        return kept
    return kept.but(squares=kept.total * kept.total / kept.n + least * (kept.n - 1))


def _split(rollout: Rollout, tally: Tally, before: float) -> float:
    """Return how likely the units are that came; shares of a bandit move, and a shadow has pairs."""
    drawn = [tally.probabilities[arm.name] for arm in rollout.arms]
    if rollout.strategy not in {"canary", "experiment"} or any(len(each) != 1 or not min(each) > 0 for each in drawn):
        return before
    shares = [min(each) for each in drawn]
    counts = [len(tally.units[arm.name]) for arm in rollout.arms]
    return split_so_far(counts, shares, before=before).p


def _figures(
    rollout: Rollout, plan: MetricsTable, tally: Tally, looks: Looks, found: Mapping[str, Decision]
) -> dict[str, Any]:
    return {
        "step": rollout.step,
        "shares": {arm.name: arm.share for arm in rollout.arms},
        "units": {arm: len(units) for arm, units in tally.units.items()},
        "calls": dict(tally.calls),
        "split_p": looks.split,
        "primary": plan.primary,
        "metrics": {arm: [str(each) for each in decision.metrics] for arm, decision in found.items()},
    }
