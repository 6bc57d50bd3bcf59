"""What is written of a judgement: a score for each verdict, or the fault, and what it cost."""

import hashlib

from rowen.score.base import Verdict, cost_text, failed_cost
from rowen.score.rule import Rule
from rowen.score.rules import Fault
from rowen.score.traffic import Item
from rowen.values import Problem, Score


def score_of(rule: Rule, item: Item, verdict: Verdict, version: str) -> Score:
    """Return a verdict as the score that is kept of it."""
    judgement = score_id(rule, item, version)
    part = f".{verdict.part}" if verdict.part else ""
    id = judgement if not part else hashlib.sha256(f"{judgement}{part}".encode()).hexdigest()[:32]
    return Score(
        id=id,
        tenant=item.tenant,
        app=rule.app,
        target=item.target,
        trace=item.trace,
        span=item.span,
        session=item.session,
        name=f"{rule.name}{part}",
        type=verdict.type,
        value=verdict.value,
        number=verdict.number,
        reason=verdict.reason[:10_000],
        confidence=verdict.confidence,
        source="model" if rule.kind == "judge" else "rule",
        by=rule.name,
        version=version,
        judged_ns=item.started_ns,
        evidence=verdict.evidence,
        cost=verdict.cost,
        metadata={**verdict.metadata, "judgement": judgement},
    )


def fault_of(rule: Rule, item: Item, problem: Problem, version: str) -> Fault:
    """Return what is kept of a judgement that failed."""
    return Fault(
        id=score_id(rule, item, version),
        rule=rule.key,
        tenant=item.tenant,
        app=rule.app,
        target=item.target,
        trace=item.trace,
        span=item.span,
        session=item.session,
        at_ns=item.started_ns,
        code=problem.code,
        message=problem.message,
        cost=cost_text(failed_cost(problem)),
        evidence=str(problem.details.get("evidence", "")),
    )


def score_id(rule: Rule, item: Item, version: str) -> str:
    """Return the id of what a rule says of an item: the same whenever it is judged by the same version."""
    where = f"{item.tenant}\n{item.target}\n{item.trace}\n{item.span}\n{item.session}"
    parts = f"{where}\n{rule.name}\n{rule.app}\n{version}"
    if item.target == "session":  # a session that goes on is judged again when it falls quiet again
        parts += f"\n{item.started_ns}"
    return hashlib.sha256(parts.encode()).hexdigest()[:32]
