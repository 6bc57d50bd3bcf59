"""Sums kept beside the traces: what charts are drawn from, by hour and day, and what days cost.

They change in the transaction that writes, replaces or removes, last of all: those who write for one tenant wait for one
another from then to the end of it. A name may be longer than a row of a tree, so rows are told apart by a hash of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from rowen.store.base import DAY_NS, CostBy, Day, DayCost, GroupBy
from rowen.store.daily import changes as day_changes
from rowen.store.daily import dollars, group_of, whole_days
from rowen.store.postgres.database import Raw
from rowen.store.postgres.rows import plain, told, trace_row
from rowen.store.sums import Sums, charts
from rowen.values import TraceRow

_KEY = 'tenant text COLLATE "C" NOT NULL, "by" text NOT NULL, start_ns bigint NOT NULL, hash bytea NOT NULL'
_NAMED = 'app text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL'
_SUMMED = ("calls", "failed", "cached", "input_tokens", "output_tokens", "unpriced", "cost", "waste")

_FILLED = "DECLARE filling CURSOR FOR SELECT record FROM traces"
_AT_ONCE = 2_000

_ALONE = """SELECT pg_advisory_xact_lock(hashtext(current_schema()), hashtext('sums ' || tenant))
FROM unnest(%s::text[]) AS tenant"""
_GET_CHARTS = """SELECT unit, charts.tenant, charts."by", charts.start_ns, charts.hash, sums
FROM charts JOIN unnest(%s::text[], %s::bigint[], %s::text[], %s::bigint[], %s::bytea[])
AS wanted (tenant, unit, "by", start_ns, hash) USING (tenant, unit, "by", start_ns, hash)"""
_PUT_CHART = """INSERT INTO charts (tenant, unit, "by", start_ns, hash, app, name, sums)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (tenant, unit, "by", start_ns, hash) DO UPDATE SET sums = excluded.sums"""
_DROP_CHART = 'DELETE FROM charts WHERE tenant = %s AND unit = %s AND "by" = %s AND start_ns = %s AND hash = %s'
_ADDED = f"""ON CONFLICT (tenant, "by", start_ns, hash)
DO UPDATE SET {", ".join(f"{name} = day_costs.{name} + excluded.{name}" for name in _SUMMED)}"""
_COLUMNS = f'tenant, "by", start_ns, hash, app, name, {", ".join(_SUMMED)}'
_ADD = f"INSERT INTO day_costs ({_COLUMNS}) VALUES ({', '.join(['%s'] * (6 + len(_SUMMED)))}) {_ADDED}"  # noqa: S608 - made of constants
_DROP = 'DELETE FROM day_costs WHERE tenant = %s AND "by" = %s AND start_ns = %s AND hash = %s AND calls = 0'
_OF_USER = """ WHERE tenant = %s AND "by" = 'user' AND name = %s"""
_FORGOTTEN = f"DELETE FROM day_costs{_OF_USER} RETURNING start_ns, app, {', '.join(_SUMMED)}"  # noqa: S608 - made of constants
# All tenants one by one, each of them the next in the index; DISTINCT would read every row.
_TENANTS = """WITH RECURSIVE each (tenant) AS (
    SELECT min(tenant) FROM {table}
    UNION ALL SELECT (SELECT min(tenant) FROM {table} WHERE {table}.tenant > each.tenant)
    FROM each WHERE each.tenant IS NOT NULL
) SELECT each.tenant FROM each WHERE each.tenant IS NOT NULL"""

_MARK = """INSERT INTO day_marks (tenant, start_ns, count, changes) VALUES (%s, %s, %s, 1)
ON CONFLICT (tenant, start_ns) DO UPDATE SET count = day_marks.count + excluded.count, changes = day_marks.changes + 1"""
_DAYS = "SELECT tenant, start_ns, count, changes FROM day_marks WHERE count > 0"

_encode = msgspec.msgpack.Encoder(decimal_format="string").encode
_sums = msgspec.msgpack.Decoder(Sums).decode

Changes = Sequence[tuple[TraceRow, int]]


def fill(raw: Raw) -> None:
    """Sum up the traces that are there already."""
    raw.execute(_FILLED)
    while found := raw.execute(f"FETCH {_AT_ONCE} FROM filling").fetchall():
        keep(raw, [(trace_row(record), 1) for (record,) in found])
    raw.execute("CLOSE filling")


SCRIPT = (
    f"""
