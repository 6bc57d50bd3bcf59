"""A trace as the tree of its spans: what was sent to us, and the calls through Rowen that belong to it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from starlette.requests import Request

from rowen.access import Visit
from rowen.store.base import ScoreFilter, TraceFilter
from rowen.values import Observed, Score, SpanRow, TraceRow, Twig
from rowen.values.whole import whole
from rowen.web.charts import lane
from rowen.web.page import Page, Services, address_with, tenant_of
from rowen.web.said import said_ms
from rowen.web.talk import Turn, laid_out, said, turns_of

AT_ONCE = 500
"""Spans on one page; a trace may have 50,000."""
_DEEPEST = 12
_CALLS = 200
"""Calls through Rowen that are drawn within a trace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One span in the tree."""

    row: SpanRow
    depth: int
    bar: Markup
    link: str
    picked: bool
    lost: bool
    """Its parent has not come."""
    scores: int
    called: str
    """The trace of the call through Rowen that it is a part of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """The span that is looked at."""

    row: SpanRow
    asked: Sequence[Turn]
    said: Sequence[Turn]
    facts: Sequence[tuple[str, str]]
    events: Sequence[tuple[str, str, Sequence[tuple[str, str]]]]
    """Of each: when, its name, its attributes."""
    message: str
    scope: str
    scores: Sequence[Score]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTree:
    """The page."""

    title: str
    row: TraceRow
    axis: Sequence[str]
    branches: Sequence[Branch]
    total: int
    first: int
    earlier: str
    later: str
    picked: Picked | None
    scores: Sequence[Score]
    calls: int
    call: str


async def tree(request: Request, services: Services, visit: Visit, row: TraceRow) -> Page:
    """The tree of a trace, and the span that the address picks, the root unless it picks one."""
    tenant = row.tenant if tenant_of(visit) is None else tenant_of(visit)
    twigs = await services.traces.tree(row.id, tenant)
    calls = await services.traces.find(TraceFilter(tenant=tenant, within=row.id, limit=_CALLS)) if row.id else []
    called: dict[str, SpanRow] = {}
    # What the house asked of models about it is no part of what the program did.
    calls = [each for each in calls if visit.entry.sees(each.app) and not (each.house or each.shadow)]
    for each in calls:
        for own in await services.traces.spans(each.id, tenant):
            if own.type != "other":
                called[own.id] = own
                twigs.append(_twig(own))
    scores = await services.scores.find(
        ScoreFilter(tenant=tenant, traces=(row.id, *(each.id for each in calls)), limit=1000)
    )
    query = {key: value for key, value in request.query_params.items() if value}
    ordered = in_order(twigs)
    first = min(whole(query, "from", usual=0, of="spans"), max(len(ordered) - 1, 0))
    shown = ordered[first : first + AT_ONCE]
    known = {twig.id for twig in twigs}
    ids = [twig.id for twig, _ in shown if twig.id not in called]
    rows = called | {span.id: span for span in await services.traces.spans(row.id, tenant, only=ids)}
    wanted = query.get("span", "") or next((twig.id for twig, _ in ordered[:1]), "")
    of = called[wanted].trace if wanted in called else row.id
    picked = await services.traces.span(of, wanted, tenant) if wanted in known else None
    began = min((twig.started_ns for twig in twigs), default=row.started_ns)
    ended = max((twig.started_ns + twig.duration_ns for twig in twigs), default=began + row.duration_ns)
    of_span = _counted(scores)
    return Page(
        template="traces/tree.html",
        context=OneTree(
            title=row.name or f"Trace {row.id[:8]}",
            row=row,
            axis=[said_ms((ended - began) * quarter / 4) for quarter in range(5)],
            branches=[
                Branch(
                    row=span,
                    depth=depth,
                    bar=_lane(span, began, ended - began),
                    link=address_with(query, span=span.id),
                    picked=span.id == wanted,
                    lost=bool(span.parent) and span.parent not in known,
                    scores=of_span.get(span.id, 0),
                    called=span.trace if span.id in called else "",
                )
                for twig, depth in shown
                if (span := rows.get(twig.id)) is not None  # else it was removed a moment ago
            ],
            total=len(ordered),
            first=first,
            earlier=address_with(query, **{"from": str(max(first - AT_ONCE, 0))}) if first else "",
            later=address_with(query, **{"from": str(first + AT_ONCE)}) if first + AT_ONCE < len(ordered) else "",
            picked=_picked(picked, scores) if picked is not None else None,
            scores=[score for score in scores if score.trace == row.id and not score.span],
            calls=len(calls),
            call=f"curl -H 'Authorization: Bearer rk-…' '{request.url.replace(query='', path=f'/api/traces/{row.id}')}'",
        ),
    )


def in_order(twigs: Sequence[Twig]) -> list[tuple[Twig, int]]:
    """Return the spans as a tree is read: each below its parent, by start; with the depth of each.

    A span whose parent has not come stands at the top; spans that are one another's parents too, which only a mistake
    of the sender can bring about.
    """
    known = {twig.id for twig in twigs}
    below: dict[str, list[Twig]] = {}
    for twig in sorted(twigs, key=lambda each: (each.started_ns, -each.duration_ns, each.id)):
        below.setdefault(twig.parent if twig.parent in known and twig.parent != twig.id else "", []).append(twig)
    found: list[tuple[Twig, int]] = []
    seen: set[str] = set()
    rest = iter(twigs)
    waiting = [(twig, 0) for twig in reversed(below.get("", []))]
    while len(seen) < len(known):
        if not waiting:
            waiting = [(next(twig for twig in rest if twig.id not in seen), 0)]
        twig, depth = waiting.pop()
        if twig.id in seen:
            continue
        seen.add(twig.id)
        found.append((twig, min(depth, _DEEPEST)))
        waiting.extend((child, depth + 1) for child in reversed(below.get(twig.id, [])))
    return found


def _twig(span: SpanRow) -> Twig:
    return Twig(id=span.id, parent=span.parent, started_ns=span.started_ns, duration_ns=span.duration_ns)


def _lane(span: SpanRow, began: int, whole: int) -> Markup:
    kind = "failed" if span.status == "error" else f"of-{span.type}"
    return lane(span.started_ns - began, span.duration_ns, whole, kind, span.first_ns)


def _picked(span: Observed, scores: Sequence[Score]) -> Picked:
    began = span.row.started_ns
    return Picked(
        row=span.row,
        asked=turns_of(span.input, "input"),
        said=turns_of(span.output, "output"),
        facts=_facts(span.span.attributes),
        events=[(said_ms(event.at_ns - began), event.name, _facts(event.attributes)) for event in span.span.events],
        message=span.span.message,
        scope=span.span.scope,
        scores=[score for score in scores if score.span == span.row.id],
    )


def _facts(attributes: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(key, laid_out(said(value))) for key, value in sorted(attributes.items()) if value not in ("", [], None)]


def _counted(scores: Iterable[Score]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for score in scores:
        if score.span:
            counts[score.span] = counts.get(score.span, 0) + 1
    return counts
