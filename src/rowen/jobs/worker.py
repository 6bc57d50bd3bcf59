"""The worker: takes jobs that are due, runs them, renews their leases, and settles how they ended."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from random import Random

from rowen.jobs.base import Handler, Job, Later
from rowen.jobs.queue import Queue
from rowen.jobs.task import Halted, Task
from rowen.values import Broken, Clock, Mistaken, Problem, Refused, Value, new_id

log = logging.getLogger(__name__)

Sleep = Callable[[float], Awaitable[None]]

_S = 1_000_000_000


class WorkerSettings(Value, frozen=True, kw_only=True):
    """How a worker works. Times are seconds."""

    at_once: int = 2
    """Jobs that one process runs at the same time."""
    look: float = 1.0
    """How often it looks for work that others queued."""
    lease: float = 30.0
    """How long a job of a killed process waits until another goes on with it."""
    renew: float = 2.0
    """How often leases are renewed and progress is written."""
    backoff: float = 2.0
    """The longest wait after the first failure; it doubles with each."""
    backoff_most: float = 600.0
    """No wait is longer."""


class Worker:
    """One process's worker. Any number of them may share a store.

    Args:
        queue: where jobs come from.
        handlers: who does which kind.
        clock: what time it is.
        settings: how it works.
        rng: where the jitter of waits comes from.
        sleep: how it waits between renewals.

    """

    def __init__(
        self,
        queue: Queue,
        handlers: Mapping[str, Handler],
        clock: Clock,
        *,
        settings: WorkerSettings | None = None,
        rng: Random | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._queue = queue
        self._handlers = dict(handlers)
        self._clock = clock
        self._settings = settings or WorkerSettings()
        self._rng = rng or Random()  # jitter, nothing secret
        self._sleep = sleep
        self.owner = new_id(clock.now_ns())
        self._running: dict[str, asyncio.Task[None]] = {}
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin in the background."""
        self._loop = asyncio.create_task(self._look(), name="jobs")

    async def stop(self) -> None:
        """Stop. Jobs under way are put back, so that another process goes on with them at once."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
        for running in self._running.values():
            running.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def once(self) -> int:
        """Run what is due now to its end, one after another; return how many jobs that were."""
        count = 0
        while (job := await self._claim()) is not None:
            await self._run(job)
            count += 1
        return count

    async def _look(self) -> None:
        while True:
            self._queue.woken.clear()
            try:
                while len(self._running) < self._settings.at_once and (job := await self._claim()) is not None:
                    self._begin(job)
            except Problem as problem:
                log.warning("jobs cannot be taken now: %s", problem)
            # Not `wait_for`: before Python 3.12 it may swallow the cancellation that stops this loop.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.look):
                    await self._queue.woken.wait()

    def _begin(self, job: Job) -> None:
        running = asyncio.create_task(self._run(job), name=f"job {job.id}")
        self._running[job.id] = running

        def over(_: asyncio.Task[None]) -> None:
            self._running.pop(job.id, None)
            self._queue.woken.set()

        running.add_done_callback(over)

    async def _claim(self) -> Job | None:
        return await self._queue.claim(self.owner, self._handlers, round(self._settings.lease * _S))

    async def _run(self, job: Job) -> None:
        """Run a job and settle how it ended. A store that fails leaves it to whoever takes it when its lease lapses."""
        renewing: asyncio.Task[None] | None = None
        task: Task | None = None
        try:
            task = Task(
                id=job.id,
                tenant=job.tenant,
                app=job.app,
                input=job.input,
                known=await self._queue.steps(job),
                remember=partial(self._queue.remember, job),
            )
            task.progress(job.done, job.total, job.note)
            renewing = asyncio.create_task(self._renew(job, task), name=f"lease of job {job.id}")
            result = await self._handlers[job.kind](task)
            await self._settle(job, self._ended(task, result or {}))
            await self._queue.forget(job)
        except asyncio.CancelledError:
            with contextlib.suppress(Problem):
                await asyncio.shield(
                    self._settle(job, lambda now: self._later(now, task, now.note, self._clock.now_ns()))
                )
            raise
        except Halted as halted:
            await self._stopped(job, halted)
        except Later as later:
            why, until = later.why, later.until_ns
            await self._settle(job, lambda now: self._later(now, task, why, until))
        except Problem as problem:
            await self._failed(job, task, problem)
        except Exception as error:  # the job loop records whatever a handler raises
            log.exception("job %s broke", job.id)
            await self._failed(job, task, Broken("broken", f"{type(error).__name__} in a job of the kind {job.kind}"))
        finally:
            if renewing is not None:
                renewing.cancel()

    async def _renew(self, job: Job, task: Task) -> None:
        """Keep the lease, write the progress, and hand on what is wished."""
        until = job.lease_ns
        while True:
            await self._sleep(self._settings.renew)
            later = self._clock.now_ns() + round(self._settings.lease * _S)
            try:
                found = await self._queue.change(job.id, job.tenant, partial(self._renewed, task, later))
            except Problem as problem:
                if self._clock.now_ns() > until:
                    task.halt("lost")
                log.warning("the lease of job %s cannot be renewed: %s", job.id, problem)
                continue
            if found.owner != self.owner or found.state != "running":
                task.halt("lost")
                return
            until = later
            if found.wish:
                task.halt(found.wish)

    def _renewed(self, task: Task, until_ns: int, job: Job) -> Job:
        if job.owner != self.owner or job.state != "running":
            return job
        return job.but(lease_ns=until_ns, done=task.done, total=task.total, note=task.note)

    def _ended(self, task: Task, result: dict[str, object]) -> Callable[[Job], Job]:
        now_ns = self._clock.now_ns()

        def change(job: Job) -> Job:
            kept = job.but(
                owner="", lease_ns=0, wish="", attempt=0, code="", message="", result=result, runs=job.runs + 1,
                ended_ns=now_ns, done=task.done, total=task.total, note=task.note,
            )  # fmt: skip
            if job.wish == "cancel":
                return kept.but(state="cancelled")
            if not job.every_ns:
                return kept.but(state="done")
            return kept.but(state="paused" if job.wish == "pause" else "queued", due_ns=self._next(job, now_ns))

        return change

    async def _stopped(self, job: Job, halted: Halted) -> None:
        now_ns = self._clock.now_ns()
        match halted.why:
            case "lost":
                log.warning("job %s is in other hands now", job.id)
            case "pause":
                await self._settle(job, lambda now: now.but(state="paused", wish="", owner="", lease_ns=0))
            case "cancel":
                await self._settle(
                    job, lambda now: now.but(state="cancelled", wish="", owner="", lease_ns=0, ended_ns=now_ns)
                )

    async def _failed(self, job: Job, task: Task | None, problem: Problem) -> None:
        now_ns = self._clock.now_ns()
        if isinstance(problem, Refused) and problem.retry_after is not None:
            until = now_ns + round(problem.retry_after * _S)
            await self._settle(job, lambda now: self._later(now, task, problem.message, until))
            return
        hopeless = isinstance(problem, Mistaken | Refused)

        def change(now: Job) -> Job:
            tried = now.attempt + 1
            kept = now.but(
                owner="", lease_ns=0, attempt=tried, code=problem.code, message=problem.message,
                done=task.done if task else now.done, total=task.total if task else now.total,
            )  # fmt: skip
            if now.wish == "cancel":
                return kept.but(state="cancelled", wish="", ended_ns=now_ns)
            if now.wish == "pause":
                return kept.but(state="paused", wish="")
            if not hopeless and tried < now.attempts:
                return kept.but(state="queued", due_ns=now_ns + self._wait_ns(tried))
            if now.every_ns:  # what comes back tries again when its time comes
                return kept.but(state="queued", attempt=0, ended_ns=now_ns, due_ns=self._next(now, now_ns))
            return kept.but(state="failed", ended_ns=now_ns)

        await self._settle(job, change)

    def _later(self, job: Job, task: Task | None, why: str, until_ns: int) -> Job:
        state = {"cancel": "cancelled", "pause": "paused"}.get(job.wish, "queued")
        return job.but(
            state=state,
            wish="",
            owner="",
            lease_ns=0,
            due_ns=until_ns,
            note=why,
            done=task.done if task else job.done,
            total=task.total if task else job.total,
        )

    async def _settle(self, job: Job, change: Callable[[Job], Job]) -> None:
        """Write how a run ended, unless the job is in other hands by now."""

        def ours(now: Job) -> Job:
            return change(now) if now.owner == self.owner and now.state == "running" else now

        try:
            await self._queue.change(job.id, job.tenant, ours)
        except Problem as problem:
            log.warning("the end of job %s cannot be written, it will be taken up again: %s", job.id, problem)

    def _wait_ns(self, tried: int) -> int:
        longest = min(self._settings.backoff_most, self._settings.backoff * 2.0 ** (tried - 1))
        return round(self._rng.uniform(0.5, 1.0) * longest * _S)

    @staticmethod
    def _next(job: Job, now_ns: int) -> int:
        """When work that comes back begins again: a whole number of periods after it was due, in the future."""
        missed = max(0, now_ns - job.due_ns) // job.every_ns
        due: int = job.due_ns + (missed + 1) * job.every_ns
        return due