CREATE TABLE charts (
    {_KEY}, unit bigint NOT NULL, {_NAMED}, sums bytea NOT NULL,
    PRIMARY KEY (tenant, unit, "by", start_ns, hash)
)
""",
    f"""
CREATE TABLE day_costs (
    {_KEY}, {_NAMED}, {", ".join(f"{name} numeric NOT NULL" for name in _SUMMED)},
    PRIMARY KEY (tenant, "by", start_ns, hash)
)
""",
    """
CREATE TABLE day_marks (
    tenant text COLLATE "C" NOT NULL, start_ns bigint NOT NULL, count bigint NOT NULL, changes bigint NOT NULL,
    PRIMARY KEY (tenant, start_ns)
)
""",
    fill,
)


def keep(raw: Raw, changes: Changes, *, aged: bool = False) -> None:
    """Add rows of traces to the sums (sign 1) or take them away (-1); what days cost stays where traces only aged."""
    if not changes:
        return
    alone(raw, {row.tenant for row, _ in changes})
    _keep_charts(raw, changes)
    _keep_marks(raw, changes)
    if not aged:
        _keep_days(raw, changes)


def alone(raw: Raw, tenants: Iterable[str]) -> None:
    """Wait until nobody else changes the sums of these tenants, and keep others waiting until the transaction ends."""
    raw.execute(_ALONE, (sorted(map(plain, tenants)),))


def days(raw: Raw, before_ns: int, tenant: str | None = None) -> list[Day]:
    """Return the days that have traces and began before a moment; a day's mark changes with all that comes or goes.

    A day whose traces are all gone keeps its mark, so that the next one is another.
    """
    query, values = f"{_DAYS} AND start_ns < %s", [before_ns, *([] if tenant is None else [plain(tenant)])]
    query += "" if tenant is None else " AND tenant = %s"
    return [
        Day(start_ns=start, tenant=told(tenant), count=count, mark=f"{changes}.{count}")
        for tenant, start, count, changes in raw.execute(f"{query} ORDER BY start_ns, tenant", values)
    ]


def charted(
    raw: Raw, piece: tuple[int, int, int], *, tenant: str | None, by: GroupBy, app: str
) -> Iterator[tuple[int, str, Sums]]:
    """Yield the sums of hours or days: when they begin, their group, and what they are."""
    unit, first, end = piece
    query, values = _scoped("charts", tenant)
    query = f'SELECT start_ns, name, sums FROM charts WHERE {query} AND unit = %s AND "by" = %s'  # noqa: S608 - made of constants
    query += " AND start_ns >= %s AND start_ns < %s"
    values += [unit, by, first, end]
    if app:
        query, values = query + " AND app = %s", [*values, plain(app)]
    for start, name, sums in raw.execute(query, values):
        yield start, told(name), _sums(sums)


def day_costs(
    raw: Raw,
    *,
    tenant: str | None,
    since_ns: int,
    until_ns: int,
    by: CostBy,
    app: str,
    names: Sequence[str] | None,
    whole: bool,
) -> list[DayCost]:
    """Return what days cost, by group."""
    kept, group = group_of(by)
    where, values = _scoped("day_costs", tenant)
    where += ' AND "by" = %s AND start_ns >= %s AND start_ns < %s'
    values += [kept, *whole_days(since_ns, until_ns)]
    if app:
        where, values = where + " AND app = %s", [*values, plain(app)]
    if names is not None:
        where, values = where + f" AND {group} = ANY(%s)", [*values, [plain(name) for name in names]]
    query = f"""SELECT {"0" if whole else "start_ns"} AS start, {group} AS part, {", ".join(f"sum({n})" for n in _SUMMED)}
