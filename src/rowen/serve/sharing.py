"""What all apps of a process share, put together alike for a server and for a command that asks apps itself."""

from contextlib import AsyncExitStack

from rowen import route
from rowen.evaluate.dataset import Datasets
from rowen.flow.assemble import Shared
from rowen.flow.knowledge import Bridges, Bundled, Knowing, Stale
from rowen.prompt import Prompts
from rowen.prompt.examples import Vectors
from rowen.provider.prices import Snapshot
from rowen.provider.tokens import at_most, count, count_request
from rowen.serve.exampling import Examples
from rowen.serve.ground import Ground
from rowen.trace import Buffer
from rowen.trace.intake.policy import user_hash


def shared_of(ground: Ground, stack: AsyncExitStack, *, buffer: Buffer, prompts: Prompts, datasets: Datasets) -> Shared:
    """Return what apps share, of what this process has opened and of what is the same everywhere."""
    store, clock = ground.store, ground.clock
    cache = route.AnswerCache(store.cache, clock)
    stack.push_async_callback(cache.close)
    return Shared(
        directory=ground.directory,
        meter=ground.meter,
        admission=ground.admission,
        cache=cache,
        buffer=buffer,
        transport=ground.transport,
        snapshot=Snapshot.load(),
        count_tokens=count_request,
        at_most=at_most,
        count_text=count,
        clock=clock,
        knowing=Knowing(
            knowledge=store.knowledge,
            bundled=Bundled(),
            transport=ground.transport,
            clock=clock,
            stale=Stale(),
            bridges=Bridges(),
        ),
        prompts=prompts,
        examples=Examples(datasets),
        vectors=Vectors(store.records),
        region=ground.settings.region,
        user=user_hash(ground.settings.user_key),
    )
