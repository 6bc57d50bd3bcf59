"""Sums kept beside the traces and spans, so that a chart never counts them.

By minute and by hour for what many have in common, which may be as many combinations as there are traces; by hour and
by day for what charts are drawn by, alone. Sums by user, of whom there are many, are counted. The sums change in the
transaction that writes, replaces or deletes, so they are always exact.
"""

import sqlite3
from collections.abc import Iterable
from typing import Any, Protocol, TypeVar

import msgspec

from rowen.store.base import DAY_NS, Bucket, GroupBy, SpanBucket, SpanGroup
from rowen.store.pieces import pieces
from rowen.store.sqlite.rows import TRACE_NAMES, trace_row
from rowen.store.sqlite.schema import PLACES, WHATS
from rowen.store.sums import (
    CHARTED,
    HOUR_NS,
    MINUTE_NS,
    Alike,
    SpanSums,
    Sums,
    charted,
    charts,
    whole_minutes,
)
from rowen.values import SpanRow, TraceRow

_MINUTE, _HOUR = 0, 1
_UNITS = {MINUTE_NS: _MINUTE, HOUR_NS: _HOUR}

_encode = msgspec.msgpack.Encoder(decimal_format="string").encode
_sums = msgspec.msgpack.Decoder(Sums).decode
_span_sums = msgspec.msgpack.Decoder(SpanSums).decode

_GET_WHAT = "SELECT sums FROM rollups WHERE unit = ? AND start_ns = ? AND what = ?"
_PUT_WHAT = "INSERT OR REPLACE INTO rollups VALUES (?, ?, ?, ?)"
_DROP_WHAT = "DELETE FROM rollups WHERE unit = ? AND start_ns = ? AND what = ?"
_GET_PLACE = "SELECT sums FROM span_rollups WHERE unit = ? AND start_ns = ? AND place = ?"
_PUT_PLACE = "INSERT OR REPLACE INTO span_rollups VALUES (?, ?, ?, ?)"
_DROP_PLACE = "DELETE FROM span_rollups WHERE unit = ? AND start_ns = ? AND place = ?"
_CHART = 'tenant = ? AND unit = ? AND "by" = ? AND start_ns = ? AND app = ? AND name = ?'
_GET_CHART = f"SELECT sums FROM charts WHERE {_CHART}"  # noqa: S608 - made of constants
_PUT_CHART = "INSERT OR REPLACE INTO charts VALUES (?, ?, ?, ?, ?, ?, ?)"
_DROP_CHART = f"DELETE FROM charts WHERE {_CHART}"  # noqa: S608 - made of constants

_WINDOW = f"""SELECT {TRACE_NAMES} FROM traces JOIN whats ON whats.number = traces.what
WHERE traces.started_ns >= ? AND traces.started_ns < ?"""  # noqa: S608 - made of constants


class _Summing(Protocol):
    @property
    def some(self) -> bool: ...
    def take(self, other: Any) -> None: ...


S = TypeVar("S", bound=_Summing)


