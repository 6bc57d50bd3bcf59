"""The after half: judges what was answered, watches it, tries things apart, and lets out what has shown itself. In the background."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from rowen.evaluate.canary import Canaries
from rowen.evaluate.compare import Comparing
from rowen.evaluate.robust.desk import Robust
from rowen.evaluate.run.office import RunOffice
from rowen.insight.desk import Insight
from rowen.insight.looks import looks_of
from rowen.insight.views import Views
from rowen.jobs import Worker
from rowen.release.office import Office
from rowen.retrieve.desk import Desk as KnowledgeDesk
from rowen.score.judging import Judging
from rowen.score.review import Review
from rowen.score.rules import Rules
from rowen.score.traffic import Traffic
from rowen.serve.archiving import archiving_of
from rowen.serve.batching import Batched
from rowen.serve.canarying import Places
from rowen.serve.evaluating import runs_of
from rowen.serve.ground import Ground
from rowen.serve.housekeeping import Housekeeping
from rowen.serve.indexing import Indexing
from rowen.serve.judging import AppModels
from rowen.serve.live import LiveHalf
from rowen.serve.pinning import Pinning
from rowen.serve.recording import Recording
from rowen.serve.releasing import Policy, office_of
from rowen.serve.rolling import Rolling
from rowen.serve.watching import Watching
from rowen.watch.morning import Mornings


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterHalf:
    """What learns from calls that were answered."""

    judging: Judging
    review: Review
    canaries: Canaries
    runs: RunOffice
    comparing: Comparing
    robust: Robust
    watching: Watching
    insight: Insight
    views: Views
    rolling: Rolling
    office: Office
    indexing: Indexing
    knowledge: KnowledgeDesk
    worker: Worker


async def after_of(
    ground: Ground,
    recording: Recording,
    live: LiveHalf,
    batched: Batched,
    apps: Sequence[Path],
    stack: AsyncExitStack,
) -> AfterHalf:
    """Begin all that goes on behind the calls; the stack ends it.

    Args:
        ground: what it is made on.
        recording: where calls and scores are written.
        live: what answers.
        batched: what works on batches.
        apps: paths of `app.toml` files, which are read again as they change where the settings say so.
        stack: closes what is opened.

    Raises:
        Problem: an app's tables are wrong, or the store is.

    """
    settings, store, clock, jobs, served = ground.settings, ground.store, ground.clock, ground.jobs, live.served
    insight = Insight(
        traces=store.traces, scores=store.scores, records=store.records, tenants=store.tenants, clock=clock
    )
    housekeeping = Housekeeping(
        store, settings, clock, keep=insight.keep, archiving=archiving_of(store, settings, clock)
    )
    housekeeping.start()
    stack.push_async_callback(housekeeping.stop)

    rules = Rules(store.records, jobs, clock, served.rules)
    judging = Judging(
        rules,
        Traffic(store.traces),
        intake=recording.intake,
        scores=store.scores,
        counters=store.counters,
        models=AppModels(served),
        queue=jobs,
        clock=clock,
    )
    review = Review(
        store.records,
        scores=store.scores,
        traces=store.traces,
        configs=recording.configs,
        intake=recording.intake,
        clock=clock,
    )

    knowing = live.shared.knowing
    indexing = Indexing(
        store,
        served,
        jobs,
        clock,
        served.embed,
        knowing.stale,
        knowing.bridges,
        pins=Pinning(store, live.releases).pins,
    )
    stack.push_async_callback(indexing.close)

    places = Places(served, live.shared.snapshot, clock)
    canaries = Canaries(store.records, jobs, places.canaries, places.ask, clock)
    runs = runs_of(store, live.shared, served, jobs, stack, unread=indexing.unread)

    looks = looks_of(insight, store.tenants, rules=rules, canaries=canaries, suites=runs, sources=indexing)
    watching = Watching(store, served, ground.transport, clock, looks=looks)
    watching.after = Policy(watching.desk, live.releases, clock, served.governed).settle
    watching.start()
    stack.push_async_callback(watching.stop)
    mornings = Mornings(
        store, watching.apps, watching.teller, jobs, clock, costs=insight.cost_lines, errors=insight.error_lines
    )

    rolling = Rolling(store, served, live.releases, recording.exposures, queue=jobs, watch=watching.desk, clock=clock)
    rolling.start()
    stack.push_async_callback(rolling.stop)

    async def queue_jobs() -> None:
        await rules.queue_written()
        await mornings.queue()
        await canaries.queue_written()
        await indexing.queue_written()
        await rolling.queue()
        await runs.queue_written()

    await queue_jobs()
    served.follow(queue_jobs)
    if settings.watch:
        served.watch(apps, queue_jobs)
    indexing.start(watch=settings.watch)
    workers = (batched, judging, mornings, canaries, indexing, runs, rolling)
    worker = Worker(jobs, {kind: work for each in workers for kind, work in each.handlers.items()}, clock)
    worker.start()
    stack.push_async_callback(worker.stop)
    return AfterHalf(
        judging=judging,
        review=review,
        canaries=canaries,
        runs=runs,
        comparing=Comparing(store.records, store.runs, served.plan),
        robust=Robust(store.records, store.runs, live.datasets),
        watching=watching,
        insight=insight,
        views=Views(store.records, clock),
        rolling=rolling,
        office=office_of(store, live.releases, watching.desk, live.datasets, clock),
        indexing=indexing,
        knowledge=indexing.desk(),
        worker=worker,
    )