FROM day_costs WHERE {where} GROUP BY 1, 2 ORDER BY 1, 2"""  # noqa: S608 - made of constants
    return [
        DayCost(
            start_ns=start,
            group=told(part),
            calls=int(calls),
            failed=int(failed),
            cached=int(cached),
            input_tokens=int(tokens_in),
            output_tokens=int(tokens_out),
            unpriced=int(unpriced),
            cost=dollars(int(cost)),
            waste=dollars(int(waste)),
        )
        for start, part, calls, failed, cached, tokens_in, tokens_out, unpriced, cost, waste in raw.execute(
            query, values
        )
    ]


def forget_user(raw: Raw, tenant: str, user: str) -> None:
    """Take a user's name from what days cost: what is left of traces that went for their age is nobody's."""
    alone(raw, (tenant,))
    left = raw.execute(_FORGOTTEN, (plain(tenant), plain(user))).fetchall()
    raw.cursor().executemany(
        _ADD, [(plain(tenant), "user", start, _hash(told(app), ""), app, "", *sums) for start, app, *sums in left]
    )


def values_of(raw: Raw, column: GroupBy, tenant: str | None) -> list[str]:
    """Return the distinct apps or models that there are."""
    where, values = _scoped("charts", tenant)
    name, by = ("app", "") if column == "app" else ("name", "model")
    query = f"""SELECT DISTINCT {name} FROM charts WHERE {where} AND unit = %s AND "by" = %s AND {name} <> ''
ORDER BY 1"""  # noqa: S608 - made of constants
    return [told(value) for (value,) in raw.execute(query, [*values, DAY_NS, by])]


def _keep_charts(raw: Raw, changes: Changes) -> None:
    found = {
        (plain(tenant), unit, by, start, _hash(app, name)): (plain(app), plain(name), sums)
        for (tenant, unit, by, start, app, name), sums in charts(changes).items()
    }
    there = set()
    for unit, tenant, by, start, hash_, sums in raw.execute(
        _GET_CHARTS, [list(each) for each in zip(*found, strict=True)]
    ):
        place = (tenant, unit, by, start, bytes(hash_))
        there.add(place)
        app, name, change = found[place]
        kept = _sums(sums)
        kept.take(change)
        found[place] = (app, name, kept)
    cursor = raw.cursor()
    cursor.executemany(
        _PUT_CHART, [(*at, app, name, _encode(sums)) for at, (app, name, sums) in found.items() if sums.some]
    )
    cursor.executemany(_DROP_CHART, [at for at, (_, _, sums) in found.items() if not sums.some and at in there])


def _keep_marks(raw: Raw, changes: Changes) -> None:
    counts: dict[tuple[str, int], int] = {}
    for row, sign in changes:
        place = (plain(row.tenant), row.started_ns // DAY_NS * DAY_NS)
        counts[place] = counts.get(place, 0) + sign
    raw.cursor().executemany(_MARK, [(*place, counts[place]) for place in sorted(counts)])


def _keep_days(raw: Raw, changes: Iterable[tuple[TraceRow, int]]) -> None:
    changed = {
        (plain(tenant), by, start, _hash(app, name), plain(app), plain(name)): kept
        for (tenant, by, start, app, name), kept in day_changes(changes).items()
    }
    cursor = raw.cursor()
    cursor.executemany(_ADD, [(*place, *(getattr(kept, name) for name in _SUMMED)) for place, kept in changed.items()])
    cursor.executemany(_DROP, [place[:4] for place, kept in changed.items() if kept.calls < 0])


def _scoped(table: str, tenant: str | None) -> tuple[str, list[Any]]:
    if tenant is None:
        return f"tenant IN ({_TENANTS.format(table=table)})", []
    return "tenant = %s", [plain(tenant)]


def _hash(app: str, name: str) -> bytes:
    return blake2b(f"{len(app)}:{app}{name}".encode(), digest_size=16).digest()
