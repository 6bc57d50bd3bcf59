"""Runs on a server: begun by whoever may, done by a durable job, stopped and resumed; and suites that come back by themselves."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import count
from typing import Any

from rowen.config import Loaded
from rowen.evaluate.run.desk import ENDED, RunDesk, plan_of
from rowen.evaluate.run.result import Result, Results
from rowen.evaluate.run.streak import Streak, id_of
from rowen.evaluate.run.suite import EvaluateTable
from rowen.evaluate.run.work import Means, RunWork, result
from rowen.jobs import Handler, Later, Queue, Task
from rowen.store.base import Records
from rowen.values import Clock, Mistaken, Problem, Run, Settings, Target

RUN, SUITE = "evaluate.run", "evaluate.suite"
_AGAIN_NS = 300_000_000_000
"""How long a run that a limit paused is left alone."""
_UNREAD_NS = 30_000_000_000
"""How long a suite waits whose app does not know its documents yet."""
_KEPT = 200
_SCHEDULED = "on its schedule"
_BY_HAND = "stopped"
"""How the reason of a run begins that somebody stopped: no verdict on the app."""
_OURS = ("paused", "stopped", "it was interrupted")


Unread = Callable[[str], Awaitable[str]]
"""Gives which of an app's knowledge was never read yet; empty for none."""


class Order(Settings, frozen=True, kw_only=True):
    """A run that somebody wants."""

    app: str
    suite: str
    """The `[evaluate.NAME]` table."""
    definition: str = ""
    """The hash of a Definition that was kept; default: what is live."""
    cases: str = ""
    """`dataset:NAME` or `dataset:NAME@VERSION`; default: those of the suite."""
    trials: int = 0
    budget: str = ""
    note: str = ""
    fresh: bool = False
    """Whether everything is asked anew."""


