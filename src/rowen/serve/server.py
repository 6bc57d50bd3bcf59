"""Wires one process: stores, stages, apps, doors and pages; opened and closed in order."""

import gc
import logging
import os
import sys
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from rowen import access, limits, route
from rowen.api import manage, ofrep
from rowen.api.base import DoorSettings, Receive, Scope, Send, Services
from rowen.api.doors import Doors
from rowen.api.feedback import Feedback, Pace
from rowen.api.metrics import Metrics
from rowen.evaluate.canary import Canaries
from rowen.evaluate.compare import Comparing
from rowen.evaluate.dataset import Datasets
from rowen.flow.knowledge import Bridges, Stale
from rowen.flow.play import playing
from rowen.flow.shadow import Shadows
from rowen.insight.desk import Insight
from rowen.insight.looks import looks_of
from rowen.insight.views import Views
from rowen.jobs import Queue, Worker
from rowen.limits.feature import Features
from rowen.prompt import Prompts
from rowen.provider.prices import Prices
from rowen.provider.tokens import count_request
from rowen.provider.transport import HttpTransport
from rowen.release import Releases
from rowen.release.exposure import Exposures
from rowen.release.office import Office
from rowen.score.cases import Cases
from rowen.score.configs import Configs
from rowen.score.feedback import Desk
from rowen.score.intake import Intake
from rowen.score.interactions import Interactions
from rowen.score.judging import Judging
from rowen.score.review import Review
from rowen.score.rules import Rules
from rowen.score.tokens import Tokens
from rowen.score.traffic import Traffic
from rowen.serve.address import came_secure, client_address, networks_of
from rowen.serve.apps import Served
from rowen.serve.archiving import archiving_of
from rowen.serve.canarying import Places
from rowen.serve.evaluating import runs_of
from rowen.serve.explaining import Explaining
from rowen.serve.housekeeping import Housekeeping
from rowen.serve.indexing import Indexing
from rowen.serve.judging import AppModels
from rowen.serve.releasing import Policy, office_of, proposing
from rowen.serve.rolling import Rolling
from rowen.serve.settings import ServerSettings, folder_of
from rowen.serve.sharing import shared_of
from rowen.serve.spans import Spans
from rowen.serve.watching import Watching
from rowen.store.base import Store
from rowen.store.catalog import open_store
from rowen.trace import Buffer, Follow
from rowen.trace.otlp import Exporter
from rowen.values import Clock, Observed, Problem, SystemClock, Trace, TraceRow
from rowen.watch.morning import Mornings
from rowen.web import Kept, Shown
from rowen.web import Services as PageServices
from rowen.web import routes as page_routes

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
    directory: access.Directory
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
        return self._opened

    async def close(self) -> None:
        """Close everything, the last opened first; nothing that was acknowledged is lost."""
        await self._stack.aclose()

    async def _open(self) -> Opened:
        settings, clock, stack = self._settings, self._clock, self._stack
        store = await open_store(settings.store, clock=clock, traces=settings.traces)
        stack.push_async_callback(store.close)
        transport = HttpTransport()
        stack.push_async_callback(transport.close)
        directory = access.Directory(keys=store.keys, tenants=store.tenants, revisions=store.revisions, clock=clock)
        await directory.load()
        directory.start()
        stack.push_async_callback(directory.stop)
        meter = limits.Meter(store.counters, clock)
        await meter.start()
        stack.push_async_callback(meter.close)
        admission = limits.Admission(
            limits.AdmissionSettings(in_flight=settings.in_flight, queue=settings.queue, wait=settings.queue_wait),
            clock,
        )
        exposures = Exposures(store.records, clock)
        follow: Follow[Trace] = Follow()
        follow.start()
        seen: Follow[Observed] = Follow()
        seen.start()
        buffer = Buffer(
            follow.after(store.traces.write),
            export=_exporter(settings, transport),
            every=settings.trace_every,
            size=settings.trace_buffer,
        )
        buffer.start()
        configs = Configs(store.records, clock)
        known = partial(_known, store, buffer)
        intake = Intake(store.scores, configs, known, clock)
        follow.add(intake.filled)
        follow.add(exposures.see)
        interactions = Interactions(store.traces, intake, alone=settings.workers == 1)
        follow.add(interactions.see)
        seen.add(intake.observed)
        seen.add(interactions.observed)
        signing = _signing(settings)
        tokens = Tokens(signing, clock)
        jobs = Queue(store.records, clock)
        insight = Insight(
            traces=store.traces, scores=store.scores, records=store.records, tenants=store.tenants, clock=clock
        )
        views = Views(store.records, clock)
        archiving = archiving_of(store, settings, clock)
        housekeeping = Housekeeping(store, settings, clock, keep=insight.keep, archiving=archiving)
        housekeeping.start()
        stack.push_async_callback(housekeeping.stop)
        stack.push_async_callback(exposures.close)
        stack.push_async_callback(seen.close)
        stack.push_async_callback(follow.close)
        stack.push_async_callback(buffer.close)
        cache = route.AnswerCache(store.cache, clock)
        stack.push_async_callback(cache.close)
        stale, bridges = Stale(), Bridges()
        features = Features(
            meter, lambda: {each.definition.app: each.tables["limits"] for each in served.loaded()}, clock
        )
        cases = Cases(store.records, scores=store.scores, traces=store.traces, clock=clock)
        datasets = Datasets(store.records, cases=cases, clock=clock)
        releases = Releases(store.records, store.definitions, clock, signing=signing)
        prompts = Prompts(store.records, store.definitions, clock, propose=proposing(releases, store.definitions))
        shared = shared_of(
            store,
            settings,
            clock,
            directory=directory,
            meter=meter,
            admission=admission,
            cache=cache,
            buffer=buffer,
            transport=transport,
            prompts=prompts,
            datasets=datasets,
            stale=stale,
            bridges=bridges,
        )
        shadows = Shadows(store.counters, clock)
        served = Served(shared, store.definitions, releases, store.revisions, shadows, dev=settings.watch)
        stack.push_async_callback(served.close)
        for path in self._paths:
            await served.load(path)
        rules = Rules(store.records, jobs, clock, served.rules)
        places = Places(served, shared.snapshot, clock)
        canaries = Canaries(store.records, jobs, places.canaries, places.ask, clock)
        watching = Watching(store, served, transport, clock, looks=looks_of(insight, store.tenants, rules, canaries))
        watching.start()
        stack.push_async_callback(watching.stop)
        rolling = Rolling(store, served, releases, exposures, queue=jobs, watch=watching.desk, clock=clock)
        rolling.start()
        stack.push_async_callback(rolling.stop)
        judging = Judging(
            rules,
            Traffic(store.traces),
            intake=intake,
            scores=store.scores,
            counters=store.counters,
            models=AppModels(served),
            queue=jobs,
            clock=clock,
        )
        mornings = Mornings(
            store,
            watching.apps,
            watching.teller,
            jobs,
            clock,
            costs=insight.cost_lines,
            errors=insight.error_lines,
        )

        indexing = Indexing(store, served, jobs, clock, served.embed, stale, bridges)
        knowledge = indexing.desk()
        stack.push_async_callback(indexing.close)
        runs = runs_of(store, shared, served, jobs, stack)

        async def queue_jobs() -> None:
            await judging.rules.queue_written()
            await mornings.queue()
            await canaries.queue_written()
            await indexing.queue_written()
            await rolling.queue()
            await runs.queue_written()

        await queue_jobs()
        served.follow(queue_jobs)
        if settings.watch:
            served.watch(self._paths, queue_jobs)
        indexing.start(watch=settings.watch)
        learning = {**mornings.handlers, **canaries.handlers, **indexing.handlers, **runs.handlers}
        worker = Worker(jobs, {**judging.handlers, **learning, **rolling.handlers}, clock)
        worker.start()
        stack.push_async_callback(worker.stop)
        register = access.Register(
            keys=store.keys, tenants=store.tenants, audit=store.audit, directory=directory, clock=clock
        )
        sessions = access.Sessions(
            directory=directory,
            recorder=register.recorder,
            counters=store.counters,
            throttle=access.Throttle(store.counters, clock),
            signing=signing,
            clock=clock,
        )
        metrics = Metrics()
        _bring(metrics, served, buffer, admission)
        _bring_objectives(metrics, watching)
        _bring_knowledge(metrics, indexing)
        door_settings = DoorSettings(
            body_limit=settings.body_limit,
            depth=settings.depth,
            body_timeout=settings.body_timeout,
            trusted_proxies=settings.trusted_proxies,
        )
        office = office_of(store, releases, watching.desk, datasets, clock)
        watching.after = Policy(watching.desk, releases, clock, served.governed).settle
        review = Review(
            store.records, scores=store.scores, traces=store.traces, configs=configs, intake=intake, clock=clock
        )
        spans = Spans(
            settings,
            store=store,
            observe=seen.after(store.traces.observe),
            scoring=intake,
            configs=configs,
            review=review,
            cases=cases,
            prompts=prompts,
            served=served,
            directory=directory,
            snapshot=shared.snapshot,
            metrics=metrics,
            clock=clock,
            doors=door_settings,
        )
        spans.start()
        stack.push_async_callback(spans.stop)
        services = Services(
            apps=served,
            check=directory.check,
            turns=store.turns,
            count=count_request,
            clock=clock,
            metrics=metrics,
            ready=partial(_ready, store, buffer),
            settings=door_settings,
        )
        comparing = Comparing(store.records, store.runs, served.plan)
        proxies = networks_of(settings.trusted_proxies)
        managing = manage.Manage(
            directory=directory,
            register=register,
            sessions=sessions,
            audit=store.audit,
            traces=store.traces,
            definitions=store.definitions,
            scores=store.scores,
            intake=intake,
            configs=configs,
            known=known,
            tokens=tokens,
            jobs=jobs,
            knowledge=knowledge,
            review=review,
            cases=cases,
            comparing=comparing,
            canaries=canaries,
            runs=runs,
            prompts=prompts,
            play=playing(served),
            datasets=datasets,
            office=office,
            insight=insight,
            views=views,
            explain=Explaining(served, settings.explain) if settings.explain else None,
            judging=judging,
            models=lambda: _states(served),
            desk=watching.desk,
            teller=watching.teller,
            clock=clock,
            settings=door_settings.but(body_limit=min(settings.body_limit, 262_144)),
        )
        kept = Kept(clock)
        stack.push_async_callback(kept.close)
        paging = PageServices(
            sessions=sessions,
            register=register,
            traces=store.traces,
            scores=store.scores,
            intake=intake,
            configs=configs,
            review=review,
            cases=cases,
            comparing=comparing,
            runs=runs,
            judging=judging,
            jobs=jobs,
            knowledge=knowledge,
            prompts=prompts,
            play=playing(served),
            served=served.all,
            models=lambda: [Shown(app=app, deployment=place, health=health) for app, place, health in served.health()],
            apps=lambda: [app.name for app in served.all()],
            address=lambda request: client_address(request.scope, proxies),
            secure=lambda request: came_secure(request.scope, proxies),
            desk=watching.desk,
            office=office,
            insight=insight,
            views=views,
            pricing=Prices(shared.snapshot),
            kept=kept,
            clock=clock,
        )
        return Opened(
            served=served,
            shadows=shadows,
            rolling=rolling,
            store=store,
            sessions=sessions,
            register=register,
            directory=directory,
            doors=Doors(
                services,
                Feedback(
                    directory=directory,
                    tokens=tokens,
                    desk=Desk(intake, configs, partial(_answered, store)),
                    pace=Pace(store.counters),
                ),
                exact=spans.doors(),
                under={**spans.under(), **ofrep.under(services, directory, served.live, features)},
            ),
            pages=Starlette(routes=[*manage.routes(managing), *page_routes(paging)]),
            metrics=metrics,
            buffer=buffer,
            prompts=prompts,
            watching=watching,
            worker=worker,
            indexing=indexing,
            office=office,
            follow=follow,
            seen=seen,
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


def _exporter(settings: ServerSettings, transport: HttpTransport) -> Exporter | None:
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


def _signing(settings: ServerSettings) -> bytes:
    folder = folder_of(settings)
    return os.urandom(32) if folder is None else access.signing_key(folder)


async def _known(store: Store, buffer: Buffer, id: str, tenant: str) -> TraceRow | None:
    """Return the row of a trace, also of a call that has just ended."""
    found = await store.traces.get(id, tenant)
    if found is None:
        await buffer.flush()
        found = await store.traces.get(id, tenant)
    return None if found is None else found.row


async def _answered(store: Store, id: str, tenant: str) -> str | None:
    """Return the text that a call was answered with, None when it is not kept as it was."""
    found = await store.traces.get(id, tenant)
    return None if found is None or found.masked or found.answer is None else found.answer.text


async def _ready(store: Store, buffer: Buffer) -> Mapping[str, str]:
    state = dict(await store.check())
    state["trace buffer"] = buffer.failing or "ok"
    return state


def _states(served: Served) -> list[manage.ModelState]:
    states: list[manage.ModelState] = []
    for app, deployment, health in served.health():
        if health is None:
            states.append(manage.ModelState(app=app, deployment=deployment))
            continue
        facts: dict[str, Any] = {
            name: value
            for name in ("in_flight", "first_ms", "ok", "failed", "limited", "last_code", "retry_in")
            if (value := getattr(health, name)) not in (None, "")
        }
        states.append(
            manage.ModelState(
                app=app, deployment=deployment, healthy=health.state == "closed", state=health.state, facts=facts
            )
        )
    return states


def _bring(metrics: Metrics, served: Served, buffer: Buffer, admission: limits.Admission) -> None:
    """Add the gauges that the doors do not know of themselves."""
    metrics.bring("rowen_traces_waiting", "Traces not written yet.", (), lambda: {(): len(buffer)})
    metrics.bring("rowen_traces_dropped_total", "Traces given up.", (), lambda: {(): buffer.dropped}, kind="counter")
    metrics.bring("rowen_queue_waiting", "Calls waiting for a place.", (), lambda: {(): admission.waiting})
    metrics.bring(
        "rowen_shed_total",
        "Calls sent away under load.",
        ("priority",),
        lambda: {(priority,): count for priority, count in admission.shed.items()},
        kind="counter",
    )
    metrics.bring(
        "rowen_breaker_open",
        "1 while a deployment is left alone.",
        ("app", "deployment"),
        lambda: {
            (app, place.name): float(health is not None and health.state != "closed")
            for app, place, health in served.health()
        },
    )


def _bring_knowledge(metrics: Metrics, indexing: Indexing) -> None:
    labels = ("app", "knowledge", "source")
    metrics.bring(
        "rowen_knowledge_lag_seconds", "Time since a source of documents was last seen whole.", labels, indexing.lag
    )
    metrics.bring("rowen_knowledge_documents", "Documents of a source.", labels, lambda: indexing.counted("documents"))
    metrics.bring(
        "rowen_knowledge_quarantined", "Documents of a source that were put aside.", labels,
        lambda: indexing.counted("quarantined"),
    )  # fmt: skip
    metrics.bring(
        "rowen_knowledge_source_ill", "Whether the last look at a source did not go well: 1 or 0.", labels, indexing.ill
    )


def _bring_objectives(metrics: Metrics, watching: Watching) -> None:
    """Add what the generated Prometheus rules read. Only the process that leads the watch has figures."""

    def counted(place: int) -> dict[tuple[str, ...], float]:
        return {
            (app, id.removeprefix("slo/")): float(both[place])
            for (app, id), both in watching.engine.counted.items()
            if id.startswith("slo/")
        }

    labels = ("app", "slo")
    metrics.bring("rowen_sli_events_total", "Events of an objective.", labels, lambda: counted(0), kind="counter")
    metrics.bring(
        "rowen_sli_bad_total", "Events of an objective that were bad.", labels, lambda: counted(1), kind="counter"
    )
