"""What a call looked up, as spans: one for each search, with its stages below it."""

from collections.abc import Iterator
from typing import Any

from rowen.values import Call, Looked, Span, Stepped, span_id


def retrievals(call: Call, step: Stepped, number: int) -> Iterator[Span]:
    """Yield the spans of the searches of a call, below that of the step that made them.

    The question itself is in the request, where masks see it; a span has only ids and figures.

    Args:
        call: the call.
        step: the step.
        number: of its span; the spans of the searches have those that follow.

    """
    parent = span_id(number)
    for one in call.looked:
        stages = one.found.stages
        number += 1
        id = span_id(number)
        yield Span(
            trace=call.id,
            id=id,
            parent=parent,
            name=f"retrieval {one.name}",
            started_ns=stages[0].started_ns if stages else step.started_ns,
            ended_ns=stages[-1].ended_ns if stages else step.ended_ns,
            status="ok",
            attributes=_attributes(one),
        )
        for stage in stages:
            number += 1
            yield Span(
                trace=call.id,
                id=span_id(number),
                parent=id,
                name=f"retrieve.{stage.name}",
                started_ns=stage.started_ns,
                ended_ns=stage.ended_ns,
                attributes={f"rowen.{name}": fact for name, fact in stage.facts.items()},
            )


def _attributes(looked: Looked) -> dict[str, Any]:
    found = looked.found
    return {
        "gen_ai.operation.name": "retrieval",
        "gen_ai.data_source.id": looked.name,
        "gen_ai.retrieval.top_k": looked.top,
        "gen_ai.retrieval.documents": [{"id": each.place, "score": round(each.score, 6)} for each in found.passages],
        "rowen.confidence": round(found.confidence, 4),
        "rowen.index": found.build,
        "rowen.index.snapshot": found.snapshot,
        "rowen.index.borrowed": found.borrowed,
    }
