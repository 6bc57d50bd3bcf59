"""The gate: what must be shown of a version before it answers anybody. It reads, and decides nothing else."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from rowen.evaluate.plan import Judged, MetricsTable, decide
from rowen.evaluate.run.base import Loaded
from rowen.release.evidence import Evidence, differences
from rowen.release.remark import Remark
from rowen.release.ruling import Finding, Ruling
from rowen.release.suite import shown
from rowen.release.terms import Terms
from rowen.release.version import Version
from rowen.values import Index, Live, Run, Value


class Budget(Value, frozen=True, kw_only=True):
    """How an objective stands."""

    name: str
    spent: bool
    """Whether its error budget is gone."""
    why: str


class Budgets(Protocol):
    """Gives how the objectives of an app stand."""

    async def budget(self, app: str, objective: str) -> Budget | None:
        """Return how one stands; None when there is no such objective."""
        ...


Indexes = Callable[[str], Awaitable[Sequence[Index]]]
"""Gives the indexes that a Definition answers from now, by its hash."""


class Candidate(Value, frozen=True, kw_only=True):
    """A version that wants to be let out, and everything about it that is known."""

    version: Version
    environment: str
    terms: Terms
    live: Live | None = None
    remarks: tuple[Remark, ...] = ()

    @property
    def baseline(self) -> str:
        """What it is held against; empty where nothing is live, or it is itself."""
        live = self.live.definition if self.live else ""
        return "" if live == self.version.definition else live


class Gate:
    """Says whether a version may be let out, why not, and what would mend it.

    Args:
        evidence: the runs that were made.
        budgets: how objectives stand.
        indexes: gives what a Definition answers from now.

    """

    def __init__(self, evidence: Evidence, budgets: Budgets, *, indexes: Indexes) -> None:
        self._evidence = evidence
        self._budgets = budgets
        self._indexes = indexes

    async def ruling(self, case: Candidate) -> Ruling:
        """Return what the gate says of a version."""
        findings: list[Finding] = []
        runs: list[str] = []
        suites = [name.partition(".")[2] for name in case.terms.gates if name.startswith("evaluate.")]
        if not suites:
            findings.append(_no_suite(case))
        for suite in suites:
            found, rested = await self._suite(case, suite)
            findings += found
            runs += rested
        for name in case.terms.gates:
            if name.startswith("watch."):
                findings.append(await self._budget(case, name))
        findings += [*_people(case), *_path(case)]
        return Ruling(
            app=case.version.app,
            environment=case.environment,
            definition=case.version.definition,
            baseline=case.baseline,
            open=all(each.passed for each in findings),
            findings=tuple(findings),
            runs=tuple(runs),
        )

    async def _suite(self, case: Candidate, suite: str) -> tuple[list[Finding], list[str]]:
        gate, every = f"evaluate.{suite}", await self._evidence.runs(case.version.app, suite)
        hash = case.version.definition
        run = _last(every, hash)
        if run is None:
            return [_not_run(gate, suite, case.version, every)], []
        age, latest = await self._evidence.age(run)
        if age == "expired":
            why = f"the data set {run.dataset} is past the day up to which it may decide"
            fix = f"look through it, then `rowen cases describe {run.dataset} --expires YYYY-MM-DD`"
            return [Finding(gate=gate, kind="data set", passed=False, why=why, fix=fix)], [run.id]
        if latest and run.version != latest:
            why = f"it was run on version {run.version[:12]} of {run.dataset}, which now is at {latest[:12]}"
            return [
                Finding(gate=gate, kind="data set", passed=False, why=why, fix=f"run `{_eval_of(suite, case.version)}`")
            ], [run.id]
        loaded = await self._evidence.loaded(run)
        found = [*shown(gate, suite, loaded, case.terms), *_indexed(gate, suite, run, await self._indexes(hash))]
        if age == "due":
            why = f"the data set {run.dataset} is due to be looked through"
            found.append(Finding(gate=gate, kind="data set", passed=True, why=why))
        if not case.baseline:
            return found, [run.id]
        against = _last([one for one in every if one.version == run.version], case.baseline)
        if against is None:
            why = f"what is live ({case.baseline[:12]}) was not run on version {run.version[:12] or 'none'} of {run.dataset}"
            fix = f"run `{_eval(suite, case.baseline)}`"
            return [*found, Finding(gate=gate, kind="comparison", passed=False, why=why, fix=fix)], [run.id]
        found += _compared(gate, case, loaded, await self._evidence.loaded(against))
        return found, [run.id, against.id]

    async def _budget(self, case: Candidate, gate: str) -> Finding:
        name = gate.partition(".")[2]
        found = await self._budgets.budget(case.version.app, name)
        if found is None and name in case.terms.objectives:
            why = "it is new with this version, so that nothing was measured of it yet"
            return Finding(gate=gate, kind="budget", passed=True, why=why)
        if found is None:
            fix = f"write `[watch.{name}]` in app.toml, or take it out of `gate`"
            return Finding(gate=gate, kind="gate", passed=False, why="there is no such objective", fix=fix)
        fix = f"see `rowen slo` and mend what spends the budget of {name}, or wait" if found.spent else ""
        return Finding(gate=gate, kind="budget", passed=not found.spent, why=found.why, fix=fix)


def _no_suite(case: Candidate) -> Finding:
    return Finding(
        gate="evaluate",
        kind="evaluation",
        passed=False,
        why="no evaluation is asked for: nothing would show whether this version is any good",
        fix=f'write `[evaluate.smoke]` and `gate = ["evaluate.smoke"]` under `[release]` for {case.version.app}',
    )


def _last(runs: Sequence[Run], definition: str) -> Run | None:
    """Return the last run of a Definition that ended well. Those of any other hash are no evidence."""
    return next((one for one in runs if one.target.definition == definition and one.state == "done"), None)


def _not_run(gate: str, suite: str, version: Version, every: Sequence[Run]) -> Finding:
    mine = [one for one in every if one.target.definition == version.definition]
    if mine:
        why = f"run {mine[0].id} of it is {mine[0].state}" + (f": {mine[0].why}" if mine[0].why else "")
    elif every:
        why = f"it was never run on this version; the last run is of {every[0].target.definition[:12]}"
    else:
        why = "it was never run"
    return Finding(gate=gate, kind="evaluation", passed=False, why=why, fix=f"run `{_eval_of(suite, version)}`")


def _indexed(gate: str, suite: str, run: Run, now: Sequence[Index]) -> list[Finding]:
    """Return on which indexes a version was judged, and whether it still answers from them.

    Documents change every day, so that what was judged on those of yesterday is told and holds nothing up. What was
    judged on no index, or on the one of another version, says nothing of this one.
    """
    found, today = [], {each.name: each for each in now}
    fix = f"run `{_eval(suite, run.target.definition)}`"
    for each in run.indexes:
        current = today.get(each.name, Index(name=each.name))
        passed, mend = bool(each.build) and not each.borrowed, fix
        if not each.build:
            why, mend = f"{each.name} was not indexed yet when it was run", f"run `rowen index sync`, then {fix}"
        elif each.borrowed:
            why = f"it was run on the index of {each.name} that another version makes, since its own was not whole"
        elif (current.build, current.snapshot) == (each.build, each.snapshot):
            why = (
                f"it was run on what {each.name} answers from now (index {each.build}, documents {each.snapshot[:12]})"
            )
        else:
            then, later = f"index {each.build}, documents {each.snapshot[:12]}", current.snapshot[:12] or "gone"
            why = f"what {each.name} knows has changed since it was run ({then}; now {later})"
        found.append(Finding(gate=gate, kind="index", passed=passed, why=why, fix="" if passed else mend))
    return found


def _eval(suite: str, definition: str) -> str:
    return f"rowen eval {suite} --version {definition[:12]}"


def _eval_of(suite: str, version: Version) -> str:
    """Return what runs a suite on a version; on what the file says where nobody has put that forward."""
    return _eval(suite, version.definition) if version.number else f"rowen eval {suite}"


def _compared(gate: str, case: Candidate, candidate: Loaded, baseline: Loaded) -> list[Finding]:
    """Return how a version stands to what is live over the same cases, metric by metric of the plan."""
    plan, strict = case.terms.plan, case.terms.table.strategy == "immediate"
    if not plan.primary:
        why = "no metric plan says what decides, so that it is held against nothing"
        fix = 'write `[metrics]` with `primary = "…"` in app.toml'
        return [Finding(gate=gate, kind="comparison", passed=False, why=why, fix=fix)]
    decision = decide(plan, differences(candidate, baseline, plan))
    runs = (candidate.run.id, baseline.run.id)
    return [_stands(gate, one, plan, runs, strict=strict) for one in decision.metrics]


def _stands(gate: str, judged: Judged, plan: MetricsTable, runs: tuple[str, str], *, strict: bool) -> Finding:
    """Say whether one metric holds a version up.

    Worse always does. Not decided does where a margin is written, which must be shown; and for the primary metric where
    it fell and everybody would get the version at once: by steps, the traffic decides about that.
    """
    why, fix = f"against what is live, {judged}", ""
    passed = judged.role == "goal" or judged.standing in ("better", "not worse")
    if not passed and judged.standing == "undecided":
        found, primary = judged.difference, judged.role == "primary"
        if found is None or found.value is None:
            fix = f"let the suite score `{judged.metric}`, or take it out of [metrics]"
        elif primary and not strict:
            passed, why = True, f"{why}; the traffic will decide"
        elif not judged.margin and (
            not primary or found.value * (1 if plan.higher_is_better(judged.metric) else -1) >= 0
        ):
            passed, why = True, f"{why}; no margin is written for it, so that only a loss that shows would count"
        else:
            fix = "add cases to the data set (`rowen cases needed` says how many)"
            fix += ', or let it out by `strategy = "canary"`' if primary else ""
    elif not passed:
        more = "lower" if plan.higher_is_better(judged.metric) else "higher"
        fix = f"see `rowen compare {runs[1]} {runs[0]}` for the cases in which `{judged.metric}` is {more}"
    return Finding(gate=gate, kind="comparison", passed=passed, why=why, fix=fix)


def _people(case: Candidate) -> list[Finding]:
    version, found = case.version, []
    for remark in case.remarks:
        if remark.holds:
            text = remark.text if len(remark.text) <= 80 else f"{remark.text[:79]}…"
            fix = f"answer it, then `rowen versions resolve {version.number} {remark.id}`"
            found.append(
                Finding(gate="remarks", kind="remark", passed=False, why=f'{remark.by} blocks it: "{text}"', fix=fix)
            )
    if case.terms.approvals:
        others = [each.by for each in version.approvals if each.by != version.author]
        own = ", and the author's own does not count" if len(others) < len(version.approvals) else ""
        why = f"{len(others)} of {case.terms.approvals} approvals by others than {version.author or 'its author'}{own}"
        passed = len(others) >= case.terms.approvals
        fix = "run `rowen release --propose`, then have somebody else approve of it"
        if version.number:
            fix = f"have somebody else run `rowen versions approve {version.number}`"
        found.append(Finding(gate="approvals", kind="approval", passed=passed, why=why, fix="" if passed else fix))
    if not version.note.strip():
        found.append(
            Finding(gate="note", kind="note", passed=False, why="nobody said what changed", fix="give `--note`")
        )
    if case.live is not None and case.live.frozen:
        why = f"the app is frozen in {case.environment}: {case.live.frozen}"
        fix = f"wait until that has passed, or `rowen releases thaw {version.app} --note …`"
        found.append(Finding(gate="freeze", kind="freeze", passed=False, why=why, fix=fix))
    return found


def _path(case: Candidate) -> list[Finding]:
    path = case.terms.table.path
    if case.environment not in path or not (place := path.index(case.environment)):
        return []
    before, version = path[place - 1], case.version
    passed = before in version.answered
    why = f"it {'was' if passed else 'was never'} live in {before}, which comes before {case.environment}"
    fix = "" if passed else f"run `rowen release --environment {before}` first"
    return [Finding(gate="path", kind="path", passed=passed, why=why, fix=fix)]
