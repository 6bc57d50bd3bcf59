"""Cases made of traces that somebody looked at."""

from typing import Any

import msgspec

from rowen.store.base import Record, Records, ScoreFilter, Scores, Traces
from rowen.store.shelf import Shelf
from rowen.values import Case, Clock, Message, Mistaken, Score, Trace, new_id

_LOOKED_AT = 20
"""Spans that are opened at most, to find what went in."""


class Cases:
    """Cases by data set, as small records.

    Args:
        records: where they are kept.
        scores: what people said should have been answered.
        traces: what was asked and answered.
        clock: stamps them.

    """

    def __init__(self, records: Records, *, scores: Scores, traces: Traces, clock: Clock) -> None:
        self._shelf = Shelf(records, "case", Case, _described)
        self._scores = scores
        self._traces = traces
        self._clock = clock

    async def put(self, case: Case) -> Case:
        """Keep a case, a new one when it has no id."""
        now = self._clock.now_ns()
        kept = case.but(id=case.id or new_id(now), created_ns=case.created_ns or now)
        await self._shelf.put(kept)
        return kept

    async def of_trace(self, trace: str, wanted: Case) -> Case:
        """Keep a trace as a case; return it. The same trace in the same data set is the same case.

        Args:
            trace: its id.
            wanted: what else the case shall say: tenant, data set, who, what was expected. Where nothing was expected,
                the newest correction of the trace is, a reviewer's before a user's.

        Raises:
            Mistaken: `not_found` without such a trace, `conflict` when its content was not kept.

        """
        found = await self._traces.get(trace, wanted.tenant)
        if found is None:
            raise Mistaken("not_found", "there is no such trace", place="trace")
        asked, answered = content_of(found)
        if asked is None and found.row.origin == "spans":
            asked, answered = await self._sent(found)
        if asked is None:
            raise Mistaken("conflict", "the trace does not hold what was asked: policy keeps it out", place="trace")
        correction = None if wanted.expected is not None else await self._corrected(found)
        expected = wanted.expected if correction is None else correction.value
        reviewed = wanted.expected is not None or (correction is not None and correction.source == "person")
        metadata: dict[str, Any] = {"model": found.row.model, "definition": found.row.definition, **wanted.metadata}
        if found.masked:
            metadata["masked"] = True
        return await self.put(
            wanted.but(
                id=f"{wanted.dataset}:{trace}",
                app=found.row.app,
                input=asked,
                output=answered,
                expected=expected,
                metadata=metadata,
                trace=trace,
                source="review" if reviewed else "trace",
                user=wanted.user or found.row.user,
                session=wanted.session or found.row.session,
            )
        )

    async def get(self, id: str, tenant: str | None) -> Case:
        """Return a case.

        Raises:
            Mistaken: `not_found`.

        """
        found = await self._shelf.get(id, tenant)
        if found is None:
            raise Mistaken("not_found", "there is no such case", place="id")
        return found

    async def all(
        self, tenant: str | None, *, dataset: str = "", app: str = "", apps: tuple[str, ...] = (), limit: int = 1000
    ) -> list[Case]:
        """Return cases, newest first."""
        return await self._shelf.find(tenant=tenant, group=dataset, app=app, apps=apps, limit=limit)

    async def delete(self, id: str, tenant: str | None) -> bool:
        """Remove a case; return whether it was there."""
        return await self._shelf.delete(id, tenant)

    async def _sent(self, trace: Trace) -> tuple[object, object]:
        """Return what went into a trace of spans that were sent to us and came out of it, as its root says.

        Where the root says nothing, the first span of a model that does is taken: the earliest, with its own answer.
        """
        rows = await self._traces.spans(trace.row.id, trace.row.tenant)
        tell = [row for row in rows if not row.parent or (row.type == "llm" and row.input)]
        for row in sorted(tell, key=lambda row: (bool(row.parent), row.started_ns, row.id))[:_LOOKED_AT]:
            found = await self._traces.span(trace.row.id, row.id, trace.row.tenant)
            if found is not None and found.input not in (None, "", [], {}):
                return found.input, found.output
        return None, None

    async def _corrected(self, trace: Trace) -> Score | None:
        filter = ScoreFilter(tenant=trace.row.tenant, traces=(trace.row.id,), name="correction")
        found = await self._scores.find(filter)
        return min(found, key=lambda score: score.source != "person", default=None)


def content_of(trace: Trace) -> tuple[object, object]:
    """Return what was asked and answered in a call through Rowen; None for what it does not hold."""
    if trace.request is not None:
        answered = trace.answer.text if trace.answer is not None else None
        asked: list[Any] = [_said(message) for message in trace.request.said]
        return asked or list(trace.request.texts), answered
    return None, None


def _said(message: Message) -> dict[str, Any]:
    """Return a message as `{role, content}`, its parts spelt out where it is more than text."""
    if all(part.__struct_config__.tag == "text" for part in message.parts):
        return {"role": message.role, "content": message.text}
    return {"role": message.role, "content": msgspec.to_builtins(message.parts)}


def line_of(case: Case) -> bytes:
    """Return a case as a line of JSONL."""
    fields = {
        "id": case.id,
        "input": case.input,
        "output": case.output,
        "expected": case.expected,
        "metadata": case.metadata,
        "trace": case.trace,
        "source": case.source,
        "user": case.user,
        "session": case.session,
        "document": case.document,
    }
    return msgspec.json.encode({name: value for name, value in fields.items() if value not in (None, "", {})}) + b"\n"


def _described(case: Case) -> Record:
    return Record(kind="", id=case.id, tenant=case.tenant, app=case.app, group=case.dataset, at_ns=case.created_ns)
