"""What all apps of a process share, put together alike for a server and for a command that asks apps itself."""

from rowen import access, limits, route
from rowen.evaluate.dataset import Datasets
from rowen.flow.assemble import Shared
from rowen.flow.knowledge import Bridges, Bundled, Knowing, Stale
from rowen.prompt import Prompts
from rowen.prompt.examples import Vectors
from rowen.provider.prices import Snapshot
from rowen.provider.tokens import at_most, count, count_request
from rowen.provider.transport import Transport
from rowen.serve.exampling import Examples
from rowen.serve.settings import ServerSettings
from rowen.store.base import Store
from rowen.trace import Buffer
from rowen.trace.intake.policy import user_hash
from rowen.values import Clock


def shared_of(
    store: Store,
    settings: ServerSettings,
    clock: Clock,
    *,
    directory: access.Directory,
    meter: limits.Meter,
    admission: limits.Admission,
    cache: route.AnswerCache,
    buffer: Buffer,
    transport: Transport,
    prompts: Prompts,
    datasets: Datasets,
    stale: Stale,
    bridges: Bridges,
) -> Shared:
    """Return what apps share, of what this process has opened and of what is the same everywhere."""
    return Shared(
        directory=directory,
        meter=meter,
        admission=admission,
        cache=cache,
        buffer=buffer,
        transport=transport,
        snapshot=Snapshot.load(),
        count_tokens=count_request,
        at_most=at_most,
        count_text=count,
        clock=clock,
        knowing=Knowing(
            knowledge=store.knowledge,
            bundled=Bundled(),
            transport=transport,
            clock=clock,
            stale=stale,
            bridges=bridges,
        ),
        prompts=prompts,
        examples=Examples(datasets),
        vectors=Vectors(store.records),
        user=user_hash(settings.user_key),
    )
