"""What happened: spans, and the one-row summary of a trace by which it is found."""

from decimal import Decimal
from typing import Any, Literal

from rowen.values.answer import Answer
from rowen.values.base import Value
from rowen.values.request import Request


class Span(Value, frozen=True, kw_only=True):
    """One piece of work, as OpenTelemetry means it. Times are nanoseconds since 1970 UTC."""

    trace: str
    id: str
    parent: str = ""
    name: str
    kind: Literal["internal", "client", "server"] = "internal"
    started_ns: int
    ended_ns: int
    status: Literal["unset", "ok", "error"] = "unset"
    message: str = ""
    attributes: dict[str, Any] = {}


class TraceRow(Value, frozen=True, kw_only=True):
    """One call in one row: what lists, filters and sums need."""

    id: str
    started_ns: int
    duration_ns: int
    first_ns: int | None = None
    """Nanoseconds from the start to the first event."""
    app: str
    definition: str
    tenant: str = ""
    key: str = ""
    user: str = ""
    session: str = ""
    feature: str = ""
    door: str = ""
    model: str = ""
    """The name asked for."""
    deployment: str = ""
    provider: str = ""
    answered_by: str = ""
    """The model name that the provider says answered."""
    source: str = ""
    status: Literal["ok", "refused", "failed", "cancelled"] = "ok"
    code: str = ""
    streamed: bool = False
    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False
    cost: Decimal | None = None
    """US dollars of all attempts; None when a price is unknown."""
    waste: Decimal = Decimal(0)
    asked: str = ""
    """The first characters of the last user message, after masking."""
    said: str = ""
    """The first characters of the answer, after masking."""


class Trace(Value, frozen=True, kw_only=True):
    """One call whole: its row, its spans (root first), and what was asked and answered unless policy keeps it out."""

    row: TraceRow
    spans: tuple[Span, ...] = ()
    request: Request | None = None
    answer: Answer | None = None
    masked: bool = False
    """Whether the policy masked or left out content."""
