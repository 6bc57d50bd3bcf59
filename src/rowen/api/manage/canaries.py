"""Canaries: whether models answer fixed prompts as they did."""

from rowen.api.manage.base import Asked, Page, Plain, Verb, Verbs
from rowen.evaluate.canary import Reading
from rowen.values import Settings


class CanaryParams(Settings, frozen=True, kw_only=True):
    """Which canaries."""

    app: Plain = ""
    changes: bool = False
    """Every cycle in which something changed, not the newest of each."""


async def list_canaries(asked: Asked[CanaryParams, None]) -> Page[Reading]:
    """The newest cycle of each canary at each deployment, or the cycles in which something changed, newest first."""
    app, canaries = asked.app(asked.params.app), asked.manage.canaries
    found = await (canaries.changes(0) if asked.params.changes else canaries.latest(app))
    allowed = asked.entry.apps
    return Page(items=[each for each in found if (not app or each.app == app) and (not allowed or each.app in allowed)])


VERBS: Verbs = (
    Verb(
        method="GET",
        path="/api/canaries",
        name="list_canaries",
        summary="What fixed prompts that are asked of models on a schedule have heard.",
        scope="admin",
        run=list_canaries,
        gives=Reading,
        many=True,
        params=CanaryParams,
        errors=("not_found",),
    ),
)
