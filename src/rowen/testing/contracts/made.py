"""Records that contract suites write: made up, and ordered by a number."""

from decimal import Decimal
from typing import Any

from rowen.values import Answer, Choice, Request, Span, Trace, TraceRow, says

MINUTE = 60_000_000_000
HOUR = 60 * MINUTE
START = 1_790_000_000_000_000_000 // (24 * HOUR) * (24 * HOUR)
"""A midnight, UTC."""


def an_answer(text: str) -> Answer:
    """Return an answer of one text."""
    return Answer(id="a", model="m", choices=(Choice(message=says("assistant", text), reason="stop"),))


def a_trace(number: int, **fields: Any) -> Trace:
    """Return a trace with content; `number` makes its id and orders it by time, one a second."""
    row = TraceRow(
        **{
            "id": f"{number:032x}",
            "started_ns": START + number * 1_000_000_000,
            "duration_ns": 250_000_000,
            "first_ns": 90_000_000,
            "app": "handbook",
            "definition": "d1",
            "tenant": "acme",
            "key": "k1",
            "model": "fast",
            "deployment": "fast",
            "provider": "echo",
            "source": "model",
            "input_tokens": 12,
            "output_tokens": 30,
            "cost": Decimal("0.000012"),
            "asked": f"question {number}",
            "said": f"answer {number}",
            **fields,
        }
    )
    span = Span(
        trace=row.id,
        id=f"{number:016x}",
        name="chat fast",
        kind="server",
        started_ns=row.started_ns,
        ended_ns=row.started_ns + row.duration_ns,
        status="ok",
        attributes={"gen_ai.request.model": "fast", "rowen.tags": ["a", "b"], "rowen.share": 0.5},
    )
    return Trace(
        row=row,
        spans=(span,),
        request=Request(model="fast", messages=(says("user", row.asked),), extra={"seed": 1}),
        answer=an_answer(row.said),
    )
