"""Rows of traces and spans as the tables have them, a column for each field."""

from collections.abc import Iterable, Sequence
from typing import Any

from rowen.store.clickhouse.literal import SCALE
from rowen.store.sums import bin_of
from rowen.values import SpanRow, TraceRow

HOUR_NS = 3_600_000_000_000

_NAME = "LowCardinality(String)"
_TEXT = "String CODEC(ZSTD(1))"
_WHOLE = "Int64 CODEC(ZSTD(1))"
_TIME = "Int64 CODEC(Delta, ZSTD(1))"
_MONEY = f"Decimal(76, {SCALE}) CODEC(ZSTD(1))"
_MAYBE_MONEY = f"Nullable(Decimal(76, {SCALE})) CODEC(ZSTD(1))"
_MAYBE_WHOLE = "Nullable(Int64) CODEC(ZSTD(1))"
_SUM = "Int128 CODEC(ZSTD(1))"

_TIMES = {"started_ns": _TIME, "duration_ns": _WHOLE, "first_ns": _MAYBE_WHOLE}
_BINS = {"duration_bin": "Int16", "first_bin": "Nullable(Int16)"}

TRACE_COLUMNS = {
    **dict.fromkeys(
        ("origin", "name", "app", "definition", "key", "feature", "door", "model", "deployment", "provider",
         "answered_by", "source", "status", "code", "environment", "release"), _NAME,
    ),
    **dict.fromkeys(("user", "session", "within", "asked", "said"), _TEXT),
    **_TIMES,
    **dict.fromkeys(("attempts", "spans", "failed_spans"), _WHOLE),
    **dict.fromkeys(("input_tokens", "output_tokens"), _SUM),
    **dict.fromkeys(("streamed", "estimated", "complete"), "Bool"),
    "cost": _MAYBE_MONEY, "waste": _MONEY, "tags": "Array(String)",
}  # fmt: skip
"""The fields of a `TraceRow` that are not in the key."""

SPAN_COLUMNS = {
    **dict.fromkeys(
        ("name", "type", "kind", "status", "code", "app", "environment", "release", "model", "provider", "prompt",
         "feature"), _NAME,
    ),
    **dict.fromkeys(("parent", "session", "user", "input", "output"), _TEXT),
    **_TIMES,
    **dict.fromkeys(("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens"), _WHOLE),
    "cost": _MAYBE_MONEY, "tags": "Array(String)",
}  # fmt: skip
"""The fields of a `SpanRow` that are not in the key."""

COLUMNS = {"traces": TRACE_COLUMNS, "spans": SPAN_COLUMNS}
"""Those that are added to tables which are there without them."""

_MORE = {
    "own": "UInt8",
    "said": _TEXT,
    "facts": "Array(String)",
    "body": "String CODEC(ZSTD(3))",
}
"""`own` tells the spans of calls through Rowen: 1 has the call's texts, 2 has not; 0 was sent to us. `said` has the
words that a span is found by, with a space before and after each."""

_VERSION = {"version": "UInt64 CODEC(ZSTD(1))", "gone": "UInt8"}

WEEK = 168
"""Hours of a partition, which can be dropped whole."""

# What says that it is from another century makes no more of them.
_WEEK = f"intDiv(least(greatest(hour, 438288), 710112), {WEEK})"


def _table(name: str, columns: dict[str, str], key: str, *indexes: str) -> str:
    made = [f"`{column}` {type_}" for column, type_ in columns.items()] + [f"INDEX {index}" for index in indexes]
    return (
        f"CREATE TABLE IF NOT EXISTS {name} ({', '.join(made)}) ENGINE = ReplacingMergeTree(version, gone) "
        f"PARTITION BY {_WEEK} ORDER BY ({key}) SETTINGS index_granularity = 2048"
    )


SCRIPT = (
    _table("spans", {"hour": "Int32", "tenant": _NAME, "trace": "String", "id": "String", **_VERSION, **SPAN_COLUMNS,
           **_BINS, **_MORE}, "hour, tenant, trace, id",
           "words said TYPE text(tokenizer = splitByString([' ']))", "facts facts TYPE bloom_filter(0.01)"),
    _table("traces", {"hour": "Int32", "tenant": _NAME, "id": "String", **_VERSION, **TRACE_COLUMNS, **_BINS},
           "hour, tenant, id"),
    _table("calls", {"hour": "Int32", "tenant": _NAME, "id": "String", **_VERSION, "row": "String CODEC(ZSTD(3))",
           "body": "String CODEC(ZSTD(3))"}, "hour, tenant, id"),
    ("CREATE TABLE IF NOT EXISTS places (trace String, tenant LowCardinality(String), hour Int32) "
    "ENGINE = ReplacingMergeTree ORDER BY (trace, tenant, hour) SETTINGS index_granularity = 512"),
)  # fmt: skip
"""`spans` and `calls` are what came; `traces` is told from them. `places` says in which hours a trace has rows.

A row is replaced by one with its key and a later version, and gone when that says so.
"""


def _named(columns: Iterable[str], table: str) -> str:
    return ", ".join(f"{table}.`{name}` AS `{name}`" for name in columns)


TRACE = _named(("tenant", "id", *TRACE_COLUMNS), "traces")
"""Selects a `TraceRow`."""

SPAN = _named(("tenant", "trace", "id", *SPAN_COLUMNS), "spans")
"""Selects a `SpanRow`, as far as the span tells it."""

OF_TRACE = "(hour, tenant, trace) IN (SELECT hour, tenant, trace FROM places WHERE (trace, tenant) IN ?)"
"""Of `spans`: those of some traces, each given as id and tenant."""

OF_ID = "(hour, tenant, id) IN (SELECT hour, tenant, trace FROM places WHERE (trace, tenant) IN ?)"
"""Of `traces` and `calls`: those of some traces, each given as id and tenant."""

PUT_TRACE = ("hour", "tenant", "id", *_VERSION, *TRACE_COLUMNS, *_BINS)
PUT_SPAN = ("hour", "tenant", "trace", "id", *_VERSION, *SPAN_COLUMNS, *_BINS, *_MORE)
PUT_CALL = ("hour", "tenant", "id", *_VERSION, "row", "body")


def hour_of(ns: int) -> int:
    """Return the hour of a moment, since 1970."""
    return ns // HOUR_NS


def trace_values(row: TraceRow, version: int) -> list[Any]:
    """Return what goes into the columns of `PUT_TRACE`."""
    return [
        hour_of(row.started_ns),
        row.tenant,
        row.id,
        version,
        0,
        *(getattr(row, name) for name in TRACE_COLUMNS),
        *_bins(row),
    ]


def span_values(
    row: SpanRow, version: int, *, own: int, body: str = "", words: Sequence[str] = (), facts: Sequence[str] = ()
) -> list[Any]:
    """Return what goes into the columns of `PUT_SPAN`; `words` are those that the span can be found by, in order."""
    return [
        hour_of(row.started_ns),
        row.tenant,
        row.trace,
        row.id,
        version,
        0,
        *(getattr(row, name) for name in SPAN_COLUMNS),
        *_bins(row),
        own,
        f" {' '.join(words)} " if words else "",
        facts,
        body,
    ]


def _bins(row: TraceRow | SpanRow) -> tuple[int, int | None]:
    return bin_of(row.duration_ns), None if row.first_ns is None else bin_of(row.first_ns)
