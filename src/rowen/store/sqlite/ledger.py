"""Sums kept beside the scores, by hour, so that a chart never counts scores; and the names that there are.

Each is kept in two cuts: `what` (all but who judged) and `who` (the judge, such as a user of the app, of whom there may be
as many as scores). They change in the transaction that writes, replaces or deletes a score, so they are always exact. Parts
of an hour are counted from the scores themselves.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from rowen.store.base import ScoreBucket, ScoreGroup, ScoreName
from rowen.store.sums import MINUTE_NS, whole_minutes
from rowen.store.tally import HOUR_NS, Tally, label_of, place_of, read, written
from rowen.values import Score

CUT = ("app", "name", "type", "source", "by", "version", "environment", "release", "definition")
"""What sums are told apart by, besides their hour and tenant: columns of `scores` and of `hours`."""

SCRIPT = f"""
CREATE TABLE hours (
    kind TEXT NOT NULL, start_ns INTEGER NOT NULL, tenant TEXT NOT NULL,
    {", ".join(f'"{name}" TEXT NOT NULL' for name in CUT)},
    count INTEGER NOT NULL, numbers INTEGER NOT NULL, total TEXT NOT NULL, squares TEXT NOT NULL,
    least REAL, most REAL, last_ns INTEGER NOT NULL, labels TEXT NOT NULL,
    PRIMARY KEY (kind, tenant, "name", start_ns, "app", "type", "source", "by", "version", "environment", "release", "definition")
) WITHOUT ROWID;
"""

NAMES_SCRIPT = """
CREATE TABLE names (
    tenant TEXT NOT NULL, "name" TEXT NOT NULL, "app" TEXT NOT NULL, "type" TEXT NOT NULL, "source" TEXT NOT NULL,
    count INTEGER NOT NULL, last_ns INTEGER NOT NULL,
    PRIMARY KEY (tenant, "name", "app", "type", "source")
) WITHOUT ROWID;
INSERT INTO names
SELECT tenant, "name", "app", "type", "source", sum(count), max(last_ns) FROM hours
WHERE kind = 'what' GROUP BY 1, 2, 3, 4, 5;
"""

_KINDS = {"what": tuple(name for name in CUT if name != "by"), "who": ("app", "name", "type", "source", "by")}
_SUMS = "count, numbers, total, squares, least, most, last_ns, labels"
_PLACE = " AND ".join(("kind = ?", "start_ns = ?", "tenant = ?", *(f'"{name}" = ?' for name in CUT)))
_GET = f"SELECT {_SUMS} FROM hours WHERE {_PLACE}"  # noqa: S608 - made of constants
_PUT = f"INSERT OR REPLACE INTO hours VALUES ({', '.join('?' * (11 + len(CUT)))})"  # noqa: S608 - made of constants
_DROP = f"DELETE FROM hours WHERE {_PLACE}"  # noqa: S608 - made of constants
_ENDS = {
    kind: "SELECT min(amount), max(amount), max(at_ns) FROM scores WHERE at_ns >= ? AND at_ns < ? AND tenant = ? AND "  # noqa: S608 - made of constants
    + " AND ".join(f'"{name}" = ?' for name in cut)
    for kind, cut in _KINDS.items()
}

_NAME = 'tenant = ? AND "name" = ? AND "app" = ? AND "type" = ? AND "source" = ?'
_GET_NAME = f"SELECT count, last_ns FROM names WHERE {_NAME}"  # noqa: S608 - made of constants
_PUT_NAME = "INSERT OR REPLACE INTO names VALUES (?, ?, ?, ?, ?, ?, ?)"
_DROP_NAME = f"DELETE FROM names WHERE {_NAME}"  # noqa: S608 - made of constants
_LAST = f"SELECT at_ns FROM scores WHERE {_NAME} ORDER BY at_ns DESC LIMIT 1"  # noqa: S608 - made of constants

_encode = msgspec.json.Encoder(order="deterministic").encode
_labels = msgspec.json.Decoder(dict[str, int]).decode

_Cell = tuple[Any, ...]


def keep(connection: sqlite3.Connection, new: Iterable[Score], old: Iterable[Score]) -> None:
    """Add new scores to the sums and take old ones away. The table of scores has changed already."""
    new, old = list(new), list(old)
    _keep_names(connection, new, old)
    cells: dict[_Cell, Tally] = {}
    stale: set[_Cell] = set()

    def at(cell: _Cell) -> Tally:
        if cell not in cells:
            kept = connection.execute(_GET, cell).fetchone()
            cells[cell] = Tally() if kept is None else _tally(*kept)
        return cells[cell]

    for score in old:
        for cell in _cells(score):
            if at(cell).remove(score.number, label_of(score), place_of(score)):
                stale.add(cell)
    for score in new:
        for cell in _cells(score):
            at(cell).add(score.number, label_of(score), place_of(score))
    for cell in stale:
        if cells[cell].count:
            _find_ends(connection, cell, cells[cell])
    connection.executemany(_PUT, [_row(cell, tally) for cell, tally in cells.items() if tally.count])
    connection.executemany(_DROP, [cell for cell, tally in cells.items() if not tally.count])


def buckets(
    connection: sqlite3.Connection,
    *,
    scope: Mapping[str, str | None],
    window: tuple[int, int, int],
    by: ScoreGroup,
) -> list[ScoreBucket]:
    """Return the sums by stretch and group: of whole hours from what is kept, of parts of one from the scores."""
    since, until, every = whole_minutes(*window)
    column = f'"{by}"' if by else "''"
    scoped = {name: wanted for name, wanted in scope.items() if wanted is not None}
    where = "".join(f' AND "{name}" = ?' for name in scoped)
    found: dict[tuple[int, str], Tally] = {}
    first, end = -(-since // HOUR_NS) * HOUR_NS, until // HOUR_NS * HOUR_NS
    parts: tuple[tuple[int, int], ...] = ((since, until),)
    if every % HOUR_NS == 0 and first < end:
        parts = ((since, first), (end, until))
        kind = "who" if by == "by" else "what"
        query = (
            f"SELECT start_ns, {column}, {_SUMS} FROM hours WHERE kind = ? AND start_ns >= ? AND start_ns < ?{where}"  # noqa: S608 - made of constants
        )
        for start, group, *kept in connection.execute(query, (kind, first, end, *scoped.values())):
            found.setdefault((start // every * every, group), Tally()).take(_tally(*kept))
    query = f"SELECT at_ns, {column}, amount, label FROM scores WHERE at_ns >= ? AND at_ns < ?{where}"  # noqa: S608 - made of constants
    for begins, ends in parts:
        for at_ns, group, number, label in connection.execute(query, (begins, ends, *scoped.values())):
            start = at_ns // MINUTE_NS * MINUTE_NS // every * every
            found.setdefault((start, group), Tally()).add(number, label, at_ns)
    return [tally.bucket(*place) for place, tally in sorted(found.items())]


def names(connection: sqlite3.Connection, tenant: str | None, app: str) -> list[ScoreName]:
    """Return the names that scores are kept under."""
    query = """
