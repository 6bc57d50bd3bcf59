"""Scores in `scores.db`: each whole, with what it is found by in columns, and the sums beside them.

A file of its own, so that a thumb never waits for a batch of traces, nor a batch of traces for a judge.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from rowen.store.base import DAY_NS, Day, ScoreBucket, ScoreFilter, ScoreGroup, ScoreName
from rowen.store.sqlite import ledger
from rowen.store.sqlite.file import File
from rowen.store.tally import label_of, place_of
from rowen.values import Mistaken, Score

SCRIPTS = (
    """
CREATE TABLE scores (
    number INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL, id TEXT NOT NULL, created_ns INTEGER NOT NULL, at_ns INTEGER NOT NULL,
    "app" TEXT NOT NULL, "name" TEXT NOT NULL, "type" TEXT NOT NULL, "source" TEXT NOT NULL, "by" TEXT NOT NULL,
    "version" TEXT NOT NULL, "environment" TEXT NOT NULL, "release" TEXT NOT NULL, "definition" TEXT NOT NULL,
    "target" TEXT NOT NULL, "trace" TEXT NOT NULL, "span" TEXT NOT NULL, "session" TEXT NOT NULL, "case" TEXT NOT NULL,
    amount REAL, label TEXT NOT NULL, record BLOB NOT NULL
);
CREATE UNIQUE INDEX scores_by_id ON scores (id, tenant);
CREATE INDEX scores_by_age ON scores (tenant, created_ns, id);
CREATE INDEX scores_by_name ON scores (tenant, "name", at_ns);
CREATE INDEX scores_by_time ON scores (at_ns);
CREATE INDEX scores_by_trace ON scores ("trace") WHERE "trace" <> '';
CREATE INDEX scores_by_session ON scores ("session") WHERE "session" <> '';
CREATE INDEX scores_by_case ON scores ("case") WHERE "case" <> '';
"""
    + ledger.SCRIPT,
    """
