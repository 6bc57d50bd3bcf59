"""The queue: jobs among the small records of the store, taken by whoever writes first.

Every change of a job is a write against the version that was read, so of two who want the same job one gets it. The
same holds for work that comes back: its record is its schedule, and needs no leader.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Any

import msgspec

from rowen.jobs.base import ENDED, Job, JobState
from rowen.store.base import Record, Records
from rowen.values import Clock, Mistaken, new_id

_JOB, _STEP = "job", "job.step"
_ALL = 100_000
_MANY = 10_000_000
_TRIES = 20

_decode = msgspec.json.Decoder(Job).decode


class Queue:
    """Jobs of one deployment.

    Args:
        records: where they are kept.
        clock: what time it is.

    """

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self.woken = asyncio.Event()
        """Set when this process queued something, so that its worker need not wait for its next look."""

    async def add(
        self,
        kind: str,
        *,
        tenant: str = "default",
        app: str = "",
        input: dict[str, Any] | None = None,
        id: str = "",
        about: str = "",
        by: str = "",
        due_ns: int = 0,
        every_ns: int = 0,
        total: int = 0,
    ) -> Job:
        """Queue a job; return it. A job that is there under a given `id` is left as it is, and returned."""
        now = self._clock.now_ns()
        job = Job(
            id=id or new_id(now),
            kind=kind,
            tenant=tenant,
            app=app,
            about=about,
            by=by,
            input=input or {},
            created_ns=now,
            due_ns=due_ns or now,
            every_ns=every_ns,
            total=total,
        )
        try:
            await self._put(job, 0)
        except Mistaken as problem:
            if problem.code != "conflict":
                raise
            return await self.get(job.id, tenant)
        self.woken.set()
        return job

    async def keep(
        self,
        kind: str,
        *,
        id: str,
        every_ns: int,
        tenant: str = "default",
        app: str = "",
        input: dict[str, Any] | None = None,
        about: str = "",
        anew: Callable[[], Awaitable[object]] | None = None,
    ) -> Job:
        """See that work that comes back has its job; return it.

        One that is there keeps its time and what it was asked for. With a shorter pace it is due no later than that from
        now. One that had ended, since what wanted it was gone or by hand, begins again; one that is paused stays so.

        Args:
            kind: of the job.
            id: of the one job for this work.
            every_ns: from one beginning to the next.
            tenant: whose it is.
            app: which app's.
            input: what a new one is asked for.
            about: what it is, for people.
            anew: is awaited before one that had ended begins again.

        """
        job = await self.add(kind, id=id, every_ns=every_ns, tenant=tenant, app=app, input=input, about=about)
        if job.every_ns != every_ns:
            latest = self._clock.now_ns() + every_ns
            job = await self.change(id, tenant, lambda now: now.but(every_ns=every_ns, due_ns=min(now.due_ns, latest)))
            self.woken.set()
        if job.state in ENDED:
            if anew is not None:
                await anew()
            again = partial(_again, now_ns=self._clock.now_ns())
            job = await self.change(id, tenant, lambda now: again(now) if now.state in ENDED else now)
            self.woken.set()
        return job

    async def get(self, id: str, tenant: str | None = None) -> Job:
        """Return a job.

        Raises:
            Mistaken: `not_found`.

        """
        return (await self._versioned(id, tenant))[0]

    async def find(
        self, *, tenant: str | None = None, app: str = "", kind: str = "", state: JobState | str = "", limit: int = 100
    ) -> list[Job]:
        """Return jobs, the last made first."""
        found = await self._records.find(_JOB, tenant=tenant, app=app, group=kind, state=state, limit=_ALL)
        jobs = sorted((_decode(each.body) for each in found), key=lambda job: (job.created_ns, job.id), reverse=True)
        return jobs[:limit]

    async def cancel(self, id: str, tenant: str | None = None) -> Job:
        """Cancel a job: at once when it waits, before its next step when it runs.

        Raises:
            Mistaken: `not_found`; `conflict` for one that has ended.

        """
        return await self._wished(id, tenant, "cancel", "cancelled")

    async def pause(self, id: str, tenant: str | None = None) -> Job:
        """Pause a job: at once when it waits, before its next step when it runs. Its steps stay done.

        Raises:
            Mistaken: `not_found`; `conflict` for one that has ended.

        """
        return await self._wished(id, tenant, "pause", "paused")

    async def resume(self, id: str, tenant: str | None = None) -> Job:
        """Let a job that was paused, cancelled or given up go on where it was.

        Raises:
            Mistaken: `not_found`; `conflict` for one that is done, waits or runs.

        """

        def change(job: Job) -> Job:
            if job.state not in {"paused", "cancelled", "failed"}:
                raise Mistaken("conflict", f"the job is {job.state}", place="id")
            return _again(job, self._clock.now_ns())

        job = await self.change(id, tenant, change)
        self.woken.set()
        return job

    async def wake(self, id: str, tenant: str | None = None) -> Job:
        """Let a job that waits for its time begin now; any other is left as it is."""
        now = self._clock.now_ns()
        job = await self.change(id, tenant, lambda job: job.but(due_ns=now) if job.state == "queued" else job)
        self.woken.set()
        return job

    async def claim(self, owner: str, kinds: Collection[str], lease_ns: int) -> Job | None:
        """Take the job that has been due for longest, of these kinds, for as long as the lease; None when there is none."""
        now = self._clock.now_ns()
        due = await self._records.find(_JOB, state="queued", until_ns=now + 1, limit=_ALL)
        lapsed = await self._records.find(_JOB, state="running", until_ns=now + 1, limit=_ALL)
        for record in sorted((*due, *lapsed), key=lambda each: (each.at_ns, each.id)):
            if record.group not in kinds:
                continue
            taken = _taken(_decode(record.body), owner, now, lease_ns)
            try:
                await self._put(taken, record.version)
            except Mistaken:
                continue  # somebody else was quicker
            if taken.state == "running":
                return taken
        return None

    async def change(self, id: str, tenant: str | None, change: Callable[[Job], Job]) -> Job:
        """Change a job as it is now, however many want to at once; return it changed.

        Raises:
            Mistaken: `not_found`, or what `change` raises; `conflict` when others were quicker again and again.

        """
        for _ in range(_TRIES):
            job, version = await self._versioned(id, tenant)
            changed = change(job)
            if changed == job:
                return job
            try:
                await self._put(changed, version)
            except Mistaken as problem:
                if problem.code != "conflict":
                    raise
            else:
                return changed
        raise Mistaken("conflict", "the job changes too often to be changed now", place="id")

    async def steps(self, job: Job) -> dict[str, bytes]:
        """Return what the steps of this run gave that are done, by key."""
        found = await self._records.find(_STEP, tenant=job.tenant, group=job.id, limit=_MANY)
        prefix = _prefix(job)
        return {each.id.removeprefix(prefix): each.body for each in found if each.id.startswith(prefix)}

    async def remember(self, job: Job, key: str, result: bytes) -> None:
        """Keep what a step of this run gave."""
        await self._records.put(
            Record(
                kind=_STEP,
                id=_prefix(job) + key,
                tenant=job.tenant,
                app=job.app,
                group=job.id,
                at_ns=self._clock.now_ns(),
                body=result,
            )
        )

    async def forget(self, job: Job) -> None:
        """Forget the steps of a job that has ended."""
        await self._records.clear(_STEP, job.id, job.tenant)

    async def prune(self, before_ns: int) -> int:
        """Remove the jobs that ended earlier, with their steps; return how many."""
        removed = 0
        for state in sorted(ENDED):
            for record in await self._records.find(_JOB, state=state, until_ns=before_ns, limit=_ALL):
                job = _decode(record.body)
                await self.forget(job)
                removed += await self._records.delete(_JOB, job.id, job.tenant)
        return removed

    async def _wished(self, id: str, tenant: str | None, wish: Any, state: Any) -> Job:
        now = self._clock.now_ns()

        def change(job: Job) -> Job:
            if job.state in ENDED:
                raise Mistaken("conflict", f"the job is {job.state}", place="id")
            if job.state == "running":
                return job.but(wish=wish)
            return job.but(state=state, wish="", ended_ns=now if state in ENDED else 0)

        return await self.change(id, tenant, change)

    async def _versioned(self, id: str, tenant: str | None) -> tuple[Job, int]:
        found = await self._records.get(_JOB, id, tenant)
        if found is None:
            raise Mistaken("not_found", f"there is no job {id}", place="id")
        return _decode(found.body), found.version

    async def _put(self, job: Job, version: int) -> None:
        at = {"queued": job.due_ns, "running": job.lease_ns}.get(job.state, job.ended_ns or job.created_ns)
        record = Record(
            kind=_JOB,
            id=job.id,
            tenant=job.tenant,
            app=job.app,
            group=job.kind,
            state=job.state,
            at_ns=at,
            body=msgspec.json.encode(job),
        )
        await self._records.put(record, expect=version)


def _again(job: Job, now_ns: int) -> Job:
    return job.but(state="queued", wish="", attempt=0, due_ns=now_ns, ended_ns=0, note="")


def _taken(job: Job, owner: str, now: int, lease_ns: int) -> Job:
    """The job in an owner's hands, unless whoever had it was killed by it time and again."""
    lapsed = job.state == "running"
    attempt = job.attempt + lapsed
    if lapsed and job.wish:
        ended = job.wish == "cancel"
        return job.but(state="cancelled" if ended else "paused", wish="", owner="", ended_ns=now if ended else 0)
    if attempt >= job.attempts:
        message = f"the process that worked on it ended {job.attempts} times without a word"
        return job.but(state="failed", attempt=attempt, owner="", ended_ns=now, code="broken", message=message)
    return job.but(state="running", owner=owner, lease_ns=now + lease_ns, started_ns=now, attempt=attempt)


def _prefix(job: Job) -> str:
    # Work that comes back does its steps anew each time, also if it was killed before the old ones were forgotten.
    return f"{job.id}:{job.runs}:"