class RunOffice:
    """Begins, does and ends runs.

    Args:
        desk: where they are.
        work: does them.
        means: reads the apps.
        records: where results are.
        queue: where their jobs are queued.
        clock: what time it is.
        served: gives the apps that are served, as they are live.
        unread: says of an app what it has yet to read: nothing is asked by schedule before that.

    """

    def __init__(
        self,
        desk: RunDesk,
        work: RunWork,
        means: Means,
        records: Records,
        queue: Queue,
        clock: Clock,
        served: Callable[[], Sequence[Loaded]],
        unread: Unread,
    ) -> None:
        self.desk = desk
        self.streaks = Streak.shelf(records)
        self._work = work
        self._means = means
        self._records = records
        self._queue = queue
        self._clock = clock
        self._served = served
        self._unread = unread

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """Who does which kind of job."""
        return {RUN: self.do, SUITE: self.come_back}

    def suites(self) -> list[tuple[str, str]]:
        """Return the suites of the apps that are served, as app and name."""
        return [(each.definition.app, name) for each in self._served() for name in each.tables["evaluate"]]

    async def failing(self) -> list[tuple[Streak, EvaluateTable]]:
        """Return the suites that come back by themselves and fail, with their tables as they are now."""
        found: list[tuple[Streak, EvaluateTable]] = []
        for loaded in self._served():
            for name, table in loaded.tables["evaluate"].items():
                streak = await self.streaks.get(id_of(loaded.definition.app, name)) if table.every else None
                if streak is not None and streak.failing_ns:
                    found.append((streak, table))
        return found

    async def start(self, order: Order, *, tenant: str, by: str = "") -> Run:
        """Begin a run; a job does it.

        Raises:
            Mistaken: there is no such app, suite, Definition or data set; or something cannot judge.

        """
        live = next((each for each in self._served() if each.definition.app == order.app), None)
        if live is None:
            raise Mistaken("app_unknown", f'no app "{order.app}" is served here', place="app")
        loaded = await self._means.loaded(order.app, order.definition or live.definition.hash)
        table = _table(loaded, order)
        brought = await self.desk.brought(table.cases, folder=live.path.parent, table=table, tenant=tenant)
        plan = plan_of(table, loaded.tables["score"], brought.cases).but(reuse=not order.fresh)
        target = Target(
            kind="definition", app=order.app, definition=loaded.definition.hash, name=loaded.tables["app"].release
        )
        run = await self.desk.begin(target, brought, plan, suite=order.suite, tenant=tenant, by=by, note=order.note)
        self._means.judges(run, plan)  # what cannot judge is told before anything is paid for
        await self._queued(run, by)
        return run

    async def stop(self, id: str, tenant: str | None, *, by: str = "") -> Run:
        """Tell a run to stop.

        Raises:
            Mistaken: `not_found`, `conflict`.

        """
        return await self.desk.stop(id, tenant, by=by)

    async def resume(self, id: str, tenant: str | None, *, budget: str = "", by: str = "") -> Run:
        """Let a run go on that ended early.

        Raises:
            Mistaken: `not_found`; `conflict` for one that is under way or done.

        """
        run = await self.desk.get(id, tenant)
        if run.state not in {"stopped", "paused"}:
            raise Mistaken("conflict", f"the run is {run.state}", place="run")
        if run.target.kind != "definition":
            raise Mistaken("conflict", "it was run on the command line, and goes on there", place="run")
        ready = await self.desk.ready(run.id, run.tenant, budget=budget)
        await self._queued(ready, by)
        return ready

    async def delete(self, run: Run) -> None:
        """Remove a run with its outcomes and its result.

        Raises:
            Mistaken: `conflict` while it runs.

        """
        if run.state in {"running", "waiting"}:
            raise Mistaken("conflict", f"the run is {run.state}: stop it first", place="run")
        await Results(self._records).delete(run)
        await self.desk.delete(run.id, run.tenant)

    async def result(self, run: Run) -> Result:
        """Return what came of a run so far."""
        return await result(self.desk, self._records, run)

    async def kept(self, tenant: str | None) -> dict[str, Result]:
        """Return what came of the latest runs that have ended, by their ids."""
        return await Results(self._records).latest(tenant, _KEPT)

    async def queue_written(self) -> None:
        """See that the suites that come back by themselves have their jobs."""
        for loaded in self._served():
            for name, table in loaded.tables["evaluate"].items():
                if table.every:
                    app = loaded.definition.app
                    await self._queue.keep(
                        SUITE, id=id_of(app, name), app=app, input={"app": app, "suite": name},
                        every_ns=round(table.every * 1e9), about=f"runs the suite {name}",
                    )  # fmt: skip

    async def do(self, task: Task) -> dict[str, Any]:
        """Do a run; the job of it."""
        run = await self.desk.get(task.input["run"], task.tenant)
        if run.state in ENDED:
            return {"state": run.state}

        def told(run: Run) -> None:
            task.progress(run.answered + run.failed, run.cases * run.trials, f"{run.failed} failed")
            task.check()

        scheduled = run.note == _SCHEDULED and not run.by
        try:
            found = await self._work.done(run, told=told)
        except Mistaken as problem:
            if scheduled:
                await self._note(run.app, run.suite, problem)
            raise
        run = found.run
        if run.state == "paused" and not run.why.startswith(_OURS):
            raise Later(self._clock.now_ns() + _AGAIN_NS, run.why)
        if scheduled and run.state in ENDED and not run.why.startswith(_BY_HAND):
            await self._note(run.app, run.suite, found)
        return {"state": run.state, "passed": found.passed, "failed": run.failed, "cost": str(run.cost)}

    async def come_back(self, task: Task) -> dict[str, Any]:
        """Begin a run of a suite whose time has come; the job of the suite."""
        app, suite = task.input["app"], task.input["suite"]
        if (app, suite) not in self.suites():
            await self._queue.cancel(task.id, task.tenant)
            return {}
        if unread := await self._unread(app):
            raise Later(self._clock.now_ns() + _UNREAD_NS, f"{unread} is yet to be read")
        try:
            run = await self.start(Order(app=app, suite=suite, note=_SCHEDULED, fresh=True), tenant=task.tenant)
        except Problem as problem:
            await self._note(app, suite, problem)
            raise
        return {"run": run.id}

    async def _note(self, app: str, suite: str, came: Result | Problem) -> None:
        """Note how a suite stands after a run of its schedule has ended, or could not begin."""
        before = await self.streaks.get(id_of(app, suite)) or Streak(app=app, suite=suite, at_ns=0)
        await self.streaks.put(before.after(came, self._clock.now_ns()))

    async def _queued(self, run: Run, by: str) -> None:
        """See that a job does the run: the one it has, or another where that is done."""
        for number in count():
            id = f"{run.id}.{number}" if number else run.id
            job = await self._queue.add(
                RUN, id=id, tenant=run.tenant, app=run.app, input={"run": run.id}, by=by,
                about=f"evaluates {run.app} by {run.suite}", total=run.cases * run.trials,
            )  # fmt: skip
            if job.state in {"failed", "cancelled", "paused"}:
                await self._queue.resume(id, run.tenant)
            if job.state != "done":
                await self._queue.wake(id, run.tenant)
                return


def _table(loaded: Loaded, order: Order) -> EvaluateTable:
    tables: dict[str, EvaluateTable] = loaded.tables["evaluate"]
    if order.suite not in tables:
        known = ", ".join(tables) or "none"
        message = f"there is no [evaluate.{order.suite}] in {order.app}; there are: {known}"
        raise Mistaken("config_invalid", message, place="suite")
    if order.cases and not order.cases.startswith("dataset:"):
        raise Mistaken("field_invalid", "cases are named as dataset:NAME or dataset:NAME@VERSION", place="cases")
    wished: dict[str, Any] = {"cases": order.cases, "trials": order.trials, "budget": order.budget}
    try:
        return tables[order.suite].but(**{name: value for name, value in wished.items() if value})
    except ValueError as error:
        raise Mistaken("field_invalid", str(error), place="budget") from error
