"""Sums over traces and spans: of past hours as they are kept, of the rest counted from the rows."""

from decimal import Decimal
from typing import Any, Literal, NamedTuple

from rowen.store.base import DAY_NS, Bucket, Day, GroupBy, SpanBucket
from rowen.store.clickhouse.client import Server
from rowen.store.clickhouse.rows import HOUR_NS
from rowen.store.spend import SPENDING
from rowen.store.sums import whole_minutes

Family = Literal["traces", "spans"]


class Sum(NamedTuple):
    """One figure of a bucket: what it is kept as, and how it is told from rows."""

    name: str
    type: str
    told: str

    @property
    def joined(self) -> str:
        """The aggregate that adds what is kept of several hours."""
        return "sumMap" if self.type.startswith("Map") else "sum"


_COUNT, _WHOLE, _MONEY, _BINS = "UInt64", "Int128", "Decimal(76, 38)", "Map(Int16, UInt64)"
_TIMES = (
    Sum("durations", _BINS, "sumMap(map(duration_bin, toUInt64(1)))"),
    Sum("firsts", _BINS, "sumMapIf(map(ifNull(first_bin, 0), toUInt64(1)), first_bin IS NOT NULL)"),
)
_SPENDS = "type IN ('" + "', '".join(sorted(SPENDING)) + "')"

SUMS: dict[Family, tuple[Sum, ...]] = {
    "traces": (
        Sum("calls", _COUNT, "count()"),
        Sum("failed", _COUNT, "countIf(status = 'failed')"),
        Sum("refused", _COUNT, "countIf(status = 'refused')"),
        Sum("cached", _COUNT, "countIf(source = 'cache')"),
        Sum("input_tokens", _WHOLE, "sum(input_tokens)"),
        Sum("output_tokens", _WHOLE, "sum(output_tokens)"),
        Sum("cost", _MONEY, "sum(ifNull(cost, 0))"),
        Sum("waste", _MONEY, "sum(waste)"),
        Sum("unpriced", _COUNT, "countIf(cost IS NULL)"),
        *_TIMES,
    ),
    "spans": (
        Sum("count", _COUNT, "count()"),
        Sum("errors", _COUNT, "countIf(status = 'error')"),
        *(
            Sum(name, _WHOLE, f"sumIf(toInt128({name}), {_SPENDS})")
            for name in ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")
        ),
        Sum("cost", _MONEY, f"sumIf(ifNull(cost, 0), {_SPENDS})"),
        Sum("unpriced", _COUNT, f"countIf({_SPENDS} AND cost IS NULL AND (input_tokens > 0 OR output_tokens > 0))"),
        *_TIMES,
    ),
}

GROUPS: dict[Family, tuple[str, ...]] = {
    "traces": (
        "origin", "model", "deployment", "provider", "app", "environment", "release", "key", "user", "status", "code",
        "feature",
    ),
    "spans": ("type", "name", "model", "provider", "app", "status", "environment", "release", "prompt"),
}  # fmt: skip

_VALUES = "SELECT DISTINCT `{column}` AS value FROM traces WHERE value <> ''{scope} ORDER BY value"
_DAYS = f"""SELECT intDiv(started_ns, {DAY_NS}) * {DAY_NS} AS day, tenant, count(),
concat_ws('.', toString(sum(spans)), toString(sum(failed_spans)), toString(sum(toInt128(duration_ns))),
toString(sum(input_tokens)), toString(sum(output_tokens)))
FROM traces WHERE hour >= ? AND hour < ? GROUP BY day, tenant ORDER BY day, tenant"""  # noqa: S608 - made of constants


class Window(NamedTuple):
    """What is asked for, in whole minutes, and how it is told apart."""

    since_ns: int
    until_ns: int
    every_ns: int
    tenant: str | None
    by: str
    app: str


