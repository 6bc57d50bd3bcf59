"""All judges of a run: what they say of an answer together, what that costs, and what becomes of one that fails."""

from collections.abc import Sequence

from rowen.evaluate.run.aim import Reply
from rowen.evaluate.run.judges import Judge
from rowen.evaluate.run.pace import Gate
from rowen.score.base import Verdict, cost_of, failed_cost
from rowen.values import Broken, Case, Outcome, Problem

LONGEST = 10_000
"""Characters of a reason at most."""


class Jury:
    """Judges answers.

    Args:
        judges: one after the other.
        gate: holds them back while a provider wants to be left alone.

    """

    def __init__(self, judges: Sequence[Judge], gate: Gate) -> None:
        self._judges = judges
        self._gate = gate
        self.pays = any(judge.pays for judge in judges)
        """Whether any of them asks a model, so that an answer should be kept before it is judged."""

    async def judged(self, case: Case, reply: Reply, answered: Outcome, trace: str = "") -> Outcome:
        """Return the outcome with what all judges say, those that fail included; their calls are within a trace."""
        numbers: dict[str, float] = {}
        labels: dict[str, str] = {}
        reasons: dict[str, str] = {}
        errors: list[str] = []
        cost, paid = reply.cost, answered.paid
        for judge in self._judges:
            try:
                verdicts = await self._verdicts(judge, case, reply, trace)
                more = cost_of(verdicts)
            except Problem as problem:
                errors.append(f"{judge.name}: {sentence(problem)}")
                verdicts, more = (), failed_cost(problem)
            cost = None if cost is None or more is None else cost + more
            paid = None if paid is None or more is None else paid + more
            for verdict in verdicts:
                metric = judge.metric(verdict)
                if verdict.number is not None:
                    numbers[metric] = verdict.number
                else:
                    labels[metric] = str(verdict.value)
                if verdict.reason:
                    reasons[metric] = verdict.reason[:LONGEST]
        if errors:
            reasons["error"] = "; ".join(errors)[:LONGEST]
        return answered.but(
            state="failed" if errors else "answered",
            numbers=numbers,
            labels=labels,
            reasons=reasons,
            cost=cost,
            paid=paid,
        )

    async def _verdicts(self, judge: Judge, case: Case, reply: Reply, trace: str) -> tuple[Verdict, ...]:
        tries = 0
        while True:
            try:
                return await judge(case, reply, trace)
            except Problem as problem:
                if not self._gate.waits(problem, tries):
                    raise
            except Exception as error:
                raise Broken("broken", f"{type(error).__name__}: {error}"[:1000]) from error
            tries += 1
            await self._gate.passed()


def sentence(problem: Problem) -> str:
    """Return a problem as it stands in an outcome."""
    return f"{problem.code}: {problem}"[:LONGEST]
