"""Runs side by side: how every metric differs, on which slices, and which cases became worse or better."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from starlette.requests import Request

from rowen.access import Visit
from rowen.evaluate.compare import Change, Comparison, Cut, Difference, Piece, pieces_of
from rowen.evaluate.compare.write import named, told
from rowen.values import Mistaken, Run
from rowen.web.charts import whisker
from rowen.web.page import Page, Services, api_call, tenant_of

_CASES = (10, 50)
_PATIENCE = 2.0
"""Seconds that the page waits for a comparison: one of ten thousand cases takes a third of one."""
_LONGEST = 200
"""Words of an answer that are compared on the page; the case's traces have all of them."""

VERDICTS: Mapping[str, tuple[str, str]] = {
    "ship": ("ok", "ship"),
    "hold": ("refused", "hold"),
    "stop": ("failed", "stop"),
}
_PILLS: Mapping[str, str] = {"better": "ok", "not worse": "", "worse": "failed", "undecided": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One metric or slice."""

    name: str
    role: str
    before: str
    after: str
    said: str
    chart: Markup
    p: str
    stands: str
    pill: str
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One case."""

    change: Change
    pieces: Sequence[Piece]
    """What was answered, word by word."""
    cut: bool
    """Whether the answers are longer than what is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One candidate."""

    run: Run
    name: str
    found: Comparison
    verdict: tuple[str, str] | None
    metrics: Sequence[Row]
    slices: Sequence[Row]
    rest: Sequence[Row]
    """Slices that do not differ significantly."""
    worse: Sequence[Told]
    better: Sequence[Told]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The page."""

    title: str
    asked_for: str
    metric: str
    metrics: Sequence[str]
    baseline: Run | None
    name: str
    sides: Sequence[Side]
    more: str
    """The address of this page with more cases; empty where it shows them."""
    waiting: str
    """The address of this page while the runs are being compared; else empty."""
    call: str


async def comparison(request: Request, services: Services, visit: Visit) -> Page:
    """The runs that `runs` names, the baseline first; a form while there are fewer than two.

    With `oldest`, as the list of runs sends it, the oldest is the baseline in whichever order they come.
    """
    query = request.query_params
    ids = [id for each in query.getlist("runs") for part in each.split(",") if (id := part.strip())]
    metric = query.get("metric", "").strip()
    if len(ids) < 2:
        empty = Compared(
            title="Compare runs", asked_for=", ".join(ids), metric=metric, metrics=(), baseline=None, name="", sides=(),
            more="", waiting="", call=_call(request, ["BASELINE", "CANDIDATE"], ""),
        )  # fmt: skip
        return Page(template="runs/compare.html", context=empty)
    runs = await services.comparing.found(ids, tenant_of(visit))
    if "oldest" in query:
        runs.sort(key=lambda run: run.created_ns)
        ids = [run.id for run in runs]
    for run in runs:
        if not visit.entry.sees(run.app):
            raise Mistaken("not_found", f"There is no run {run.id}.")
    cases = _CASES["more" in query]
    found = await _compared(services, runs, metric, cases)
    if found is None:
        waiting = Compared(
            title="Compare runs", asked_for=", ".join(ids), metric=metric, metrics=(), baseline=None, name="", sides=(),
            more="", waiting=f"{request.url.path}?{request.url.query}", call=_call(request, ids, metric),
        )  # fmt: skip
        return Page(template="runs/compare.html", context=waiting)
    more = request.url.include_query_params(more="1")
    return Page(
        template="runs/compare.html",
        context=Compared(
            title="Compare runs",
            asked_for=", ".join(ids),
            metric=found[0].metric,
            metrics=[each.metric for each in found[0].differences],
            baseline=runs[0],
            name=named(runs[0]),
            sides=[_side(each, run) for each, run in zip(found, runs[1:], strict=True)],
            more="" if "more" in query else f"{more.path}?{more.query}#cases",
            waiting="",
            call=_call(request, ids, metric),
        ),
    )


async def _compared(services: Services, runs: Sequence[Run], metric: str, cases: int) -> Sequence[Comparison] | None:
    """Return each run against the first, None while it is worked out; what was worked out is kept while nothing changes.

    Raises:
        Mistaken: as for `Comparing.compare`.

    """
    seen = tuple((run.id, run.tenant, run.state, run.ended_ns, run.answered + run.failed) for run in runs)
    key = ("comparison", seen, repr(services.comparing.plan(runs[0].app)), metric, cases)
    kept = await services.kept.get(
        key, lambda: services.comparing.compare(runs, metric=metric, changes=cases), patience=_PATIENCE
    )
    if kept.failed is not None:
        raise kept.failed
    return kept.value


def _call(request: Request, ids: Sequence[str], metric: str) -> str:
    return api_call(request, "/api/runs/compare", runs=",".join(ids), metric=metric)


def _side(found: Comparison, run: Run) -> Side:
    slices = [_slice(each, found.metric) for each in found.slices]
    significant = [each.standing != "undecided" for each in found.slices]
    return Side(
        run=run,
        name=named(run),
        found=found,
        verdict=VERDICTS[found.decision.verdict] if found.decision else None,
        metrics=[_metric(each) for each in found.differences],
        slices=[row for row, stands in zip(slices, significant, strict=True) if stands],
        rest=[row for row, stands in zip(slices, significant, strict=True) if not stands],
        worse=[_told(each) for each in found.changes if each.gain < 0],
        better=[_told(each) for each in found.changes if each.gain > 0],
    )


def _metric(each: Difference) -> Row:
    return Row(
        name=each.metric,
        role=each.role or "",
        before=told(each.metric, each.baseline, signed=False),
        after=told(each.metric, each.candidate, signed=False),
        said=told(each.metric, each.difference),
        chart=whisker(each.difference, _PILLS[each.standing] or "cached", margin=each.margin, up=each.higher_is_better),
        p=f"{each.p_holm:.2g}",
        stands=each.standing,
        pill=_PILLS[each.standing],
        n=each.n,
    )


def _slice(each: Cut, metric: str) -> Row:
    return Row(
        name=f"{each.by}: {each.value}",
        role="",
        before=f"{each.baseline:.3g}",
        after=f"{each.candidate:.3g}",
        said=told(metric, each.difference),
        chart=whisker(each.difference, _PILLS[each.standing] or "cached"),
        p=f"{each.q:.2g}",
        stands=each.standing,
        pill=_PILLS[each.standing],
        n=each.n,
    )


def _told(change: Change) -> Told:
    texts = [failed or answer for failed, answer in zip(change.failed, change.answers, strict=True)]
    cut = [" ".join(text.split()[:_LONGEST]) if len(text.split()) > _LONGEST else text for text in texts]
    return Told(change=change, pieces=pieces_of(cut[0], cut[1]), cut=cut != texts)
