"""Sums over traces and over spans, for charts and tables."""

from decimal import Decimal
from typing import Literal

from rowen.values import Value

GroupBy = Literal[
    "",
    "origin",
    "model",
    "deployment",
    "provider",
    "app",
    "environment",
    "release",
    "key",
    "user",
    "status",
    "code",
    "feature",
]


class Bucket(Value, frozen=True, kw_only=True):
    """Sums over one stretch of time for one value of the grouping."""

    start_ns: int
    group: str = ""
    calls: int = 0
    failed: int = 0
    refused: int = 0
    cached: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = Decimal(0)
    waste: Decimal = Decimal(0)
    unpriced: int = 0
    """Calls whose cost is unknown."""
    durations: dict[int, int] = {}
    """Histogram of milliseconds: bucket index → count; index i holds durations in [1.05**i, 1.05**(i+1)) ms."""
    firsts: dict[int, int] = {}
    """The same for the time to the first event."""


SpanGroup = Literal["", "type", "name", "model", "provider", "app", "status", "environment", "release", "prompt"]


class SpanBucket(Value, frozen=True, kw_only=True):
    """Sums over the spans of one stretch of time for one value of the grouping.

    Tokens and cost are those of the spans that spend them (`llm`, `embedding`, `reranker`), since those around them
    often tell the same tokens again.
    """

    start_ns: int
    group: str = ""
    count: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost: Decimal = Decimal(0)
    unpriced: int = 0
    """Spans that spent tokens and whose cost is unknown."""
    durations: dict[int, int] = {}
    """Histogram of milliseconds, as in `Bucket`."""
    firsts: dict[int, int] = {}
