"""Runs of evaluations: begin one, see how far it is and what came of it, stop it, let it go on."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from rowen.api.manage.alerts import home
from rowen.api.manage.base import Asked, Limited, Name, NoParams, Page, Plain, Verb, Verbs
from rowen.evaluate.robust.desk import Shown
from rowen.evaluate.run.office import Order
from rowen.evaluate.run.result import Result
from rowen.store.base import Place
from rowen.values import Mistaken, Outcome, Run, Settings

Dollars = Annotated[
    str, Meta(max_length=20, pattern=r"^([0-9]{0,8}[1-9][0-9]{0,8}(\.[0-9]{1,9})?|0\.[0-9]{0,8}[1-9])?$")
]
"""More than nothing, as a text so that it stays exact."""
Digits = Annotated[str, Meta(max_length=64, pattern="^[0-9a-f]*$")]


class RunParams(Settings, frozen=True, kw_only=True):
    """Which runs. What is empty does not filter."""

    tenant: Plain = ""
    app: Plain = ""
    suite: Plain = ""
    state: Literal["", "waiting", "running", "paused", "done", "stopped"] = ""
    limit: Limited = 100


class NewRun(Settings, frozen=True, kw_only=True):
    """A run to begin."""

    app: Name
    suite: Name
    """The `[evaluate.NAME]` table."""
    definition: Digits = ""
    """The hash of a Definition that was kept; default: what is live."""
    cases: Annotated[str, Meta(max_length=200, pattern=r"^(dataset:[^\u0000-\u001f\u007f]+)?$")] = ""
    """`dataset:NAME` or `dataset:NAME@VERSION`; default: those of the suite."""
    trials: Annotated[int, Meta(ge=0, le=1000)] = 0
    budget: Dollars = ""
    """US dollars."""
    note: Plain = ""
    fresh: bool = False
    """Whether everything is asked anew."""


class Onward(Settings, frozen=True, kw_only=True):
    """How a run goes on."""

    budget: Dollars = ""
    """US dollars for all of it; default: what it had."""


class RobustParams(Settings, frozen=True, kw_only=True):
    """What must stay the same."""

    metric: Plain = ""
    """A score; default: what is said."""


class OutcomeParams(Settings, frozen=True, kw_only=True):
    """Which outcomes; `before` is the `next` of the page before."""

    before: Annotated[str, Meta(max_length=300, pattern=r"^([0-9]{1,5}:[^\u0000-\u001f\u007f]*)?$")] = ""
    limit: Limited = 100


async def list_runs(asked: Asked[RunParams, None]) -> Page[Run]:
    """The runs, newest first."""
    params = asked.params
    apps = asked.apps(params.app)
    if params.tenant and not asked.actor.sees(params.tenant):
        return Page(items=())
    found = await asked.manage.runs.desk.shelf.find(
        tenant=asked.tenant(params.tenant), apps=apps, group=params.suite, state=params.state, limit=params.limit
    )
    return Page(items=found)


async def start_run(asked: Asked[NoParams, NewRun]) -> Run:
    """The run, which waits for its job."""
    body = asked.body
    app = asked.app(body.app)
    order = Order(
        app=app,
        suite=body.suite,
        definition=body.definition,
        cases=body.cases,
        trials=body.trials,
        budget=body.budget,
        note=body.note,
        fresh=body.fresh,
    )
    run = await asked.manage.runs.start(order, tenant=home(asked), by=asked.entry.person)
    await _note(asked, "run.start", run)
    return run


async def get_run(asked: Asked[NoParams, None]) -> Result:
    """What came of a run, or has so far."""
    return await asked.manage.runs.result(await _known(asked))


async def run_robust(asked: Asked[RobustParams, None]) -> Shown:
    """How robust its answers are, whom they treat otherwise, or whether they mind being tested: by what its cases are."""
    run = await _known(asked)
    return await asked.manage.robust.show(run.id, run.tenant, metric=asked.params.metric)


async def run_outcomes(asked: Asked[OutcomeParams, None]) -> Page[Outcome]:
    """What became of each case, by case, then trial."""
    run, params = await _known(asked), asked.params
    found = await asked.manage.runs.desk.outcomes.page(
        run.id, tenant=run.tenant, after=_place(params.before), limit=params.limit
    )
    more = f"{found[-1].trial}:{found[-1].case}" if len(found) == params.limit else ""
    return Page(items=found, next=more)


async def stop_run(asked: Asked[NoParams, None]) -> Run:
    """The run; what is under way is finished."""
    run = await _known(asked)
    await _note(asked, "run.stop", run)
    return await asked.manage.runs.stop(run.id, run.tenant, by=asked.entry.person)


async def resume_run(asked: Asked[NoParams, Onward]) -> Run:
    """The run, which waits for its job."""
    run = await _known(asked)
    await _note(asked, "run.resume", run)
    return await asked.manage.runs.resume(run.id, run.tenant, budget=asked.body.budget, by=asked.entry.person)


async def delete_run(asked: Asked[NoParams, None]) -> Run:
    """The run that is no more."""
    run = await _known(asked)
    await asked.manage.runs.delete(run)
    await _note(asked, "run.delete", run)
    return run


async def _known(asked: Asked[Any, Any]) -> Run:
    run = await asked.manage.runs.desk.get(asked.path["id"], asked.tenant(""))
    if not asked.entry.sees(run.app):
        raise Mistaken("not_found", "there is no such run", place="id")
    return run


def _place(before: str) -> Place | None:
    if not before:
        return None
    trial, _, case = before.partition(":")
    return Place(case, int(trial))


async def _note(asked: Asked[Any, Any], act: str, run: Run) -> None:
    await asked.manage.register.recorder.note(asked.actor, act, tenant=run.tenant, target=run.id)


VERBS: Verbs = (
    Verb(
        method="GET",
        path="/api/runs",
        name="list_runs",
        summary="Runs of evaluations, newest first.",
        scope="read",
        run=list_runs,
        gives=Run,
        many=True,
        params=RunParams,
        errors=("not_found",),
    ),
    Verb(
        method="POST",
        path="/api/runs",
        name="start_run",
        summary="Begin a run of a suite. It is done in the background.",
        scope="manage",
        run=start_run,
        gives=Run,
        params=NoParams,
        body=NewRun,
        status=201,
        errors=(
            "not_found",
            "app_unknown",
            "config_invalid",
            "config_unknown_key",
            "config_missing",
            "config_secret",
            "conflict",
            "extra_missing",
        ),
    ),
    Verb(
        method="GET",
        path="/api/runs/{id}",
        name="get_run",
        summary="A run with its figures, what they must be, its slices and why cases failed.",
        scope="read",
        run=get_run,
        gives=Result,
        params=NoParams,
        errors=("not_found", "conflict"),
    ),
    Verb(
        method="DELETE",
        path="/api/runs/{id}",
        name="delete_run",
        summary="Remove a run with its outcomes.",
        scope="manage",
        run=delete_run,
        gives=Run,
        params=NoParams,
        errors=("not_found", "conflict"),
    ),
    Verb(
        method="GET",
        path="/api/runs/{id}/robust",
        name="run_robust",
        summary="How a run stands whose cases were asked in other ways, about other people, or announced as tests.",
        scope="read",
        run=run_robust,
        gives=Shown,
        params=RobustParams,
        errors=("not_found", "conflict"),
    ),
    Verb(
        method="GET",
        path="/api/runs/{id}/outcomes",
        name="run_outcomes",
        summary="What became of each case of a run.",
        scope="read",
        run=run_outcomes,
        gives=Outcome,
        many=True,
        params=OutcomeParams,
        errors=("not_found", "conflict"),
    ),
    Verb(
        method="POST",
        path="/api/runs/{id}/stop",
        name="stop_run",
        summary="Tell a run to stop; what is under way is finished.",
        scope="manage",
        run=stop_run,
        gives=Run,
        params=NoParams,
        errors=("not_found", "conflict"),
    ),
    Verb(
        method="POST",
        path="/api/runs/{id}/resume",
        name="resume_run",
        summary="Let a run go on that ended early; what has an outcome is not tried again.",
        scope="manage",
        run=resume_run,
        gives=Run,
        params=NoParams,
        body=Onward,
        errors=("not_found", "conflict"),
    ),
)
