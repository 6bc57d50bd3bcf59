"""Sums kept beside the traces, by minute and by hour, so that a chart never counts traces.

Each is kept in two cuts: `what` (which models, how it went) and `who` (which keys and users). Together they would be
almost as many rows as there are traces. They change in the transaction that writes, replaces or deletes a trace, so
they are always exact.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from rowen.store.base import Bucket, GroupBy
from rowen.store.sums import MINUTE_NS, Sums, whole_minutes
from rowen.values import TraceRow

HOUR_NS = 60 * MINUTE_NS

SCRIPT = """
CREATE TABLE rollups (
    kind TEXT NOT NULL, start_ns INTEGER NOT NULL, tenant TEXT NOT NULL, app TEXT NOT NULL,
    model TEXT NOT NULL, deployment TEXT NOT NULL, provider TEXT NOT NULL, feature TEXT NOT NULL,
    status TEXT NOT NULL, code TEXT NOT NULL, key TEXT NOT NULL, user TEXT NOT NULL,
    calls INTEGER NOT NULL, failed INTEGER NOT NULL, refused INTEGER NOT NULL, cached INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, unpriced INTEGER NOT NULL,
    cost TEXT NOT NULL, waste TEXT NOT NULL, durations BLOB NOT NULL, firsts BLOB NOT NULL,
    PRIMARY KEY (kind, start_ns, tenant, app, model, deployment, provider, feature, status, code, key, user)
) WITHOUT ROWID;
"""

_PLACE = """kind = ? AND start_ns = ? AND tenant = ? AND app = ? AND model = ? AND deployment = ? AND provider = ?
AND feature = ? AND status = ? AND code = ? AND key = ? AND user = ?"""
_SUMS = "calls, failed, refused, cached, input_tokens, output_tokens, unpriced, cost, waste, durations, firsts"
_GET = f"SELECT {_SUMS} FROM rollups WHERE {_PLACE}"  # noqa: S608 - made of constants
_PUT = f"INSERT OR REPLACE INTO rollups VALUES ({', '.join('?' * 23)})"  # noqa: S608 - made of constants
_DROP = f"DELETE FROM rollups WHERE {_PLACE}"  # noqa: S608 - made of constants

_WHO = ("key", "user")
_COLUMNS: dict[GroupBy, str] = {
    name: name for name in ("model", "deployment", "provider", "app", "key", "user", "status", "code", "feature")
}

_encode = msgspec.msgpack.Encoder().encode
_bins = msgspec.msgpack.Decoder(dict[int, int]).decode

_Cell = tuple[int, str, str, str, str, str, str, str, str, str, str]
_Place = tuple[str, int, str, str, str, str, str, str, str, str, str, str]


def keep(connection: sqlite3.Connection, new: Iterable[TraceRow], old: Iterable[TraceRow]) -> None:
    """Add new rows to the sums and take old ones away."""
    cells: dict[_Cell, Sums] = {}
    for rows, sign in ((new, 1), (old, -1)):
        for row in rows:
            cell = (
                row.started_ns // MINUTE_NS * MINUTE_NS,
                row.tenant,
                row.app,
                row.model,
                row.deployment,
                row.provider,
                row.feature,
                row.status,
                row.code,
                row.key,
                row.user,
            )
            sums = cells.get(cell)
            if sums is None:
                sums = cells[cell] = Sums()
            sums.count(row, sign)
    changes: dict[_Place, Sums] = {}
    for (minute, tenant, app, model, deployment, provider, feature, status, code, key, user), sums in cells.items():
        for unit, start in (("minute", minute), ("hour", minute // HOUR_NS * HOUR_NS)):
            for place in (
                (f"{unit}.what", start, tenant, app, model, deployment, provider, feature, status, code, "", ""),
                (f"{unit}.who", start, tenant, app, "", "", "", "", "", "", key, user),
            ):
                change = changes.get(place)
                if change is None:
                    change = changes[place] = Sums()
                change.take(sums)
    _apply(connection, changes)


def _apply(connection: sqlite3.Connection, changes: dict[_Place, Sums]) -> None:
    puts: list[tuple[Any, ...]] = []
    drops: list[_Place] = []
    for place, sums in changes.items():
        kept = connection.execute(_GET, place).fetchone()
        if kept is not None:
            _read(sums, kept)
        if sums.calls:
            puts.append(
                (
                    *place,
                    sums.calls,
                    sums.failed,
                    sums.refused,
                    sums.cached,
                    sums.input_tokens,
                    sums.output_tokens,
                    sums.unpriced,
                    str(sums.cost),
                    str(sums.waste),
                    _encode(sums.durations),
                    _encode(sums.firsts),
                )
            )
        elif kept is not None:
            drops.append(place)
    connection.executemany(_PUT, puts)
    connection.executemany(_DROP, drops)


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
    """Return the sums by stretch and group: from hours where the stretches allow it, from minutes elsewhere."""
    since, until, every = whole_minutes(since_ns, until_ns, every_ns)
    column = _COLUMNS.get(by, "''")
    scope, scoped = "", list[Any]()
    if tenant is not None:
        scope, scoped = scope + " AND tenant = ?", [*scoped, tenant]
    if app:
        scope, scoped = scope + " AND app = ?", [*scoped, app]
    query = f"SELECT start_ns, {column}, {_SUMS} FROM rollups WHERE kind = ? AND start_ns >= ? AND start_ns < ?{scope}"  # noqa: S608 - made of constants
    cut = "who" if by in _WHO else "what"
    found: dict[tuple[int, str], Sums] = {}
    for unit, first, end in _stretches(since, until, every):
        for start, group, *kept in connection.execute(query, (f"{unit}.{cut}", first, end, *scoped)):
            place = (start // every * every, group)
            sums = found.get(place)
            if sums is None:
                sums = found[place] = Sums()
            _read(sums, kept)
    return [sums.bucket(*place) for place, sums in sorted(found.items())]


def values(connection: sqlite3.Connection, column: GroupBy, tenant: str | None) -> list[str]:
    """Return the distinct values of a column, without the empty one."""
    if column not in _COLUMNS:
        return []
    kind = "hour.who" if column in _WHO else "hour.what"
    name = _COLUMNS[column]
    query = f"SELECT DISTINCT {name} FROM rollups WHERE kind = ? AND {name} <> ''"  # noqa: S608 - made of constants
    if tenant is None:
        found = connection.execute(query, (kind,))
    else:
        found = connection.execute(query + " AND tenant = ?", (kind, tenant))
    return sorted(value for (value,) in found)


def _stretches(since: int, until: int, every: int) -> Sequence[tuple[str, int, int]]:
    first, end = -(-since // HOUR_NS) * HOUR_NS, until // HOUR_NS * HOUR_NS
    if every % HOUR_NS or first >= end:
        return (("minute", since, until),)
    return (("minute", since, first), ("hour", first, end), ("minute", end, until))


def _read(sums: Sums, kept: Sequence[Any]) -> None:
    calls, failed, refused, cached, input_tokens, output_tokens, unpriced, cost, waste, durations, firsts = kept
    sums.calls += calls
    sums.failed += failed
    sums.refused += refused
    sums.cached += cached
    sums.input_tokens += input_tokens
    sums.output_tokens += output_tokens
    sums.unpriced += unpriced
    sums.cost += Decimal(cost)
    sums.waste += Decimal(waste)
    sums.merge(_bins(durations), _bins(firsts))
