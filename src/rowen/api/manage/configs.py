"""Score configs: what scores of a name may be."""

from typing import Annotated

from msgspec import Meta

from rowen.api.manage.base import Asked, NoParams, Page, Plain, Verb, Verbs
from rowen.api.manage.scores import Figure
from rowen.values import Mistaken, ScoreConfig, ScoreType, Settings


class NewConfig(Settings, frozen=True, kw_only=True):
    """What scores of a name may be."""

    type: ScoreType = "number"
    about: Plain = ""
    least: Figure | None = None
    most: Figure | None = None
    scale: Plain = ""
    categories: Annotated[dict[Plain, Figure | None], Meta(max_length=100)] = {}
    higher_is_better: bool = True
    archived: bool = False


async def list_configs(asked: Asked[NoParams, None]) -> Page[ScoreConfig]:
    """The built-in configs, then the tenant's own."""
    return Page(items=await asked.manage.configs.all(asked.tenant("")))


async def get_config(asked: Asked[NoParams, None]) -> ScoreConfig:
    """One config."""
    found = await asked.manage.configs.get(asked.path["name"], asked.actor.tenant)
    if found is None:
        raise Mistaken("not_found", "there is no such score config", place="name")
    return found


async def put_config(asked: Asked[NoParams, NewConfig]) -> ScoreConfig:
    """The config as it is kept."""
    body, actor = asked.body, asked.actor
    config = ScoreConfig(
        name=asked.path["name"],
        tenant=actor.tenant,
        type=body.type,
        about=body.about,
        least=body.least,
        most=body.most,
        scale=body.scale,
        categories=body.categories,
        higher_is_better=body.higher_is_better,
        archived=body.archived,
    )
    kept = await asked.manage.configs.put(config)
    await asked.manage.register.recorder.note(actor, "score_config.put", tenant=actor.tenant, target=config.name)
    return kept


async def delete_config(asked: Asked[NoParams, None]) -> ScoreConfig:
    """The config that is no more."""
    found = await get_config(asked)
    if not await asked.manage.configs.delete(found.name, asked.actor.tenant):
        raise Mistaken("conflict", f"the score {found.name!r} is built in", place="name")
    note = asked.manage.register.recorder.note
    await note(asked.actor, "score_config.delete", tenant=asked.actor.tenant, target=found.name)
    return found


VERBS: Verbs = (
    Verb(
        method="GET",
        path="/api/score-configs",
        name="list_score_configs",
        summary="What scores of each name may be: the built-in names, then your own.",
        scope="read",
        run=list_configs,
        gives=ScoreConfig,
        many=True,
        params=NoParams,
    ),
    Verb(
        method="GET",
        path="/api/score-configs/{name}",
        name="get_score_config",
        summary="What scores of a name may be.",
        scope="read",
        run=get_config,
        gives=ScoreConfig,
        params=NoParams,
        errors=("not_found",),
    ),
    Verb(
        method="PUT",
        path="/api/score-configs/{name}",
        name="put_score_config",
        summary="Say what scores of a name may be from now on.",
        scope="manage",
        run=put_config,
        gives=ScoreConfig,
        params=NoParams,
        body=NewConfig,
        errors=("conflict",),
    ),
    Verb(
        method="DELETE",
        path="/api/score-configs/{name}",
        name="delete_score_config",
        summary="Let scores of a name be anything again. Those that are there stay.",
        scope="manage",
        run=delete_config,
        gives=ScoreConfig,
        params=NoParams,
        errors=("not_found", "conflict"),
    ),
)
