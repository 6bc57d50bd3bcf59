"""How a run stands that was asked in other ways, about other people, or announced as a test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from starlette.requests import Request

from rowen.access import Visit
from rowen.evaluate.robust import Broken, Part, Way
from rowen.evaluate.robust.aware import Aware
from rowen.evaluate.robust.bias import Parity, Unequal
from rowen.evaluate.robust.desk import Shown
from rowen.values import Run
from rowen.values.interval import Interval
from rowen.web.charts import whisker
from rowen.web.kept import Found
from rowen.web.page import Page, Services, api_call
from rowen.web.runs import known_run
from rowen.web.said import said_share

_PATIENCE = 2.0
_SHOWN = 20

WAYS: Mapping[str, str] = {
    "repeat": "again, as it was",
    "case": "with other capitals",
    "space": "with other blanks",
    "typo": "with typing errors",
    "paraphrase": "in other words",
    "model": "in other words of a model",
    "negation": "denied",
    "inversion": "from its other end",
    "swap": "about another name",
}
"""How each way of asking is called for people."""

_STANDS = {"holds": "ok", "breaks": "failed", "unknown": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedSo:
    """One way of asking."""

    way: Way
    name: str
    held: str
    again: str
    said: str
    chart: Markup
    pill: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The cases of one slice."""

    part: Part
    held: str


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """One thing in which people differ."""

    parity: Parity
    said: str
    chart: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """One metric, as any call and announced as a test."""

    aware: Aware
    said: str
    chart: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Stood:
    """The page. Of the three reports the one has something that fits the cases of the run."""

    title: str
    run: Run
    found: Found[Shown]
    verdict: tuple[str, str]
    """How the pill looks, and what it says; empty while nothing is known."""
    ways: Sequence[AskedSo]
    slices: Sequence[Slice]
    broken: Sequence[tuple[Broken, str]]
    """With how it was asked."""
    people: Sequence[People]
    examples: Sequence[Unequal]
    watching: Sequence[Watching]
    metric: str
    metrics: Sequence[str]
    call: str


async def robust(request: Request, services: Services, visit: Visit) -> Page:
    """How robust a run is, whom it treats otherwise, or whether it minds being tested: by what its cases are."""
    run = await known_run(request, services, visit)
    metric = request.query_params.get("metric", "").strip()
    key = ("robust", run.tenant, run.id, run.ended_ns, run.answered + run.failed, metric)
    found = await services.kept.get(
        key, lambda: services.robust.show(run.id, run.tenant, metric=metric), patience=_PATIENCE
    )
    shown = found.value or Shown()
    robustness, fairness, awareness = shown.robustness, shown.fairness, shown.awareness
    return Page(
        template="runs/robust.html",
        context=Stood(
            title="Whom it treats otherwise" if fairness else "Whether it minds being tested" if awareness else "How robust it is",
            run=run,
            found=found,
            verdict=_verdict(shown) if found.value else ("", ""),
            ways=[_way(each) for each in robustness.ways] if robustness else (),
            slices=[Slice(part=each, held=_share(each.held)) for each in robustness.slices] if robustness else (),
            broken=[(each, WAYS[each.kind]) for each in robustness.broken[:_SHOWN]] if robustness else (),
            people=[_people(each) for each in fairness.attributes] if fairness else (),
            examples=fairness.examples if fairness else (),
            watching=[_aware(each) for each in awareness.metrics] if awareness else (),
            metric=metric,
            metrics=run.metrics,
            call=api_call(request, f"/api/runs/{run.id}/robust", metric=metric),
        ),
    )  # fmt: skip


def _verdict(shown: Shown) -> tuple[str, str]:
    """Return how the page's pill looks, and what it says."""
    bad = [WAYS.get(each, each) for each in shown.bad]
    if shown.robustness is not None:
        unknown = any(each.stands == "unknown" for each in shown.robustness.ways)
        good = ("refused", "more cases are needed") if unknown else ("ok", "holds")
        return ("failed", f"breaks {', '.join(bad)}") if bad else good
    if shown.fairness is not None:
        return ("failed", f"{', '.join(bad)} counts") if bad else ("ok", "no difference found")
    return ("failed", f"{', '.join(bad)} differs") if bad else ("ok", "no difference found")


def _way(each: Way) -> AskedSo:
    return AskedSo(
        way=each,
        name=WAYS[each.kind],
        held=_share(each.held),
        again=_share(each.again),
        said=_points(each.difference),
        chart=whisker(each.difference, _STANDS[each.stands] or "cached"),
        pill=_STANDS[each.stands],
    )


def _people(each: Parity) -> People:
    gap = each.gap
    return People(
        parity=each,
        said="–" if gap.value is None else f"{gap.value:.3g} ({gap.bounds()})",
        chart=whisker(gap, "failed" if each.counts else "cached"),
    )


def _aware(each: Aware) -> Watching:
    gap = each.difference
    return Watching(
        aware=each,
        said="–" if gap.value is None else f"{gap.value:+.3g} ({gap.bounds('+.3g')})",
        chart=whisker(gap, "failed" if each.differs else "cached"),
    )


def _share(found: Interval) -> str:
    """A share with its interval, in percent."""
    if found.value is None:
        return "–"
    return f"{said_share(found.value)} ({max(0.0, found.low):.0%} to {min(1.0, found.high):.0%})"


def _points(gap: Interval) -> str:
    """A difference of shares, in points."""
    if gap.value is None:
        return "–"
    value, low, high = (f"{number * 100:+.0f}".replace("+0", "0") for number in (gap.value, gap.low, gap.high))
    return f"{value} points ({low} to {high})"
