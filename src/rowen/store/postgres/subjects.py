"""Sessions and users by their latest trace, with sums over all of their traces."""

from typing import Any

from rowen.store.cursor import place_of
from rowen.store.postgres.database import Raw
from rowen.store.postgres.rows import plain, told, trace_row
from rowen.values import TraceRow

_FOUND = """WITH subjects AS (
    SELECT tenant, {name} AS name, min(started_ns) AS first_ns, max(started_ns) AS last_ns, count(*) AS traces,
        count(*) FILTER (WHERE status = 'failed') AS failed, sum(input_tokens) AS input_tokens,
        sum(output_tokens) AS output_tokens, coalesce(sum(cost), 0) AS cost,
        count(*) FILTER (WHERE cost IS NULL) AS unpriced
    FROM traces WHERE {name} <> ''{scope} GROUP BY tenant, {name}
)
SELECT subjects.tenant, first_ns, last_ns, traces, failed, input_tokens, output_tokens, cost, unpriced, latest.record
FROM subjects CROSS JOIN LATERAL (
    SELECT record, app, "user" FROM traces
    WHERE traces.{name} = subjects.name AND traces.{name} <> '' AND traces.tenant = subjects.tenant
    AND traces.started_ns = subjects.last_ns ORDER BY traces.id DESC LIMIT 1
) AS latest WHERE {where} ORDER BY last_ns DESC, name DESC, subjects.tenant DESC LIMIT %s"""


def found(
    raw: Raw,
    kind: str,
    *,
    tenant: str | None,
    app: str,
    user: str,
    since_ns: int,
    until_ns: int,
    before: str,
    limit: int,
) -> list[tuple[TraceRow, dict[str, Any]]]:
    """Return the subjects of a kind, `session` or `user`, newest first: their latest trace, and the sums."""
    scope, values = ("", []) if tenant is None else (" AND tenant = %s", [plain(tenant)])
    terms, given = ["last_ns >= %s"], [*values, since_ns]
    if until_ns:
        terms.append("first_ns < %s")
        given.append(until_ns)
    for column, wanted in (("app", app), ('"user"', user)):
        if wanted:
            terms.append(f"latest.{column} = %s")
            given.append(plain(wanted))
    place = place_of(before, 2)
    if place is not None:
        terms.append("(last_ns, name, subjects.tenant) < (%s, %s, %s)")
        given += [place[0], plain(place[1]), plain(place[2])]
    query = _FOUND.format(name=f'"{kind}"', scope=scope, where=" AND ".join(terms))
    return [_subject(*each) for each in raw.execute(query, [*given, max(0, limit)])]


def _subject(
    tenant: str,
    first_ns: int,
    last_ns: int,
    traces: int,
    failed: int,
    input_tokens: Any,
    output_tokens: Any,
    cost: Any,
    unpriced: int,
    record: bytes,
) -> tuple[TraceRow, dict[str, Any]]:
    row = trace_row(record)
    return row, {
        "tenant": told(tenant), "app": row.app, "first_ns": first_ns, "last_ns": last_ns, "traces": traces,
        "failed": failed, "input_tokens": int(input_tokens), "output_tokens": int(output_tokens), "cost": cost,
        "unpriced": unpriced, "asked": row.asked, "said": row.said,
    }  # fmt: skip
