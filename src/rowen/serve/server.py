"""One process: ground, the live half, the after half and the doors, opened in this order and closed in the opposite one."""

import gc
import logging
import os
import sys
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette

from rowen import access
from rowen.api.base import Receive, Scope, Send
from rowen.api.doors import Doors
from rowen.api.metrics import Metrics
from rowen.flow.shadow import Shadows
from rowen.jobs import Worker
from rowen.prompt import Prompts
from rowen.release.office import Office
from rowen.serve.after import after_of
from rowen.serve.apps import Served
from rowen.serve.batching import Batched
from rowen.serve.doors import behind_of, doors_of
from rowen.serve.ground import ground_of
from rowen.serve.indexing import Indexing
from rowen.serve.live import live_of
from rowen.serve.recording import recording_of
from rowen.serve.rolling import Rolling
from rowen.serve.services import services_of
from rowen.serve.settings import ServerSettings, folder_of
from rowen.serve.watching import Watching
from rowen.store.base import Store
from rowen.trace import Buffer, Follow
from rowen.values import Clock, Observed, Problem, SystemClock, Trace

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What stands while the process runs."""

    served: Served
    shadows: Shadows
    rolling: Rolling
    store: Store
    sessions: access.Sessions
    register: access.Register
    doors: Doors
    pages: Starlette
    metrics: Metrics
    buffer: Buffer
    prompts: Prompts
    watching: Watching
    worker: Worker
    indexing: Indexing
    office: Office
    follow: Follow[Trace]
    seen: Follow[Observed]

    async def traces_written(self) -> None:
        """Write the traces of all calls that have ended, and tell those who follow them."""
        await self.buffer.flush()
        await self.follow.told()
        await self.seen.told()

    async def worked(self) -> None:
        """Do the background work that is due now, to its end, without waiting for the worker to look for it."""
        while await self.worker.once():
            pass


class Server:
    """The ASGI application. Its lifespan opens and closes everything; until then it answers nothing.

    Args:
        settings: the deployment.
        apps: paths of `app.toml` files; the first is the one that callers mean when they name none.

    """

    def __init__(self, settings: ServerSettings, apps: Sequence[Path], *, clock: Clock | None = None) -> None:
        self._settings = settings
        self._paths = tuple(apps)
        self._clock = clock or SystemClock()
        self._stack = AsyncExitStack()
        self._opened: Opened | None = None
        self._leaving = False

    @property
    def opened(self) -> Opened:
        """What stands now; only after `open()`."""
        assert self._opened is not None, "the server is not open"
        return self._opened

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one ASGI scope. The model doors are found first and touch no framework."""
        if scope["type"] == "lifespan":
            return self._lifespan(receive, send)
        opened = self.opened
        return (opened.doors if opened.doors.takes(scope["path"]) else opened.pages)(scope, receive, send)

    async def open(self) -> Opened:
        """Open everything, in order.

        Raises:
            Problem: an app or the store is wrong; what was opened is closed again.

        """
        try:
            self._opened = await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        # What stands now stands until the end: the collector need not look through it again and again, and what calls
        # leave behind is freed by its count. Measured: a tenth of the CPU of a call. A call that waits to be written is
        # some 60 objects; with 10,000 as threshold, looking through those that wait took 5 % more.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        # The loop need not know every stream of events to close it at the end: whoever opened one closes it. Each call has
        # three, and to make them known took 2 % of its CPU and 600 bytes of a stream.
        sys.set_asyncgen_hooks(firstiter=None)
        return self._opened

    async def close(self) -> None:
        """Close everything, the last opened first; nothing that was acknowledged is lost."""
        await self._stack.aclose()

    def leave(self) -> None:
        """Say from now on that no more calls should be sent here; those that come are still answered."""
        self._leaving = True

    async def _open(self) -> Opened:
        stack, signing = self._stack, signing_of(self._settings)
        ground = await ground_of(self._settings, self._clock, stack)
        ground.directory.start()
        stack.push_async_callback(ground.directory.stop)
        recording = recording_of(ground, stack)
        live = await live_of(ground, recording, self._paths, stack, signing=signing)
        services = services_of(ground, recording, live, leaving=lambda: self._leaving)
        batched = Batched(ground, services)
        after = await after_of(ground, recording, live, batched, self._paths, stack)
        behind = behind_of(ground, recording, live, after, services=services, batched=batched, signing=signing)
        doors = doors_of(behind, stack)
        return Opened(
            served=live.served,
            shadows=live.shadows,
            rolling=after.rolling,
            store=ground.store,
            sessions=behind.sessions,
            register=behind.register,
            doors=doors.doors,
            pages=doors.pages,
            metrics=services.metrics,
            buffer=recording.buffer,
            prompts=live.prompts,
            watching=after.watching,
            worker=after.worker,
            indexing=after.indexing,
            office=after.office,
            follow=recording.follow,
            seen=recording.seen,
        )

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        # The loop would note every stream in a weak set, to close at its end those that nobody closed. Whoever opens a
        # stream here closes it; one that is lost all the same is still closed when it is freed.
        sys.set_asyncgen_hooks(firstiter=None)
        try:
            await self.open()
        except Problem as problem:
            log.error("cannot start: %s", problem)  # noqa: TRY400 - a sentence, not a stack, is what the reader needs
            await send({"type": "lifespan.startup.failed", "message": ""})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})


def signing_of(settings: ServerSettings) -> bytes:
    """Return the server's signing key: of its folder, or for the life of the process where it has none."""
    folder = folder_of(settings)
    return os.urandom(32) if folder is None else access.signing_key(folder)
