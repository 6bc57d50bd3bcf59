"""Cases that are made of traces: what was asked, with what should have been answered."""

from typing import Annotated, Any

from msgspec import Meta

from rowen.api.manage.base import Asked, Limited, NoParams, Page, Plain, Verb, Verbs
from rowen.api.manage.queues import TraceId
from rowen.api.manage.scores import ScoreText
from rowen.values import Case, Mistaken, Settings


class NewCase(Settings, frozen=True, kw_only=True):
    """A trace that shall be a case."""

    trace: TraceId
    dataset: Annotated[str, Meta(min_length=1, max_length=100, pattern="^[A-Za-z0-9_.-]+$")] = "reviewed"
    expected: ScoreText | None = None
    """What should have been answered; else the newest correction."""
    metadata: dict[str, Any] = {}


class CaseParams(Settings, frozen=True, kw_only=True):
    """Which cases."""

    tenant: Plain = ""
    app: Plain = ""
    dataset: Plain = ""
    limit: Limited = 100


async def list_cases(asked: Asked[CaseParams, None]) -> Page[Case]:
    """The newest cases."""
    params = asked.params
    apps = asked.apps(params.app)
    if params.tenant and not asked.actor.sees(params.tenant):
        return Page(items=())
    tenant = asked.tenant(params.tenant)
    return Page(items=await asked.manage.cases.all(tenant, dataset=params.dataset, apps=apps, limit=params.limit))


async def create_case(asked: Asked[NoParams, NewCase]) -> Case:
    """The case."""
    body, actor = asked.body, asked.actor
    row = await asked.manage.known(body.trace, actor.tenant)
    if row is None or not asked.entry.sees(row.app):
        raise Mistaken("not_found", "there is no such trace", place="trace")
    wanted = Case(
        id="",
        tenant=actor.tenant,
        dataset=body.dataset,
        expected=body.expected,
        metadata=body.metadata,
        by=asked.entry.person,
    )
    return await asked.manage.cases.of_trace(body.trace, wanted)


async def get_case(asked: Asked[NoParams, None]) -> Case:
    """One case."""
    found = await asked.manage.cases.get(asked.path["id"], asked.tenant(""))
    if not asked.entry.sees(found.app):
        raise Mistaken("not_found", "there is no such case", place="id")
    return found


async def delete_case(asked: Asked[NoParams, None]) -> Case:
    """The case that is no more."""
    found = await get_case(asked)
    await asked.manage.register.recorder.note(asked.actor, "case.delete", tenant=found.tenant, target=found.id)
    await asked.manage.cases.delete(found.id, found.tenant)
    return found


VERBS: Verbs = (
    Verb(
        method="GET",
        path="/api/cases",
        name="list_cases",
        summary="Cases made of traces, newest first.",
        scope="read",
        run=list_cases,
        gives=Case,
        many=True,
        params=CaseParams,
        errors=("not_found",),
    ),
    Verb(
        method="POST",
        path="/api/cases",
        name="create_case",
        summary="Keep a trace as a case, with what should have been answered.",
        scope="manage",
        run=create_case,
        gives=Case,
        params=NoParams,
        body=NewCase,
        status=201,
        errors=("not_found", "conflict"),
    ),
    Verb(
        method="GET",
        path="/api/cases/{id}",
        name="get_case",
        summary="One case.",
        scope="read",
        run=get_case,
        gives=Case,
        params=NoParams,
        errors=("not_found",),
    ),
    Verb(
        method="DELETE",
        path="/api/cases/{id}",
        name="delete_case",
        summary="Remove a case.",
        scope="manage",
        run=delete_case,
        gives=Case,
        params=NoParams,
        errors=("not_found",),
    ),
)
