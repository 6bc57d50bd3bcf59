"""From `[models]` to deployments: where each model can be asked, with which key, at which price."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import PurePath
from typing import Any

import msgspec

from rowen.flow.tables import DeploymentTable, ModelTable, ParamsTable, PriceTable
from rowen.provider.base import ModelSettings
from rowen.provider.catalog import declared
from rowen.provider.lifetime import Lifetimes, remark, stated
from rowen.route import ModelRoute, Models
from rowen.values import Deployment, Format, Mistaken, Patience, Profile, Reasoning
from rowen.values.price import Price, priced

Placed = dict[str, tuple[Deployment, ModelSettings]]
"""Deployments by name, each with what its provider is made from."""


def placed(models: Mapping[str, ModelTable]) -> Placed:
    """Return every deployment of an app.

    Raises:
        Mistaken: `config_invalid`, `extra_missing` with the table's name as place.

    """
    found: Placed = {}
    for name, table in models.items():
        places = list(_places(table))
        for number, place in enumerate(places):
            label = name if len(places) == 1 else f"{name}/{number}"
            found[label] = _deployment(name, label, table, place)
    return found


def routes(models: Mapping[str, ModelTable], places: Placed) -> dict[str, ModelRoute]:
    """Return how each model is routed.

    Raises:
        Mistaken: `config_invalid` for a schema that is none.

    """
    return {
        name: ModelRoute(
            name=name,
            deployments=tuple(deployment for deployment, _ in places.values() if deployment.model == name),
            strategy=table.strategy,
            fallback=table.fallback,
            retries=table.retries,
            hedge_after=table.hedge_after,
            midstream=table.midstream,
            cache_ttl=table.cache.ttl if table.cache else 0.0,
            cache_scope=table.cache.scope if table.cache else "tenant",
            cache_tools=table.cache.tools if table.cache else False,
            preset=_preset(name, table.params),
        )
        for name, table in models.items()
    }


def prices(models: Mapping[str, ModelTable], places: Placed) -> dict[tuple[str, str], tuple[Price, ...]]:
    """Return the app's own prices by provider kind and the provider's own model name."""
    own: dict[tuple[str, str], tuple[Price, ...]] = {}
    for name, table in models.items():
        written = [each.price or table.price for each in _places(table)]
        labels = [deployment for deployment, _ in places.values() if deployment.model == name]
        for deployment, price in zip(labels, written, strict=True):
            if price is not None:
                listed = (price,) if isinstance(price, PriceTable) else price
                own[deployment.provider, deployment.upstream] = tuple(_price(name, each) for each in listed)
    return own


def remarks(models: Mapping[str, ModelTable], today: date) -> list[str]:
    """Return what is to be said of models that end or may change, each once, with the table it is about."""
    said: dict[str, None] = {}
    for deployment, _ in placed(models).values():
        if found := remark(deployment, today):
            said[f"[models.{deployment.model}] {found}"] = None
    return list(said)


def may_answer(models: Models, name: str) -> tuple[Deployment, ...]:
    """Return every deployment that may answer for a model name, its fallbacks included; none for an unknown name."""
    route = models.named(name)
    if route is None:
        return ()
    ladder = (route, *(models.routes[each] for each in route.fallback if each in models.routes))
    return tuple(deployment for each in ladder for deployment in each.deployments)


def _preset(name: str, params: ParamsTable) -> dict[str, Any]:
    """Return what requests to a model say where callers say nothing, by the names of `Request`."""
    plain = ("temperature", "top_p", "max_tokens", "seed", "stop")
    preset = {field: value for field in plain if (value := getattr(params, field)) not in (None, ())}
    if params.effort:
        preset["reasoning"] = Reasoning(effort=params.effort)
    if params.schema is not None:
        try:
            schema = msgspec.json.decode(params.schema.text, type=dict[str, Any])
        except msgspec.DecodeError as error:
            message = f"{params.schema.path} is no JSON Schema: {error}"
            raise Mistaken("config_invalid", message, place=f"[models.{name}] params.schema") from error
        title = PurePath(params.schema.path).stem
        preset["format"] = Format(kind="schema", name=title, schema=schema, strict=True)
    return preset


def _places(table: ModelTable) -> Iterator[DeploymentTable]:
    """Yield the places of a model: its deployments as written, or one for each key, or just one."""
    if table.deployments:
        yield from table.deployments
    elif table.keys:
        for key in table.keys:
            yield DeploymentTable(key=key, weight=table.weight)
    else:
        yield DeploymentTable(weight=table.weight)


def _deployment(name: str, label: str, table: ModelTable, place: DeploymentTable) -> tuple[Deployment, ModelSettings]:
    settings = ModelSettings(
        provider=place.provider or table.provider,
        model=place.model or table.model or name,
        key=place.key or table.key,
        base_url=place.base_url or table.base_url,
        headers={**table.headers, **place.headers},
        options={**table.options, **place.options},
    )
    try:
        profile = _profile(declared(settings), {**table.profile, **place.profile})
    except Mistaken as mistake:
        mistake.place = f"[models.{name}] {mistake.place}".strip()
        raise
    try:
        known = Lifetimes.load().of(settings.provider, settings.model, settings.base_url)
        life = stated(known, retires=place.retires or table.retires, moving=table.moving)
    except ValueError as error:
        raise Mistaken("config_invalid", str(error), place=f"[models.{name}] retires") from error
    deployment = Deployment(
        name=label,
        model=name,
        provider=settings.provider,
        upstream=settings.model,
        profile=profile,
        patience=Patience(
            connect=table.timeout.connect,
            first=table.timeout.first,
            gap=table.timeout.gap,
            whole=table.timeout.whole,
            total=table.timeout.total,
        ),
        unknown=table.unknown,
        weight=place.weight,
        requests_per_minute=place.requests_per_minute or table.requests_per_minute,
        tokens_per_minute=place.tokens_per_minute or table.tokens_per_minute,
        traceparent=table.traceparent,
        region=place.region or table.region,
        ends=life.ends,
        successor=life.successor,
        moving=life.moving,
    )
    return deployment, settings


def _profile(declared_: Profile, own: Mapping[str, Any]) -> Profile:
    unknown = set(own) - set(Profile.__struct_fields__)
    if unknown:
        known = ", ".join(sorted(Profile.__struct_fields__))
        raise Mistaken("config_unknown_key", f"a profile has no {min(unknown)!r}; it knows {known}", place="profile")
    return declared_.but(**own) if own else declared_


def _price(model: str, table: PriceTable) -> Price:
    try:
        return priced(
            input=table.input,
            output=table.output,
            cache_read=table.cache_read,
            cache_write=table.cache_write,
            input_audio=table.input_audio,
            output_audio=table.output_audio,
            since=table.since,
        )
    except ValueError as error:
        raise Mistaken("config_invalid", str(error), place=f"[models.{model}] price") from error
