"""Batches as their holders see them: made, looked at, cancelled, and how they end."""

from collections.abc import Mapping

from rowen.batch.base import ENDED, Batch, Holder, LineFault, State, batches_of
from rowen.batch.file import File, Files, Side
from rowen.jobs import Queue
from rowen.jobs.base import ENDED as JOB_ENDED
from rowen.store.base import Records
from rowen.values import Clock, Mistaken, Value, new_id

KIND = "batch"
"""Of the jobs that work on batches; each has the id of its batch."""
_SHORTEST, _LONGEST = 3600, 7 * 86_400
_UNITS = {"h": 3600, "d": 86_400}


class Wish(Value, frozen=True, kw_only=True):
    """What a caller says of a batch."""

    endpoint: str
    input: str
    window: str = "24h"
    metadata: dict[str, str] = {}
    address: str = ""
    app: str = ""
    feature: str = ""
    user: str = ""
    session: str = ""
    tags: tuple[str, ...] = ()


class Batches:
    """The batches of one deployment.

    Args:
        records: where they are kept.
        files: what they read and write.
        queue: where their jobs wait.
        clock: what time it is.

    """

    def __init__(self, records: Records, files: Files, queue: Queue, clock: Clock) -> None:
        self.shelf = batches_of(records)
        self.files = files
        self._queue = queue
        self._clock = clock

    async def make(self, holder: Holder, wish: Wish, *, prefix: str = "batch_") -> Batch:
        """Queue a batch; return it.

        Raises:
            Mistaken: `not_found` for the file, `field_invalid` for a window that is none.

        """
        now = self._clock.now_ns()
        await self.files.get(wish.input, holder)
        batch = Batch(
            id=prefix + new_id(now),
            tenant=holder.tenant,
            key=holder.key,
            endpoint=wish.endpoint,
            input=wish.input,
            created_ns=now,
            deadline_ns=now + _seconds(wish.window) * 1_000_000_000,
            window=wish.window,
            address=wish.address,
            app=wish.app,
            feature=wish.feature,
            user=wish.user,
            session=wish.session,
            tags=wish.tags,
            metadata=wish.metadata,
        )
        await self.shelf.put(batch)
        about = f"batch of requests to {wish.endpoint}"
        await self._queue.add(KIND, id=batch.id, tenant=batch.tenant, app=batch.app, about=about, by=holder.key)
        return batch

    async def get(self, id: str, holder: Holder) -> Batch:
        """Return a batch of a holder.

        Raises:
            Mistaken: `not_found`.

        """
        found = await self.shelf.get(id, holder.tenant)
        if found is None or found.key not in holder.keys:
            raise Mistaken("not_found", "There is no batch of that id.", place="batch_id")
        return await self._settled(found)

    async def find(self, holder: Holder, *, prefix: str = "batch_") -> list[Batch]:
        """Return the batches of a holder, newest first."""
        found = [
            each
            for key in holder.keys
            for each in await self.shelf.find(tenant=holder.tenant, group=key, limit=10_000)
            if each.id.startswith(prefix)
        ]
        return sorted(found, key=lambda each: (each.created_ns, each.id), reverse=True)

    async def cancel(self, id: str, holder: Holder) -> Batch:
        """Let a batch end before its next line; what is answered stays.

        Raises:
            Mistaken: `not_found`; `conflict` for one that has ended.

        """
        await self.get(id, holder)
        now = self._clock.now_ns()

        def change(batch: Batch) -> Batch:
            if batch.state in ENDED:
                raise Mistaken("conflict", f"the batch is {batch.state}", place="batch_id")
            if batch.state == "cancelling":
                return batch
            return batch.but(state="cancelling", cancelling_ns=now)

        changed = await self.shelf.amend(id, change, holder.tenant)
        assert changed is not None  # it was there a moment ago
        await self._queue.wake(id, holder.tenant)
        return changed

    async def delete(self, batch: Batch) -> None:
        """Remove a batch that has ended, with its results and its input.

        Raises:
            Mistaken: `conflict` while it has not ended.

        """
        if batch.state not in ENDED:
            raise Mistaken("conflict", f"the batch is {batch.state}; cancel it first", place="batch_id")
        for id in (batch.output, batch.errors, batch.input):
            if id and (file := await self.files.inner(id, batch.tenant)) is not None:
                await self.files.delete(file)
        await self.shelf.delete(batch.id, batch.tenant)

    async def prune(self, before_ns: int) -> int:
        """Remove old files, and the batches that ended and are older; return how many of both."""
        removed = await self.files.prune(before_ns)
        if before_ns:
            for batch in await self.shelf.find(until_ns=before_ns, limit=100_000):
                if batch.state in ENDED:
                    removed += await self.shelf.delete(batch.id, batch.tenant)
        return removed

    async def ended(self, batch: Batch, state: State, *, whole: bool = False) -> Batch:
        """End a batch and let its results be files; return it. Doing it twice is doing it once.

        Args:
            batch: as it is now, its tally whole.
            state: how it ends.
            whole: whether all results are one file.

        """
        now, tally = self._clock.now_ns(), batch.tally
        sides: Mapping[Side, tuple[str, int]] = (
            {"all": ("results", tally.ok_bytes + tally.other_bytes)}
            if whole
            else {"ok": ("output", tally.ok_bytes), "other": ("error", tally.other_bytes)}
        )
        made: dict[Side, str] = {}
        for side, (name, size) in sides.items():
            if size:
                made[side] = f"file-{batch.id.rpartition('_')[2]}-{name}"
                await self.files.result(
                    File(
                        id=made[side],
                        tenant=batch.tenant,
                        key=batch.key,
                        name=f"{batch.id}_{name}.jsonl",
                        purpose="batch_output",
                        created_ns=now,
                        bytes=size,
                        lines=batch.total,
                        batch=batch.id,
                        side=side,
                    )
                )
        ended = batch.but(
            state=state,
            ended_ns=now,
            output=made.get("ok") or made.get("all", ""),
            errors=made.get("other", ""),
        )
        return await self.shelf.amend(batch.id, lambda _: ended, batch.tenant) or ended

    async def _settled(self, batch: Batch) -> Batch:
        """Return a batch, ended where its job was given up or cancelled by somebody without it being told."""
        if batch.state in ENDED:
            return batch
        try:
            job = await self._queue.get(batch.id, batch.tenant)
        except Mistaken:
            return await self.ended(batch, "failed")
        if job.state not in JOB_ENDED or job.state == "done":
            return await self.shelf.get(batch.id, batch.tenant) or batch
        if job.state == "cancelled":
            return await self.ended(batch, "cancelled")
        fault = LineFault(line=0, code=job.code, message=job.message)
        return await self.ended(batch.but(faults=(*batch.faults, fault)), "failed")


def _seconds(window: str) -> int:
    number, unit = window[:-1], window[-1:]
    seconds = int(number) * _UNITS[unit] if number.isdecimal() and len(number) < 5 and unit in _UNITS else 0
    if not _SHORTEST <= seconds <= _LONGEST:
        raise Mistaken("field_invalid", 'a window is "24h", or anything from "1h" to "7d"', place="completion_window")
    return seconds
