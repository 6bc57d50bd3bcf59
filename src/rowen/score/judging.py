"""Judges traffic by rules: live, backwards, and on three examples first."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from rowen.jobs import Handler, Later, Queue, Task
from rowen.score import catalog
from rowen.score.allowance import Allowance, Capped
from rowen.score.base import AskModel, Embed, Ports, Scorer, Verdict, cost_of, cost_text, failed_cost
from rowen.score.intake import Intake
from rowen.score.judgement import fault_of, score_id, score_of
from rowen.score.preflight import Example, Preflight, each_of
from rowen.score.rule import Rule
from rowen.score.rules import BACKFILL, LIVE, Ledger, Rules
from rowen.score.traffic import Item, Traffic
from rowen.store.base import Counters, ScoreFilter, Scores
from rowen.values import Clock, Mistaken, Problem, Refused, at

_S = 1_000_000_000
_DAY_NS = 86_400 * _S
_SETTLE_NS = 5 * _S
"""What began later may not be written yet."""
_LATE_NS = 120 * _S
"""How long spans and long calls may take to arrive; they are looked for again that long."""
_AT_ONCE = 4
_EXAMPLES = 3
_COUNTED = 1_000_000


class Models(Protocol):
    """Asks the models of an app, on behalf of a tenant, within the call that is judged where that is known."""

    def ask(self, rule: Rule, tenant: str, within: str = "") -> AskModel: ...
    def embed(self, rule: Rule, tenant: str, within: str = "") -> Embed: ...


class Judging:
    """Does the work of rules.

    Args:
        rules: the rules of the deployment.
        traffic: what they judge.
        intake: where scores go.
        scores: what is judged already.
        counters: hold the daily caps over all processes.
        models: ask models.
        queue: where backfills are queued.
        clock: what time it is.

    """

    def __init__(
        self,
        rules: Rules,
        traffic: Traffic,
        *,
        intake: Intake,
        scores: Scores,
        counters: Counters,
        models: Models,
        queue: Queue,
        clock: Clock,
    ) -> None:
        self.rules = rules
        self._traffic = traffic
        self._intake = intake
        self._scores = scores
        self.allowance = Allowance(counters, clock)
        """What rules may still spend today."""
        self._models = models
        self._queue = queue
        self._clock = clock
        self._made: dict[tuple[str, str], tuple[Rule, Scorer]] = {}

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """Who does which kind of job."""
        return {LIVE: self.live, BACKFILL: self.backfill}

    def check(self, rule: Rule) -> str:
        """Return the version of what judges by a rule.

        Raises:
            Mistaken: `config_invalid`, `config_unknown_key`, `extra_missing`.

        """
        return self._version(rule)

    async def live(self, task: Task) -> dict[str, Any]:
        """Judge what came since the last time; the job of one rule."""
        rule = await self.rules.by_key(task.input["rule"])
        if rule is None or not rule.enabled:
            await self._queue.cancel(task.id, task.tenant)
            return {}
        now = self._clock.now_ns()
        ledger = await self.rules.ledgers.get(rule.key, task.tenant) or Ledger(
            key=rule.key, tenant=task.tenant, until_ns=max(rule.created_ns, now - _LATE_NS)
        )
        until = now - _SETTLE_NS
        since = max(ledger.until_ns - _LATE_NS, rule.created_ns)
        if until <= since:
            return {}
        tally = _Tally()
        async for page in self._traffic.pages(rule, since, until):
            due = [item for item in page if rule.samples(item.id)]
            await self._all(task, rule, await self._due(task, rule, due), tally, live=True)
        kept = ledger.but(
            until_ns=until,
            judged=ledger.judged + tally.judged,
            failed=ledger.failed + tally.failed,
            passed_over=ledger.passed_over + tally.passed_over,
            capped=ledger.capped + tally.capped,
            capped_ns=now if tally.capped else ledger.capped_ns,
            failing=0 if tally.judged else ledger.failing + tally.failed,
            failing_ns=ledger.failing_ns if ledger.failing or not tally.failed else now,
            cost=str(Decimal(ledger.cost) + tally.cost),
        )
        if kept != ledger:
            await self.rules.ledgers.put(kept)
        return tally.result()

    async def backfill(self, task: Task) -> dict[str, Any]:
        """Judge what is in a window and not judged by this version yet."""
        rule = msgspec.convert(task.input["rule"], Rule)
        since, until = int(task.input["since_ns"]), int(task.input["until_ns"])
        tally = _Tally()
        total = await task.step("count", lambda: self._count(rule, since, until))
        seen = 0
        async for page in self._traffic.pages(rule, since, until):
            due = [item for item in page if rule.samples(item.id)]
            await self._all(task, rule, await self._due(task, rule, due), tally, live=False)
            seen += len(due)
            task.progress(min(seen, total[1]), total[1], f"judged {tally.judged}, {tally.failed} errors")
        return tally.result()

    async def preflight(self, rule: Rule, since_ns: int, until_ns: int) -> Preflight:
        """Judge three examples of a window without keeping a score, and tell what the whole would be and cost.

        Raises:
            Mistaken: the rule cannot be run.

        """
        version = self.check(rule)
        matching = sampled = 0
        first: list[Item] = []
        async for page in self._traffic.pages(rule, since_ns, until_ns):
            due = [item for item in page if rule.samples(item.id)]
            matching, sampled = matching + len(page), sampled + len(due)
            first += due[: _EXAMPLES - len(first)]
            if matching >= _COUNTED:
                break
        examples: list[Example] = []
        costs: list[Decimal | None] = []
        for item in first:
            made = Example(trace=item.trace, span=item.span, session=item.session)
            try:
                verdicts = await self._verdicts(rule, item)
                costs.append(cost_of(verdicts))
                examples.append(made.but(verdicts=verdicts))
            except Problem as problem:
                costs.append(failed_cost(problem))
                examples.append(made.but(code=problem.code, message=problem.message))
        each = each_of(costs)
        return Preflight(
            matching=matching,
            sampled=sampled,
            examples=tuple(examples),
            cost_each=each,
            cost=None if each is None or each.value is None else each.value * sampled,
            version=version,
        )

    async def queue_backfill(self, rule: Rule, since_ns: int, until_ns: int, *, tenant: str, by: str = "") -> str:
        """Queue a backfill of a window; return the id of its job. The rule is taken as it is now."""
        self.check(rule)
        job = await self._queue.add(
            BACKFILL,
            tenant=tenant,
            app=rule.app,
            input={"rule": msgspec.to_builtins(rule), "since_ns": since_ns, "until_ns": until_ns},
            about=f"judges {at(since_ns):%Y-%m-%d %H:%M} to {at(until_ns):%Y-%m-%d %H:%M} by the rule {rule.name}",
            by=by,
        )
        return job.id

    async def _count(self, rule: Rule, since_ns: int, until_ns: int) -> list[int]:
        matching = sampled = 0
        async for page in self._traffic.pages(rule, since_ns, until_ns):
            matching += len(page)
            sampled += sum(rule.samples(item.id) for item in page)
        return [matching, sampled]

    async def _due(self, task: Task, rule: Rule, items: Sequence[Item]) -> list[Item]:
        """Return what is to be judged, and what this run has judged before its process was killed, for the sums."""
        known = [item for item in items if task.knows(item.id)]
        return [*known, *await self._new(rule, [item for item in items if not task.knows(item.id)])]

    async def _new(self, rule: Rule, items: Sequence[Item]) -> list[Item]:
        """Return what is not judged yet by this version of the rule's scorer, and was no error."""
        if not items:
            return []
        by_id = {score_id(rule, item, self._version(rule)): item for item in items}
        done: set[str] = set()
        if items[0].target == "session":
            for id, item in by_id.items():
                if await self._scores.get(id, item.tenant) is not None:
                    done.add(id)
        else:
            found = await self._scores.find(
                ScoreFilter(
                    traces=tuple({item.trace for item in items}),
                    by=rule.name,
                    version=self._version(rule),
                    limit=100_000,
                )
            )
            done = {score.metadata.get("judgement", score.id) for score in found}
        oldest = min(item.started_ns for item in items)
        faults = await self.rules.faults.find(group=rule.key, since_ns=oldest, limit=100_000)
        done |= {fault.id for fault in faults}
        return [item for id, item in by_id.items() if id not in done]

    async def _all(self, task: Task, rule: Rule, items: Sequence[Item], tally: "_Tally", *, live: bool) -> None:
        for start in range(0, len(items), _AT_ONCE):
            some = items[start : start + _AT_ONCE]
            outcomes = await asyncio.gather(
                *(task.step(item.id, _bound(self._one, rule, item)) for item in some), return_exceptions=True
            )
            for outcome in outcomes:
                if isinstance(outcome, Capped):
                    tally.capped += 1
                elif isinstance(outcome, BaseException):
                    raise outcome
                else:
                    tally.add(outcome)
            if tally.capped and not live:
                tomorrow = (self._clock.now_ns() // _DAY_NS + 1) * _DAY_NS
                raise Later(tomorrow, f"the {rule.budget} USD of the day are used up")

    async def _one(self, rule: Rule, item: Item) -> dict[str, Any]:
        """Judge one thing and keep what was said; an error is kept as an error."""
        aside = await self.allowance.set_aside(rule)
        cost: Decimal | None = Decimal(0)
        try:
            verdicts = await self._verdicts(rule, item)
            cost = cost_of(verdicts)
        except Problem as problem:
            if isinstance(problem, Refused) and problem.retry_after is not None:
                raise  # a limit: the job waits for it
            cost = failed_cost(problem)
            await self.rules.faults.put(fault_of(rule, item, problem, self._version(rule)))
            return {"failed": 1, "cost": cost_text(cost)}
        finally:
            await self.allowance.settle(rule, aside, cost)
        if not verdicts:
            return {"passed_over": 1, "cost": cost_text(cost)}
        if rule.cap is not None and cost is None:
            raise Mistaken("price_unknown", f"the budget of the rule {rule.name} cannot be kept", place="budget")
        version = self._version(rule)
        try:
            await self._intake.take([score_of(rule, item, verdict, version) for verdict in verdicts])
        except Mistaken as problem:  # what was said does not fit the score's config
            problem.details["cost"] = cost_text(cost)
            await self.rules.faults.put(fault_of(rule, item, problem, self._version(rule)))
            return {"failed": 1, "cost": cost_text(cost)}
        return {"judged": 1, "cost": cost_text(cost)}

    async def _verdicts(self, rule: Rule, item: Item) -> tuple[Verdict, ...]:
        subject = await self._traffic.subject(rule, item)
        if subject is None:
            return ()
        return await self._scorer(rule, item.tenant, subject.trace)(subject)

    def _scorer(self, rule: Rule, tenant: str, within: str = "") -> Scorer:
        within = within if rule.model or rule.kind == "judge" else ""  # what asks nobody is the same for all
        made = None if within else self._made.get((rule.key, tenant))
        if made is not None and made[0] == rule:
            return made[1]
        ports = Ports(
            ask=self._models.ask(rule, tenant, within),
            embed=self._models.embed(rule, tenant, within) if rule.model and rule.kind != "judge" else None,
        )
        options = {**rule.options, "model": rule.model} if rule.kind == "judge" and rule.model else rule.options
        scorer = catalog.make(rule.kind, options, ports)
        if not within:
            self._made[rule.key, tenant] = (rule, scorer)
        return scorer

    def _version(self, rule: Rule) -> str:
        """The version of what judges: the scorer with its settings, its model, and what it is given to judge."""
        scorer = self._scorer(rule, rule.tenant or "default")
        written = msgspec.json.encode(
            [rule.kind, scorer.version, rule.options, rule.model, rule.variables], order="deterministic"
        )
        return hashlib.sha256(written).hexdigest()[:16]


class _Tally:
    """What came of a run."""

    def __init__(self) -> None:
        self.judged = self.failed = self.passed_over = self.capped = self.unpriced = 0
        self.cost = Decimal(0)

    def add(self, outcome: Mapping[str, Any]) -> None:
        self.judged += outcome.get("judged", 0)
        self.failed += outcome.get("failed", 0)
        self.passed_over += outcome.get("passed_over", 0)
        if outcome["cost"] == "unknown":
            self.unpriced += 1
        else:
            self.cost += Decimal(outcome["cost"])

    def result(self) -> dict[str, Any]:
        found = {
            "judged": self.judged,
            "failed": self.failed,
            "passed_over": self.passed_over,
            "capped": self.capped,
            "unpriced": self.unpriced,
        }
        return {**{name: count for name, count in found.items() if count}, "cost": str(self.cost)}


def _bound(judge: Callable[[Rule, Item], Any], rule: Rule, item: Item) -> Callable[[], Any]:
    return lambda: judge(rule, item)
