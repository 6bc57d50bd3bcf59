"""How a rule stands, what a judge's word is worth, and what a share that judges give comes to once that is known."""

from collections.abc import Sequence
from decimal import Decimal

from rowen.score.calibration import Calibration, Prevalence, calibrate, pairs_of, prevalence
from rowen.score.judging import Judging
from rowen.score.rule import Rule
from rowen.score.rules import Ledger
from rowen.store.base import ScoreBucket, ScoreFilter, Scores
from rowen.values import Mistaken, Score, ScoreSource, Value

_LABELLED = 5_000
_JUDGED = 20_000
JUDGES: tuple[ScoreSource, ...] = ("model", "rule")
"""The sources whose scores people's labels correct."""


class RuleState(Value, frozen=True, kw_only=True):
    """A rule, where it is written, and how far it is."""

    rule: Rule
    written: bool
    """Whether it stands in the app's own file, where alone it can be changed."""
    version: str = ""
    """Of what judges; empty when the rule cannot be run."""
    problem: str = ""
    """Why it cannot be run."""
    ledger: Ledger | None = None
    job: str = ""
    spent_today: Decimal = Decimal(0)
    """US dollars of the day's budget that are used up or set aside; 0 where there is none."""


class JudgeWorth(Value, frozen=True, kw_only=True):
    """What a judge's word is worth, by people's labels of the same things."""

    name: str
    version: str = ""
    calibration: Calibration | None = None
    """None while nobody has labelled what it judged."""
    torn: int = 0
    """What people were of two minds about; left out."""
    labelled_last_ns: int = 0
    """When people last labelled: a judge that changed since is measured anew."""
    judged_last_ns: int = 0


async def state_of(judging: Judging, rule: Rule, *, everywhere: bool) -> RuleState:
    """Return a rule with how far it is; how far one of an app's file is tells of everybody's traffic, and needs the right to."""
    written = not rule.tenant
    version = problem = ""
    try:
        version = judging.check(rule)
    except Mistaken as mistake:
        problem = str(mistake)
    shown = everywhere or not written
    ledger = await judging.rules.ledgers.get(rule.key, rule.tenant or "default") if shown else None
    return RuleState(
        rule=rule,
        written=written,
        version=version,
        problem=problem,
        ledger=ledger,
        job=rule.key if shown else "",
        spent_today=await judging.allowance.spent_today(rule) if shown else Decimal(0),
    )


async def worth_of(
    scores: Scores,
    *,
    tenant: str | None,
    app: str,
    name: str,
    people: str = "",
    version: str = "",
    yes_from: float = 0.5,
) -> JudgeWorth:
    """Return what the scores of a name by judges are worth, by those that people gave under that name or another."""
    labels = await scores.find(
        ScoreFilter(tenant=tenant, app=app, name=people or name, source="person", limit=_LABELLED)
    )
    traces = tuple({score.trace for score in labels if score.trace})
    judged: list[Score] = []
    for source in JUDGES if traces else ():
        judged += await scores.find(
            ScoreFilter(tenant=tenant, app=app, name=name, source=source, version=version, traces=traces, limit=_JUDGED)
        )
    pairs, torn = pairs_of(judged, labels, yes_from)
    return JudgeWorth(
        name=name,
        version=version,
        calibration=calibrate(pairs) if pairs else None,
        torn=torn,
        labelled_last_ns=max((score.created_ns for score in labels), default=0),
        judged_last_ns=max((score.created_ns for score in judged), default=0),
    )


async def shares_of(
    scores: Scores, *, tenant: str | None, app: str, name: str, since_ns: int, until_ns: int, known: Calibration | None
) -> Prevalence | None:
    """Return how often judges said yes in a window, corrected where their errors are known; None for what is no yes or no.

    Every score of the window counts.
    """
    buckets = await scores.buckets(
        tenant=tenant,
        name=name,
        app=app,
        since_ns=since_ns,
        until_ns=until_ns,
        every_ns=until_ns - since_ns,
        by="source",
    )
    return share_in([bucket for bucket in buckets if bucket.group in JUDGES], known)


def share_in(buckets: Sequence[ScoreBucket], known: Calibration | None) -> Prevalence | None:
    """Return how often it was yes over sums of yes and no: of true and false, or of labels whose numbers are 1 and 0.

    None where something else was given too, or nothing.
    """
    count = sum(bucket.count for bucket in buckets)
    yes = sum(bucket.total for bucket in buckets)
    # A number is its own square only when it is 0 or 1, and between them it is more.
    plain = all(
        bucket.total == bucket.squares and (bucket.least or 0) >= 0 and (bucket.most or 0) <= 1 for bucket in buckets
    )
    if not count or not plain or count != sum(bucket.numbers for bucket in buckets):
        return None
    return prevalence(round(yes), count, known)
