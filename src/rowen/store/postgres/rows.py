"""Rows of traces and spans as the tables have them: each whole in `record`, and what is asked for in columns."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from rowen.store.sums import bin_of
from rowen.values import SpanRow, TraceRow

TRACE_TEXTS = (
    "id", "tenant", "origin", "name", "app", "definition", "key", "user", "session", "feature", "door", "model",
    "deployment", "provider", "answered_by", "source", "status", "code", "environment", "release", "within", "asked",
    "said",
)  # fmt: skip
TRACE_REST = {
    "started_ns": "bigint NOT NULL", "duration_ns": "bigint NOT NULL", "first_ns": "bigint",
    "attempts": "bigint NOT NULL", "input_tokens": "numeric NOT NULL", "output_tokens": "numeric NOT NULL",
    "spans": "bigint NOT NULL", "failed_spans": "bigint NOT NULL", "streamed": "boolean NOT NULL",
    "estimated": "boolean NOT NULL", "complete": "boolean NOT NULL", "cost": "numeric", "waste": "numeric NOT NULL",
}  # fmt: skip
SPAN_TEXTS = (
    "trace", "tenant", "id", "parent", "name", "type", "kind", "status", "code", "app", "environment", "release",
    "model", "provider", "prompt", "session", "user", "feature", "input", "output",
)  # fmt: skip
SPAN_REST = {
    "started_ns": "bigint NOT NULL", "duration_ns": "bigint NOT NULL", "first_ns": "bigint",
    "input_tokens": "bigint NOT NULL", "output_tokens": "bigint NOT NULL", "cached_tokens": "bigint NOT NULL",
    "reasoning_tokens": "bigint NOT NULL", "cost": "numeric",
}  # fmt: skip

_BINS = ("duration_bin", "first_bin")
_TRACE_MORE = ("tags", *_BINS, "record", "telling", "body")
_SPAN_MORE = ("tags", *_BINS, "record", "body", "own", "said", "facts", "words")


def _made(texts: Iterable[str], rest: dict[str, str]) -> str:
    columns = [
        *(f'"{name}" text COLLATE "C" NOT NULL' for name in texts),
        *(f"{name} {type_}" for name, type_ in rest.items()),
    ]
    return ",\n    ".join(
        [
            *columns,
            "tags text[] NOT NULL",
            "duration_bin integer NOT NULL",
            "first_bin integer",
            "record bytea NOT NULL",
            "body bytea",
        ]
    )


SCRIPT = (
    """
