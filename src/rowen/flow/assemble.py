"""Assembles an app's chain from its Definition: the one place where the live stages meet.

Reading order of a call:

    access.identify → limits.admit → retrieve.ground → prompt.render → route.choose → route.attempt(provider.ask)
    → route.keep → limits.settle → retrieve.cited → trace.record

An app that has no knowledge goes without the stations of `retrieve`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from rowen import access, limits, prompt, retrieve, route
from rowen.config import Loaded
from rowen.flow import deployments
from rowen.flow.app import RENDER, App
from rowen.flow.chain import Chain, Step
from rowen.flow.knowledge import Knowing, embed_of, searches_of
from rowen.flow.tables import AppTable, ModelTable
from rowen.flow.vet import vet
from rowen.prompt.base import ExamplesTable
from rowen.prompt.examples import Shots, Vectors
from rowen.provider.fleet import Fleet
from rowen.provider.prices import Prices, Snapshot
from rowen.provider.transport import Transport
from rowen.trace import Buffer, Place, record
from rowen.values import Answer, Case, Clock, CountText, CountTokens, Mistaken, Request, says
from rowen.values.errand import RETRIEVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all apps of a process share."""

    directory: access.Directory
    meter: limits.Meter
    admission: limits.Admission
    cache: route.AnswerCache
    buffer: Buffer
    transport: Transport
    snapshot: Snapshot
    count_tokens: CountTokens
    at_most: CountTokens
    count_text: CountText
    clock: Clock
    knowing: Knowing
    prompts: prompt.Prompts
    examples: Callable[[Loaded, ExamplesTable], Awaitable[Sequence[Case]]]
    """Gives the cases that an app's prompt may show."""
    vectors: Vectors
    region: str = ""
    """Where the process stands, as deployments name it."""
    user: Callable[[str], str] = str
    """The name under which an end user is kept in traces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """An app that can answer, with what must be closed when it is replaced."""

    app: App
    fleet: Fleet
    state: route.FleetState
    loaded: Loaded
    places: deployments.Placed
    """Its deployments. What is equal here in two Definitions is one thing, and stands as one."""
    forget: Callable[[], None]
    """Forgets what it holds of questions and answers in memory, since some of them were erased."""


def assemble(loaded: Loaded, shared: Shared, before: Assembled | None = None) -> Assembled:
    """Return an app as its definition says. `before`, another Definition of it, hands on what is known of deployments.

    Raises:
        Mistaken: `config_*` for what no table alone can show: no model, an unknown fallback, a missing extra.

    """
    tables, definition, clock = loaded.tables, loaded.definition, shared.clock
    about: AppTable = tables["app"]
    models = tables["models"]
    places = vet(loaded, shared.transport)
    default = about.model or next(iter(models))
    routing = route.Models(app=definition.app, routes=deployments.routes(models, places), default=default)
    fleet = Fleet(places, shared.transport)
    same = [each[0] for name, each in places.items() if before and before.places.get(name) == each]
    state = before.state.heir(same) if before else route.FleetState(clock)
    pricing = Prices(shared.snapshot, deployments.prices(models, places))
    knowledge = tables["retrieve"]

    async def ask_model(tenant: str, within: str, request: Request) -> Answer:
        done = await app.ask(
            request,
            errand=RETRIEVE,
            tenant=tenant,
            priority="normal",
            within=within,
        )
        return done.answer or Answer()

    room = sum(table.budget for table in knowledge.values())
    room += tables["prompt"].examples.budget if tables["prompt"].examples else 0
    estimate = limits.Estimate(
        settings=tables["limits"],
        count_tokens=_with_room(shared.count_tokens, room),
        at_most=_with_room(shared.at_most, room),
        pricing=pricing,
        deployments_of=lambda model: deployments.may_answer(routing, model),
    )
    grounding: tuple[tuple[str, Step], ...] = ()
    citing: tuple[tuple[str, Step], ...] = ()
    if knowledge:
        searches = searches_of(loaded, places, fleet.ask, shared.knowing, ask_model)
        grounding = (("retrieve.ground", retrieve.ground(knowledge, searches, count=shared.count_text)),)
        citing = (("retrieve.cited", retrieve.cited()),)
    answer = route.attempt(
        routing,
        state,
        ask=fleet.ask,
        pricing=pricing,
        count=shared.count_tokens,
        count_text=shared.count_text,
        clock=clock,
    )

    shots = _shots(tables["prompt"].examples, loaded, places, fleet, shared)

    def render(settings: prompt.PromptSettings) -> Step:
        return prompt.render(settings, shared.prompts.number, shots)

    similar = _similar(tables["models"], places, fleet, shared)
    chain = Chain(
        before=(
            ("access.identify", access.identify(shared.directory, app=definition.app, default_model=default)),
            ("limits.admit", limits.admit(shared.meter, tables["limits"], estimate, clock, admission=shared.admission)),
            *grounding,
            (RENDER, render(tables["prompt"])),
            (
                "route.choose",
                route.choose(
                    routing,
                    state,
                    shared.cache,
                    count=shared.at_most,
                    clock=clock,
                    similar=similar,
                    region=shared.region,
                ),
            ),
        ),
        answer=retrieve.citing(answer) if knowledge else answer,
        after=(
            ("route.keep", route.keep(shared.cache, routing, clock, similar)),
            ("limits.settle", limits.settle(estimate, admission=shared.admission)),
            *citing,
            (
                "trace.record",
                record(
                    shared.buffer,
                    tables["trace"],
                    shared.user,
                    Place(environment=about.environment, release=about.release),
                ),
            ),
        ),
    )
    app = App(
        name=definition.app,
        definition=definition,
        chain=chain,
        models={name: each.deployments for name, each in routing.routes.items()},
        default_model=default,
        clock=clock,
        prompts=tables["prompt"],
        render=render,
    )
    if shots is not None:
        app = replace(app, ready=shots.ready)

    def forget() -> None:
        for each in (*similar.values(), *((shots,) if shots is not None else ())):
            each.forget()

    return Assembled(app=app, fleet=fleet, state=state, loaded=loaded, places=places, forget=forget)


def _with_room(count: CountTokens, room: int) -> CountTokens:
    """Count along what is put to a call only after it was admitted: the room for sources, and the prompt's variables."""

    def counted(request: Request) -> int:
        if request.prompt is not None and request.prompt.variables:
            sent = says("user", " ".join(map(str, request.prompt.variables.values())))
            request = request.but(messages=(*request.messages, sent))
        return count(request) + (room if request.kind == "chat" else 0)

    return counted