CREATE INDEX scores_by_creation ON scores (created_ns, id, tenant);
"""
    + ledger.NAMES_SCRIPT,
)

_TEXTS = (*ledger.CUT, "target", "trace", "span", "session", "case")
_TERMS = {name: f'"{name}" = ? AND "{name}" <> \'\'' for name in _TEXTS}  # the second half lets SQLite use the index

_NAMES = ", ".join(f'"{name}"' for name in _TEXTS)
_PUT = f"""
INSERT INTO scores (tenant, id, created_ns, at_ns, {_NAMES}, amount, label, record)
VALUES ({", ".join("?" * (len(_TEXTS) + 7))})
"""  # noqa: S608 - made of constants
_KNOWN = "SELECT number, record FROM scores WHERE tenant = ? AND id = ?"
_GET = "SELECT number, record FROM scores WHERE id = ? AND (?2 IS NULL OR tenant = ?2) ORDER BY tenant LIMIT 1"
_OLD = "SELECT number, record FROM scores WHERE at_ns < ?{scope} ORDER BY at_ns LIMIT ?"
_DROP = "DELETE FROM scores WHERE number = ?"
_DAYS = f"""SELECT at_ns / {DAY_NS} - (at_ns < 0 AND at_ns % {DAY_NS} <> 0) AS day, tenant, count(*),
max(created_ns) || '.' || printf('%.6g', total(amount)) FROM scores WHERE at_ns < ?{{scope}}
GROUP BY day, tenant ORDER BY day, tenant"""  # noqa: S608 - made of constants
_OF_DAY = " AND at_ns >= ? AND tenant = ?"
_FIND = "SELECT record FROM scores"

_SAME = ("app", "name", "target", "source", "by", "version", "span", "session", "case", "environment", "release")
_AT_ONCE = 500  # scores removed in one transaction, so that writers get their turn

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Score).decode


class SqliteScores:
    """Scores in one file, written through one connection and read through another."""

    def __init__(self, writer: File, reader: File) -> None:
        self._writer = writer
        self._reader = reader

    async def put(self, scores: Sequence[Score]) -> None:
        """Write a batch in one transaction; a score that is already there is replaced."""
        latest = {(score.tenant, score.id): score for score in scores}
        if not latest:
            return

        def work(connection: sqlite3.Connection) -> None:
            known = [row for place in latest for row in connection.execute(_KNOWN, place)]
            connection.executemany(_DROP, [(number,) for number, _ in known])
            connection.executemany(_PUT, [_row(score) for score in latest.values()])
            ledger.keep(connection, latest.values(), [_decode(record) for _, record in known])

        await self._writer.write(work)

    async def get(self, id: str, tenant: str | None = None) -> Score | None:
        """Return one score."""
        found = await self._reader.read(lambda connection: connection.execute(_GET, (id, tenant)).fetchone())
        return None if found is None else _decode(found[1])

    async def find(self, filter: ScoreFilter) -> list[Score]:
        """Return the scores that pass the filter, newest first."""
        last = None
        if filter.before:
            last = await self.get(filter.before, filter.tenant)
            if last is None:
                raise Mistaken("not_found", "the score to page from is not there any more", place="before")
        query, values = _query(filter, last)
        return await self._reader.read(
            lambda connection: [_decode(record) for (record,) in connection.execute(query, values)]
        )

    async def delete(self, id: str, tenant: str | None = None) -> bool:
        """Remove a score, also from the sums; return whether it was there."""

        def work(connection: sqlite3.Connection) -> bool:
            found = connection.execute(_GET, (id, tenant)).fetchall()
            _remove(connection, found)
            return bool(found)

        return await self._writer.write(work)

    async def buckets(
        self,
        *,
        tenant: str | None,
        name: str,
        since_ns: int,
        until_ns: int,
        every_ns: int,
        by: ScoreGroup = "",
        app: str = "",
    ) -> list[ScoreBucket]:
        """Return the sums by stretch and group."""
        return await self._reader.read(
            lambda connection: ledger.buckets(
                connection,
                scope={"tenant": tenant, "name": name or None, "app": app or None},
                window=(since_ns, until_ns, every_ns),
                by=by,
            )
        )

    async def names(self, tenant: str | None = None, app: str = "") -> list[ScoreName]:
        """Return the names that scores are kept under."""
        return await self._reader.read(lambda connection: ledger.names(connection, tenant, app))

    async def days(self, *, before_ns: int) -> list[Day]:
        """Return the days that have scores, by day and tenant."""
        return await self._reader.read(lambda connection: _days(connection, (before_ns,)))

    async def prune(self, before_ns: int, *, days: Sequence[Day] | None = None) -> int:
        """Remove the scores of what was judged earlier, of some days only as long as nothing came to them."""
        if days is not None:
            return sum([await self._prune(day, before_ns) for day in days])

        def work(connection: sqlite3.Connection) -> int:
            old = connection.execute(_OLD.format(scope=""), (before_ns, _AT_ONCE)).fetchall()
            _remove(connection, old)
            return len(old)

        total = 0
        while removed := await self._writer.write(work):
            total += removed
        return total

    async def _prune(self, day: Day, before_ns: int) -> int:
        within = (min(day.start_ns + DAY_NS, before_ns), day.start_ns, day.tenant)
        told, total = [day], 0

        def work(connection: sqlite3.Connection) -> int:
            if _days(connection, within, _OF_DAY) != told:
                return 0
            old = connection.execute(_OLD.format(scope=_OF_DAY), (*within, _AT_ONCE)).fetchall()
            _remove(connection, old)
            told[:] = _days(connection, within, _OF_DAY)
            return len(old)

        while removed := await self._writer.write(work):
            total += removed
        return total


def _days(connection: sqlite3.Connection, values: Sequence[Any], scope: str = "") -> list[Day]:
    found = connection.execute(_DAYS.format(scope=scope), values)
    return [Day(start_ns=day * DAY_NS, tenant=tenant, count=count, mark=mark) for day, tenant, count, mark in found]


def _remove(connection: sqlite3.Connection, found: Sequence[tuple[int, bytes]]) -> None:
    connection.executemany(_DROP, [(number,) for number, _ in found])
    ledger.keep(connection, (), [_decode(record) for _, record in found])


def _row(score: Score) -> tuple[Any, ...]:
    texts = (getattr(score, name) for name in _TEXTS)
    return (
        score.tenant,
        score.id,
        score.created_ns,
        place_of(score),
        *texts,
        score.number,
        label_of(score),
        _encode(score),
    )


def _query(filter: ScoreFilter, last: Score | None) -> tuple[str, list[Any]]:
    terms: list[tuple[str, tuple[Any, ...]]] = [
        (_TERMS[name], (wanted,)) for name in _SAME if (wanted := getattr(filter, name))
    ]
    if filter.tenant is not None:
        # The plus keeps SQLite from walking through all of a tenant where a narrower index is at hand.
        narrow = filter.traces or filter.session or filter.case
        terms.append(("+tenant = ?" if narrow else "tenant = ?", (filter.tenant,)))
    if filter.traces:
        traces = msgspec.json.encode(filter.traces).decode()
        terms.append(('"trace" IN (SELECT value FROM json_each(?)) AND "trace" <> \'\'', (traces,)))
    if filter.below is not None:
        terms.append(("amount < ?", (filter.below,)))
    if filter.above is not None:
        terms.append(("amount > ?", (filter.above,)))
    if filter.since_ns:
        terms.append(("at_ns >= ?", (filter.since_ns,)))
    if filter.until_ns:
        terms.append(("at_ns < ?", (filter.until_ns,)))
    if last is not None:
        terms.append(("(created_ns, id, tenant) < (?, ?, ?)", (last.created_ns, last.id, last.tenant)))
    where = f" WHERE {' AND '.join(term for term, _ in terms)}" if terms else ""
    values = [value for _, given in terms for value in given]
    return f"{_FIND}{where} ORDER BY created_ns DESC, id DESC, tenant DESC LIMIT ?", [*values, filter.limit]
