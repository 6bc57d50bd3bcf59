"""Work in the background: see how far it is, pause it, let it go on, cancel it."""

from collections.abc import Awaitable, Callable
from typing import Literal

from rowen.api.manage.base import Asked, Limited, NoParams, Page, Plain, Verb, Verbs
from rowen.jobs import Job
from rowen.store.together import together
from rowen.values import Mistaken, Settings


class JobParams(Settings, frozen=True, kw_only=True):
    """Which jobs. What is empty does not filter."""

    tenant: Plain = ""
    app: Plain = ""
    kind: Plain = ""
    state: Literal["", "queued", "running", "paused", "done", "failed", "cancelled"] = ""
    limit: Limited = 100


async def list_jobs(asked: Asked[JobParams, None]) -> Page[Job]:
    """The jobs of the caller's tenant, of all for an admin, the last made first."""
    params = asked.params
    apps = asked.apps(params.app)
    if params.tenant and not asked.actor.sees(params.tenant):
        return Page(items=())
    found = await together(
        apps,
        lambda app: asked.manage.jobs.find(
            tenant=asked.tenant(params.tenant), app=app, kind=params.kind, state=params.state, limit=params.limit
        ),
        place=lambda job: (job.created_ns, job.id),
        limit=params.limit,
    )
    return Page(items=found)


async def get_job(asked: Asked[NoParams, None]) -> Job:
    """One job, with its progress and its last error."""
    job = await asked.manage.jobs.get(asked.path["id"], asked.tenant(""))
    if not asked.entry.sees(job.app):
        raise Mistaken("not_found", "there is no such job", place="id")
    return job


def _acting(
    act: Callable[[Asked[NoParams, None], Job], Awaitable[Job]],
) -> Callable[[Asked[NoParams, None]], Awaitable[Job]]:
    async def run(asked: Asked[NoParams, None]) -> Job:
        return await act(asked, await get_job(asked))

    return run


pause_job = _acting(lambda asked, job: asked.manage.jobs.pause(job.id, job.tenant))
resume_job = _acting(lambda asked, job: asked.manage.jobs.resume(job.id, job.tenant))
cancel_job = _acting(lambda asked, job: asked.manage.jobs.cancel(job.id, job.tenant))


VERBS: Verbs = (
    Verb(
        method="GET",
        path="/api/jobs",
        name="list_jobs",
        summary="Work in the background, the last made first.",
        scope="read",
        run=list_jobs,
        gives=Job,
        many=True,
        params=JobParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/jobs/{id}",
        name="get_job",
        summary="One job, with its progress and its last error.",
        scope="read",
        run=get_job,
        gives=Job,
        params=NoParams,
        errors=("not_found",),
    ),
    Verb(
        method="POST",
        path="/api/jobs/{id}/pause",
        name="pause_job",
        summary="Stop a job before its next step; what is done stays done.",
        scope="manage",
        run=pause_job,
        gives=Job,
        params=NoParams,
        errors=("not_found", "conflict"),
    ),
    Verb(
        method="POST",
        path="/api/jobs/{id}/resume",
        name="resume_job",
        summary="Let a job go on that was paused, cancelled or given up.",
        scope="manage",
        run=resume_job,
        gives=Job,
        params=NoParams,
        errors=("not_found", "conflict"),
    ),
    Verb(
        method="POST",
        path="/api/jobs/{id}/cancel",
        name="cancel_job",
        summary="Stop a job before its next step, for good.",
        scope="manage",
        run=cancel_job,
        gives=Job,
        params=NoParams,
        errors=("not_found", "conflict"),
    ),
)