def _shots(
    table: ExamplesTable | None, loaded: Loaded, places: deployments.Placed, fleet: Fleet, shared: Shared
) -> Shots | None:
    """Return what chooses the examples of an app's prompt, None where it shows none."""
    if table is None:
        return None
    try:
        embed = embed_of(table.embed, places, fleet.ask, shared.knowing.bundled)
        load = partial(shared.examples, loaded, table)
        return Shots(table, load=load, embed=embed, count=shared.count_text, vectors=shared.vectors)
    except Mistaken as mistake:
        mistake.place = loaded.place("prompt", "examples")
        raise


def _similar(
    models: Mapping[str, ModelTable], places: deployments.Placed, fleet: Fleet, shared: Shared
) -> dict[str, route.SimilarCache]:
    """Return the caches by meaning, by the names of their models."""
    found: dict[str, route.SimilarCache] = {}
    for name, table in models.items():
        if table.cache is None or table.cache.similar is None:
            continue
        similar = table.cache.similar
        try:
            embed = embed_of(similar.embed, places, fleet.ask, shared.knowing.bundled)
            found[name] = route.SimilarCache(embed, threshold=similar.threshold, mode=similar.mode, clock=shared.clock)
        except Mistaken as mistake:
            mistake.place = f"[models.{name}] cache.similar"
            raise
    return found
