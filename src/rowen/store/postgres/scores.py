"""Scores: each whole, with what it is found by in columns. Sums are counted from the rows in the window."""

from collections.abc import Sequence
from typing import Any

import msgspec

from rowen.store.base import DAY_NS, Day, ScoreBucket, ScoreFilter, ScoreGroup, ScoreName
from rowen.store.postgres.database import PostgresDatabase, Raw
from rowen.store.sums import MINUTE_NS, whole_minutes
from rowen.store.tally import Tally, label_of, place_of
from rowen.values import Mistaken, Score

_TEXTS = (
    "app", "name", "type", "source", "by", "version", "environment", "release", "definition", "target", "trace", "span",
    "session", "case",
)  # fmt: skip
_NAMES = ", ".join(f'"{name}"' for name in _TEXTS)
_SAME = ("app", "name", "target", "source", "by", "version", "span", "session", "case", "environment", "release")

SCRIPT = (
    f"""
CREATE TABLE scores (
    tenant text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL, created_ns bigint NOT NULL, at_ns bigint NOT NULL,
    {", ".join(f'"{name}" text COLLATE "C" NOT NULL' for name in _TEXTS)},
    amount double precision, label text COLLATE "C" NOT NULL, record bytea NOT NULL,
    PRIMARY KEY (id, tenant)
)
""",
    "CREATE INDEX scores_by_age ON scores (tenant, created_ns, id)",
    "CREATE INDEX scores_by_creation ON scores (created_ns, id, tenant)",
    'CREATE INDEX scores_by_name ON scores (tenant, "name", at_ns)',
    "CREATE INDEX scores_by_time ON scores (at_ns)",
    'CREATE INDEX scores_by_trace ON scores ("trace") WHERE "trace" <> \'\'',
    'CREATE INDEX scores_by_session ON scores ("session") WHERE "session" <> \'\'',
    'CREATE INDEX scores_by_case ON scores ("case") WHERE "case" <> \'\'',
)

_PUT = f"""
INSERT INTO scores (tenant, id, created_ns, at_ns, {_NAMES}, amount, label, record)
VALUES ({", ".join(["%s"] * (len(_TEXTS) + 7))}) ON CONFLICT (id, tenant) DO UPDATE SET
    created_ns = excluded.created_ns, at_ns = excluded.at_ns, amount = excluded.amount, label = excluded.label,
    record = excluded.record, {", ".join(f'"{name}" = excluded."{name}"' for name in _TEXTS)}
"""  # noqa: S608 - made of constants
_OF_TENANT = " AND tenant = %s"
_GET = "SELECT record FROM scores WHERE id = %s{scope} ORDER BY tenant LIMIT 1"
_DROP = """DELETE FROM scores WHERE (id, tenant) IN (
SELECT id, tenant FROM scores WHERE id = %s{scope} ORDER BY tenant LIMIT 1)"""
_SUMS = """SELECT at_ns / {minute} * {minute} / %s * %s, {by}, amount, label, max(at_ns), count(*) FROM scores
WHERE at_ns >= %s AND at_ns < %s{scope} GROUP BY 1, 2, 3, 4"""
_LISTED = """SELECT "name", "app", "type", "source", count(*), max(at_ns) FROM scores
WHERE true{scope} GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"""
_DAYS = f"""SELECT at_ns - mod(mod(at_ns, {DAY_NS}) + {DAY_NS}, {DAY_NS}) AS day, tenant, count(*),
concat_ws('.', max(created_ns), sum(coalesce(amount, 0)::numeric)::real) FROM scores WHERE at_ns < %s{{scope}}
GROUP BY 1, 2 ORDER BY 1, 2"""  # noqa: S608 - made of constants
_OF_DAY = " AND at_ns >= %s AND tenant = %s"
_ALONE = "LOCK TABLE scores IN SHARE ROW EXCLUSIVE MODE"
_PRUNE = """DELETE FROM scores WHERE (id, tenant) IN (
SELECT id, tenant FROM scores WHERE at_ns < %s{scope} ORDER BY at_ns LIMIT 500)"""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Score).decode


