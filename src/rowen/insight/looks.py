"""The looks by which what is found reaches people, which the watch stage makes: budgets, costs, errors, judges, suites, sources."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from rowen.evaluate.canary import Canaries, Reading
from rowen.evaluate.run.streak import Streak
from rowen.evaluate.run.suite import EvaluateTable
from rowen.insight.calendar import DAY_NS, HOUR_NS, WEEK_NS, day_of, month_of
from rowen.insight.desk import Insight
from rowen.insight.errors import Group, findings
from rowen.retrieve.state import Behind
from rowen.score.rule import Rule
from rowen.score.rules import Fault, Ledger, Rules
from rowen.store.base import Tenants
from rowen.values import at
from rowen.watch.finding import Finding, Round
from rowen.watch.rounds import Look

_MINUTE_NS = HOUR_NS // 60
_SECOND_NS = _MINUTE_NS // 60
_LATE_NS = 2 * HOUR_NS
"""What comes so much later is still found: long calls, and spans that were held back."""
_QUIET_NS = WEEK_NS
"""An error that did not come for so long is over, also when nobody said that it is solved."""
_EVERY_GROUP = 100_000
_FAILING = 5
"""Errors of a judge on end that are told of."""


class Sources(Protocol):
    """The places that apps' documents come from."""

    async def behind(self) -> Sequence[Behind]:
        """Return those that could not be read, or not whole, for longer than their table allows."""
        ...


class Suites(Protocol):
    """The suites that come back by themselves."""

    async def failing(self) -> Sequence[tuple[Streak, EvaluateTable]]:
        """Return those that fail, with their tables as they are now."""
        ...


def looks_of(
    insight: Insight, tenants: Tenants, *, rules: Rules, canaries: Canaries, suites: Suites, sources: Sources
) -> tuple[Look, ...]:
    """Return every look of this stage."""
    looks = _Looks(insight, tenants, rules, canaries, suites, sources)
    return (
        Look(name="budgets", kinds=("budget", "forecast"), every_ns=5 * _MINUTE_NS, look=looks.budgets),
        Look(name="anomalies", kinds=("anomaly",), every_ns=HOUR_NS, look=looks.anomalies),
        Look(name="errors", kinds=("errors",), every_ns=5 * _MINUTE_NS, look=looks.errors),
        Look(name="judging", kinds=("judging",), every_ns=5 * _MINUTE_NS, look=looks.judging),
        Look(name="models", kinds=("model",), every_ns=_MINUTE_NS, look=looks.models),
        Look(name="sources", kinds=("source",), every_ns=_MINUTE_NS, look=looks.sources),
        Look(name="suites", kinds=("evaluation",), every_ns=_MINUTE_NS, look=looks.suites),
    )


class _Looks:
    def __init__(
        self,
        insight: Insight,
        tenants: Tenants,
        rules: Rules,
        canaries: Canaries,
        suites: Suites,
        sources: Sources,
    ) -> None:
        self._insight = insight
        self._tenants = tenants
        self._rules = rules
        self._canaries = canaries
        self._suites = suites
        self._sources = sources

    async def budgets(self, since_ns: int, now_ns: int) -> Round:
        """Look at every budget; after the turn of a day or month also at how the last one ended."""
        found: list[Finding] = []
        holding: set[str] = set()
        for budget in await self._insight.budgets.all(None):
            stands = await self._insight.budgets.standing(budget, now_ns)
            found += stands.findings
            holding.update(stands.holding)
            start = day_of(now_ns) if budget.window == "day" else month_of(now_ns)
            if since_ns < start and budget.created_ns < start:
                ended = await self._insight.budgets.standing(budget, start - _SECOND_NS)
                found += [one for one in ended.findings if one.kind == "budget"]
        return Round(found=tuple(found), holding=frozenset(holding))

    async def anomalies(self, since_ns: int, _: int) -> Round:
        """Look at the hours and days that ended since the last look, and some before it, for what came late.

        What is odd of a tenant is told of the tenant; of all together only what is odd of none of them.
        """
        since = max(0, since_ns - _LATE_NS)
        found: list[Finding] = []
        for tenant in [*(one.id for one in await self._tenants.all()), None]:
            found += await self._insight.anomalies(tenant, "", max(0, day_of(since) - DAY_NS))
        kept: dict[tuple[int, int], list[Finding]] = {}
        for one in found:
            ends = one.ends_ns or one.at_ns
            same = kept.setdefault((one.at_ns, ends), [])
            if (one.at_ns + ends) // 2 >= since and (one.tenant or not same):
                same.append(one)
        return Round(found=tuple(one for same in kept.values() for one in same))

    async def errors(self, since_ns: int, now_ns: int) -> Round:
        """Look at the errors that came since the last look, for those that are new or were thought to be solved."""
        inbox, lately = self._insight.inbox, max(0, since_ns - 5 * _MINUTE_NS)
        if await inbox.failed_since(lately):
            await inbox.collect(lately, now_ns)
        groups = await inbox.groups(None, since_ns=max(0, now_ns - _QUIET_NS), limit=_EVERY_GROUP)
        return Round(found=tuple(findings(groups, max(0, since_ns - _LATE_NS))), holding=holding(groups))

    async def models(self, since_ns: int, _: int) -> Round:
        """Look for models whose answers to the canaries' prompts changed. A week later it is what they are."""
        return Round(found=tuple(heard(each) for each in await self._canaries.changes(max(0, since_ns - _LATE_NS))))

    async def sources(self, _: int, __: int) -> Round:
        """Look for sources of documents that answers fall behind of."""
        return Round(found=tuple(map(unread, await self._sources.behind())), holding=frozenset())

    async def suites(self, _: int, __: int) -> Round:
        """Look for suites that come back by themselves and do not pass any more."""
        found = [missed(streak, table) for streak, table in await self._suites.failing() if table.alert != "off"]
        return Round(found=tuple(found), holding=frozenset())

    async def judging(self, _: int, now_ns: int) -> Round:
        """Look for judges whose day's budget is used up, and for those that fail on end."""
        found: list[Finding] = []
        for rule in await self._rules.all():
            ledger = await self._rules.ledgers.get(rule.key, rule.tenant or "default")
            if ledger is None or not rule.enabled:
                continue
            faults = await self._rules.faults.find(group=rule.key, limit=3) if ledger.failing >= _FAILING else []
            found += judged(rule, ledger, faults, now_ns)
        return Round(found=tuple(found), holding=frozenset())


