"""Traces in `traces.db`: rows in typed columns, all else in one compressed body, and the sums beside them."""

import sqlite3
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import zstandard

from rowen.store.base import Bucket, GroupBy, TraceFilter
from rowen.store.sqlite import rollup
from rowen.store.sqlite.familiar import FAMILIAR
from rowen.store.sqlite.file import File
from rowen.values import Answer, Request, Span, Trace, TraceRow, Value

COLUMNS = TraceRow.__struct_fields__
"""The columns of `traces`, in the order of the fields; the scripts below have the same."""

SCRIPTS = (
    """
CREATE TABLE traces (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE, started_ns INTEGER NOT NULL, duration_ns INTEGER NOT NULL, first_ns INTEGER,
    app TEXT NOT NULL, definition TEXT NOT NULL, tenant TEXT NOT NULL, key TEXT NOT NULL, user TEXT NOT NULL,
    session TEXT NOT NULL, feature TEXT NOT NULL, door TEXT NOT NULL, model TEXT NOT NULL, deployment TEXT NOT NULL,
    provider TEXT NOT NULL, answered_by TEXT NOT NULL, source TEXT NOT NULL, status TEXT NOT NULL, code TEXT NOT NULL,
    streamed INTEGER NOT NULL, attempts INTEGER NOT NULL, input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL, estimated INTEGER NOT NULL, cost TEXT, waste TEXT NOT NULL,
    asked TEXT NOT NULL, said TEXT NOT NULL
);
CREATE INDEX traces_by_start ON traces (started_ns);
CREATE INDEX traces_by_tenant ON traces (tenant, id);
CREATE INDEX traces_by_key ON traces (key, id) WHERE key <> '';
CREATE INDEX traces_by_user ON traces (user, id) WHERE user <> '';
CREATE INDEX traces_by_session ON traces (session, id) WHERE session <> '';
CREATE INDEX traces_not_ok ON traces (status, id) WHERE status <> 'ok';
CREATE TABLE bodies (number INTEGER PRIMARY KEY, body BLOB NOT NULL);
"""
    + rollup.SCRIPT,
    """
ALTER TABLE traces ADD COLUMN origin TEXT NOT NULL DEFAULT 'call';
ALTER TABLE traces ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE traces ADD COLUMN environment TEXT NOT NULL DEFAULT '';
ALTER TABLE traces ADD COLUMN release TEXT NOT NULL DEFAULT '';
ALTER TABLE traces ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE traces ADD COLUMN within TEXT NOT NULL DEFAULT '';
ALTER TABLE traces ADD COLUMN spans INTEGER NOT NULL DEFAULT 0;
ALTER TABLE traces ADD COLUMN failed_spans INTEGER NOT NULL DEFAULT 0;
ALTER TABLE traces ADD COLUMN complete INTEGER NOT NULL DEFAULT 1
""",
)

_NAMES = ", ".join(COLUMNS)
_LAST = "SELECT coalesce(max(number), 0) FROM traces"
_PUT = f"INSERT INTO traces (number, {_NAMES}) VALUES ({', '.join('?' * (len(COLUMNS) + 1))})"  # noqa: S608 - made of constants
_PUT_BODY = "INSERT OR REPLACE INTO bodies (number, body) VALUES (?, ?)"
_DROP = "DELETE FROM traces WHERE number = ?"
_DROP_BODY = "DELETE FROM bodies WHERE number = ?"
_KNOWN = f"SELECT number, {_NAMES} FROM traces WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608 - made of constants
_OLD = f"SELECT number, {_NAMES} FROM traces WHERE started_ns < ? ORDER BY started_ns LIMIT ?"  # noqa: S608 - made of constants
_GET = f"SELECT {_NAMES}, (SELECT body FROM bodies WHERE bodies.number = traces.number) FROM traces WHERE id = ?"  # noqa: S608 - made of constants
_FIND = f"SELECT {_NAMES} FROM traces"  # noqa: S608 - made of constants

_SAME = ("app", "model", "deployment", "provider", "key", "user", "session", "feature", "status", "code", "source")
_AT_ONCE = 500  # traces deleted in one transaction, so that writers get their turn
_COMPRESSED_FROM = 512
_SHORT = 4096
_JSON = b"{"  # a body that begins so is not compressed; Zstandard's frames begin otherwise
_KNOWING = b"\x01"  # a body that begins so is a Zstandard frame made with `FAMILIAR`


class Body(Value, frozen=True, kw_only=True):
    """What a trace has beside its row."""

    spans: tuple[Span, ...] = ()
    request: Request | None = None
    answer: Answer | None = None
    masked: bool = False


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Body).decode
_ids = msgspec.json.Encoder().encode


