"""What a comparison of two runs says: of every metric, every slice, every case; and what follows from it."""

from rowen.evaluate.plan import Decision, Role
from rowen.evaluate.statistics.base import Standing, Tested
from rowen.values import Value
from rowen.values.interval import Interval


class Difference(Value, frozen=True, kw_only=True, omit_defaults=False):
    """One metric of two runs over the cases that both have."""

    metric: str
    role: Role | None
    """Its role in the plan; None of a metric that decides nothing."""
    higher_is_better: bool
    baseline: Interval
    candidate: Interval
    difference: Interval
    """Candidate less baseline, paired; its level is what the plan needs."""
    test: Tested
    p_holm: float
    """The p-value, corrected for all metrics of this comparison (Holm)."""
    standing: Standing
    margin: float
    """How much may be lost, of the plan."""
    n: int
    """Pairs that have the metric on both sides."""
    lacking: int
    """Pairs that have it on one side alone: they say nothing here."""


class Relabelled(Value, frozen=True, kw_only=True, omit_defaults=False):
    """A metric that is a label, such as a category."""

    metric: str
    n: int
    changed: Interval
    """The share of pairs whose label differs."""
    moves: tuple[tuple[str, str, int], ...]
    """Label before, label after, how many; the most frequent first."""


class Cut(Value, frozen=True, kw_only=True, omit_defaults=False):
    """One metric on the cases of one slice."""

    by: str
    """What it is cut by: `language`."""
    value: str
    """Which slice: `de`."""
    n: int
    groups: int
    baseline: float
    candidate: float
    difference: Interval
    p: float
    q: float
    """The p-value, corrected for all slices that were looked at (Benjamini & Hochberg)."""
    standing: Standing
    """`undecided` unless `q` is at most the error of the plan."""


class Change(Value, frozen=True, kw_only=True, omit_defaults=False):
    """One case, tried by both; of what stands in two, that of the baseline is first."""

    case: str
    trial: int
    before: float
    """The metric that decides, of the baseline."""
    after: float
    gain: float
    """How much better the candidate is, whichever way is better."""
    traces: tuple[str, str]
    slices: dict[str, str]
    group: str
    answers: tuple[str, str] = ("", "")
    failed: tuple[str, str] = ("", "")
    """Why it failed, where it did."""
    reasons: tuple[str, str] = ("", "")
    """What the judge said of the metric that decides."""


class Comparison(Value, frozen=True, kw_only=True, omit_defaults=False):
    """A candidate against a baseline, case by case."""

    baseline: str
    """What it is called: the id of a run."""
    candidate: str
    metric: str
    """The metric that decides, by which cases and slices are sorted."""
    pairs: int
    """Tries of cases that both runs have."""
    groups: int
    """Users, sessions, documents or single cases that these belong to: what intervals rest on."""
    only_baseline: int
    only_candidate: int
    differences: tuple[Difference, ...]
    """Those of the plan first, the primary one leading."""
    labels: tuple[Relabelled, ...]
    slices: tuple[Cut, ...]
    """The significant ones first, the worst of them leading."""
    slices_tested: int
    slices_small: int
    """Slices with too few cases to be looked at."""
    better: int
    worse: int
    same: int
    changes: tuple[Change, ...]
    """The cases that differ, the worst first, then the best; at most as many of each as was asked for."""
    decision: Decision | None
    """What the plan says; None without a plan."""
    warnings: tuple[str, ...]

    def of(self, metric: str) -> Difference | None:
        """Return how a metric differs."""
        return next((each for each in self.differences if each.metric == metric), None)
