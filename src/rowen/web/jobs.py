"""Work in the background: what runs, how far it is, what went wrong; pause it, let it go on, cancel it."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rowen.access import Visit
from rowen.jobs import Job
from rowen.store.together import together
from rowen.values import Mistaken
from rowen.web.charts import share
from rowen.web.forms import managed
from rowen.web.page import Page, Services, api_call, may_manage, tenant_of
from rowen.web.seen import apps_of

_SHOWN = 200
STATES = ("queued", "running", "paused", "done", "failed", "cancelled")
_MEANS = {"running": "ok", "done": "ok", "failed": "failed", "cancelled": "cancelled", "paused": "refused"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One job as the page lists it."""

    job: Job
    pill: str
    bar: Markup
    result: Sequence[tuple[str, str]]

    @property
    def can(self) -> tuple[str, ...]:
        """What can be done with it now."""
        match self.job.state:
            case "queued" | "running":
                return ("pause", "cancel")
            case "paused":
                return ("resume", "cancel")
            case "failed" | "cancelled":
                return ("resume",)
            case _:
                return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """The jobs that the reader may see."""

    title: str
    once: Sequence[Row]
    again: Sequence[Row]
    """Those that come back."""
    states: Sequence[str]
    state: str
    now_ns: int
    may_change: bool
    call: str


async def jobs(request: Request, services: Services, visit: Visit) -> Page:
    """The list, the last made first."""
    state = request.query_params.get("state", "")
    if state and state not in STATES:
        raise Mistaken("field_invalid", f"a job is one of: {', '.join(STATES)}", place="state")
    found = await together(
        apps_of(visit),
        lambda app: services.jobs.find(tenant=tenant_of(visit), app=app, state=state, limit=_SHOWN),
        place=lambda job: (job.created_ns, job.id),
        limit=_SHOWN,
    )
    rows = [row_of(job) for job in found]
    return Page(
        template="jobs/page.html",
        context=Jobs(
            title="Jobs",
            once=[row for row in rows if not row.job.every_ns],
            again=[row for row in rows if row.job.every_ns],
            states=STATES,
            state=state,
            now_ns=services.clock.now_ns(),
            may_change=may_manage(visit),
            call=api_call(request, "/api/jobs", state=state),
        ),
    )


async def change(request: Request, services: Services, visit: Visit) -> Response:
    """Pause a job, let it go on, or cancel it."""
    form, actor = await managed(request, visit, services.address(request))
    job = await services.jobs.get(request.path_params["id"], tenant_of(visit))
    if not visit.entry.sees(job.app):
        raise Mistaken("not_found", "There is no such job.")
    what = request.path_params["what"]
    act = {"pause": services.jobs.pause, "resume": services.jobs.resume, "cancel": services.jobs.cancel}.get(what)
    if act is None:
        raise Mistaken("not_found", "There is no such page.")
    await act(job.id, job.tenant)
    await services.register.recorder.note(actor, f"job.{what}", tenant=job.tenant, target=job.id)
    back = str(form.get("to", ""))
    return RedirectResponse(back if back.startswith("/rules") else "/jobs", 303)


def row_of(job: Job) -> Row:
    """Return a job as pages list it."""
    return Row(
        job=job,
        pill=_MEANS.get(job.state, ""),
        bar=share(job.done, job.total) if job.total else Markup(),
        result=[(name.replace("_", " "), str(value)) for name, value in job.result.items() if value not in ("", None)],
    )
