"""What happened: spans, and the one-row summary of a trace by which it is found."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import quote, unquote

from rowen.values.answer import Answer
from rowen.values.base import Value
from rowen.values.errand import EVALUATE, SHADOW, TAGS, errand, reserved
from rowen.values.request import Request

SpanKind = Literal["internal", "client", "server", "producer", "consumer"]
"""OpenTelemetry's kinds of span."""

SpanType = Literal[
    "llm",
    "embedding",
    "retriever",
    "reranker",
    "tool",
    "agent",
    "chain",
    "guardrail",
    "evaluator",
    "prompt",
    "memory",
    "other",
]
"""What a span does in an LLM application: OpenInference's kinds in lower case, and `memory`."""


def cursor_of(ns: int, *names: str) -> str:
    """Return where a row stands in a list that is ordered by time, then by names: what to page on from."""
    return ":".join((str(ns), *(quote(name, safe="") for name in names)))


def cursor_parts(cursor: str) -> tuple[int, list[str]] | None:
    """Return the time and the names that a cursor was made of, None for what is not a cursor."""
    ns, *names = cursor.split(":")
    if not names or not ns.removeprefix("-").isdecimal() or len(ns) > 20:
        return None
    return int(ns), [unquote(name) for name in names]


Purpose = Literal["inference", "embedding", "judge", "experiment"]
"""What a call was made for."""

_JUDGING = frozenset({"judge", "evaluator", "score"})
_EXPERIMENTING = frozenset({"experiment", EVALUATE.feature, "evaluation", SHADOW})


class Happening(Value, frozen=True, kw_only=True):
    """An event within a span."""

    name: str
    at_ns: int
    attributes: dict[str, Any] = {}


class Link(Value, frozen=True, kw_only=True):
    """A span elsewhere that has to do with this one."""

    trace: str
    span: str
    attributes: dict[str, Any] = {}


class Span(Value, frozen=True, kw_only=True):
    """One piece of work, as OpenTelemetry means it. Times are nanoseconds since 1970 UTC."""

    trace: str
    id: str
    parent: str = ""
    name: str
    kind: SpanKind = "internal"
    started_ns: int
    ended_ns: int
    status: Literal["unset", "ok", "error"] = "unset"
    message: str = ""
    attributes: dict[str, Any] = {}
    events: tuple[Happening, ...] = ()
    links: tuple[Link, ...] = ()
    scope: str = ""
    """The instrumentation that made it, with its version: `openinference.instrumentation.openai 0.1.30`."""


class SpanRow(Value, frozen=True, kw_only=True):
    """One span in one row: what lists, filters and sums need. What concerns its whole trace is copied onto it."""

    trace: str
    id: str
    parent: str = ""
    name: str = ""
    type: SpanType = "other"
    kind: SpanKind = "internal"
    started_ns: int
    duration_ns: int
    first_ns: int | None = None
    """Nanoseconds from the start to the first piece of the answer."""
    status: Literal["unset", "ok", "error"] = "unset"
    code: str = ""
    """`error.type`, or the type of the exception recorded."""
    tenant: str = ""
    app: str = ""
    """The project or `service.name`."""
    environment: str = ""
    release: str = ""
    session: str = ""
    user: str = ""
    feature: str = ""
    tags: tuple[str, ...] = ()
    model: str = ""
    """The model asked for, else the one that answered."""
    provider: str = ""
    prompt: str = ""
    """Name and version of the prompt used: `greeting:3`."""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    """Of the input tokens, those read from the provider's cache."""
    reasoning_tokens: int = 0
    """Of the output tokens, those of reasoning."""
    cost: Decimal | None = None
    """US dollars; None when it is unknown or nothing was bought."""
    input: str = ""
    """The first characters of what went in, after masking."""
    output: str = ""
    """The first characters of what came out, after masking."""

    @property
    def house(self) -> bool:
        """Whether it is of one of Rowen's own errands, by its feature."""
        return errand(self.feature)

    @property
    def cursor(self) -> str:
        """Where this row stands in a list of spans."""
        return cursor_of(self.started_ns, self.trace, self.id, self.tenant)


