"""Sums of past hours, kept: each is counted once, by whoever first asks for it, and again only when the hour has changed.

ClickHouse can neither take a replaced row away from a sum nor write two tables at once, so a sum that is added to would
drift. Instead, whoever writes into a past hour marks it, before and after; what was counted bears the mark that it was
counted at, and counts only while that is still the hour's. A count during the writing bears the mark from before it.
"""

from collections.abc import Iterable

from rowen.store.clickhouse.client import Server
from rowen.store.clickhouse.rows import HOUR_NS, hour_of
from rowen.store.clickhouse.sums import GROUPS, SUMS, Family, Window
from rowen.values import Clock

_PAST = 2  # hours after which an hour is past; a process whose clock is up to one hour behind marks in time
_AT_ONCE = 48  # hours that are counted in one statement


def _table(family: Family) -> str:
    sums = ", ".join(f"`{sum.name}` {sum.type} CODEC(ZSTD(1))" for sum in SUMS[family])
    return (
        f"CREATE TABLE IF NOT EXISTS {family}_hours (hour Int32, `by` LowCardinality(String), "
        f"tenant LowCardinality(String), app LowCardinality(String), part String, writes UInt64, {sums}) "
        "ENGINE = ReplacingMergeTree ORDER BY (`by`, hour, tenant, app, part, writes)"
    )


SCRIPT = (
    (
        "CREATE TABLE IF NOT EXISTS marks (family LowCardinality(String), hour Int32, writes UInt64) "
        "ENGINE = SummingMergeTree ORDER BY (family, hour)"
    ),
    (
        "CREATE TABLE IF NOT EXISTS counted (family LowCardinality(String), hour Int32, writes UInt64) "
        "ENGINE = ReplacingMergeTree ORDER BY (family, hour, writes)"
    ),
    _table("traces"),
    _table("spans"),
)

_KNOWN = """SELECT 'marked', hour, sum(writes) FROM marks WHERE family = ? AND hour >= ? AND hour < ? GROUP BY hour
UNION ALL SELECT 'counted', hour, writes FROM counted WHERE family = ? AND hour >= ? AND hour < ?
UNION ALL SELECT DISTINCT 'there', hour, 0 FROM {} WHERE hour >= ? AND hour < ? SETTINGS final = 0"""
"""In one query, since to plan one takes longer than to read what these three give."""


class Hours:
    """Keeps the sums of past hours.

    Args:
        clock: what tells which hours are past.

    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def late(self, server: Server, *, traces: Iterable[int] = (), spans: Iterable[int] = ()) -> None:
        """Mark those of some hours that are past or soon will be."""
        soon = hour_of(self._clock.now_ns()) - _PAST + 1
        marks = [("traces", hour, 1) for hour in traces if hour <= soon]
        marks += [("spans", hour, 1) for hour in spans if hour <= soon]
        server.insert("marks", ("family", "hour", "writes"), marks)

    def kept(self, server: Server, family: Family, asked: Window) -> dict[int, int]:
        """Return the whole past hours of a window whose sums are kept, each with its mark, after counting what was not."""
        if asked.every_ns % HOUR_NS:
            return {}
        first = -(-asked.since_ns // HOUR_NS)
        last = min(asked.until_ns // HOUR_NS, hour_of(self._clock.now_ns()) - _PAST)
        if last <= first:
            return {}
        known = server.lists(_KNOWN.format(family), [family, first, last, family, first, last, first, last])
        marks = {hour: writes for what, hour, writes in known if what == "marked"}
        counted = {(hour, writes) for what, hour, writes in known if what == "counted"}
        there = sorted(hour for what, hour, _ in known if what == "there")
        missing = [hour for hour in there if (hour, marks.get(hour, 0)) not in counted]
        for at in range(0, len(missing), _AT_ONCE):
            self._count(server, family, {hour: marks.get(hour, 0) for hour in missing[at : at + _AT_ONCE]})
        return {hour: marks.get(hour, 0) for hour in there}

    def _count(self, server: Server, family: Family, hours: dict[int, int]) -> None:
        groups = ", ".join(["('', '')", *(f"('{name}', toString(`{name}`))" for name in GROUPS[family])])
        told = ", ".join(sum.told for sum in SUMS[family])
        writes = f"transform(hour, {list(hours)}, {list(hours.values())}, 0)"
        server.run(
            f"INSERT INTO {family}_hours SELECT hour, told.1, tenant, app, told.2, {writes}, {told} "  # noqa: S608 - made of constants and numbers
            f"FROM {family} ARRAY JOIN [{groups}] AS told WHERE hour IN ? GROUP BY hour, told.1, tenant, app, told.2",
            [list(hours)],
        )
        server.insert("counted", ("family", "hour", "writes"), [(family, *each) for each in hours.items()])
