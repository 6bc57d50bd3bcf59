"""What days cost, kept by one thing at a time in the transaction that writes, replaces or erases."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from rowen.store.base import CostBy, DayCost
from rowen.store.daily import changes, dollars, group_of, whole_days
from rowen.values import TraceRow

_SUMMED = (
    "calls", "failed", "cached", "input_tokens", "output_tokens", "unpriced", "nano", "atto", "waste_nano",
    "waste_atto",
)  # fmt: skip
_NANO = 10**9
_PLACE = ' WHERE tenant = ? AND "by" = ? AND start_ns = ? AND app = ? AND name = ?'
_ADDED = f"""ON CONFLICT (tenant, "by", start_ns, app, name)
DO UPDATE SET {", ".join(f"{name} = {name} + excluded.{name}" for name in _SUMMED)}"""
_ADD = f"INSERT INTO day_costs VALUES ({', '.join('?' * (5 + len(_SUMMED)))}) {_ADDED}"  # noqa: S608 - made of constants
_DROP = f"DELETE FROM day_costs{_PLACE} AND calls = 0"  # noqa: S608 - made of constants
_SUMS = ", ".join(f"sum({name})" for name in _SUMMED)
_FIND = f"""SELECT {{start}}, {{group}}, {_SUMS} FROM day_costs
WHERE tenant IN ({{tenants}}) AND "by" = ? AND start_ns >= ? AND start_ns < ?{{scope}} GROUP BY 1, 2 ORDER BY 1, 2"""  # noqa: S608 - made of constants
# All tenants one by one, each of them the next in the index; DISTINCT would read every row.
_TENANTS = """WITH RECURSIVE each(tenant) AS (
    SELECT min(tenant) FROM day_costs
    UNION ALL SELECT (SELECT min(tenant) FROM day_costs WHERE tenant > each.tenant) FROM each WHERE tenant IS NOT NULL
) SELECT tenant FROM each WHERE tenant IS NOT NULL"""

_OF_USER = """ WHERE tenant = ? AND "by" = 'user' AND name = ?"""
_UNNAME = f"""INSERT INTO day_costs SELECT tenant, "by", start_ns, app, '', {", ".join(_SUMMED)}
FROM day_costs{_OF_USER} {_ADDED}"""  # noqa: S608 - made of constants
_FORGET = f"DELETE FROM day_costs{_OF_USER}"  # noqa: S608 - made of constants

_names = msgspec.json.Encoder().encode


def keep(connection: sqlite3.Connection, rows: Iterable[tuple[TraceRow, int]]) -> None:
    """Add rows of traces to what their days cost (sign 1) or take them away (-1)."""
    changed = changes(rows)
    connection.executemany(
        _ADD,
        [
            (
                *place, kept.calls, kept.failed, kept.cached, kept.input_tokens, kept.output_tokens, kept.unpriced,
                *divmod(kept.cost, _NANO), *divmod(kept.waste, _NANO),
            )
            for place, kept in changed.items()
        ],
    )  # fmt: skip
    connection.executemany(_DROP, [place for place, kept in changed.items() if kept.calls < 0])


def found(
    connection: sqlite3.Connection,
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
    values: list[Any] = [] if tenant is None else [tenant]
    values += [kept, *whole_days(since_ns, until_ns)]
    scope = ""
    if app:
        scope, values = scope + " AND app = ?", [*values, app]
    if names is not None:
        scope += f" AND {group} IN (SELECT value FROM json_each(?))"  # noqa: S608 - made of constants
        values.append(_names(list(names)).decode())
    query = _FIND.format(
        start="0" if whole else "start_ns", group=group, tenants=_TENANTS if tenant is None else "?", scope=scope
    )
    return [_told(*each) for each in connection.execute(query, values)]


def forget_user(connection: sqlite3.Connection, tenant: str, user: str) -> None:
    """Take a user's name from what days cost: what is left of traces that went for their age is nobody's."""
    connection.execute(_UNNAME, (tenant, user))
    connection.execute(_FORGET, (tenant, user))


def _told(
    start: int,
    group: str,
    calls: int,
    failed: int,
    cached: int,
    input_tokens: int,
    output_tokens: int,
    unpriced: int,
    nano: int,
    atto: int,
    waste_nano: int,
    waste_atto: int,
) -> DayCost:
    return DayCost(
        start_ns=start,
        group=group,
        calls=calls,
        failed=failed,
        cached=cached,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        unpriced=unpriced,
        cost=dollars(nano * _NANO + atto),
        waste=dollars(waste_nano * _NANO + waste_atto),
    )