def keep(connection: sqlite3.Connection, changes: Iterable[tuple[int, TraceRow, int]]) -> None:
    """Add rows of traces to the sums (sign 1) or take them away (-1); each comes with the number of its `what`."""
    minutes: dict[tuple[int, int], Sums] = {}
    whats: dict[int, tuple[str, str, str]] = {}
    for what, row, sign in changes:
        place = (row.started_ns // MINUTE_NS * MINUTE_NS, what)
        sums = minutes.get(place)
        if sums is None:
            sums = minutes[place] = Sums()
            whats[what] = (row.tenant, row.app, row.model)
        sums.count(row, sign)
    units: dict[tuple[int, ...], Sums] = {(_MINUTE, *place): sums for place, sums in minutes.items()}
    alike: dict[Alike, Sums] = {}
    for (minute, what), sums in minutes.items():
        hour = minute // HOUR_NS * HOUR_NS
        units.setdefault((_HOUR, hour, what), Sums()).take(sums)
        tenant, app, model = whats[what]
        alike.setdefault((tenant, hour, app, model), Sums()).take(sums)
    _apply(connection, units, _sums, _GET_WHAT, _PUT_WHAT, _DROP_WHAT)
    _apply(connection, charted(alike), _sums, _GET_CHART, _PUT_CHART, _DROP_CHART)


def keep_charts(connection: sqlite3.Connection, changes: Iterable[tuple[TraceRow, int]]) -> None:
    """Add rows of traces to the sums that charts are drawn from or take them away."""
    _apply(connection, charts(changes), _sums, _GET_CHART, _PUT_CHART, _DROP_CHART)


def keep_spans(connection: sqlite3.Connection, changes: Iterable[tuple[int, SpanRow, int]]) -> None:
    """Add rows of spans to the sums or take them away; each comes with the number of its place."""
    minutes: dict[tuple[int, int], SpanSums] = {}
    for place, row, sign in changes:
        key = (row.started_ns // MINUTE_NS * MINUTE_NS, place)
        sums = minutes.get(key)
        if sums is None:
            sums = minutes[key] = SpanSums()
        sums.tell(row, sign)
    units: dict[tuple[int, ...], SpanSums] = {(_MINUTE, *key): sums for key, sums in minutes.items()}
    for (minute, place), sums in minutes.items():
        units.setdefault((_HOUR, minute // HOUR_NS * HOUR_NS, place), SpanSums()).take(sums)
    _apply(connection, units, _span_sums, _GET_PLACE, _PUT_PLACE, _DROP_PLACE)


def _apply(connection: sqlite3.Connection, changes: dict[Any, S], decode: Any, get: str, put: str, drop: str) -> None:
    puts: list[tuple[Any, ...]] = []
    drops: list[tuple[Any, ...]] = []
    for place, change in changes.items():
        kept = connection.execute(get, place).fetchone()
        # The change is added to what is kept and not the other way: a day's histogram is longer than that of a few calls.
        sums = change if kept is None else decode(kept[0])
        if kept is not None:
            sums.take(change)
        if sums.some:
            puts.append((*place, _encode(sums)))
        elif kept is not None:
            drops.append(place)
    connection.executemany(put, puts)
    connection.executemany(drop, drops)


def buckets(
    connection: sqlite3.Connection,
    *,
    tenant: str | None,
    since_ns: int,
    until_ns: int,
    every_ns: int,
    by: GroupBy,
    app: str,
) -> list[Bucket]:
    """Return the sums by stretch and group: from the longest that are kept and lie within one stretch."""
    since, until, every = whole_minutes(since_ns, until_ns, every_ns)
    found: dict[tuple[int, str], Sums] = {}
    counted, counted_by = _scope("whats", tenant, app)
    if by == "user":
        for each in connection.execute(_WINDOW + counted, (since, until, *counted_by)):
            row = trace_row(each)
            start = row.started_ns // MINUTE_NS * MINUTE_NS // every * every
            found.setdefault((start, row.user), Sums()).count(row)
        return [sums.bucket(*place) for place, sums in sorted(found.items())]
    group = f"whats.{by}" if by in WHATS else "''"
    query = f"""SELECT rollups.start_ns, {group}, rollups.sums FROM rollups
JOIN whats ON whats.number = rollups.what WHERE unit = ? AND start_ns >= ? AND start_ns < ?{counted}"""  # noqa: S608 - made of constants
    units = (DAY_NS, HOUR_NS, MINUTE_NS) if by in CHARTED else (HOUR_NS, MINUTE_NS)
    for unit, first, end in pieces(since, until, every, units):
        if by in CHARTED and unit > MINUTE_NS:
            rows = _charted(connection, (unit, first, end), by, tenant, app)
        else:
            rows = connection.execute(query, (_UNITS[unit], first, end, *counted_by))
        for start, name, kept in rows:
            found.setdefault((start // every * every, name), Sums()).take(_sums(kept))
    return [sums.bucket(*place) for place, sums in sorted(found.items())]


def _charted(
    connection: sqlite3.Connection, piece: tuple[int, int, int], by: GroupBy, tenant: str | None, app: str
) -> sqlite3.Cursor:
    unit, first, end = piece
    query, values = "SELECT start_ns, name, sums FROM charts WHERE tenant ", list[Any]()
    if tenant is None:
        query += "IN (SELECT DISTINCT tenant FROM whats)"
    else:
        query, values = query + "= ?", [tenant]
    query += ' AND unit = ? AND "by" = ? AND start_ns >= ? AND start_ns < ?'
    values += [unit, by, first, end]
    if app:
        query, values = query + " AND app = ?", [*values, app]
    return connection.execute(query, values)


def span_buckets(
    connection: sqlite3.Connection,
    *,
    tenant: str | None,
    since_ns: int,
    until_ns: int,
    every_ns: int,
    by: SpanGroup,
    app: str,
) -> list[SpanBucket]:
    """Return the sums over spans by stretch and group."""
    since, until, every = whole_minutes(since_ns, until_ns, every_ns)
    scope, scoped = _scope("places", tenant, app)
    group = f"places.{by}" if by in PLACES else "''"
    query = f"""SELECT span_rollups.start_ns, {group}, span_rollups.sums FROM span_rollups
JOIN places ON places.number = span_rollups.place WHERE unit = ? AND start_ns >= ? AND start_ns < ?{scope}"""  # noqa: S608 - made of constants
    found: dict[tuple[int, str], SpanSums] = {}
    for unit, first, end in pieces(since, until, every, (HOUR_NS, MINUTE_NS)):
        for start, name, kept in connection.execute(query, (_UNITS[unit], first, end, *scoped)):
            found.setdefault((start // every * every, name), SpanSums()).take(_span_sums(kept))
    return [sums.bucket(*place) for place, sums in sorted(found.items())]


def values(connection: sqlite3.Connection, column: GroupBy, tenant: str | None) -> list[str]:
    """Return the distinct values of a column, without the empty one."""
    if column == "user":
        scope, scoped = _scope("subjects", tenant, "")
        query = f"SELECT DISTINCT name FROM subjects WHERE kind = 'user'{scope}"  # noqa: S608 - made of constants
    elif column in WHATS:
        scope, scoped = _scope("whats", tenant, "")
        query = f"""SELECT DISTINCT {column} FROM whats WHERE {column} <> ''{scope}
AND EXISTS (SELECT 1 FROM traces WHERE traces.what = whats.number)"""  # noqa: S608 - made of constants
    else:
        return []
    return sorted(value for (value,) in connection.execute(query, scoped))


def _scope(table: str, tenant: str | None, app: str) -> tuple[str, list[str]]:
    scope, scoped = "", list[str]()
    if tenant is not None:
        scope, scoped = scope + f" AND {table}.tenant = ?", [*scoped, tenant]
    if app:
        scope, scoped = scope + f" AND {table}.app = ?", [*scoped, app]
    return scope, scoped
