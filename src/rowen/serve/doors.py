"""The doors of a process: what model calls, feedback, spans, management and pages are handed of what stands behind them."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.applications import Starlette

from rowen import access
from rowen.api import manage, ofrep
from rowen.api.base import Services
from rowen.api.doors import Doors
from rowen.api.envelope import networks
from rowen.api.feedback import Feedback, Pace
from rowen.evaluate.choice import Choice
from rowen.flow.play import playing
from rowen.limits.feature import Features
from rowen.provider.prices import Prices
from rowen.score.feedback import Desk
from rowen.score.tokens import Tokens
from rowen.serve.address import came_secure, client_address
from rowen.serve.after import AfterHalf
from rowen.serve.apps import Served
from rowen.serve.batching import Batched
from rowen.serve.explaining import Explaining
from rowen.serve.gauges import bring
from rowen.serve.ground import Ground
from rowen.serve.live import LiveHalf
from rowen.serve.recording import Recording
from rowen.serve.spans import Spans
from rowen.store.base import Store
from rowen.web import Kept, Shown
from rowen.web import Services as PageServices
from rowen.web import routes as page_routes

_MANAGED = 262_144
"""Bytes of a body at the management API at most: nothing that is managed is large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """All that stands behind the doors, with who may come in as a person."""

    ground: Ground
    recording: Recording
    live: LiveHalf
    after: AfterHalf
    register: access.Register
    sessions: access.Sessions
    tokens: Tokens
    """What a browser may say of one answer."""
    services: Services
    batched: Batched


@dataclass(frozen=True, slots=True, kw_only=True)
class AllDoors:
    """What requests are answered by."""

    doors: Doors
    """Model calls, feedback and spans, which touch no framework."""
    pages: Starlette
    """All else."""


def behind_of(
    ground: Ground,
    recording: Recording,
    live: LiveHalf,
    after: AfterHalf,
    *,
    services: Services,
    batched: Batched,
    signing: bytes,
) -> Behind:
    """Return what stands behind the doors."""
    store, clock = ground.store, ground.clock
    register = access.Register(
        keys=store.keys, tenants=store.tenants, audit=store.audit, directory=ground.directory, clock=clock
    )
    sessions = access.Sessions(
        directory=ground.directory,
        recorder=register.recorder,
        counters=store.counters,
        throttle=access.Throttle(store.counters, clock),
        signing=signing,
        clock=clock,
    )
    bring(services.metrics, ground, recording, live, after)
    return Behind(
        ground=ground,
        recording=recording,
        live=live,
        after=after,
        register=register,
        sessions=sessions,
        tokens=Tokens(signing, clock),
        services=services,
        batched=batched,
    )


def doors_of(behind: Behind, stack: AsyncExitStack) -> AllDoors:
    """Make the doors; the stack ends what goes on in them."""
    kept = Kept(behind.ground.clock)
    stack.push_async_callback(kept.close)
    spans = _spans(behind)
    spans.start()
    stack.push_async_callback(spans.stop)
    return AllDoors(
        doors=_doors(behind, spans),
        pages=Starlette(routes=[*manage.routes(_managing(behind)), *page_routes(_paging(behind, kept))]),
    )


def _spans(behind: Behind) -> Spans:
    ground, recording, live = behind.ground, behind.recording, behind.live
    return Spans(
        ground.settings,
        store=ground.store,
        observe=recording.seen.after(ground.store.traces.observe),
        scoring=recording.intake,
        configs=recording.configs,
        review=behind.after.review,
        cases=live.cases,
        prompts=live.prompts,
        served=live.served,
        directory=ground.directory,
        snapshot=live.shared.snapshot,
        metrics=behind.services.metrics,
        clock=ground.clock,
        doors=behind.services.settings,
    )


def _doors(behind: Behind, spans: Spans) -> Doors:
    ground, recording, served = behind.ground, behind.recording, behind.live.served
    store = ground.store
    feedback = Feedback(
        directory=ground.directory,
        tokens=behind.tokens,
        desk=Desk(recording.intake, recording.configs, partial(_answered, store)),
        pace=Pace(store.counters),
    )
    features = Features(
        ground.meter,
        lambda: {each.definition.app: each.tables["limits"] for each in served.loaded()},
        ground.clock,
    )
    return Doors(
        behind.services,
        feedback,
        exact={**spans.doors(), **behind.batched.exact()},
        under={
            **spans.under(),
            **behind.batched.under(),
            **ofrep.under(behind.services, ground.directory, served.live, features),
        },
    )


def _managing(behind: Behind) -> manage.Manage:
    ground, recording, live, after = behind.ground, behind.recording, behind.live, behind.after
    store, explain = ground.store, ground.settings.explain
    return manage.Manage(
        directory=ground.directory,
        register=behind.register,
        sessions=behind.sessions,
        audit=store.audit,
        traces=store.traces,
        definitions=store.definitions,
        scores=store.scores,
        intake=recording.intake,
        configs=recording.configs,
        known=recording.known,
        tokens=behind.tokens,
        jobs=ground.jobs,
        knowledge=after.knowledge,
        review=after.review,
        cases=live.cases,
        comparing=after.comparing,
        canaries=after.canaries,
        runs=after.runs,
        robust=after.robust,
        choices=Choice.shelf(store.records),
        prompts=live.prompts,
        play=playing(live.served),
        datasets=live.datasets,
        office=after.office,
        insight=after.insight,
        views=after.views,
        explain=Explaining(live.served, explain) if explain else None,
        judging=after.judging,
        models=lambda: _states(live.served),
        desk=after.watching.desk,
        teller=after.watching.teller,
        clock=ground.clock,
        settings=behind.services.settings.but(body_limit=min(behind.services.settings.body_limit, _MANAGED)),
    )


def _paging(behind: Behind, kept: Kept) -> PageServices:
    ground, recording, live, after = behind.ground, behind.recording, behind.live, behind.after
    served, proxies = live.served, networks(ground.settings.trusted_proxies)
    return PageServices(
        sessions=behind.sessions,
        register=behind.register,
        traces=ground.store.traces,
        scores=ground.store.scores,
        intake=recording.intake,
        configs=recording.configs,
        review=after.review,
        cases=live.cases,
        comparing=after.comparing,
        runs=after.runs,
        robust=after.robust,
        choices=Choice.shelf(ground.store.records),
        canaries=after.canaries,
        judging=after.judging,
        jobs=ground.jobs,
        knowledge=after.knowledge,
        prompts=live.prompts,
        play=playing(served),
        served=served.all,
        models=lambda: [Shown(app=app, deployment=place, health=health) for app, place, health in served.health()],
        apps=lambda: [app.name for app in served.all()],
        address=lambda request: client_address(request.scope, proxies),
        secure=lambda request: came_secure(request.scope, proxies),
        desk=after.watching.desk,
        office=after.office,
        insight=after.insight,
        views=after.views,
        pricing=Prices(live.shared.snapshot),
        kept=kept,
        clock=ground.clock,
    )


async def _answered(store: Store, id: str, tenant: str) -> str | None:
    """Return the text that a call was answered with, None when it is not kept as it was."""
    found = await store.traces.get(id, tenant)
    return None if found is None or found.masked or found.answer is None else found.answer.text


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