def window(*, tenant: str | None, since_ns: int, until_ns: int, every_ns: int, by: str, app: str) -> Window:
    """Return a window widened to whole minutes."""
    return Window(*whole_minutes(since_ns, until_ns, every_ns), tenant, by, app)


def trace_buckets(server: Server, asked: Window, kept: dict[int, int]) -> list[Bucket]:
    """Return the sums over traces by stretch and group; `kept` are the hours whose sums are kept, and their marks."""
    return [Bucket(start_ns=start, group=part, **sums) for start, part, sums in _told(server, "traces", asked, kept)]


def span_buckets(server: Server, asked: Window, kept: dict[int, int]) -> list[SpanBucket]:
    """Return the sums over spans by stretch and group, as `trace_buckets` does."""
    return [SpanBucket(start_ns=start, group=part, **sums) for start, part, sums in _told(server, "spans", asked, kept)]


def values(server: Server, column: GroupBy, tenant: str | None) -> list[str]:
    """Return the distinct values of a column."""
    if not column:
        return []
    scope, given = ("", []) if tenant is None else (" AND tenant = ?", [tenant])
    return [value for (value,) in server.lists(_VALUES.format(column=column, scope=scope), given)]


def days(server: Server, before_ns: int, *, since_ns: int = 0) -> list[Day]:
    """Return the days that have traces and began before a moment, by day and tenant."""
    hours = [since_ns // HOUR_NS, -(-before_ns // DAY_NS) * 24]
    return [
        Day(start_ns=day, tenant=tenant, count=count, mark=mark)
        for day, tenant, count, mark in server.lists(_DAYS, hours)
    ]


def _told(server: Server, family: Family, asked: Window, kept: dict[int, int]) -> list[tuple[int, str, dict[str, Any]]]:
    sums, every = SUMS[family], asked.every_ns
    scope, values = "", []
    for name, wanted in (("tenant", asked.tenant), ("app", asked.app or None)):
        if wanted is not None:
            scope += f" AND {name} = ?"
            values.append(wanted)
    told = ", ".join(f"{sum.told} AS s{number}" for number, sum in enumerate(sums))
    by = f"toString(`{asked.by}`)" if asked.by else "''"
    # What is asked of each figure has other names than the columns have, or they would be taken for one another.
    query = (
        f"SELECT intDiv(started_ns, {every}) * {every} AS start, {by} AS part, {told} FROM {family} "  # noqa: S608 - made of constants
        "WHERE hour >= ? AND hour <= ? AND hour NOT IN ? AND started_ns >= ? AND started_ns < ?"
        f"{scope} GROUP BY start, part"
    )
    first, last = asked.since_ns // HOUR_NS, asked.until_ns // HOUR_NS
    given = [first, last, list(kept), asked.since_ns, asked.until_ns, *values]
    if kept:
        added = ", ".join(f"{sum.joined}(`{sum.name}`) AS s{number}" for number, sum in enumerate(sums))
        query += (
            f" UNION ALL SELECT intDiv(hour * {HOUR_NS}, {every}) * {every} AS start, part, {added} "  # noqa: S608 - likewise
            f"FROM {family}_hours WHERE `by` = ? AND (hour, writes) IN ?{scope} GROUP BY start, part"
        )
        given += [asked.by, list(kept.items()), *values]
    whole = ", ".join(f"{sum.joined}(s{number})" for number, sum in enumerate(sums))
    query = f"SELECT start, part, {whole} FROM ({query}) GROUP BY start, part ORDER BY start, part"  # noqa: S608 - likewise
    return [
        (start, part, {sum.name: _figure(sum, figure) for sum, figure in zip(sums, figures, strict=True)})
        for start, part, *figures in server.lists(query, given)
    ]


def _figure(sum: Sum, figure: Any) -> Any:
    if sum.type == _MONEY:
        return Decimal(figure)
    if sum.type == _BINS:
        return {int(index): count for index, count in figure.items()}
    return figure
