"""Sums over traces and spans: of what charts are drawn by from those that are kept, all others counted from the rows."""

from typing import Any

from rowen.store.base import Bucket, GroupBy, SpanBucket, SpanGroup
from rowen.store.pieces import pieces
from rowen.store.postgres import kept
from rowen.store.postgres.database import Raw
from rowen.store.postgres.rows import plain, told
from rowen.store.spend import SPENDING
from rowen.store.sums import CHARTED, MINUTE_NS, Sums, whole_minutes

# One pass over the rows tells the sums, and how many have each duration and each first event.
_BOTH = """SELECT start, part, duration_bin, first_bin, grouping(duration_bin, first_bin), {sums}
FROM (SELECT *, {place} FROM {table} WHERE {where}) AS chosen
GROUP BY GROUPING SETS ((start, part), (start, part, duration_bin), (start, part, first_bin))
ORDER BY start, part"""
_ALL, _BY_DURATION = 0b11, 0b01  # what `grouping` says of those that are told together

_TRACES = """count(*), count(*) FILTER (WHERE status = 'failed'), count(*) FILTER (WHERE status = 'refused'),
count(*) FILTER (WHERE source = 'cache'), sum(input_tokens), sum(output_tokens), coalesce(sum(cost), 0), sum(waste),
count(*) FILTER (WHERE cost IS NULL)"""
_SPENDS = "type IN ('" + "', '".join(sorted(SPENDING)) + "')"
_SPANS = f"""count(*), count(*) FILTER (WHERE status = 'error'),
coalesce(sum(input_tokens) FILTER (WHERE {_SPENDS}), 0), coalesce(sum(output_tokens) FILTER (WHERE {_SPENDS}), 0),
coalesce(sum(cached_tokens) FILTER (WHERE {_SPENDS}), 0), coalesce(sum(reasoning_tokens) FILTER (WHERE {_SPENDS}), 0),
coalesce(sum(cost) FILTER (WHERE {_SPENDS}), 0),
count(*) FILTER (WHERE {_SPENDS} AND cost IS NULL AND (input_tokens > 0 OR output_tokens > 0))"""
_VALUES = "SELECT DISTINCT {column} FROM traces WHERE {column} <> ''{scope} ORDER BY 1"

_Place = tuple[int, str]
_Bins = dict[int, int]


def buckets(
    raw: Raw, *, tenant: str | None, since_ns: int, until_ns: int, every_ns: int, by: GroupBy, app: str
) -> list[Bucket]:
    """Return the sums over traces by stretch and group."""
    since, until, every = whole_minutes(since_ns, until_ns, every_ns)
    if by not in CHARTED:
        return _counted(raw, (since, until, every), tenant, by, app)
    found: dict[_Place, Sums] = {}
    for piece in pieces(since, until, every):
        unit, first, end = piece
        if unit > MINUTE_NS:
            for start, name, sums in kept.charted(raw, piece, tenant=tenant, by=by, app=app):
                found.setdefault((start // every * every, name), Sums()).take(sums)
        else:
            for each in _counted(raw, (first, end, every), tenant, by, app):
                found.setdefault((each.start_ns, each.group), Sums()).take(_as_sums(each))
    return [sums.bucket(*place) for place, sums in sorted(found.items())]


def _counted(raw: Raw, window: tuple[int, int, int], tenant: str | None, by: str, app: str) -> list[Bucket]:
    since_ns, until_ns, every_ns = window
    asked = _Asked(tenant, since_ns, until_ns, every_ns, by, app)
    return [
        Bucket(
            start_ns=start,
            group=told(group),
            calls=calls,
            failed=failed,
            refused=refused,
            cached=cached,
            input_tokens=int(tokens_in),
            output_tokens=int(tokens_out),
            cost=cost,
            waste=waste,
            unpriced=unpriced,
            durations=durations,
            firsts=firsts,
        )
        for (start, group), durations, firsts, (
            calls, failed, refused, cached, tokens_in, tokens_out, cost, waste, unpriced,
        ) in asked.run(raw, "traces", _TRACES)
    ]  # fmt: skip


def _as_sums(bucket: Bucket) -> Sums:
    return Sums(
        calls=bucket.calls,
        failed=bucket.failed,
        refused=bucket.refused,
        cached=bucket.cached,
        input_tokens=bucket.input_tokens,
        output_tokens=bucket.output_tokens,
        unpriced=bucket.unpriced,
        cost=bucket.cost,
        waste=bucket.waste,
        durations=bucket.durations,
        firsts=bucket.firsts,
    )


def span_buckets(
    raw: Raw, *, tenant: str | None, since_ns: int, until_ns: int, every_ns: int, by: SpanGroup, app: str
) -> list[SpanBucket]:
    """Return the sums over spans by stretch and group."""
    asked = _Asked(tenant, since_ns, until_ns, every_ns, by, app)
    return [
        SpanBucket(
            start_ns=start,
            group=told(group),
            count=count,
            errors=errors,
            input_tokens=int(tokens_in),
            output_tokens=int(tokens_out),
            cached_tokens=int(cached),
            reasoning_tokens=int(reasoning),
            cost=cost,
            unpriced=unpriced,
            durations=durations,
            firsts=firsts,
        )
        for (start, group), durations, firsts, (
            count, errors, tokens_in, tokens_out, cached, reasoning, cost, unpriced,
        ) in asked.run(raw, "spans", _SPANS)
    ]  # fmt: skip


def values(raw: Raw, column: GroupBy, tenant: str | None) -> list[str]:
    """Return the distinct values of a column."""
    if not column:
        return []
    if column in {"app", "model"}:
        return kept.values_of(raw, column, tenant)
    scope, given = ("", []) if tenant is None else (" AND tenant = %s", [plain(tenant)])
    found = raw.execute(_VALUES.format(column=f'"{column}"', scope=scope), given)
    return [told(value) for (value,) in found]


class _Asked:
    """A window, what is in it, and how it is told apart."""

    def __init__(self, tenant: str | None, since_ns: int, until_ns: int, every_ns: int, by: str, app: str) -> None:
        since, until, every = whole_minutes(since_ns, until_ns, every_ns)
        self._place = f"started_ns / {every} * {every} AS start, " + (f'"{by}"' if by else "''") + " AS part"
        self._where = "started_ns >= %s AND started_ns < %s"
        self._values: list[Any] = [since, until]
        for name, wanted in (("tenant", tenant), ("app", app or None)):
            if wanted is not None:
                self._where += f" AND {name} = %s"
                self._values.append(plain(wanted))

    def run(self, raw: Raw, table: str, sums: str) -> list[tuple[_Place, _Bins, _Bins, list[Any]]]:
        query = _BOTH.format(sums=sums, place=self._place, table=table, where=self._where)
        found: dict[_Place, list[Any]] = {}
        durations: dict[_Place, _Bins] = {}
        firsts: dict[_Place, _Bins] = {}
        for start, part, duration, first, kind, *totals in raw.execute(query, self._values):
            place = (start, part)
            if kind == _ALL:
                found[place] = totals
            elif kind == _BY_DURATION:
                durations.setdefault(place, {})[duration] = totals[0]
            elif first is not None:
                firsts.setdefault(place, {})[first] = totals[0]
        return [(place, durations.get(place, {}), firsts.get(place, {}), totals) for place, totals in found.items()]
