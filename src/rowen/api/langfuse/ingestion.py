"""The batches of typed events that Langfuse's older SDKs send: traces, spans, generations and scores, in pieces.

An observation comes as an event when it begins and as others while it goes on. They are put together by its id: those of
one batch at once, later ones with what is already stored. The trace itself becomes the root span.
"""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from rowen.api.langfuse.base import Asked
from rowen.api.langfuse.scores import ScoreBody, score_of
from rowen.api.otlp.door import sender_of_key
from rowen.trace.intake.langfuse import ns, root_of, span_id, span_of, trace_id
from rowen.trace.intake.take import Taken
from rowen.trace.intake.wire import Sent
from rowen.values import Mistaken, Refused, Span

_KINDS = {
    "trace-create": "trace",
    "span-create": "span",
    "span-update": "span",
    "generation-create": "generation",
    "generation-update": "generation",
    "event-create": "event",
    "observation-create": "span",
    "observation-update": "span",
}


@dataclass(slots=True)
class _Pieces:
    """What one batch says of one observation, or of the trace itself."""

    trace: str
    id: str
    kind: str
    body: dict[str, Any] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)

    def add(self, event: str, body: dict[str, Any], kind: str) -> None:
        self.events.append(event)
        self.kind = kind if self.kind == "span" else self.kind
        self.body.update({name: value for name, value in body.items() if value is not None})


async def ingest(asked: Asked) -> Any:
    """Take a batch: 207, with what became of each event."""
    asked.may("call")
    events = asked.body.get("batch") if isinstance(asked.body, dict) else None
    if not isinstance(events, list):
        raise Mistaken("field_invalid", "`batch` must be a list of events", place="batch")
    good: list[str] = []
    bad: dict[str, str] = {}
    pieces: dict[tuple[str, str], _Pieces] = {}
    for number, event in enumerate(events):
        id = str(event.get("id", number)) if isinstance(event, dict) else str(number)
        try:
            if not await _sorted(asked, id, event, pieces):
                good.append(id)
        except (msgspec.ValidationError, Mistaken, Refused) as problem:
            bad[id] = str(problem)[:300]
    for some, taken in await _taken(asked, list(pieces.values())):
        for id in some.events:
            if taken.rejected:
                bad[id] = taken.sentence
            else:
                good.append(id)
    return 207, {
        "successes": [{"id": id, "status": 201} for id in good],
        "errors": [
            {"id": id, "status": 400, "message": why, "error": "InvalidRequestError"} for id, why in bad.items()
        ],
    }


async def _sorted(asked: Asked, id: str, event: Any, pieces: dict[tuple[str, str], _Pieces]) -> bool:
    """Add an event to the pieces it belongs to, or keep the score that it is; return whether it waits among pieces."""
    body = event.get("body") if isinstance(event, dict) else None
    if not isinstance(body, dict):
        raise Mistaken("field_invalid", "an event needs a body", place="body")
    said = str(event.get("type", ""))
    if said == "sdk-log":
        return False
    if said == "score-create":
        score = score_of(asked, msgspec.convert(body, ScoreBody, strict=False))
        await asked.langfuse.scoring.take([score], apps=asked.entry.apps)
        return False
    kind = _KINDS.get(said)
    if kind is None:
        raise Mistaken("field_invalid", f"no event is of the type {said[:60]!r}", place="type")
    if not body.get("id") or not isinstance(body["id"], str):
        raise Mistaken("field_invalid", "an event's body needs an id", place="body.id")
    # An observation without a trace is a trace of its own.
    trace = trace_id(body["id"] if kind == "trace" else str(body.get("traceId") or body["id"]))
    own = root_of(trace) if kind == "trace" else span_id(body["id"])
    pieces.setdefault((trace, own), _Pieces(trace, own, kind)).add(id, body, kind)
    return True


async def _taken(asked: Asked, pieces: list[_Pieces]) -> list[tuple[_Pieces, Taken]]:
    """Store the observations, all at once; one by one when some of them cannot be kept, to know which."""
    ends: dict[str, int] = {}
    for each in pieces:
        ends[each.trace] = max(ends.get(each.trace, 0), ns(each.body, "endTime"), ns(each.body, "startTime"))
    spans = [await _span(asked, each, ends[each.trace]) for each in pieces]
    sender = sender_of_key(asked.entry)

    async def take(some: list[Span]) -> Taken:
        return await asked.langfuse.intake.take(
            [Sent(resource={}, scope="langfuse", spans=some, read=_as_it_is)], sender
        )

    together = await take(spans)
    if not together.rejected:
        return [(each, together) for each in pieces]
    return [(each, await take([span])) for each, span in zip(pieces, spans, strict=True)]


def _as_it_is(span: Span, scope: str) -> Span:
    return span.but(scope=scope)


async def _span(asked: Asked, pieces: _Pieces, latest: int) -> Span:
    """Return an observation as a span, gone on from what is stored of it."""
    before = await asked.langfuse.traces.span(pieces.trace, pieces.id, asked.tenant)
    now = asked.langfuse.clock.now_ns()
    return span_of(
        pieces.body,
        pieces.kind,
        pieces.trace,
        pieces.id,
        now_ns=now,
        before=before,
        latest_ns=latest,
        below=root_of(pieces.trace) if pieces.body.get("traceId") else "",
    )
