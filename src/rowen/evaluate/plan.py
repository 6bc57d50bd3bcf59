"""The metric plan of an app: one metric that decides, and a handful that support it, each with its role."""

from collections.abc import Mapping
from typing import Literal

from rowen.evaluate.statistics.base import Standing, standing
from rowen.values import Settings, Value
from rowen.values.interval import Interval

Role = Literal["primary", "goal", "guard"]
Verdict = Literal["ship", "hold", "stop"]

SUPPORTING = 6
"""Metrics beside the primary one, at most: with more of them something always looks good."""

LOWER = frozenset(
    [
        "cost",
        "latency",
        "first_token",
        "duration",
        "tokens",
        "input_tokens",
        "output_tokens",
        "errors",
        "error_rate",
        "toxicity",
        "repetition",
        "edit",
        "refusal",
        "regenerated",
        "abandoned",
    ]
)
"""Metrics of which less is better, without being told."""


class MetricsTable(Settings, frozen=True, kw_only=True):
    """What decides about a change of the app."""

    primary: str = ""
    """The one metric that decides: the name of a score, or `cost`, `latency`, `error_rate`."""
    goal: tuple[str, ...] = ()
    """Metrics that should get better too."""
    guard: tuple[str, ...] = ()
    """Metrics that must not get worse by more than their margin."""
    margins: dict[str, float] = {}
    """How much may be lost, by metric, in its own units; default: nothing."""
    lower: tuple[str, ...] = ()
    """Metrics of which less is better; of `cost`, `latency` and the like that is known."""

    def __post_init__(self) -> None:
        """Hold the plan against its rules.

        Raises:
            ValueError: with a sentence that says which.

        """
        supporting = (*self.goal, *self.guard)
        if (supporting or self.margins or self.lower) and not self.primary.strip():
            raise ValueError("a plan needs exactly one `primary` metric, which decides")
        if len(supporting) > SUPPORTING:
            raise ValueError(f"{len(supporting)} metrics support the primary one; at most {SUPPORTING} can be watched")
        every = (self.primary, *supporting)
        if twice := sorted({name for name in every if every.count(name) > 1}):
            raise ValueError(f"{', '.join(twice)} has more than one role")
        if strange := sorted({*self.margins, *self.lower} - {*every}):
            raise ValueError(f"{', '.join(strange)} is no metric of the plan")
        if less := sorted(name for name, margin in self.margins.items() if not margin >= 0):
            raise ValueError(f"the margin of {', '.join(less)} is below 0: a margin is how much may be lost")

    @property
    def roles(self) -> dict[str, Role]:
        """Every metric of the plan with its role, the primary one first."""
        if not self.primary:
            return {}
        return {self.primary: "primary", **dict.fromkeys(self.goal, "goal"), **dict.fromkeys(self.guard, "guard")}

    def higher_is_better(self, metric: str) -> bool:
        """Whether more of it is better."""
        return metric not in LOWER and metric not in self.lower

    def level(self, metric: str, error: float = 0.05) -> float:
        """Return the level that an interval of a metric needs for the plan to keep its error.

        The primary metric is one test; guards must all pass, which needs no correction (intersection-union: R. L. Berger,
        Technometrics 24, 1982); any one goal suffices, so that goals share the error (Bonferroni).
        """
        return 1 - error / max(1, len(self.goal)) if metric in self.goal else 1 - error


class Judged(Value, frozen=True, kw_only=True):
    """One metric of a change, and how it stands."""

    metric: str
    role: Role
    standing: Standing
    margin: float = 0.0
    difference: Interval | None = None
    """Candidate less baseline; None where it was not measured."""

    def __str__(self) -> str:
        margin = f", {self.margin:g} may be lost" if self.margin else ""
        return f"{self.metric} ({self.role}{margin}) is {self.standing}: {self.difference or 'not measured'}"


class Decision(Value, frozen=True, kw_only=True):
    """What a plan says of a change."""

    verdict: Verdict
    why: str
    metrics: tuple[Judged, ...]


def decide(plan: MetricsTable, differences: Mapping[str, Interval]) -> Decision:
    """Return what a plan says of a change.

    *stop*: the primary metric or a guard is worse by more than its margin. *ship*: the primary metric is better, or not
    worse by its margin while a goal is better; and every guard is not worse. Else *hold*: more cases are needed.

    Args:
        plan: the metrics with their roles.
        differences: of each metric the candidate less the baseline, at the level that `plan.level` says.

    Raises:
        ValueError: there is no plan, or an interval's level is below what the plan needs.

    """
    if not plan.primary:
        raise ValueError("without a primary metric nothing decides")
    judged = []
    for metric, role in plan.roles.items():
        found = differences.get(metric)
        if found is not None and found.level < plan.level(metric) - 1e-9:
            raise ValueError(
                f"the interval of {metric} has a level of {found.level:g}; it needs {plan.level(metric):g}"
            )
        margin = plan.margins.get(metric, 0.0)
        stands: Standing = "undecided"
        if found is not None:
            stands = standing(found, margin, higher_is_better=plan.higher_is_better(metric))
        judged.append(Judged(metric=metric, role=role, standing=stands, margin=margin, difference=found))
    primary, rest = judged[0], judged[1:]
    worse = [each for each in judged if each.role != "goal" and each.standing == "worse"]
    open_ = [each for each in rest if each.role == "guard" and each.standing == "undecided"]
    better = [each for each in rest if each.role == "goal" and each.standing == "better"]
    if worse:
        return Decision(verdict="stop", why="; ".join(map(str, worse)), metrics=tuple(judged))
    if primary.standing == "undecided":
        return Decision(verdict="hold", why=str(primary), metrics=tuple(judged))
    if open_:
        return Decision(verdict="hold", why="; ".join(map(str, open_)), metrics=tuple(judged))
    if primary.standing == "not worse" and not better:
        why = f"{primary}; and no goal is better, so nothing speaks for the change"
        return Decision(verdict="hold", why=why, metrics=tuple(judged))
    return Decision(verdict="ship", why="; ".join(map(str, [primary, *better])), metrics=tuple(judged))
