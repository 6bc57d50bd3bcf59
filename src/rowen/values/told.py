"""What the walk of a call noted for its trace, and the spans that are told from it when somebody looks.

Most traces are written and never opened, and what was noted is a fifth of what the spans say. Names are those of the
OpenTelemetry GenAI conventions, https://github.com/open-telemetry/semantic-conventions-genai (schema 1.42.0). What they
have no name for is under `rowen.`.
"""

from collections.abc import Iterator, Sequence
from typing import Any, overload

from rowen.values.base import Value
from rowen.values.call import Checked, Stepped
from rowen.values.clock import span_id
from rowen.values.event import Attempt
from rowen.values.release import Assigned
from rowen.values.trace import Span, TraceRow

GROUND = "retrieve.ground"
"""The step below which the searches of a call stand."""

_PROVIDER = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
}
"""Our provider kinds under the conventions' names, where they differ."""


class Noted(Value, frozen=True, kw_only=True, array_like=True):
    """What a trace's row, request and answer do not say of a call. Stored without names: a new field goes to the end."""

    first: int
    """The number of the root's span id; the other spans have the numbers that follow."""
    parent: str = ""
    address: str = ""
    path: str = ""
    user: str | None = None
    """Of the key; None where nobody was found to call."""
    asked: dict[str, Any] = {}
    """How it was to be answered, by the conventions' names."""
    prompt: tuple[str, str] | None = None
    """Name and version."""
    tags: tuple[str, ...] = ()
    """The caller's own."""
    assigned: tuple[Assigned, ...] = ()
    answered: tuple[str, str, tuple[str, ...]] | None = None
    """The answer's id, its model, and the reason for which each choice ended."""
    message: str = ""
    """Of the problem that ended it."""
    steps: tuple[Stepped, ...] = ()
    notes: dict[str, Any] = {}
    checked: tuple[Checked, ...] = ()
    searches: tuple[Span, ...] = ()
    attempts: tuple[Attempt, ...] = ()

    @property
    def count(self) -> int:
        """How many spans are told from it."""
        connected = [1 for attempt in self.attempts if attempt.connected_ns]
        return 1 + len(self.steps) + len(self.searches) + len(self.attempts) + len(connected)

    @property
    def tried(self) -> list[tuple[int, Attempt]]:
        """The attempts, each with the number of its span; the making of its connection has the one that follows."""
        number = self.first + 1 + len(self.steps) + len(self.searches)
        found = []
        for attempt in self.attempts:
            found.append((number, attempt))
            number += 2 if attempt.connected_ns else 1
        return found

    @property
    def failed(self) -> int:
        """How many of these failed, the root left out."""
        failed = [1 for step in self.steps if step.code]
        return len(failed) + len([1 for attempt in self.attempts if attempt.status != "ok"])


class Told(Sequence[Span]):
    """The spans of a call, root first; told when they are first asked for."""

    __slots__ = ("_row", "_spans", "noted")

    def __init__(self, row: TraceRow, noted: Noted) -> None:
        self._row = row
        self._spans: tuple[Span, ...] | None = None
        self.noted = noted

    @property
    def root(self) -> Span:
        """The first of them, without telling the others."""
        return self._spans[0] if self._spans else _root(self._row, self.noted)

    def __len__(self) -> int:
        return self.noted.count

    @overload
    def __getitem__(self, at: int) -> Span: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Span, ...]: ...
    def __getitem__(self, at: int | slice) -> Span | tuple[Span, ...]:
        return self._all()[at]

    def __iter__(self) -> Iterator[Span]:
        return iter(self._all())

    def __eq__(self, other: object) -> bool:
        return self._all() == (other._all() if isinstance(other, Told) else other)

    def __hash__(self) -> int:
        return hash(self._all())

    def __repr__(self) -> str:
        return repr(self._all())

    def _all(self) -> tuple[Span, ...]:
        if self._spans is None:
            self._spans = (
                self.root,
                *_steps(self._row, self.noted),
                *_attempts(self._row, self.noted),
            )
        return self._spans


