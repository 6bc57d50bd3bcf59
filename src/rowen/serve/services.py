"""What every door is handed: the apps, who may call them, the counts, and whether calls can be answered."""

from collections.abc import Callable, Mapping
from functools import partial

from rowen.api.base import DoorSettings, Services
from rowen.api.metrics import Metrics
from rowen.provider.tokens import count_request
from rowen.serve.ground import Ground
from rowen.serve.live import LiveHalf
from rowen.serve.recording import Recording
from rowen.store.base import Store
from rowen.trace import Buffer


def services_of(ground: Ground, recording: Recording, live: LiveHalf, *, leaving: Callable[[], bool]) -> Services:
    """Return what doors are handed.

    Args:
        ground: what all is made on.
        recording: where calls are written.
        live: what answers.
        leaving: whether the process is about to stop, so that no more should be sent to it.

    """
    settings = ground.settings
    return Services(
        apps=live.served,
        check=ground.directory.check,
        turns=ground.store.turns,
        count=count_request,
        clock=ground.clock,
        metrics=Metrics(),
        ready=partial(_ready, ground.store, recording.buffer, leaving),
        settings=DoorSettings(
            body_limit=settings.body_limit,
            depth=settings.depth,
            body_timeout=settings.body_timeout,
            trusted_proxies=settings.trusted_proxies,
        ),
    )


async def _ready(store: Store, buffer: Buffer, leaving: Callable[[], bool]) -> Mapping[str, str]:
    state = dict(await store.check())
    state["trace buffer"] = buffer.failing or "ok"
    if leaving():
        state["server"] = "it is about to stop"
    return state
