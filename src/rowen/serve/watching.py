"""Runs the engine of objectives and alerts beside the doors."""

import asyncio
import logging
import os
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from rowen.config import Loaded
from rowen.provider.transport import Transport
from rowen.store.base import Store
from rowen.values import Clock, Problem
from rowen.watch import WatchTable, objectives_of
from rowen.watch.desk import Desk
from rowen.watch.engine import Engine, Watched
from rowen.watch.judge import Judges
from rowen.watch.rounds import Look
from rowen.watch.send import sender
from rowen.watch.tell import Teller

log = logging.getLogger(__name__)

_ANSWER = 100_000  # bytes of a webhook's answer that are read


class Loads(Protocol):
    """Gives the apps as they were read."""

    def loaded(self) -> Sequence[Loaded]: ...


class Watching:
    """Ticks every `every` seconds; a tick between two minutes costs one look into the store.

    Args:
        store: where everything stands.
        served: gives the apps as they are loaded now.
        transport: how webhooks are reached.
        clock: the time.
        looks: how what is no objective is found.
        every: seconds between ticks.

    """

    def __init__(
        self,
        store: Store,
        served: Loads,
        transport: Transport,
        clock: Clock,
        *,
        looks: Sequence[Look] = (),
        every: float = 10.0,
    ) -> None:
        self._store = store
        self._served = served
        self._clock = clock
        self._every = every
        self._transport = transport
        self._task: asyncio.Task[None] | None = None
        self.after: Callable[[], Awaitable[None]] | None = None
        """Done behind each tick by the process that leads."""
        self.teller = Teller(store, sender(self._post))
        judges = Judges(store, clock)
        self.desk = Desk(store, self.apps, clock, judges)
        self.engine = Engine(
            store,
            self.apps,
            clock,
            owner=f"{os.getpid()}-{secrets.token_hex(4)}",
            teller=self.teller,
            probe=self._ready,
            correct=judges,
            looks=looks,
        )

    def apps(self) -> Sequence[Watched]:
        """Return the apps with what was promised of them."""
        return [watched_of(loaded) for loaded in self._served.loaded()]

    def start(self) -> None:
        """Begin in the background."""
        self._task = asyncio.create_task(self._run(), name="watch")

    async def stop(self) -> None:
        """Stop, and let another process lead."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        try:
            await self.engine.stop()
        except Problem as problem:
            log.warning("the lead of the watch runs out by itself: %s", problem)

    async def _run(self) -> None:
        while True:
            try:
                if await self.engine.tick() and self.after is not None:
                    await self.after()
            except Problem as problem:
                log.warning("objectives cannot be weighed now: %s", problem)
            except Exception:  # one look that breaks must not end all that are to come
                log.exception("the watch broke; it goes on at its next tick")
            await asyncio.sleep(self._every)

    async def _ready(self, app: str, table: WatchTable) -> bool:  # noqa: ARG002 - one store serves every app
        return set((await self._store.check()).values()) == {"ok"}

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        reply = await self._transport.open("POST", url, headers, body, connect_timeout=5, silence_timeout=15)
        try:
            await reply.read(_ANSWER)
        finally:
            await reply.close()
        return reply.status


def watched_of(loaded: Loaded) -> Watched:
    """Return what an app's tables say of objectives, contacts and on-call."""
    return Watched(
        objectives=objectives_of(loaded.definition.app, loaded.tables),
        contacts=loaded.tables["alerts"],
        oncall=loaded.tables["oncall"],
        digest=loaded.tables["digest"],
        folder=str(loaded.path.parent),
    )
