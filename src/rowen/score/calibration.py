"""What a judge's word is worth: its sensitivity and specificity by people's labels, and shares corrected by them."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from rowen.score.agreement import cohen_kappa, with_interval
from rowen.values import Score, Value
from rowen.values.interval import Interval, wilson, z_at


class Pair(Value, frozen=True, kw_only=True):
    """One item, as the judge labelled it and as people did."""

    judge: bool
    people: bool


class Calibration(Value, frozen=True, kw_only=True):
    """How a judge that says yes or no does against people's labels."""

    n: int
    both_yes: int
    only_judge: int
    """False alarms."""
    only_people: int
    """Misses."""
    both_no: int
    agreement: Interval
    sensitivity: Interval
    """Of what people call yes, how much the judge calls yes."""
    specificity: Interval
    """Of what people call no, how much the judge calls no."""
    kappa: Interval

    @property
    def useful(self) -> bool:
        """Whether its word carries any information: sensitivity and specificity together above a coin's."""
        return (self.sensitivity.value or 0.0) + (self.specificity.value or 0.0) > 1.0


class Prevalence(Value, frozen=True, kw_only=True):
    """How often something is so, by a judge. Once people have labelled, the corrected share is the one to show."""

    judged: Interval
    """The share that the judge called yes, with no more than its sampling error."""
    corrected: Interval | None = None
    """The share itself, by what is known of the judge's errors; None while nobody has labelled."""
    labels: int = 0

    @property
    def shown(self) -> Interval:
        """The figure to show: the corrected one wherever there is one."""
        return self.corrected or self.judged

    def __str__(self) -> str:
        if self.corrected is None:
            return f"{self.judged}, by a judge whose errors nobody has measured"
        return f"{self.corrected}, corrected by {self.labels} labels; the judge alone says {self.judged}"


def calibrate(pairs: Sequence[Pair]) -> Calibration:
    """Return how a judge does on items that people labelled too. Shares have Wilson's interval, kappa a bootstrap one."""
    counts = Counter((pair.judge, pair.people) for pair in pairs)
    yes, no = counts[True, True] + counts[False, True], counts[True, False] + counts[False, False]

    def kappa(some: Sequence[Pair]) -> float | None:
        return cohen_kappa([each.judge for each in some], [each.people for each in some])

    return Calibration(
        n=len(pairs),
        both_yes=counts[True, True],
        only_judge=counts[True, False],
        only_people=counts[False, True],
        both_no=counts[False, False],
        agreement=wilson(counts[True, True] + counts[False, False], len(pairs)),
        sensitivity=wilson(counts[True, True], yes),
        specificity=wilson(counts[False, False], no),
        kappa=with_interval(kappa, pairs, resamples=500),
    )


def prevalence(judged_yes: int, judged: int, known: Calibration | None = None, level: float = 0.95) -> Prevalence:
    """Return how often something is so by a judge's labels, corrected by its known errors where there are labels.

    Raises:
        ValueError: `judged_yes` is not in 0 to `judged`.

    """
    raw = wilson(judged_yes, judged, level)
    if known is None or not known.n:
        return Prevalence(judged=raw)
    corrected = rogan_gladen(
        judged_yes,
        judged,
        caught=known.both_yes,
        yes=known.both_yes + known.only_people,
        passed=known.both_no,
        no=known.both_no + known.only_judge,
        level=level,
    )
    return Prevalence(judged=raw, corrected=corrected, labels=known.n)


def rogan_gladen(
    judged_yes: int, judged: int, *, caught: int, yes: int, passed: int, no: int, level: float = 0.95
) -> Interval:
    """Return the true share behind a judge's labels, with an interval that carries the doubt about the judge itself.

    Estimate: W. J. Rogan & B. Gladen, "Estimating prevalence from the results of a screening test", American Journal of
    Epidemiology 107 (1978), cut to [0, 1]. Interval: Z. Lang & J. Reiczigel, "Confidence limits for prevalence of disease
    adjusted for estimated sensitivity and specificity", Preventive Veterinary Medicine 113 (2014).

    Args:
        judged_yes: of the items in question, those that the judge calls yes.
        judged: the items in question.
        caught: of the labelled items that are yes, those that the judge calls yes.
        yes: the labelled items that are yes.
        passed: of the labelled items that are no, those that the judge calls no.
        no: the labelled items that are no.
        level: how often the interval holds the truth.

    Returns:
        A share without a value and with bounds 0 and 1 where the judge is no better than chance, or nothing is known.

    """
    unknown = Interval(value=None, low=0.0, high=1.0, n=judged, level=level, method="lang-reiczigel")
    if not (judged and yes and no):
        return unknown
    informed = caught / yes + passed / no - 1
    z = z_at(level)
    n = judged + z * z
    share = (judged_yes + z * z / 2) / n
    sens, n_sens = (caught + 1) / (yes + 2), yes + 2
    spec, n_spec = (passed + 1) / (no + 2), no + 2
    power = sens + spec - 1
    if informed <= 0 or power <= 0:
        return unknown
    value = _bounded((judged_yes / judged + passed / no - 1) / informed)
    centre = (share + spec - 1) / power
    of_sens, of_spec = sens * (1 - sens) / n_sens, spec * (1 - spec) / n_spec
    shift = 2 * z * z * (centre * of_sens - (1 - centre) * of_spec)
    half = z / power * math.sqrt(share * (1 - share) / n + centre**2 * of_sens + (1 - centre) ** 2 * of_spec)
    low, high = _bounded(centre + shift - half), _bounded(centre + shift + half)
    # The estimate is not the middle of the interval; where few labels tear them apart, the interval takes it in.
    low, high = min(low, value), max(high, value)
    return Interval(value=value, low=low, high=high, n=judged, level=level, method="lang-reiczigel")


def pairs_of(judged: Sequence[Score], people: Sequence[Score], yes_from: float = 0.5) -> tuple[list[Pair], int]:
    """Return the items that both a judge and people scored, and how many were left out since people were of two minds.

    A score counts as yes from `yes_from` on. Of several people the majority counts; of one person's several scores of an
    item the last.
    """
    said: dict[tuple[str, ...], dict[str, bool]] = {}
    for score in sorted(people, key=lambda each: each.created_ns):
        if score.number is not None:
            said.setdefault(_target(score), {})[score.by] = score.number >= yes_from
    pairs: list[Pair] = []
    torn = 0
    latest: Mapping[tuple[str, ...], Score] = {
        _target(score): score for score in sorted(judged, key=lambda each: each.created_ns) if score.number is not None
    }
    for target, score in latest.items():
        votes = said.get(target)
        if not votes or score.number is None:
            continue
        ayes = sum(votes.values())
        if ayes * 2 == len(votes):
            torn += 1
        else:
            pairs.append(Pair(judge=score.number >= yes_from, people=ayes * 2 > len(votes)))
    return pairs, torn


def _target(score: Score) -> tuple[str, ...]:
    return (score.tenant, score.target, score.trace, score.span, score.session, score.case)


def _bounded(share: float) -> float:
    return min(1.0, max(0.0, share))