SELECT "name", "app", "type", "source", sum(count), max(last_ns) FROM names
WHERE (?1 IS NULL OR tenant = ?1) AND (?2 = '' OR "app" = ?2) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""
    return [
        ScoreName(name=name, app=of, type=type_, source=source, count=count, last_ns=last_ns)
        for name, of, type_, source, count, last_ns in connection.execute(query, (tenant, app))
    ]


def _keep_names(connection: sqlite3.Connection, new: Iterable[Score], old: Iterable[Score]) -> None:
    changes: dict[_Cell, tuple[int, int, int]] = {}
    for scores, sign in ((new, 1), (old, -1)):
        for score in scores:
            place = (score.tenant, score.name, score.app, score.type, score.source)
            count, came, went = changes.get(place, (0, 0, 0))
            at = place_of(score)
            changes[place] = (count + sign, max(came, at if sign > 0 else 0), max(went, at if sign < 0 else 0))
    for place, (change, came, went) in changes.items():
        count, last = connection.execute(_GET_NAME, place).fetchone() or (0, 0)
        if count + change == 0:
            connection.execute(_DROP_NAME, place)
            continue
        if went >= last:  # the newest may be gone
            (last,) = connection.execute(_LAST, place).fetchone()
        connection.execute(_PUT_NAME, (*place, count + change, max(last, came)))


def _cells(score: Score) -> list[_Cell]:
    hour = place_of(score) // HOUR_NS * HOUR_NS
    return [
        (kind, hour, score.tenant, *(getattr(score, name) if name in cut else "" for name in CUT))
        for kind, cut in _KINDS.items()
    ]


def _find_ends(connection: sqlite3.Connection, cell: _Cell, tally: Tally) -> None:
    kind, hour, tenant, *texts = cell
    wanted = [text for name, text in zip(CUT, texts, strict=True) if name in _KINDS[kind]]
    found = connection.execute(_ENDS[kind], (hour, hour + HOUR_NS, tenant, *wanted)).fetchone()
    tally.least, tally.most, tally.last_ns = found


def _row(cell: _Cell, tally: Tally) -> tuple[Any, ...]:
    return (
        *cell,
        tally.count,
        tally.numbers,
        written(tally.total),
        written(tally.squares),
        tally.least,
        tally.most,
        tally.last_ns,
        _encode(tally.labels).decode(),
    )


def _tally(
    count: int,
    numbers: int,
    total: str,
    squares: str,
    least: float | None,
    most: float | None,
    last_ns: int,
    labels: str,
) -> Tally:
    tally = Tally()
    tally.count, tally.numbers, tally.total, tally.squares = count, numbers, read(total), read(squares)
    tally.least, tally.most, tally.last_ns, tally.labels = least, most, last_ns, _labels(labels)
    return tally