class Twig(Value, frozen=True, kw_only=True):
    """What the shape of a trace's tree is told from, for each of its spans."""

    id: str
    parent: str = ""
    started_ns: int
    duration_ns: int


class Observed(Value, frozen=True, kw_only=True):
    """A span that was sent to us: its row, the span as it came, and what went in and out of it."""

    row: SpanRow
    span: Span
    input: Any = None
    """A text, or JSON: messages in the GenAI conventions' shape, or whatever the program sent."""
    output: Any = None


class TraceRow(Value, frozen=True, kw_only=True):
    """One trace in one row: what lists, filters and sums need. A call through Rowen, or spans that were sent to us."""

    id: str
    origin: Literal["call", "spans"] = "call"
    name: str = ""
    """The name of the root span."""
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
    environment: str = ""
    """`deployment.environment.name`, such as `production`."""
    release: str = ""
    """The version of the program: `service.version`, or the name of a release."""
    tags: tuple[str, ...] = ()
    within: str = ""
    """The trace id that the caller of a call sent along: the trace that this one is a part of."""
    spans: int = 0
    failed_spans: int = 0
    complete: bool = True
    """Whether the root span has come. Spans without it are shown, and said to be incomplete."""
    asked: str = ""
    """The first characters of the last user message, after masking."""
    said: str = ""
    """The first characters of the answer, after masking."""

    @property
    def cursor(self) -> str:
        """Where this row stands in a list of traces."""
        return cursor_of(self.started_ns, self.id, self.tenant)

    @property
    def shadow(self) -> bool:
        """Whether it is a copy whose answer nobody saw. A caller's own tag does not make it one."""
        return self.door == "internal" and SHADOW in self.tags

    @property
    def house(self) -> bool:
        """Whether Rowen itself asked, on one of its errands. A caller's own tag does not make it one."""
        return self.door == "internal" and not TAGS.isdisjoint(self.tags)

    @property
    def users(self) -> bool:
        """Whether it is a user's, who waited for the answer: no errand of the house, and no copy."""
        return not (self.house or self.shadow or reserved(self.feature))

    @property
    def purpose(self) -> Purpose:
        """What it was made for: to judge or to experiment where its feature or a tag says so, to embed, or to answer."""
        marks = {self.feature, *self.tags} if self.tags else {self.feature}
        if marks & _JUDGING:
            return "judge"
        if marks & _EXPERIMENTING:
            return "experiment"
        if self.door.endswith("embeddings") or self.name.startswith("embeddings"):
            return "embedding"
        return "inference"


class Trace(Value, frozen=True, kw_only=True):
    """One trace whole: its row, its spans (root first), and what was asked and answered unless policy keeps it out.

    A trace of spans that were sent to us has neither request nor answer; its spans tell what went in and out.
    """

    row: TraceRow
    spans: Sequence[Span] = ()
    request: Request | None = None
    answer: Answer | None = None
    masked: bool = False
    """Whether the policy masked or left out content."""


class Gathered(Value, frozen=True, kw_only=True):
    """Traces that belong together in one row. What only one trace can say is what the latest of them says."""

    tenant: str = ""
    app: str = ""
    first_ns: int
    """When the first of its traces began."""
    last_ns: int
    """When the latest of its traces began."""
    traces: int
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = Decimal(0)
    """US dollars of the traces whose cost is known."""
    unpriced: int = 0
    """Traces whose cost is unknown."""
    asked: str = ""
    said: str = ""


class SessionRow(Gathered, frozen=True, kw_only=True):
    """The traces of one session."""

    session: str
    user: str = ""

    @property
    def cursor(self) -> str:
        """Where this row stands in a list of sessions."""
        return cursor_of(self.last_ns, self.session, self.tenant)


class UserRow(Gathered, frozen=True, kw_only=True):
    """The traces of one user of the apps."""

    user: str
    session: str = ""

    @property
    def cursor(self) -> str:
        """Where this row stands in a list of users."""
        return cursor_of(self.last_ns, self.user, self.tenant)