def heard(reading: Reading) -> Finding:
    """Return what there is to tell of a model whose answers changed."""
    return Finding(
        kind="model",
        key=f"model:{reading.group}:{reading.at_ns}",
        app=reading.app,
        title=f"The model {reading.model} at {reading.deployment} answers otherwise than it did: {reading.why}",
        at_ns=reading.at_ns,
        ends_ns=reading.at_ns + WEEK_NS,
        facts={"canary": reading.canary, "deployment": reading.deployment, "model": reading.model}
        | ({"p": f"{reading.p:.2g}"} if reading.p is not None else {}),
    )


def unread(behind: Behind) -> Finding:
    """Return what there is to tell of a source that could not be read for too long."""
    state = behind.state
    since = f"since {at(state.synced_ns):%Y-%m-%d %H:%M} UTC" if state.synced_ns else "ever since it is there"
    return Finding(
        kind="source",
        key=f"source:{state.app}:{state.collection}:{state.source}:{state.synced_ns}",
        app=state.app,
        title=f"The source {state.source} of {state.collection} was not read whole {since}: {state.message or 'no look at it'}",
        at_ns=behind.since_ns,
        facts={"knowledge": state.collection, "source": state.source} | ({"code": state.code} if state.code else {}),
    )


def missed(streak: Streak, table: EvaluateTable) -> Finding:
    """Return what there is to tell of a suite that does not pass."""
    often = "the last time" if streak.failed == 1 else f"{streak.failed} times on end"
    return Finding(
        kind="evaluation",
        key=f"evaluation:{streak.app}:{streak.suite}:{streak.failing_ns}",
        tenant=streak.tenant,
        app=streak.app,
        severity="critical" if table.alert == "page" else "warning",
        title=f"The suite {streak.suite} was not passed {often}: {streak.why}",
        at_ns=streak.failing_ns,
        facts={"suite": streak.suite} | ({"run": streak.run} if streak.run else {}),
    )


def judged(rule: Rule, ledger: Ledger, faults: Sequence[Fault], now_ns: int) -> list[Finding]:
    """Return what there is to tell of a judge."""
    tenant, today, found = rule.tenant or "default", day_of(now_ns), list[Finding]()
    if ledger.capped_ns >= today:
        found.append(
            Finding(
                kind="judging",
                key=f"judging:capped:{rule.key}:{today}",
                tenant=tenant,
                app=rule.app,
                title=f"The rule {rule.name} has used up its {rule.budget} USD of the day: what comes is not judged",
                at_ns=ledger.capped_ns,
                ends_ns=today + DAY_NS,
                facts={"rule": rule.name, "budget": rule.budget},
            )
        )
    if ledger.failing >= _FAILING:
        found.append(
            Finding(
                kind="judging",
                key=f"judging:failing:{rule.key}:{ledger.failing_ns}",
                tenant=tenant,
                app=rule.app,
                title=f"The rule {rule.name} failed {ledger.failing} times on end",
                at_ns=ledger.failing_ns,
                facts={"rule": rule.name, "failed": f"{ledger.failing}"} | ({"code": faults[0].code} if faults else {}),
                examples=tuple(one.trace for one in faults if one.trace),
            )
        )
    return found


def holding(groups: Iterable[Group]) -> frozenset[str]:
    """Return the keys of the errors that nobody solved or ignores."""
    return frozenset(one.news for one in groups if one.state in {"open", "regressed"})
