"""One call as a waterfall, with what was asked, said and paid."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import msgspec
from markupsafe import Markup
from starlette.requests import Request

from rowen.access import Visit
from rowen.store.base import ScoreFilter, TraceFilter
from rowen.values import Citation, Mistaken, Passage, Score, Span, Trace, TraceRow
from rowen.web.charts import lane
from rowen.web.page import Page, Services, tenant_of
from rowen.web.said import said_money, said_ms
from rowen.web.talk import Turn, said, turn
from rowen.web.tree import tree

_LATEST = 6
_INNER = 20
"""Turns of a long conversation that are shown unfolded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One span as the page lists it."""

    span: Span
    depth: int
    start: int
    length: int
    bar: Markup
    cost: str
    facts: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement of an answer and what it rests on."""

    said: str
    citation: Citation


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTrace:
    """One trace whole."""

    title: str
    row: TraceRow
    axis: Sequence[str]
    pieces: Sequence[Piece]
    earlier: Sequence[Turn]
    """Turns of a long conversation before the latest ones, folded away."""
    asked: Sequence[Turn]
    said: Sequence[Turn]
    passages: Sequence[Passage]
    left_out: Sequence[tuple[str, str]]
    """Where passages stand that were found and did not go into the prompt, and why."""
    statements: Sequence[Statement]
    vectors: int
    parameters: Sequence[tuple[str, str]]
    scores: Sequence[Score]
    inner: Sequence[TraceRow]
    """Calls that Rowen made for it: to rewrite its question, to judge its answer, as a shadow's copy."""
    outer: str
    """The call for which Rowen made this one; empty where a program made it."""
    masked: bool
    problem: str
    call: str


async def trace(request: Request, services: Services, visit: Visit) -> Page:
    """One trace: its steps, what each changed, what was asked, said and paid."""
    id, tenant = request.path_params["id"], tenant_of(visit)
    row = await services.traces.row(id, tenant)
    if row is not None and not visit.entry.sees(row.app):
        raise Mistaken("not_found", "There is no such trace.")
    if row is not None and row.origin == "spans":
        return await tree(request, services, visit, row)
    found = await services.traces.get(id, tenant)
    if found is None:
        raise Mistaken("not_found", "There is no such trace.")
    if any(span.scope for span in found.spans):  # it was sent spans beside its own
        return await tree(request, services, visit, found.row)
    address = request.url.replace(query="", path=f"/api/traces/{found.row.id}")
    talk = [turn(message) for message in found.request.messages] if found.request else []
    fold = len(talk) - _LATEST if len(talk) > _LATEST + 2 else 0
    return Page(
        template="traces/one.html",
        context=OneTrace(
            title=f"Trace {found.row.id[:8]}",
            row=found.row,
            axis=[said_ms(found.row.duration_ns * quarter / 4) for quarter in range(5)],
            pieces=pieces_of(found),
            earlier=talk[:fold],
            asked=talk[fold:],
            said=[turn(choice.message) for choice in found.answer.choices] if found.answer else [],
            passages=found.request.passages if found.request else (),
            left_out=_left_out(found),
            statements=_statements(found),
            vectors=len(found.answer.vectors) if found.answer else 0,
            parameters=_parameters(found),
            scores=await services.scores.find(ScoreFilter(tenant=tenant_of(visit), traces=(found.row.id,))),
            inner=[
                each
                for each in await services.traces.find(TraceFilter(tenant=tenant, within=found.row.id, limit=_INNER))
                if visit.entry.sees(each.app)
            ],
            outer=found.row.within if found.row.house or found.row.shadow else "",
            masked=found.masked,
            problem=next((span.message for span in found.spans[:1] if span.status == "error"), ""),
            call=f"curl -H 'Authorization: Bearer rk-…' '{address}'",
        ),
    )


WHY = {
    "repeated": "another says the same",
    "crowded": "its document has enough",
    "unfit": "there was no room",
    "cut": "there was room for a part",
}


def _left_out(found: Trace) -> list[tuple[str, str]]:
    """Return what was found and left out of the prompt, or cut, with the reason."""
    noted = next((span.attributes["rowen.left_out"] for span in found.spans if "rowen.left_out" in span.attributes), ())
    said = [str(each).rpartition(" ") for each in noted] if isinstance(noted, list | tuple) else []
    return [(place, WHY.get(why, why)) for place, _, why in said]


def _statements(found: Trace) -> list[Statement]:
    """Return the statements of the first answer that rest on a source."""
    if found.answer is None or not found.answer.choices:
        return []
    choice = found.answer.choices[0]
    text = choice.message.text
    return [Statement(said=text[each.said_start : each.said_end], citation=each) for each in choice.citations]


def pieces_of(found: Trace) -> list[Piece]:
    """Return the spans in the order of time, each with its depth below the root."""
    parents = {span.id: span.parent for span in found.spans}

    def depth(id: str) -> int:
        level = 0
        while (id := parents.get(id, "")) in parents and level < 20:
            level += 1
        return level

    ordered = sorted(found.spans, key=lambda span: (span.started_ns, -span.ended_ns))
    return [
        Piece(
            span=span,
            depth=depth(span.id),
            start=span.started_ns - found.row.started_ns,
            length=span.ended_ns - span.started_ns,
            bar=_lane(span, found.row),
            cost=_cost(span),
            facts=[(key, said(value)) for key, value in sorted(span.attributes.items()) if value not in ("", [], None)],
        )
        for span in ordered
    ]


def _lane(span: Span, row: TraceRow) -> Markup:
    kind = "failed" if span.status == "error" else span.kind
    first = span.attributes.get("gen_ai.response.time_to_first_chunk")
    return lane(
        span.started_ns - row.started_ns,
        span.ended_ns - span.started_ns,
        row.duration_ns,
        kind,
        int(first * 1e9) if isinstance(first, float) and span.kind == "client" else None,
    )


def _cost(span: Span) -> str:
    said = str(span.attributes.get("rowen.cost", ""))
    try:
        return said_money(Decimal(said)) if said else ""
    except InvalidOperation:
        return said


def _parameters(found: Trace) -> list[tuple[str, str]]:
    if found.request is None:
        return []
    plain = msgspec.to_builtins(found.request)
    return [
        (key, said(value)) for key, value in plain.items() if key not in {"messages", "texts", "tokens", "passages"}
    ]
