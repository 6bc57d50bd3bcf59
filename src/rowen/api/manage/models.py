"""Models: where each is deployed, and how it does."""

from rowen.api.manage.base import Asked, Page, Paged, Verb, Verbs, page_of
from rowen.api.manage.state import ModelState


async def list_models(asked: Asked[Paged, None]) -> Page[ModelState]:
    """The deployments that the key may call."""
    entry = asked.entry
    found = [
        one
        for one in asked.manage.models()
        if entry.sees(one.app) and (not entry.models or one.deployment.model in entry.models)
    ]
    return page_of(sorted(found, key=_name, reverse=True), _name, asked.params)


def _name(one: ModelState) -> str:
    return f"{one.app}/{one.deployment.name}"


VERBS: Verbs = (
    Verb(
        method="GET",
        path="/api/models",
        name="list_models",
        summary="Deployments with their profile and their health as this process sees it.",
        scope="read",
        run=list_models,
        gives=ModelState,
        many=True,
        params=Paged,
    ),
)

__all__ = ["VERBS", "ModelState"]