class PostgresScores:
    """Scores in one table."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def put(self, scores: Sequence[Score]) -> None:
        """Write a batch in one transaction; a score that is already there is replaced."""
        latest = {(score.tenant, score.id): score for score in scores}
        # All writers come in one order, so that none waits for one that waits for it.
        rows = [_row(latest[place]) for place in sorted(latest)]
        if rows:
            await self._database.change(lambda raw: raw.cursor().executemany(_PUT, rows))

    async def get(self, id: str, tenant: str | None = None) -> Score | None:
        """Return one score."""
        query, values = _one(_GET, id, tenant)
        found = await self._database.change(lambda raw: raw.execute(query, values).fetchone())
        return None if found is None else _decode(found[0])

    async def find(self, filter: ScoreFilter) -> list[Score]:
        """Return the scores that pass the filter, newest first."""
        last = None
        if filter.before:
            last = await self.get(filter.before, filter.tenant)
            if last is None:
                raise Mistaken("not_found", "the score to page from is not there any more", place="before")
        query, values = _query(filter, last)
        rows = await self._database.change(lambda raw: raw.execute(query, values).fetchall())
        return [_decode(record) for (record,) in rows]

    async def delete(self, id: str, tenant: str | None = None) -> bool:
        """Remove a score; return whether it was there."""
        query, values = _one(_DROP, id, tenant)
        return await self._database.change(lambda raw: raw.execute(query, values).rowcount > 0)

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
        since, until, every = whole_minutes(since_ns, until_ns, every_ns)
        scope, values = _scope(tenant, name=name, app=app)
        query = _SUMS.format(minute=MINUTE_NS, by=f'"{by}"' if by else "''", scope=scope)
        asked = (every, every, since, until, *values)
        rows = await self._database.change(lambda raw: raw.execute(query, asked).fetchall())
        found: dict[tuple[int, str], Tally] = {}
        for start, group, number, label, at_ns, count in rows:
            tally = found.setdefault((start, group), Tally())
            for _ in range(count):
                tally.add(number, label, at_ns)
        return [tally.bucket(*place) for place, tally in sorted(found.items())]

    async def names(self, tenant: str | None = None, app: str = "") -> list[ScoreName]:
        """Return the names that scores are kept under."""
        scope, values = _scope(tenant, app=app)
        query = _LISTED.format(scope=scope)
        rows = await self._database.change(lambda raw: raw.execute(query, values).fetchall())
        return [
            ScoreName(name=name, app=of, type=type_, source=source, count=count, last_ns=last_ns)
            for name, of, type_, source, count, last_ns in rows
        ]

    async def days(self, *, before_ns: int) -> list[Day]:
        """Return the days that have scores, by day and tenant."""
        return await self._database.change(lambda raw: _days(raw, (before_ns,)))

    async def prune(self, before_ns: int, *, days: Sequence[Day] | None = None) -> int:
        """Remove the scores of what was judged earlier, of some days only as long as nothing came to them."""
        if days is not None:
            return sum([await self._prune(day, before_ns) for day in days])

        def work(raw: Raw) -> int:
            return raw.execute(_PRUNE.format(scope=""), (before_ns,)).rowcount

        total = 0
        while removed := await self._database.change(work):
            total += removed
        return total

    async def _prune(self, day: Day, before_ns: int) -> int:
        within = (min(day.start_ns + DAY_NS, before_ns), day.start_ns, day.tenant)
        told, total = [day], 0

        def work(raw: Raw) -> tuple[int, list[Day]]:
            raw.execute(_ALONE)  # nobody writes a score between the look and the removal
            if _days(raw, within, _OF_DAY) != told:
                return 0, told
            removed = raw.execute(_PRUNE.format(scope=_OF_DAY), within).rowcount
            return removed, _days(raw, within, _OF_DAY)

        while True:
            removed, told = await self._database.change(work)
            if not removed:
                return total
            total += removed


def _days(raw: Raw, values: Sequence[Any], scope: str = "") -> list[Day]:
    return [
        Day(start_ns=day, tenant=tenant, count=count, mark=mark)
        for day, tenant, count, mark in raw.execute(_DAYS.format(scope=scope), values)
    ]


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


def _one(query: str, id: str, tenant: str | None) -> tuple[str, list[Any]]:
    if tenant is None:
        return query.format(scope=""), [id]
    return query.format(scope=_OF_TENANT), [id, tenant]


def _scope(tenant: str | None, **wanted: str) -> tuple[str, list[str]]:
    given = {name: value for name, value in wanted.items() if value}
    scope = "".join(f' AND "{name}" = %s' for name in given)
    if tenant is None:
        return scope, list(given.values())
    return scope + _OF_TENANT, [*given.values(), tenant]


def _query(filter: ScoreFilter, last: Score | None) -> tuple[str, list[Any]]:
    terms: list[tuple[str, tuple[Any, ...]]] = [
        (f'"{name}" = %s AND "{name}" <> \'\'', (wanted,)) for name in _SAME if (wanted := getattr(filter, name))
    ]
    if filter.tenant is not None:
        terms.append(("tenant = %s", (filter.tenant,)))
    if filter.traces:
        terms.append(('"trace" = ANY(%s) AND "trace" <> \'\'', (list(filter.traces),)))
    if filter.below is not None:
        terms.append(("amount < %s", (filter.below,)))
    if filter.above is not None:
        terms.append(("amount > %s", (filter.above,)))
    if filter.since_ns:
        terms.append(("at_ns >= %s", (filter.since_ns,)))
    if filter.until_ns:
        terms.append(("at_ns < %s", (filter.until_ns,)))
    if last is not None:
        terms.append(("(created_ns, id, tenant) < (%s, %s, %s)", (last.created_ns, last.id, last.tenant)))
    where = f" WHERE {' AND '.join(term for term, _ in terms)}" if terms else ""
    values = [value for _, given in terms for value in given]
    query = f"SELECT record FROM scores{where} ORDER BY created_ns DESC, id DESC, tenant DESC LIMIT %s"  # noqa: S608 - made of constants
    return query, [*values, filter.limit]
