"""What is kept of calls as they end: their traces, who got what of a rollout, what users did next, and scores that come in."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from rowen.provider.transport import Transport
from rowen.release.exposure import Exposures
from rowen.score.configs import Configs
from rowen.score.intake import Intake, Known
from rowen.score.interactions import Interactions
from rowen.serve.ground import Ground
from rowen.serve.settings import ServerSettings
from rowen.store.base import Store
from rowen.trace import Buffer, Follow
from rowen.trace.otlp import Exporter
from rowen.values import Observed, Trace, TraceRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Where calls and scores are written, and who is told of them."""

    buffer: Buffer
    follow: Follow[Trace]
    """Tells of calls that were written."""
    seen: Follow[Observed]
    """Tells of traces that other programs sent and that were written."""
    exposures: Exposures
    configs: Configs
    intake: Intake
    known: Known


def recording_of(ground: Ground, stack: AsyncExitStack) -> Recording:
    """Begin to write; the stack ends it, when what was begun by then is written and told."""
    settings, store, clock = ground.settings, ground.store, ground.clock
    follow: Follow[Trace] = Follow()
    follow.start()
    seen: Follow[Observed] = Follow()
    seen.start()
    buffer = Buffer(
        follow.after(store.traces.write),
        export=exporter_of(settings, ground.transport),
        every=settings.trace_every,
        size=settings.trace_buffer,
    )
    buffer.start()
    exposures = Exposures(store.records, clock)
    configs = Configs(store.records, clock)
    known = partial(_known, store, buffer)
    intake = Intake(store.scores, configs, known, clock)
    interactions = Interactions(store.traces, intake, alone=settings.workers == 1)
    for each in (intake.filled, exposures.see, interactions.see):
        follow.add(each)
    for other in (intake.observed, interactions.observed):
        seen.add(other)
    # Closed from the last: the buffer writes and tells `follow`, which tells the exposures.
    for close in (exposures.close, seen.close, follow.close, buffer.close):
        stack.push_async_callback(close)
    return Recording(
        buffer=buffer,
        follow=follow,
        seen=seen,
        exposures=exposures,
        configs=configs,
        intake=intake,
        known=known,
    )


def exporter_of(settings: ServerSettings, transport: Transport) -> Exporter | None:
    """Return what sends traces on to the collector that the settings name; None where they name none."""
    if not settings.otlp:
        return None

    async def post(url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str]]:
        reply = await transport.open("POST", url, headers, body, connect_timeout=5)
        try:
            await reply.read(1_000_000)
        finally:
            await reply.close()
        return reply.status, reply.headers

    headers = {name: secret.reveal() for name, secret in settings.otlp_headers.items()}
    return Exporter(settings.otlp, post, headers=headers)


async def _known(store: Store, buffer: Buffer, id: str, tenant: str) -> TraceRow | None:
    """Return the row of a trace, also of a call that has just ended."""
    found = await store.traces.get(id, tenant)
    if found is None:
        await buffer.flush()
        found = await store.traces.get(id, tenant)
    return None if found is None else found.row
