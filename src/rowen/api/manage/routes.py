"""The route table of the management API."""

from itertools import groupby
from typing import Any

from starlette.routing import Route

from rowen.api.envelope import Opener
from rowen.api.manage import (
    alerts,
    audit,
    canaries,
    cases,
    choices,
    compare,
    configs,
    costs,
    datasets,
    definitions,
    dispatch,
    feedback,
    incidents,
    insight,
    jobs,
    keys,
    knowledge,
    me,
    models,
    objectives,
    prompts,
    queues,
    releases,
    rollouts,
    rules,
    runs,
    scores,
    tenants,
    traces,
    views,
)
from rowen.api.manage.base import Asked, Manage, NoParams, Verb, Verbs
from rowen.api.manage.openapi import described
from rowen.api.manage.station import Station


async def describe(_: Asked[NoParams, None]) -> dict[str, Any]:
    """The description of the API."""
    return described(VERBS)


VERBS: Verbs = (
    *me.VERBS,
    *keys.VERBS,
    *tenants.VERBS,
    *audit.VERBS,
    *traces.VERBS,
    *views.VERBS,
    *scores.VERBS,
    *configs.VERBS,
    *feedback.VERBS,
    *queues.VERBS,
    *cases.VERBS,
    *datasets.VERBS,
    *compare.VERBS,
    *canaries.VERBS,
    *choices.VERBS,
    *dispatch.VERBS,
    *runs.VERBS,
    *prompts.VERBS,
    *costs.VERBS,
    *insight.VERBS,
    *models.VERBS,
    *definitions.VERBS,
    *releases.VERBS,
    *rollouts.VERBS,
    *jobs.VERBS,
    *knowledge.VERBS,
    *objectives.VERBS,
    *alerts.VERBS,
    *incidents.VERBS,
    *rules.VERBS,
    Verb(
        method="GET",
        path="/api/openapi.json",
        name="openapi",
        summary="This description.",
        scope="read",
        run=describe,
        gives=dict[str, Any],
        bare=True,
        params=NoParams,
    ),
)
"""Every verb there is. A path with a fixed last part stands before the one with an id there."""


def routes(services: Manage) -> list[Route]:
    """Return the routes under `/api/`; the last one answers everything else there in the API's own shape."""
    opener = Opener(services.settings)
    # Not sorted: verbs of one path stand together, and the order of the paths matters.
    found = [
        Route(path, Station(services, opener, tuple(verbs)))
        for path, verbs in groupby(VERBS, key=lambda verb: verb.path)
    ]
    return [*found, Route("/api/{rest:path}", Station(services, opener, ()))]
