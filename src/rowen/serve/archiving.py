"""Brings closed days into the archive, and only then lets the store delete them. One process of a deployment does it."""

import logging
import os
import secrets
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from rowen.serve.erasing import Gone, erase
from rowen.serve.settings import ServerSettings
from rowen.store.archive.archive import Archive, Erased, Kept, open_archive
from rowen.store.base import DAY_NS, Day, Store
from rowen.values import Clock, Unavailable

log = logging.getLogger(__name__)

LEASE_NS = 120_000_000_000
_LEAD = "archive:leader"
_LOOK_NS = 3_600_000_000_000  # from one look for late spans to the next: each reads the rows of all scores


class Archiving:
    """The archive of a deployment, written by whoever leads."""

    def __init__(self, store: Store, archive: Archive, settings: ServerSettings, clock: Clock) -> None:
        self.archive = archive
        self._store = store
        self._settings = settings
        self._clock = clock
        self._owner = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._led_until = 0
        self._looked_ns = -_LOOK_NS

    async def once(self) -> int:
        """Keep what is due and delete what is kept and past its time; return how many records were deleted.

        Does nothing while another process leads, or within an hour of the last time.

        Raises:
            Unavailable: the archive or the store cannot be written now; nothing was deleted that is not kept.

        """
        now = self._clock.now_ns()
        if now - self._looked_ns < _LOOK_NS or not await self._lead():
            return 0
        try:
            kept = await self.keep()
            if kept.days:
                log.info("archived %d days: %d traces, %d scores", kept.days, kept.traces, kept.scores)
            traces, scores = self._store.traces, self._store.scores
            removed = await self._let_go("traces", self._settings.trace_days, traces.days, traces.delete)
            removed += await self._let_go(
                "scores",
                self._settings.score_days,
                scores.days,
                lambda *, before_ns, days: scores.prune(before_ns, days=days),
            )
        finally:
            await self._stop()
        self._looked_ns = now
        return removed

    async def now(self) -> Kept:
        """Keep what is due at once.

        Raises:
            Unavailable: another process archives just now, or something cannot be written.

        """
        await self._take()
        try:
            return await self.keep()
        finally:
            await self._stop()

    async def erase(
        self, tenant: str, *, traces: Sequence[str] = (), user: str = "", session: str = ""
    ) -> tuple[Gone, Erased]:
        """Erase traces of one tenant from the store and from the archive, with all that was made of them.

        Raises:
            Unavailable: another process archives just now, or something cannot be written.

        """
        await self._take()
        try:
            gone = await erase(self._store, self._clock, tenant, traces=traces, user=user, session=session)
            every = (*traces, *gone.calls)
            erased = await self.archive.erase(tenant, traces=every, user=user, session=session, beat=self._beat)
        finally:
            await self._stop()
        return gone, erased

    async def keep(self) -> Kept:
        """Keep what is due. Only for the one who leads."""
        await self.archive.sweep()
        return await self.archive.keep(
            self._store.traces, self._store.scores, before_ns=self._closed_ns(), beat=self._beat
        )

    async def _let_go(
        self,
        family: str,
        days: int,
        told: Callable[..., Awaitable[list[Day]]],
        delete: Callable[..., Awaitable[int]],
    ) -> int:
        """Delete the whole days that are past their time, after they were read once more."""
        if not days:
            return 0
        before = min((self._clock.now_ns() // DAY_NS - days) * DAY_NS, self._closed_ns())
        if not await told(before_ns=before):
            return 0
        await self.archive.keep(self._store.traces, self._store.scores, before_ns=before, final=family, beat=self._beat)
        days_told = await told(before_ns=before)
        if not await self.archive.seal(family, days_told):
            log.info("%s came for days that are about to be deleted; they are deleted the next time", family)
            return 0
        await self._beat()
        return await delete(before_ns=before, days=days_told)

    def _closed_ns(self) -> int:
        return (self._clock.now_ns() // DAY_NS - max(0, self._settings.archive_after)) * DAY_NS

    async def _lead(self) -> bool:
        now = self._clock.now_ns()
        if not await self._store.counters.hold(_LEAD, self._owner, 1, 1, now + LEASE_NS, now):
            return False
        self._led_until = now + LEASE_NS
        return True

    async def _take(self) -> None:
        if not await self._lead():
            raise Unavailable(
                "store_unavailable", "another process writes to the archive just now", who="archive", retry_after=60
            )

    async def _beat(self) -> None:
        if self._clock.now_ns() > self._led_until - LEASE_NS // 2:
            await self._take()

    async def _stop(self) -> None:
        await self._store.counters.hold(_LEAD, self._owner, 0, 1, 0, self._clock.now_ns())


def archiving_of(store: Store, settings: ServerSettings, clock: Clock) -> Archiving | None:
    """Return what archives the deployment; None when it is to have no archive.

    Raises:
        Mistaken: `extra_missing`.

    """
    if not settings.archive:
        return None
    return Archiving(store, open_archive(Path(settings.archive), clock), settings, clock)
