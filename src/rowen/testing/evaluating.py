"""What the pytest plug-in does when a test asks for it: evaluates a function or an app, in memory."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rowen.config import Loaded, read
from rowen.evaluate.files import read as cases_in
from rowen.evaluate.run.aim import Aim
from rowen.evaluate.run.desk import Plan, plan_of
from rowen.evaluate.run.function import of_callable
from rowen.evaluate.run.result import Result
from rowen.evaluate.run.suite import EvaluateTable, Undecided
from rowen.evaluate.run.work import RunWork
from rowen.serve.evaluating import Means, bench
from rowen.serve.settings import ServerSettings
from rowen.serve.tables import TABLES
from rowen.values import Case, Run, SystemClock, Target


def evaluated(
    target: Callable[..., Any] | str | Path,
    *,
    folder: Path,
    cases: str | Path | Sequence[Case] = "",
    suite: str = "",
    must: Mapping[str, str] | None = None,
    scorers: Sequence[str] = (),
    trials: int = 1,
    concurrency: int = 8,
    budget: str = "",
    undecided: Undecided = "value",
) -> Result:
    """Evaluate something on cases; return what came of it. Nothing is kept.

    Args:
        target: a function, plain or `async`, or the path of an `app.toml`.
        folder: where relative paths start.
        cases: a file, or cases at hand; default: those of the suite.
        suite: the name of an `[evaluate.NAME]` table of the app, which the other arguments change.
        must: what metrics must be.
        scorers: who judges, by kind, or by the name of a table of the app.
        trials: how often each case is tried.
        concurrency: cases at the same time.
        budget: US dollars that it may cost.
        undecided: what decides where the cases are too few.

    Raises:
        Problem: it cannot be evaluated.
        ValueError: a bound that is none.

    """
    loaded = None if callable(target) else read(folder / target, TABLES)
    tables: dict[str, EvaluateTable] = {} if loaded is None else loaded.tables["evaluate"]
    table = tables[suite] if suite else EvaluateTable(cases=str(cases) if isinstance(cases, str | Path) else "given")
    given: dict[str, Any] = {
        "must": dict(must or {}),
        "scorers": tuple(scorers),
        "budget": budget,
        "trials": trials if trials > 1 else 0,
        "concurrency": concurrency if concurrency != 8 else 0,
        "undecided": undecided if undecided != "value" else "",
    }
    table = table.but(**{name: value for name, value in given.items() if value})
    found = cases_of(cases or table.cases, folder=folder) if isinstance(cases, str | Path) else list(cases)
    work = _run(target, loaded, table, found, suite)
    # A loop of its own in a thread of its own: the test may be running in one.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def cases_of(file: str | Path, *, folder: Path) -> list[Case]:
    """Return the cases of a file.

    Raises:
        Mistaken: it cannot be read.

    """
    return cases_in(folder / file)


def told(result: Result) -> str:
    """Return what speaks against a result, for a failing test."""
    run = result.run
    lines = [f"{run.answered + run.failed} of {run.cases * run.trials} tried, {run.failed} failed: {result.why}"]
    lines += [f"  {each.metric}: {each.interval}" for each in result.figures if not each.measured]
    lines += [f"  {count} failed: {error}" for error, count in result.errors.items()]
    return "\n".join(lines)


async def _run(target: Any, loaded: Loaded | None, table: EvaluateTable, cases: Sequence[Case], suite: str) -> Result:
    clock = SystemClock()
    apps = [] if loaded is None else [loaded]
    async with bench(ServerSettings(store="memory:"), apps, clock) as found:
        if loaded is None:
            name = getattr(target, "__qualname__", type(target).__name__)
            aim = of_callable(target, name)
            work = RunWork(found.desk, found.store.records, _Own(found.means, aim), clock)
            tried = aim.target
        else:
            work = found.work
            tried = Target(kind="definition", app=loaded.definition.app, definition=loaded.definition.hash)
        plan = plan_of(table, () if loaded is None else loaded.tables["score"], cases)
        brought = await found.desk.kept(cases, name="pytest", tenant="default")
        return await work.done(await found.desk.begin(tried, brought, plan, suite=suite))


class _Own:
    """The means of a function that is at hand."""

    def __init__(self, means: Means, aim: Aim) -> None:
        self._aim = aim
        self.judges = means.judges
        self.loaded = means.loaded

    async def aim(self, run: Run, plan: Plan) -> Aim:  # noqa: ARG002 - the shape of all means
        return self._aim