def _root(row: TraceRow, noted: Noted) -> Span:
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": _operation(row),
        "gen_ai.request.model": row.model,
        "gen_ai.request.stream": row.streamed,
        "gen_ai.usage.input_tokens": row.input_tokens,
        "gen_ai.usage.output_tokens": row.output_tokens,
        "rowen.app": row.app,
        "rowen.definition": row.definition,
        "rowen.door": row.door,
        "rowen.source": row.source,
        "client.address": noted.address,
        "url.path": noted.path,
        **noted.asked,
    }
    if noted.user is not None:
        attributes["rowen.tenant"] = row.tenant
        attributes["rowen.key"] = row.key
        attributes["user.id"] = noted.user
    where = {
        "rowen.caller.trace_id": row.within,
        "gen_ai.conversation.id": row.session,
        "deployment.environment.name": row.environment,
        "service.version": row.release,
    }
    attributes |= {name: said for name, said in where.items() if said}
    if noted.prompt is not None:
        attributes["gen_ai.prompt.name"], attributes["gen_ai.prompt.version"] = noted.prompt
    if row.feature:
        attributes["rowen.feature"] = row.feature
    if noted.tags:
        attributes["rowen.tags"] = list(noted.tags)
    if noted.assigned:
        attributes["rowen.rollout"] = [each.rollout for each in noted.assigned]
        attributes["rowen.arm"] = [each.arm for each in noted.assigned]
        attributes["rowen.arm.probability"] = [each.probability for each in noted.assigned]
        attributes["rowen.arm.unit"] = [each.unit for each in noted.assigned]
        attributes["rowen.shadow"] = any(each.shadow for each in noted.assigned)
    if noted.answered is not None:
        id, model, reasons = noted.answered
        attributes["gen_ai.response.id"] = id
        attributes["gen_ai.response.model"] = model
        attributes["gen_ai.response.finish_reasons"] = list(reasons)
    if row.first_ns is not None:
        attributes["gen_ai.response.time_to_first_chunk"] = row.first_ns / 1e9
    attributes["rowen.cost"] = "unknown" if row.cost is None else str(row.cost)
    if row.code:
        attributes["error.type"] = row.code
    return Span(
        trace=row.id,
        id=span_id(noted.first),
        parent=noted.parent,
        name=row.name,
        kind="server",
        started_ns=row.started_ns,
        ended_ns=row.started_ns + row.duration_ns,
        status="ok" if row.status == "ok" else "error",
        message=noted.message,
        attributes=attributes,
    )


def vendor_of(provider: str) -> str:
    """Return a kind of provider under the conventions' name."""
    return _PROVIDER.get(provider, provider)


def _operation(row: TraceRow) -> str:
    return row.name.partition(" ")[0]


def _steps(row: TraceRow, noted: Noted) -> Iterator[Span]:
    parent = span_id(noted.first)
    notes = dict(noted.notes)
    if noted.checked:
        checked = [{"limit": limit, "used": used, "of": of} for limit, used, of in noted.checked]
        notes["limits"] = {"checked": checked, **notes.get("limits", {})}
    number = noted.first
    for step in noted.steps:
        number += 1
        yield Span(
            trace=row.id,
            id=span_id(number),
            parent=parent,
            name=step.name,
            started_ns=step.started_ns,
            ended_ns=step.ended_ns,
            status="error" if step.code else "unset",
            message=step.code,
            attributes=_said(notes, step),
        )
        if step.name == GROUND:
            yield from noted.searches
            number += len(noted.searches)


def _said(notes: dict[str, Any], step: Stepped) -> dict[str, Any]:
    """The attributes of a step, with what it noted. Notes under a room's name belong to the room's first step."""
    attributes: dict[str, Any] = {"rowen.changed": list(step.changed)}
    noted = notes.pop(step.name, None) or notes.pop(step.name.partition(".")[0], None)
    if isinstance(noted, dict):
        attributes |= {f"rowen.{key}": value for key, value in noted.items()}
    elif noted:
        attributes["rowen.note"] = noted
    return attributes


def _attempts(row: TraceRow, noted: Noted) -> Iterator[Span]:
    for number, attempt in noted.tried:
        asked = _attempt(row, attempt, parent=span_id(noted.first), id=span_id(number))
        yield asked
        if attempt.connected_ns:
            yield Span(  # the making of the connection that the attempt had to wait for
                trace=row.id,
                id=span_id(number + 1),
                parent=asked.id,
                name="connect",
                started_ns=attempt.started_ns,
                ended_ns=min(attempt.connected_ns, attempt.ended_ns),
            )


def _attempt(row: TraceRow, attempt: Attempt, *, parent: str, id: str) -> Span:
    operation, usage = _operation(row), attempt.usage
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": vendor_of(attempt.provider),
        "gen_ai.request.model": attempt.model,
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "rowen.deployment": attempt.deployment,
        "rowen.reason": attempt.reason,
        "rowen.waste": attempt.waste,
        "rowen.cost": str(attempt.cost.amount) if attempt.cost else "unknown",
    }
    if usage.cache_read_tokens:
        attributes["gen_ai.usage.cache_read.input_tokens"] = usage.cache_read_tokens
    if usage.cache_write_tokens:
        attributes["gen_ai.usage.cache_creation.input_tokens"] = usage.cache_write_tokens
    if usage.reasoning_tokens:
        attributes["gen_ai.usage.reasoning.output_tokens"] = usage.reasoning_tokens
    if usage.estimated:
        attributes["rowen.usage.estimated"] = True
    if attempt.first_event_ns:
        attributes["gen_ai.response.time_to_first_chunk"] = (attempt.first_event_ns - attempt.started_ns) / 1e9
    if attempt.code:
        attributes["error.type"] = attempt.code
    return Span(
        trace=row.id,
        id=id,
        parent=parent,
        name=f"{operation} {attempt.model}",
        kind="client",
        started_ns=attempt.started_ns,
        ended_ns=attempt.ended_ns,
        status="ok" if attempt.status == "ok" else "error",
        message=attempt.message,
        attributes=attributes,
    )
