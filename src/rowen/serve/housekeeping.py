"""Counts what is kept of the traces, and deletes what the deployment keeps only for a time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from rowen.batch import Batches
from rowen.jobs import Queue
from rowen.serve.archiving import Archiving
from rowen.serve.batching import files_of
from rowen.serve.settings import ServerSettings
from rowen.store.base import Store
from rowen.values import Clock, Problem

log = logging.getLogger(__name__)

_DAY_NS = 86_400_000_000_000
_JOB_DAYS = 30


class Housekeeping:
    """Looks every `every` seconds for traces, turns and scores that are past their time, and deletes them for good."""

    def __init__(
        self,
        store: Store,
        settings: ServerSettings,
        clock: Clock,
        *,
        keep: Callable[[], Awaitable[None]] | None = None,
        archiving: Archiving | None = None,
        every: float = 600.0,
    ) -> None:
        """Make it.

        Args:
            store: where the records are.
            settings: for how long.
            clock: the time.
            keep: counts what is to outlive the traces; done before any is deleted.
            archiving: deletes traces and scores instead, when they are in the archive.
            every: seconds from one look to the next.

        """
        self._keep = keep
        self._archiving = archiving
        self._store = store
        self._jobs = Queue(store.records, clock)
        self._batches = Batches(store.records, files_of(store, settings, clock), self._jobs, clock)
        self._settings = settings
        self._clock = clock
        self._every = every
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin in the background."""
        self._task = asyncio.create_task(self._run(), name="housekeeping")

    async def stop(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def once(self) -> int:
        """Delete what is past its time; return how many records that were.

        Raises:
            Unavailable: the store cannot be written now.

        """
        now, settings, removed = self._clock.now_ns(), self._settings, 0
        if self._keep is not None:
            await self._keep()
        if settings.trace_days and self._archiving is None:
            removed += await self._store.traces.delete(before_ns=now - settings.trace_days * _DAY_NS)
        if settings.turn_days:
            removed += await self._store.turns.prune(now - settings.turn_days * _DAY_NS)
        removed += await self._batches.prune(now - settings.batch_days * _DAY_NS if settings.batch_days else 0)
        if settings.score_days and self._archiving is None:
            removed += await self._store.scores.prune(now - settings.score_days * _DAY_NS)
        if settings.measure_days:
            removed += await self._store.measures.prune(now - settings.measure_days * _DAY_NS)
        removed += await self._jobs.prune(now - _JOB_DAYS * _DAY_NS)
        if self._archiving is not None:
            removed += await self._archiving.once()
        return removed

    async def _run(self) -> None:
        while True:
            try:
                removed = await self.once()
            except Problem as problem:
                log.warning("old records cannot be deleted now: %s", problem)
            except Exception:  # what breaks once must not end the deleting for good
                log.exception("the housekeeping broke; it goes on at its next look")
            else:
                if removed:
                    log.info("deleted %d records that were past their time", removed)
            await asyncio.sleep(self._every)
