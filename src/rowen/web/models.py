"""Models and their health: where each can be asked, and how that goes."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request

from rowen.access import Visit
from rowen.values import now
from rowen.web.page import Page, Services, Shown, api_call


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """The deployments of the apps that the reader sees."""

    title: str
    deployments: Sequence[Shown]
    troubled: int
    """How many are left alone now."""
    small: bool
    """Whether a bundled model is among them, which needs a word of warning."""
    today: str
    """The day, to tell models that will be retired from those that were."""


async def models(request: Request, services: Services, visit: Visit) -> Page:
    """The deployments that the reader's key may call, with their state."""
    wanted = visit.entry.models
    shown = [
        each
        for each in services.models()
        if visit.entry.sees(each.app) and (not wanted or each.deployment.model in wanted)
    ]
    return Page(
        call=api_call(request, "/api/models"),
        template="models/page.html",
        context=Models(
            title="Models",
            deployments=shown,
            troubled=sum(each.health is not None and each.health.state != "closed" for each in shown),
            small=any(each.deployment.provider == "local" and each.deployment.profile.chat for each in shown),
            today=now(services.clock).date().isoformat(),
        ),
    )
