"""What days cost, counted from the rows of traces, and of those that went for their age from a narrow row of each.

A row is put aside before its trace is struck out, under the trace's version: doing it again changes nothing, and one whose
trace is still there under that version is not counted twice.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from rowen.store.base import DAY_NS, CostBy, DayCost
from rowen.store.clickhouse.client import Server
from rowen.store.clickhouse.literal import SCALE
from rowen.store.clickhouse.rows import HOUR_NS
from rowen.store.daily import MOST_TOKENS, MOST_USD, dollars, whole_days

_BY = (
    "app", "key", "user", "feature", "model", "provider", "deployment", "definition", "release", "environment",
)  # fmt: skip
_MARKS = "arrayConcat(tags, [toString(feature)])"
_PURPOSE = f"""multiIf(hasAny({_MARKS}, ['judge', 'evaluator', 'score']), 'judge',
hasAny({_MARKS}, ['experiment', 'evaluate', 'evaluation']), 'experiment',
endsWith(toString(door), 'embeddings') OR startsWith(toString(name), 'embeddings'), 'embedding', 'inference')"""
_FIGURES = {
    "failed": ("UInt8", "status = 'failed'"),
    "cached": ("UInt8", "source = 'cache'"),
    "tokens_in": ("Int128", f"least(input_tokens, toInt128({MOST_TOKENS}))"),
    "tokens_out": ("Int128", f"least(output_tokens, toInt128({MOST_TOKENS}))"),
    "spent": (
        f"Nullable(Decimal(76, {SCALE}))",
        f"if(cost IS NULL, NULL, least(cost, toDecimal256('{MOST_USD}', {SCALE})))",
    ),
    "wasted": (f"Decimal(76, {SCALE})", f"least(waste, toDecimal256('{MOST_USD}', {SCALE}))"),
}
_NAMES = (*_BY, "purpose", *_FIGURES)

SCRIPT = (
    "CREATE TABLE IF NOT EXISTS aged (hour Int32, tenant LowCardinality(String), id String, version UInt64, "
    + ", ".join(f"`{name}` String CODEC(ZSTD(1))" for name in (*_BY, "purpose"))
    + ", "
    + ", ".join(f"{name} {type_} CODEC(ZSTD(1))" for name, (type_, _) in _FIGURES.items())
    + ") ENGINE = ReplacingMergeTree ORDER BY (hour, tenant, id, version)",
)

_KEY = "hour, tenant, id, version"
_TOLD = ", ".join(
    [
        _KEY,
        *(f"toString(`{name}`) AS `{name}`" for name in _BY),
        f"{_PURPOSE} AS purpose",
        *(f"{told} AS {name}" for name, (_, told) in _FIGURES.items()),
    ]
)
_KEPT = ", ".join([_KEY, *(f"`{name}`" for name in _NAMES)])
_PUT = f"INSERT INTO aged ({_KEPT}) SELECT {_TOLD} FROM traces WHERE hour IN ? AND (id, tenant) IN ?"  # noqa: S608 - made of constants
_FOUND = f"""SELECT {{start}} AS start, {{group}} AS part, count(), countIf(failed), countIf(cached), sum(tokens_in),
sum(tokens_out), countIf(spent IS NULL), sum(ifNull(spent, 0)), sum(wasted) FROM (
SELECT {_TOLD} FROM traces WHERE hour >= ? AND hour < ?
UNION ALL SELECT {_KEPT} FROM aged WHERE hour >= ? AND hour < ?
AND ({_KEY}) NOT IN (SELECT {_KEY} FROM traces WHERE hour >= ? AND hour < ?)
) WHERE 1{{scope}} GROUP BY start, part ORDER BY start, part"""  # noqa: S608 - made of constants
_FORGET = "ALTER TABLE aged UPDATE user = '' WHERE tenant = ? AND user = ?"


def put_aside(server: Server, hours: Sequence[int], places: Sequence[tuple[str, str]]) -> None:
    """Keep what traces cost that are about to be struck out for their age."""
    server.run(_PUT, [hours, places])


def forget_user(server: Server, tenant: str, user: str) -> None:
    """Take a user's name from what days cost: what is left of traces that went for their age is nobody's."""
    server.run(_FORGET, [tenant, user])


def found(
    server: Server,
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
    since, until = whole_days(since_ns, until_ns)
    group = f"toString(`{by}`)" if by else "''"
    scope, values = "", [since // HOUR_NS, until // HOUR_NS] * 3
    given: list[Any] = [*values]
    for name, wanted in (("tenant", tenant), ("app", app or None)):
        if wanted is not None:
            scope, given = scope + f" AND {name} = ?", [*given, wanted]
    if names is not None:
        scope, given = scope + f" AND {group} IN ?", [*given, list(names)]
    start = "0" if whole else f"intDiv(hour, 24) * {DAY_NS}"
    return [
        DayCost(
            start_ns=int(begin),
            group=part,
            calls=calls,
            failed=failed,
            cached=cached,
            input_tokens=tokens_in,
            output_tokens=tokens_out,
            unpriced=unpriced,
            cost=dollars(int(Decimal(cost).scaleb(18).to_integral_value())),
            waste=dollars(int(Decimal(waste).scaleb(18).to_integral_value())),
        )
        for begin, part, calls, failed, cached, tokens_in, tokens_out, unpriced, cost, waste in server.lists(
            _FOUND.format(start=start, group=group, scope=scope), given
        )
    ]
