"""Langfuse's score configs as Rowen's. The id of a config is its name."""

from typing import Any, Literal

from rowen.api.langfuse.base import Asked, Body, paged, when
from rowen.score.configs import BUILT_IN
from rowen.trace.intake.judged import named
from rowen.values import Mistaken, ScoreConfig, ScoreType

_TYPES: dict[str, ScoreType] = {
    "NUMERIC": "number",
    "BOOLEAN": "boolean",
    "CATEGORICAL": "category",
    "TEXT": "text",
}
_NAMES = {kind: name for name, kind in _TYPES.items()} | {"correction": "TEXT"}
_BOTH = [{"label": "True", "value": 1.0}, {"label": "False", "value": 0.0}]


class Category(Body):
    """A label with its number."""

    label: str
    value: float


class ConfigBody(Body):
    """A config that is sent, or what of one changes."""

    name: str | None = None
    data_type: Literal["NUMERIC", "BOOLEAN", "CATEGORICAL", "TEXT"] | None = None
    min_value: float | None = None
    max_value: float | None = None
    categories: list[Category] | None = None
    description: str | None = None
    is_archived: bool | None = None


async def create(asked: Asked) -> Any:
    """Keep a config; one of that name that is there is replaced."""
    asked.may("manage")
    body: ConfigBody = asked.read(ConfigBody)
    if not body.name or body.data_type is None:
        raise Mistaken("field_invalid", "a score config needs `name` and `dataType`", place="name")
    made = ScoreConfig(name=named(body.name), tenant=asked.tenant, type=_TYPES[body.data_type])
    return shown(await asked.langfuse.configs.put(_with(made, body)), asked.tenant)


async def change(asked: Asked) -> Any:
    """Change a config of the tenant's own."""
    asked.may("manage")
    body: ConfigBody = asked.read(ConfigBody)
    config = await _known(asked)
    if body.name is not None and named(body.name) != config.name:
        raise Mistaken("field_invalid", "a config keeps its name: scores are told apart by it", place="name")
    return shown(await asked.langfuse.configs.put(_with(config, body)), asked.tenant)


async def get(asked: Asked) -> Any:
    """One config."""
    asked.may("call", "read")
    return shown(await _known(asked), asked.tenant)


async def find(asked: Asked) -> Any:
    """All configs that the tenant has, those of everybody first."""
    asked.may("call", "read")
    found = [shown(config, asked.tenant) for config in await asked.langfuse.configs.all(asked.tenant)]
    return paged(found, asked.number("page", 1), asked.number("limit", 50, 1000))


def _with(config: ScoreConfig, body: ConfigBody) -> ScoreConfig:
    if body.categories is not None and config.type != "category":
        raise Mistaken("field_invalid", "only a CATEGORICAL config has categories", place="categories")
    return config.but(
        least=config.least if body.min_value is None else body.min_value,
        most=config.most if body.max_value is None else body.max_value,
        categories=config.categories
        if body.categories is None
        else {each.label: each.value for each in body.categories},
        about=config.about if body.description is None else body.description,
        archived=config.archived if body.is_archived is None else body.is_archived,
    )


async def _known(asked: Asked) -> ScoreConfig:
    found = await asked.langfuse.configs.get(asked.place[0], asked.tenant)
    if found is None:
        raise Mistaken("not_found", "there is no such score config", place="configId")
    return found


def shown(config: ScoreConfig, tenant: str) -> dict[str, Any]:
    """Return a config as Langfuse shows it."""
    categories = [{"label": label, "value": value or 0.0} for label, value in config.categories.items()]
    return {
        "id": config.name,
        "name": config.name,
        "projectId": tenant,
        "dataType": _NAMES[config.type],
        "isArchived": config.archived,
        "minValue": config.least,
        "maxValue": config.most,
        "categories": _BOTH if config.type == "boolean" else categories or None,
        "description": config.about or None,
        "createdAt": when(config.created_ns),
        "updatedAt": when(config.created_ns),
        "builtIn": config.name in BUILT_IN,
    }
