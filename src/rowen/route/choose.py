"""Choose who answers: resolve the model, look into the cache, and put the deployments that can answer in order."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from random import random
from types import MappingProxyType
from typing import Any

from rowen.route.base import ModelRoute, Models, Random, Strategy, foreseen
from rowen.route.cache import AnswerCache, cache_key
from rowen.route.order import ordered
from rowen.route.similar import SimilarCache
from rowen.route.state import FleetState, Standing
from rowen.values import Call, Clock, CountTokens, Deployment, Mistaken, Plan, Request, Unavailable

# What no provider can leave out and still answer what was asked; the rest goes by the deployment's `unknown` policy.
_NEEDED = frozenset(
    {
        "embeddings",
        "messages",
        "tools",
        "response_format",
        "response_format.json_schema",
        "image parts",
        "audio parts",
        "file parts",
    }
)
_KINDS = frozenset({"embeddings", "messages"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rung:
    """One model's deployments; a ladder is the model asked for and then its fallbacks."""

    strategy: Strategy
    standings: tuple[Standing, ...]


def choose(
    models: Models,
    state: FleetState,
    cache: AnswerCache | None,
    *,
    count: CountTokens,
    clock: Clock,
    rand: Random = random,
    similar: Mapping[str, SimilarCache] = MappingProxyType({}),
    region: str = "",
) -> Callable[[Call], Awaitable[Call]]:
    """Return the step that sets a call's plan, or its answer when the cache has one.

    Args:
        models: the app's models.
        state: what is known of the deployments while the process runs.
        cache: None where nothing is cached.
        count: tokens of a prompt, where none were set aside for the call.
        clock: for the age of what the cache had.
        rand: for orders by chance.
        similar: the caches by meaning, by the names of their models. To ask one takes as long as to make one vector.
        region: where this process stands; deployments of other regions are asked last.

    Raises:
        Mistaken: `config_invalid` for a fallback that is not defined.

    """
    ladders = {name: _ladder(models, route, state) for name, route in models.routes.items()}
    metered = any(s.tokens for ladder in ladders.values() for rung in ladder for s in rung.standings)

    async def step(call: Call) -> Call:
        request = call.request
        route = models.named(request.model)
        if route is None:
            raise _unknown(request.model, models)
        if route.preset and request.kind == "chat":
            request = preset(request, route)
            call = call.but(request=request)
        facts: dict[str, Any] = {"model": route.name, "strategy": route.strategy, "cache": "off"}
        key = ""
        if cache is not None and route.cache_ttl > 0:
            key = cache_key(call, route)
            facts["cache"] = "miss" if call.use_cache else "bypass"
            if call.use_cache and (found := await cache.get(key)) is not None:
                age = max(0, clock.now_ns() - found.stored_ns) // 1_000_000_000
                facts |= {"cache": "hit", "trace": found.trace, "age_s": age}
                plan = Plan(strategy=route.strategy)
                return call.but(answer=found.answer, source="cache", plan=plan, notes={**call.notes, "route": facts})
            if call.use_cache and (alike := similar.get(route.name)) is not None:
                near = await alike.find(call, route)
                facts |= near.facts
                if near.answer is not None:
                    facts |= {"cache": "similar", "trace": near.facts["similar_to"]}
                    plan = Plan(strategy=route.strategy)
                    return call.but(answer=near.answer, source="cache", plan=plan, notes={**call.notes, "route": facts})
        ladder = ladders[route.name]
        tokens = foreseen(call, count) if metered else 0
        names: list[str] = []
        shut: dict[str, str] = {}
        unable: dict[str, tuple[str, ...]] = {}
        for rung in ladder:
            free: list[Standing] = []
            for standing in rung.standings:
                deployment = standing.deployment
                if lacking := _lacking(deployment, request):
                    unable[deployment.name] = lacking
                elif reason := standing.shut(tokens):
                    shut[deployment.name] = reason
                else:
                    free.append(standing)
            names += [standing.deployment.name for standing in ordered(rung.strategy, free, rand, region)]
        if not names:
            raise _none(route, ladder, shut, unable, tokens)
        if shut or unable:
            facts["left_out"] = {**shut, **{name: "cannot: " + ", ".join(fields) for name, fields in unable.items()}}
        plan = Plan(deployments=tuple(names), strategy=route.strategy, cache_key=key)
        return call.but(plan=plan, notes={**call.notes, "route": facts})

    return step


def preset(request: Request, route: ModelRoute) -> Request:
    """Return a request with what its model says for it where it says nothing itself."""
    silent = {field: value for field, value in route.preset.items() if getattr(request, field) in (None, ())}
    return request.but(**silent) if silent else request


def _ladder(models: Models, route: ModelRoute, state: FleetState) -> tuple[_Rung, ...]:
    names = dict.fromkeys((route.name, *route.fallback))
    for name in names:
        if name not in models.routes:
            place = f"models.{route.name}.fallback"
            raise Mistaken("config_invalid", f"The fallback {name!r} is not a model.{_hint(name, models)}", place=place)
    rungs = (models.routes[name] for name in names)
    return tuple(
        _Rung(strategy=rung.strategy, standings=tuple(state.of(deployment) for deployment in rung.deployments))
        for rung in rungs
    )


def _lacking(deployment: Deployment, request: Request) -> tuple[str, ...]:
    """The fields for which this deployment cannot be asked, its policy being what it is."""
    lacking = deployment.profile.lacks(request)
    if not lacking or deployment.unknown == "refuse":
        return lacking
    hard = _KINDS if deployment.unknown == "pass" else _NEEDED
    return tuple(field for field in lacking if field in hard)


def _unknown(name: str, models: Models) -> Mistaken:
    near = _near(name, models)
    return Mistaken(
        "model_unknown",
        f"No model {name[:100]!r} is defined here.{_hint(name, models)}",
        place="model",
        details={"nearest": list(near)},
    )


def _near(name: str, models: Models) -> list[str]:
    known = [*models.routes, models.app]
    return get_close_matches(name[:100].removeprefix(f"{models.app}/"), known, n=3, cutoff=0.5)


def _hint(name: str, models: Models) -> str:
    near = _near(name, models)
    return f" Did you mean {' or '.join(repr(other) for other in near)}?" if near else ""


def _none(
    route: ModelRoute,
    ladder: tuple[_Rung, ...],
    shut: dict[str, str],
    unable: dict[str, tuple[str, ...]],
    tokens: int,
) -> Mistaken | Unavailable:
    """Why there is nobody to ask."""
    if not shut:
        fields = list(dict.fromkeys(field for lacking in unable.values() for field in lacking))
        message = f"No deployment of {route.name!r} can honour: {', '.join(fields)}."
        return Mistaken("field_unsupported", message, place=fields[0], details={"fields": list(fields)})
    standings = {s.deployment.name: s for rung in ladder for s in rung.standings}
    wait = min(standings[name].free_in(tokens) for name in shut)
    if "breaker" in shut.values():
        message = f"Every deployment of {route.name!r} is out of order or at its limit."
        return Unavailable("no_route", message, who=route.name, retry_after=wait)
    message = f"Every deployment of {route.name!r} is at its provider's limit."
    return Unavailable("upstream_limited", message, who=route.name, retry_after=wait)
