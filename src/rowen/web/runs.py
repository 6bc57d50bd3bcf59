"""Runs of evaluations: the list, one run as it goes and as it ended, and what became of each case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rowen.access import Visit
from rowen.evaluate.dataset import asked
from rowen.evaluate.robust.desk import is_made
from rowen.evaluate.run.base import Loaded
from rowen.evaluate.run.desk import ENDED
from rowen.evaluate.run.office import Order
from rowen.evaluate.run.result import BINS, Figure, Result
from rowen.store.base import Place
from rowen.values import Case, Mistaken, Outcome, Run
from rowen.values.whole import whole
from rowen.web.charts import Series, Slot, bars
from rowen.web.forms import choice, line, managed
from rowen.web.page import Page, Services, api_call, may_manage, tenant_of
from rowen.web.said import said_count
from rowen.web.seen import apps_of

_LISTED = 100
_CASES = 20
SHOWS = ("worst", "failed", "all")
PILLS = {"done": "ok", "running": "ok", "stopped": "refused", "paused": "refused", "waiting": ""}
_HELD = {"met": "ok", "missed": "failed", "undecided": "refused"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One run in the list."""

    run: Run
    pill: str
    result: Result | None
    main: Figure | None
    """Its first metric."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunList:
    """The runs."""

    title: str
    rows: Sequence[Row]
    suites: Sequence[tuple[str, str]]
    may_change: bool
    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One case of a run."""

    outcome: Outcome
    question: str
    expected: str
    scores: Sequence[tuple[str, str, str]]
    """Metric, value, reason."""
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is: a part of the page, which is also asked for alone."""

    run: Run
    pill: str
    tried: int
    total: int
    under_way: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OneRun:
    """One run."""

    title: str
    run: Run
    pill: str
    tried: int
    total: int
    under_way: bool
    result: Result
    held: Sequence[tuple[Any, str]]
    metric: str
    chart: Markup
    bins: Sequence[tuple[str, int]]
    columns: Sequence[str]
    cases: Sequence[Told]
    reading: bool
    """Whether the questions are still being read."""
    show: str
    shows: Sequence[str]
    at: int
    more: bool
    found: int
    before: Run | None
    """The run of the same suite before it."""
    asked_otherwise: bool
    """Whether its cases were asked in other ways, about other people, or announced as tests."""
    may_change: bool
    call: str


async def runs(request: Request, services: Services, visit: Visit) -> Page:
    """The runs, newest first, and a form to begin one."""
    tenant = tenant_of(visit)
    desk = services.runs.desk
    found = await desk.shelf.find(tenant=tenant, apps=apps_of(visit), limit=_LISTED)
    known = await services.runs.kept(tenant)
    return Page(
        template="runs/list.html",
        context=RunList(
            title="Runs",
            rows=[_row(run, known.get(run.id) if run.ended_ns else None) for run in found],
            suites=[each for each in services.runs.suites() if visit.entry.sees(each[0])],
            may_change=may_manage(visit),
            call=api_call(request, "/api/runs"),
        ),
    )


async def run(request: Request, services: Services, visit: Visit) -> Page:
    """One run; `part=progress` gives how far it is alone, for a page that looks again by itself."""
    found = await known_run(request, services, visit)
    far = _progress(found)
    if request.query_params.get("part") == "progress":
        return Page(template="runs/progress.html", context=far)
    desk = services.runs.desk
    result, loaded = await services.runs.result(found), await desk.loaded(found)
    names = [each.metric for each in result.figures]
    metric = request.query_params.get("metric", "") or next(iter(loaded.metrics), "error_rate")
    if names and metric not in names:
        raise Mistaken("field_invalid", f"the run has the metrics {', '.join(names)}", place="metric")
    show = request.query_params.get("show", "worst")
    if show not in SHOWS:
        raise Mistaken("field_invalid", f"one of: {', '.join(SHOWS)}", place="show")
    at = whole(request.query_params, "at", usual=0)
    places = _places(loaded, metric, show)
    questions = await services.kept.get(
        ("cases of a run", found.tenant, found.dataset, found.version), lambda: _cases(services, found)
    )
    outcomes = await desk.outcomes.find(found.id, places[at : at + _CASES], tenant=found.tenant)
    figure = next((each for each in result.figures if each.metric == metric), None)
    return Page(
        template="runs/one.html",
        context=OneRun(
            title=found.suite or found.target.name or "Run",
            run=found,
            pill=far.pill,
            tried=far.tried,
            total=far.total,
            under_way=far.under_way,
            result=result,
            held=[(each, _HELD[each.state]) for each in result.held],
            metric=metric,
            chart=_plot(figure),
            bins=_bins(figure),
            columns=[name for name in loaded.metrics if any(name in each.figures for each in result.slices)][:4],
            cases=[_told(each, (questions.value or {}).get(each.case)) for each in outcomes],
            reading=questions.value is None and questions.failed is None,
            show=show,
            shows=SHOWS,
            at=at,
            more=len(places) > at + _CASES,
            found=len(places),
            before=await _before(services, found),
            asked_otherwise=any(map(is_made, (questions.value or {}).values())),
            may_change=may_manage(visit),
            call=api_call(request, f"/api/runs/{found.id}"),
        ),
    )


async def start(request: Request, services: Services, visit: Visit) -> Response:
    """Begin a run of a suite."""
    form, actor = await managed(request, visit, services.address(request))
    known = {f"{app}/{suite}": (app, suite) for app, suite in services.runs.suites()}
    app, suite = known[choice(form, "suite", [*known], "")]
    if not visit.entry.sees(app):
        raise Mistaken("not_found", "There is no such suite.")
    order = Order(
        app=app,
        suite=suite,
        cases=line(form, "cases"),
        budget=line(form, "budget", most=20),
        note=line(form, "note"),
        fresh=bool(form.get("fresh")),
    )
    begun = await services.runs.start(order, tenant=visit.entry.key.tenant, by=actor.key)
    await services.register.recorder.note(actor, "run.start", tenant=begun.tenant, target=begun.id)
    return RedirectResponse(f"/runs/{begun.id}", 303)


async def change(request: Request, services: Services, visit: Visit) -> Response:
    """Stop a run, or let it go on."""
    form, actor = await managed(request, visit, services.address(request))
    found = await known_run(request, services, visit)
    match request.path_params["what"]:
        case "stop":
            await services.runs.stop(found.id, found.tenant, by=actor.key)
        case "resume":
            await services.runs.resume(found.id, found.tenant, budget=line(form, "budget", most=20), by=actor.key)
        case _:
            raise Mistaken("not_found", "There is no such page.")
    await services.register.recorder.note(
        actor, f"run.{request.path_params['what']}", tenant=found.tenant, target=found.id
    )
    return RedirectResponse(f"/runs/{found.id}", 303)


async def known_run(request: Request, services: Services, visit: Visit) -> Run:
    """Return the run that the address names.

    Raises:
        Mistaken: `not_found`, also for one that the reader may not see.

    """
    found = await services.runs.desk.get(request.path_params["id"], tenant_of(visit))
    if not visit.entry.sees(found.app):
        raise Mistaken("not_found", "There is no such run.")
    return found


def _row(run: Run, result: Result | None) -> Row:
    first = next(iter(run.metrics), "")
    figures = result.figures if result is not None else ()
    return Row(
        run=run,
        pill=PILLS[run.state],
        result=result,
        main=next((each for each in figures if each.metric == first), None),
    )


def _progress(run: Run) -> Progress:
    return Progress(
        run=run,
        pill=PILLS[run.state],
        tried=run.answered + run.failed,
        total=run.cases * run.trials,
        under_way=run.state not in {*ENDED, "paused"},
    )


async def _before(services: Services, run: Run) -> Run | None:
    """Return the run of the same suite before this one, over the same cases."""
    found = await services.runs.desk.all(run.tenant, app=run.app, suite=run.suite, limit=50)
    earlier = [
        each
        for each in found
        if each.created_ns < run.created_ns and each.state == "done" and each.version == run.version
    ]
    return earlier[0] if earlier else None


async def _cases(services: Services, run: Run) -> Mapping[str, Case]:
    return {case.id: case for case in await services.runs.desk.cases(run)}


def _places(loaded: Loaded, metric: str, show: str) -> list[Place]:
    """Return which cases are shown, in which order."""
    figures = loaded.figures
    values = loaded.values(metric.split("@", maxsplit=1)[0].split("^", maxsplit=1)[0])
    up = loaded.higher_is_better(metric)
    rows = list(zip(figures.cases, figures.trials, figures.states, values, strict=True))
    if show == "failed":
        rows = [row for row in rows if row[2] == "failed"]
    if show == "worst":
        rows = [row for row in rows if row[3] is not None]
        rows.sort(key=lambda row: (row[3] if up else -(row[3] or 0.0), row[0], row[1]))
    return [Place(case, trial) for case, trial, _, _ in rows]


def _told(outcome: Outcome, case: Case | None) -> Told:
    scores = [(name, f"{value:.3g}") for name, value in sorted(outcome.numbers.items())]
    scores += sorted(outcome.labels.items())
    return Told(
        outcome=outcome,
        question=asked(case.input) if case is not None else "",
        expected="" if case is None or case.expected is None else str(case.expected),
        scores=[(name, value, outcome.reasons.get(name, "")) for name, value in scores],
        error=outcome.reasons.get("error", ""),
    )


def _plot(figure: Figure | None) -> Markup:
    named = _bins(figure)
    if figure is None or not named:
        return Markup()
    layer = Series(kind="ok", name="cases", values=[float(count) for _, count in named])
    return bars(
        [Slot(name=name) for name, _ in named], [layer], f"How {figure.metric} is spread over the cases", said_count
    )


def _bins(figure: Figure | None) -> list[tuple[str, int]]:
    if figure is None or not figure.bins:
        return []
    unit = figure.least >= 0.0 and figure.most <= 1.0
    least, most = (0.0, 1.0) if unit else (figure.least, figure.most)
    width = (most - least) / BINS
    return [(f"{least + place * width:.3g}", count) for place, count in enumerate(figure.bins)]