class SqliteTraces:
    """Traces in one file, written through one connection and read through another."""

    def __init__(self, writer: File, reader: File) -> None:
        self._writer = writer
        self._reader = reader
        # Each is used in one thread only, as it must be. Level 1 takes a third of zlib's time for the same size; in a
        # short body nearly all is familiar, and half the effort finds it.
        self._compress = _compressor(1)
        self._compress_short = _compressor(-3)
        self._decompress = zstandard.ZstdDecompressor(dict_data=_familiar()).decompress
        self._decompress_plain = zstandard.ZstdDecompressor().decompress

    async def write(self, traces: Sequence[Trace]) -> None:
        """Write a batch in one transaction; a trace that is already there is replaced."""
        latest = {trace.row.id: trace for trace in traces}
        if not latest:
            return

        def work(connection: sqlite3.Connection) -> None:
            known = connection.execute(_KNOWN, (_ids(list(latest)).decode(),)).fetchall()
            _drop(connection, known)
            (number,) = connection.execute(_LAST).fetchone()
            rows, bodies = [], []
            for number, trace in enumerate(latest.values(), number + 1):  # noqa: B020 - goes on from it
                rows.append(_columns(number, trace.row))
                bodies.append((number, self._packed(trace)))
            connection.executemany(_PUT, rows)
            connection.executemany(_PUT_BODY, bodies)
            rollup.keep(connection, (trace.row for trace in latest.values()), (_row(old[1:]) for old in known))

        await self._writer.write(work)

    async def find(self, filter: TraceFilter) -> list[TraceRow]:
        """Return the rows that pass the filter, newest first."""
        query, values = _query(filter)
        text = filter.text.lower()

        def work(connection: sqlite3.Connection) -> list[TraceRow]:
            if text:
                # LIKE knows upper and lower case only of ASCII letters.
                connection.create_function("holds", 1, lambda said: text in said.lower(), deterministic=True)
            return [_row(found) for found in connection.execute(query, values)]

        return await self._reader.read(work)

    async def get(self, id: str, tenant: str | None = None) -> Trace | None:
        """Return one trace."""

        def work(connection: sqlite3.Connection) -> Trace | None:
            found = connection.execute(_GET, (id,)).fetchone()
            if found is None:
                return None
            row = _row(found[:-1])
            if tenant not in (None, row.tenant):
                return None
            body = _decode(self._unpacked(found[-1]))
            return Trace(row=row, spans=body.spans, request=body.request, answer=body.answer, masked=body.masked)

        return await self._reader.read(work)

    async def buckets(
        self, *, tenant: str | None, since_ns: int, until_ns: int, every_ns: int, by: GroupBy = "", app: str = ""
    ) -> list[Bucket]:
        """Return the sums by stretch and group."""
        return await self._reader.read(
            lambda connection: rollup.buckets(
                connection,
                tenant=tenant,
                since_ns=since_ns,
                until_ns=until_ns,
                every_ns=every_ns,
                by=by,
                app=app,
            )
        )

    async def values(self, column: GroupBy, tenant: str | None = None) -> list[str]:
        """Return the distinct values of a column."""
        return await self._reader.read(lambda connection: rollup.values(connection, column, tenant))

    async def delete(self, *, before_ns: int) -> int:
        """Remove the traces that began earlier, and what they added to the sums; return how many."""

        def work(connection: sqlite3.Connection) -> int:
            old = connection.execute(_OLD, (before_ns, _AT_ONCE)).fetchall()
            _drop(connection, old)
            rollup.keep(connection, (), (_row(found[1:]) for found in old))
            return len(old)

        total = 0
        while removed := await self._writer.write(work):
            total += removed
        return total

    def _packed(self, trace: Trace) -> bytes:
        body = _encode(Body(spans=trace.spans, request=trace.request, answer=trace.answer, masked=trace.masked))
        length = len(body)
        if length <= _COMPRESSED_FROM:
            return body
        return _KNOWING + (self._compress(body) if length > _SHORT else self._compress_short(body))

    def _unpacked(self, packed: bytes) -> bytes:
        if packed.startswith(_KNOWING):
            return self._decompress(packed[1:])
        return packed if packed.startswith(_JSON) else self._decompress_plain(packed)


def _familiar() -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(FAMILIAR, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def _compressor(level: int) -> Callable[[bytes], bytes]:
    familiar = _familiar()
    familiar.precompute_compress(level=level)
    return zstandard.ZstdCompressor(level=level, dict_data=familiar).compress


def _drop(connection: sqlite3.Connection, found: Sequence[Sequence[Any]]) -> None:
    numbers = [(number,) for number, *_ in found]
    connection.executemany(_DROP, numbers)
    connection.executemany(_DROP_BODY, numbers)


def _columns(number: int, row: TraceRow) -> tuple[Any, ...]:
    return (number, *(_written(value) for value in msgspec.structs.astuple(row)))


def _written(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    return _ids(value).decode() if isinstance(value, tuple) else value


def _row(found: Sequence[Any]) -> TraceRow:
    fields = dict(zip(COLUMNS, found, strict=True))
    cost = fields["cost"]
    fields["cost"] = None if cost is None else Decimal(cost)
    fields["waste"] = Decimal(fields["waste"])
    fields["streamed"] = bool(fields["streamed"])
    fields["estimated"] = bool(fields["estimated"])
    fields["complete"] = bool(fields["complete"])
    fields["tags"] = tuple(msgspec.json.decode(fields["tags"]))
    return TraceRow(**fields)


def _query(filter: TraceFilter) -> tuple[str, list[Any]]:
    terms: list[tuple[str, Any]] = []
    if filter.tenant is not None:
        terms.append(("tenant = ?", filter.tenant))
    for name in _SAME:
        wanted = getattr(filter, name)
        if wanted:
            # The second half lets SQLite use the index over the rows that have one.
            terms.append((f"{name} = ? AND {name} <> ''", wanted))
    if filter.since_ns:
        terms.append(("started_ns >= ?", filter.since_ns))
    if filter.until_ns:
        terms.append(("started_ns < ?", filter.until_ns))
    if filter.slower_ms:
        terms.append(("duration_ns > ?", filter.slower_ms * 1_000_000))
    if filter.dearer is not None:
        terms.append(("CAST(cost AS REAL) > CAST(? AS REAL)", str(filter.dearer)))
    if filter.before:
        terms.append(("id < ?", filter.before))
    wheres = [term for term, _ in terms]
    if filter.text:
        wheres.append("(holds(asked) OR holds(said))")
    where = f" WHERE {' AND '.join(wheres)}" if wheres else ""
    return f"{_FIND}{where} ORDER BY id DESC LIMIT ?", [*(value for _, value in terms), filter.limit]
