"""What writing calls, writing spans and deleting have in common: numbers, and the books that change with every row."""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import Any
from zlib import crc32

import msgspec

from rowen.store.bounds import LATEST_NS
from rowen.store.fold import CLAIMED, Telling
from rowen.store.pack import PackedSpan, Packing
from rowen.store.spend import MOST
from rowen.store.sqlite import days, marks, rollup, subjects
from rowen.store.sqlite.names import Names
from rowen.store.sqlite.packs import WrittenPacks
from rowen.store.sqlite.puts import Put, put
from rowen.store.sqlite.query import searched
from rowen.store.sqlite.rows import (
    SENT_NAMES,
    SPAN_TABLES,
    TRACE_NAMES,
    blob,
    place_of,
    sent_row,
    short,
    span_columns,
    trace_columns,
    trace_row,
    what_of,
)
from rowen.store.sqlite.schema import PLACES, SPANS, TRACES, WHATS
from rowen.store.words import facts_of, words_of_call, words_of_span
from rowen.values import SpanRow, Trace, TraceRow

_ids = msgspec.json.Encoder().encode
_encode = msgspec.msgpack.Encoder(decimal_format="string").encode


class _Told(msgspec.Struct, array_like=True):
    """A telling as it is on the disk: what a trace's row says is not said again."""

    telling: Telling
    claimed: list[tuple[tuple[int, int, str], list[int | str]]]


_told = msgspec.msgpack.Decoder(_Told).decode

_PUT_TRACE = Put(f"INSERT INTO traces (number, tenant, what, {', '.join(TRACES)})", len(TRACES) + 3)
_PUT_SPAN = Put(f"INSERT INTO spans (number, trace, place, own, pack, at, {', '.join(SPANS)})", len(SPANS) + 6)
_PUT_BODY = Put("INSERT OR REPLACE INTO bodies (number, body)", 2)
_PUT_TOLD = "INSERT OR REPLACE INTO tellings (number, told) VALUES (?, ?)"
_PUT_TEXT = Put("INSERT INTO texts (rowid, words)", 2)
_FORGET_TEXT = "INSERT INTO texts (texts, rowid, words) VALUES ('delete', ?, ?)"

KNOWN = f"""SELECT traces.number, traces.what, tellings.told, {TRACE_NAMES} FROM json_each(?) AS wanted
CROSS JOIN traces ON traces.id = wanted.value ->> 1 AND traces.tenant = wanted.value ->> 0
CROSS JOIN whats ON whats.number = traces.what LEFT JOIN tellings ON tellings.number = traces.number"""  # noqa: S608 - made of constants
_SPANS_OF = f"""SELECT spans.number, spans.trace, spans.place, spans.own, {SENT_NAMES} FROM {SPAN_TABLES}
WHERE spans.trace = ? ORDER BY spans.pack"""  # noqa: S608 - made of constants
_SPAN_AT = f"""SELECT spans.number, spans.trace, spans.place, spans.own, {SENT_NAMES} FROM {SPAN_TABLES}
WHERE spans.trace = ? AND spans.id = ?"""  # noqa: S608 - made of constants
_SERVED = f"""SELECT traces.id, input_tokens, output_tokens FROM traces JOIN whats ON whats.number = traces.what
WHERE within = ? AND within <> '' AND traces.tenant = ? AND origin = 'call' ORDER BY traces.id LIMIT {MOST}"""  # noqa: S608 - made of constants
_TAKEN = "SELECT number FROM spans WHERE number IN (SELECT value FROM json_each(?))"

# Numbers count stretches of 66 microseconds. Finer ones would lie further apart, and the full-text index writes the
# distances: in microseconds it was 200 bytes a span larger. Wider ones would be used up by those who send 10,000 spans a
# second.
_SHIFT = 16
_WIDTH = 64  # numbers among which a span looks for a free one first, when others began with it
SLACK = 1 << 20  # how far a span's number may lie behind its start at most


def first_number(started_ns: int) -> int:
    """Return the least number that a span of that start may have."""
    return min(max(started_ns, 0), LATEST_NS) >> _SHIFT


def first_moment(number: int) -> int:
    """Return the first nanosecond of the stretch that a number stands for."""
    return number << _SHIFT


class Known(msgspec.Struct):
    """A trace that is there already."""

    number: int
    what: int
    row: TraceRow
    telling: Telling | None
    sent: tuple[int, int] = (0, 0)
    """How many spans were sent to us, and how many of them failed, before this transaction."""


class Stored(msgspec.Struct):
    """A span that is there already."""

    number: int
    trace: int
    place: int
    own: int
    pack: int
    at: int
    row: SpanRow