CREATE FUNCTION folded(said text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT lower(said COLLATE FOLDING) $$
""",
    f"""
CREATE TABLE traces (
    {_made(TRACE_TEXTS, TRACE_REST)},
    telling bytea,
    PRIMARY KEY (id, tenant)
)
""",
    "ALTER TABLE traces ALTER body SET STORAGE EXTERNAL",  # it is compressed already
    "CREATE INDEX traces_by_start ON traces (started_ns, id, tenant)",
    "CREATE INDEX traces_by_tenant ON traces (tenant, started_ns, id)",
    "CREATE INDEX traces_not_ok ON traces (started_ns) WHERE status <> 'ok'",
    # A name may be longer than a row of a tree: these are looked up by their hash.
    "CREATE INDEX traces_by_session ON traces USING hash (session) WHERE session <> ''",
    'CREATE INDEX traces_by_user ON traces USING hash ("user") WHERE "user" <> \'\'',
    "CREATE INDEX traces_by_within ON traces USING hash (within) WHERE within <> ''",
    f"""
CREATE TABLE spans (
    {_made(SPAN_TEXTS, SPAN_REST)},
    own smallint NOT NULL,
    said text COLLATE "C" NOT NULL,
    facts text[] COLLATE "C" NOT NULL,
    words tsvector NOT NULL,
    PRIMARY KEY (trace, tenant, id)
)
""",
    "ALTER TABLE spans ALTER body SET STORAGE EXTERNAL",
    "CREATE INDEX spans_by_start ON spans (started_ns, trace, id, tenant)",
    "CREATE INDEX spans_by_tenant ON spans (tenant, started_ns, trace, id)",
    "CREATE INDEX spans_by_words ON spans USING gin (words)",
    "CREATE INDEX spans_by_facts ON spans USING gin (facts) WHERE facts <> '{}'",
)
"""`own` tells the spans of calls through Rowen: 1 has the call's texts, 2 has not; 0 was sent to us."""


def _put(table: str, names: Sequence[str], key: Sequence[str], kept: str = "") -> str:
    named = [f'"{name}"' for name in names]
    values = ["array_to_tsvector(%s::text[])" if name == "words" else "%s" for name in names]
    changes = [
        f"{name} = coalesce(excluded.{name}, {table}.{name})" if name == f'"{kept}"' else f"{name} = excluded.{name}"
        for name in named
    ]
    return (
        f"INSERT INTO {table} ({', '.join(named)}) VALUES ({', '.join(values)}) "  # noqa: S608 - made of constants
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {', '.join(changes)}"
    )


PUT_TRACE = _put("traces", (*TRACE_TEXTS, *TRACE_REST, *_TRACE_MORE), ("id", "tenant"), kept="body")
"""Writes `trace_values` in place of an earlier row. Without a body the earlier one stays."""

PUT_SPAN = _put("spans", (*SPAN_TEXTS, *SPAN_REST, *_SPAN_MORE), ("trace", "tenant", "id"))
"""Writes `span_values` in place of an earlier row."""

_encode = msgspec.json.Encoder().encode
trace_row = msgspec.json.Decoder(TraceRow).decode
span_row = msgspec.json.Decoder(SpanRow).decode

_NUL = (
    "\ufdd0"  # no character, and free for uses of one's own: https://www.unicode.org/faq/private_use.html#noncharacters
)
_LONGEST = 500  # characters of a word as the index has it: it takes 2,046 bytes
_MOST = 900_000  # bytes of the words of one span in the index: it takes 1,048,575


def plain(text: str) -> str:
    """Return a text as a column can hold it: PostgreSQL has no NUL."""
    return text.replace("\0", _NUL) if "\0" in text else text


def told(text: str) -> str:
    """Return the text that a column holds."""
    return text.replace(_NUL, "\0") if _NUL in text else text


def trace_values(row: TraceRow, telling: bytes | None, body: bytes | None) -> tuple[Any, ...]:
    """Return what `PUT_TRACE` writes."""
    return (
        *(plain(getattr(row, name)) for name in TRACE_TEXTS),
        *(getattr(row, name) for name in TRACE_REST),
        [plain(tag) for tag in row.tags],
        bin_of(row.duration_ns),
        None if row.first_ns is None else bin_of(row.first_ns),
        _encode(row),
        telling,
        body,
    )


def span_values(
    row: SpanRow, *, own: int, body: bytes | None = None, words: Sequence[str] = (), facts: Sequence[str] = ()
) -> tuple[Any, ...]:
    """Return what `PUT_SPAN` writes; `words` are those that the span can be found by, in their order."""
    return (
        *(plain(getattr(row, name)) for name in SPAN_TEXTS),
        *(getattr(row, name) for name in SPAN_REST),
        [plain(tag) for tag in row.tags],
        bin_of(row.duration_ns),
        None if row.first_ns is None else bin_of(row.first_ns),
        _encode(row),
        body,
        own,
        f" {' '.join(words)} " if words else "",
        list(facts),
        _lexemes(words),
    )


def lexeme(word: str) -> str:
    """Return a word as the index has it."""
    return word[:_LONGEST]


def _lexemes(words: Sequence[str]) -> list[str]:
    left, found = _MOST, []
    for word in dict.fromkeys(map(lexeme, words)):
        left -= len(word.encode())
        if left < 0:
            break
        found.append(word)
    return found
