"""The live half: the apps, and what they answer from. What of them is let out is decided by the log of releases."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rowen.evaluate.dataset import Datasets
from rowen.flow.assemble import Shared
from rowen.flow.shadow import Shadows
from rowen.prompt import Prompts
from rowen.release import Releases
from rowen.score.cases import Cases
from rowen.serve.apps import Served
from rowen.serve.erasing import erasures
from rowen.serve.ground import Ground
from rowen.serve.recording import Recording
from rowen.serve.releasing import proposing
from rowen.serve.sharing import shared_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveHalf:
    """What answers calls."""

    served: Served
    shared: Shared
    shadows: Shadows
    releases: Releases
    prompts: Prompts
    cases: Cases
    datasets: Datasets


async def live_of(
    ground: Ground, recording: Recording, apps: Sequence[Path], stack: AsyncExitStack, *, signing: bytes
) -> LiveHalf:
    """Load the apps; the stack closes them.

    Args:
        ground: what it is made on.
        recording: where their calls are written.
        apps: paths of `app.toml` files, the first one first.
        stack: closes what is opened.
        signing: the server's signing key.

    Raises:
        Problem: an app is wrong.

    """
    store, clock = ground.store, ground.clock
    releases = Releases(store.records, store.definitions, clock, signing=signing)
    prompts = Prompts(store.records, store.definitions, clock, propose=proposing(releases, store.definitions))
    cases = Cases(store.records, scores=store.scores, traces=store.traces, clock=clock)
    datasets = Datasets(store.records, cases=cases, clock=clock)
    shared = shared_of(ground, stack, buffer=recording.buffer, prompts=prompts, datasets=datasets)
    shadows = Shadows(store.counters, clock)
    served = Served(
        shared,
        store.definitions,
        releases,
        store.revisions,
        shadows,
        erasures=partial(erasures, store.records),
        dev=ground.settings.watch,
    )
    stack.push_async_callback(served.close)
    for path in apps:
        await served.load(path)
    return LiveHalf(
        served=served,
        shared=shared,
        shadows=shadows,
        releases=releases,
        prompts=prompts,
        cases=cases,
        datasets=datasets,
    )