class Ledger:
    """Knows the numbers of names, and packs; one for the thread that writes."""

    def __init__(self, packing: Packing) -> None:
        self.packing = packing
        self.whats = Names("whats", WHATS)
        self.places = Names("places", PLACES)
        self._swept = -1

    def begin(self, connection: sqlite3.Connection) -> "Entry":
        """Begin a transaction's changes."""
        (swept,) = connection.execute("SELECT count FROM sweeps").fetchone()
        if swept != self._swept:
            self.forget()
            self._swept = swept
        return Entry(self, connection)

    def forget(self) -> None:
        """Look all names up again: a transaction that gave some was rolled back, or another process swept."""
        self.whats.forget()
        self.places.forget()


class Entry:
    """The changes of one transaction, written together at its end."""

    def __init__(self, ledger: Ledger, connection: sqlite3.Connection) -> None:
        self.ledger = ledger
        self.connection = connection
        self._traces: list[tuple[int, TraceRow, int]] = []
        self._spans: list[tuple[int, SpanRow, int]] = []
        self._put_traces: list[tuple[Any, ...]] = []
        self._put_spans: list[tuple[Any, ...]] = []
        self._put_bodies: list[tuple[int, bytearray]] = []
        self._packs = WrittenPacks(connection, ledger.packing)
        self._put_told: list[tuple[int, bytes]] = []
        self._texts: list[tuple[int, int, str]] = []
        self._drop_traces: list[tuple[int]] = []
        self._old_traces: list[tuple[int]] = []
        self._drop_spans: list[tuple[int]] = []

    def known(self, ids: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Known]:
        """Return the traces among these tenants and ids that are there."""
        found = {}
        for number, what, told, *rest in self.connection.execute(KNOWN, (_ids(list(ids)).decode(),)):
            row = trace_row(rest)
            telling = _telling(told, row) if told else None
            sent = (telling.spans, telling.failed) if telling else (0, 0)
            found[row.tenant, row.id] = Known(number, what, row, telling, sent)
        return found

    def next_trace(self) -> int:
        """Return the first number that no trace has."""
        (last,) = self.connection.execute("SELECT coalesce(max(number), 0) FROM traces").fetchone()
        return int(last) + 1

    def stored(self, wanted: Sequence[tuple[int, str]]) -> dict[tuple[int, str], Stored]:
        """Return the spans among these traces and ids that are there."""
        found = {}
        for trace, id in wanted:
            there = self.connection.execute(_SPAN_AT, (trace, short(id))).fetchone()
            if there is not None:
                found[trace, id] = self._stored(there)
        return found

    def stored_of(self, trace: int) -> Iterable[Stored]:
        """Yield all spans of a trace."""
        return map(self._stored, self.connection.execute(_SPANS_OF, (trace,)))

    def served(self, tenant: str, within: str) -> list[tuple[str, tuple[int, int]]]:
        """Return the calls through Rowen that were made within a trace, with their tokens."""
        return [
            (id, (used_in, used_out)) for id, used_in, used_out in self.connection.execute(_SERVED, (within, tenant))
        ]

    def numbers(self, spans: Sequence[tuple[int, str]]) -> list[int]:
        """Return free numbers for spans of these starts and ids, made of the start."""
        wanted = [first_number(ns) for ns, _ in spans]
        taken = {number for (number,) in self.connection.execute(_TAKEN, (_ids(wanted).decode(),))}
        for at, number in enumerate(wanted):
            if number in taken:
                wanted[at] = self._free(*spans[at], taken)
            taken.add(wanted[at])
        return wanted

    def put_trace(self, number: int, row: TraceRow, old: Known | None) -> None:
        """Write a trace's row in place of an old one."""
        if old is not None:
            self._traces.append((old.what, old.row, -1))
            self._old_traces.append((number,))
        what = self.ledger.whats.number(self.connection, what_of(row))
        self._traces.append((what, row, 1))
        self._put_traces.append(trace_columns(number, what, row))

    def put_body(self, number: int, body: bytes) -> None:
        """Write what a call has beside its row."""
        self._put_bodies.append((number, blob(body)))

    def put_told(self, number: int, telling: Telling) -> None:
        """Write what is known of the spans of a trace."""
        bare = msgspec.structs.replace(telling, held={})
        claimed: list[tuple[tuple[int, int, str], list[int | str]]] = [
            (rank, [CLAIMED.index(field) for field in fields]) for rank, fields in telling.claimed()
        ]
        self._put_told.append((number, _encode(_Told(bare, claimed))))

    def put_span(self, number: int, trace: int, own: int, row: SpanRow, body: bytes | None) -> None:
        """Write a span's row, and its body (`encoded_of`) if it was sent to us."""
        place = self.ledger.places.number(self.connection, place_of(row))
        self._spans.append((place, row, 1))
        pack, at = (0, 0) if body is None else self._packs.put(trace, body)
        self._put_spans.append(span_columns(number, trace, place, own, pack, at, row))

    def put_words(self, number: int, words: str, facts: Iterable[str] = ()) -> None:
        """Let a span be found by words and attributes."""
        self._texts.append((number, 1, searched(words, facts)))

    def drop_span(self, span: Stored, call: Trace | None = None) -> None:
        """Remove a span, its body and its words; those of a call are in the call."""
        self._spans.append((span.place, span.row, -1))
        self._drop_spans.append((span.number,))
        if span.own == 1 and call is not None:
            self._texts.append((span.number, 0, words_of_call(call)))
        elif not span.own:
            body = self._packs.drop(span.pack, span.at)
            self._texts.append((span.number, 0, words_of_body(body)))

    def drop_trace(self, trace: Known) -> None:
        """Remove a trace's row, its body, and what is known of its spans."""
        self._traces.append((trace.what, trace.row, -1))
        self._drop_traces.append((trace.number,))

    def call(self, number: int, row: TraceRow) -> Trace | None:
        """Return the call that a trace is, None for spans alone."""
        found = self.connection.execute("SELECT body FROM bodies WHERE number = ?", (number,)).fetchone()
        return None if found is None else self.ledger.packing.as_call(found[0], row)

    def write_spans(self) -> None:
        """Write the spans and their words."""
        run = self.connection.executemany
        run("DELETE FROM spans WHERE number = ?", self._drop_spans)
        self._put_spans.sort()
        put(self.connection, _PUT_SPAN, self._put_spans)
        self._packs.write()
        self._write_texts()

    def write(self, *, aged: bool = False) -> None:
        """Write the traces and the books; the spans are written before. What days cost stays where traces only aged."""
        run = self.connection.executemany
        run("DELETE FROM traces WHERE number = ?", self._old_traces)
        run("DELETE FROM traces WHERE number = ?", self._drop_traces)
        run("DELETE FROM bodies WHERE number = ?", self._drop_traces)
        run("DELETE FROM tellings WHERE number = ?", self._drop_traces)
        put(self.connection, _PUT_TRACE, self._put_traces)
        put(self.connection, _PUT_BODY, self._put_bodies)
        run(_PUT_TOLD, self._put_told)
        rollup.keep(self.connection, self._traces)
        rollup.keep_spans(self.connection, self._spans)
        subjects.keep(self.connection, self._traces)
        marks.keep(self.connection, ((row, sign) for _, row, sign in self._traces))
        if not aged:
            days.keep(self.connection, ((row, sign) for _, row, sign in self._traces))

    def _stored(self, found: Sequence[Any]) -> Stored:
        number, trace, place, own, *row = found
        return Stored(number, trace, place, own, row[-2], row[-1], sent_row(row, self._packs))

    def _write_texts(self) -> None:
        # FTS5 writes its pending words to the disk whenever a row comes that is not behind the last one. It joins rows
        # of one statement only where they follow one another, so a run of one kind is one call.
        self._texts.sort(key=lambda text: text[:2])
        run: list[tuple[int, str]] = []
        kind = 1
        for number, wanted, words in self._texts:
            if wanted != kind and run:
                self._write_run(kind, run)
                run = []
            kind = wanted
            run.append((number, words))
        if run:
            self._write_run(kind, run)

    def _write_run(self, kind: int, run: list[tuple[int, str]]) -> None:
        if kind:
            put(self.connection, _PUT_TEXT, run)
        else:
            self.connection.executemany(_FORGET_TEXT, run)

    def _free(self, started_ns: int, id: str, taken: Collection[int]) -> int:
        first, width = first_number(started_ns), _WIDTH
        tried = id.encode(errors="replace")
        while True:
            tried += b"."
            number = first + crc32(tried) % width
            width = min(width * 2, SLACK)
            if number not in taken and not self.connection.execute(_TAKEN, (f"[{number}]",)).fetchone():
                return number


def _telling(told: bytes, row: TraceRow) -> Telling:
    kept = _told(told)
    if row.origin == "spans":
        named = [
            (rank, [CLAIMED[field] if isinstance(field, int) else field for field in fields])
            for rank, fields in kept.claimed
        ]
        kept.telling.claim(named, row)
    return kept.telling


def words_of_body(body: PackedSpan) -> str:
    """Return what a span is found by, as `put_words` writes it."""
    return searched(words_of_span(body.input, body.output), facts_of(body.attributes))
