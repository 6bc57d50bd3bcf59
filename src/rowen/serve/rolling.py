"""Watches what rolls out in this process: hears of every assigned call, sees failures at once, and has the rest looked at."""

import asyncio
import logging

from rowen.evaluate.plan import MetricsTable
from rowen.jobs import Handler, Queue
from rowen.release import Reason, Releases
from rowen.release.breach import Breach, Sentry
from rowen.release.exposure import Exposures
from rowen.release.rounds import Rounds, ended_by_breach
from rowen.serve.apps import Served
from rowen.store.base import Store
from rowen.values import Call, Clock, Problem, Rollout
from rowen.watch.desk import Desk

log = logging.getLogger(__name__)

_FLUSH = 5.0


class Rolling:
    """What goes on beside the doors while something rolls out.

    Args:
        store: where everything stands.
        served: the apps.
        releases: what is live.
        exposures: who got what.
        queue: where looks are queued.
        watch: says whether an error budget stops releases.
        clock: what time it is.

    """

    def __init__(
        self,
        store: Store,
        served: Served,
        releases: Releases,
        exposures: Exposures,
        *,
        queue: Queue,
        watch: Desk,
        clock: Clock,
    ) -> None:
        self._served = served
        self._releases = releases
        self._watch = watch
        self._sentry = Sentry()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None
        self.exposures = exposures
        self.rounds = Rounds(
            releases,
            self.exposures,
            store.scores,
            queue=queue,
            clock=clock,
            plan=self._plan,
            held=self._held,
        )
        served.ended = self._ended

    @property
    def handlers(self) -> dict[str, Handler]:
        """Who does which kind of job."""
        return self.rounds.handlers

    async def queue(self) -> None:
        """See that every rollout that runs is looked at."""
        await self.rounds.queue(self._served.live())

    def start(self) -> None:
        """Begin to write down who got what, every few seconds."""
        self._loop = asyncio.create_task(self._run(), name="exposures")

    async def settled(self) -> None:
        """Wait for what was begun by failures."""
        await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        """Stop."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH)
            self._sentry.forget({rollout.id for live in self._served.live() for rollout in live.rollouts})
            try:
                await self.exposures.flush()
            except Problem as problem:
                log.warning("who got what cannot be written now: %s", problem)

    def _ended(self, call: Call) -> None:
        running = {each.id: each for live in self._served.live() if live.app == call.app for each in live.rollouts}
        breach = self._sentry.see(call, running)
        if breach is None:
            return
        log.error("%s of %s: %s", breach.rollout, call.app, breach)
        rollout = running[breach.rollout]
        if rollout.auto:
            task = asyncio.get_running_loop().create_task(self._back(rollout, breach))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _back(self, rollout: Rollout, breach: Breach) -> None:
        evidence = {"failed": breach.failed, "calls": breach.calls, "expected": breach.expected, "codes": breach.codes}
        why = Reason(by="rowen", note=str(breach), evidence=evidence)
        if await ended_by_breach(self._releases, rollout, why):
            await self._served.refresh()

    def _plan(self, rollout: Rollout) -> MetricsTable | None:
        for live, loaded in zip(self._served.live(), self._served.loaded(), strict=True):
            if (live.app, live.environment) == (rollout.app, rollout.environment):
                plan: MetricsTable = loaded.tables["metrics"]
                return plan
        return None

    async def _held(self, app: str) -> str:
        frozen = await self._watch.freeze(self._watch.app(app))
        return "; ".join(frozen.reasons)
