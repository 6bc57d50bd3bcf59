"""Sessions and users by their latest trace, with sums over all of their traces."""

from decimal import Decimal
from typing import Any

from rowen.store.clickhouse.client import Server
from rowen.store.cursor import place_of

_SUBJECTS = """SELECT tenant, `{name}` AS name, min(started_ns) AS first_ns, max(started_ns) AS last_ns, count(),
countIf(status = 'failed'), sum(input_tokens), sum(output_tokens), sum(ifNull(cost, 0)), countIf(cost IS NULL),
argMax((app, session, user, asked, said), (started_ns, id)) AS latest
FROM traces WHERE {scope} GROUP BY tenant, `{name}` HAVING {where} ORDER BY last_ns DESC, name DESC, tenant DESC LIMIT ?"""


def found(
    server: Server,
    kind: str,
    *,
    tenant: str | None,
    app: str,
    user: str,
    since_ns: int,
    until_ns: int,
    before: str,
    limit: int,
) -> list[dict[str, Any]]:
    """Return the subjects of a kind, `session` or `user`, newest first, as the fields of their rows."""
    scope, values = (f"`{kind}` <> ''", []) if tenant is None else (f"`{kind}` <> '' AND tenant = ?", [tenant])
    terms, given = ["last_ns >= ?"], [*values, since_ns]
    if until_ns:
        terms.append("first_ns < ?")
        given.append(until_ns)
    for column, wanted in (("1", app), ("3", user)):
        if wanted:
            terms.append(f"latest.{column} = ?")
            given.append(wanted)
    place = place_of(before, 2)
    if place is not None:
        terms.append("(last_ns, name, tenant) < ?")
        given.append(place)
    query = _SUBJECTS.format(name=kind, scope=scope, where=" AND ".join(terms))
    return [_subject(*each) for each in server.lists(query, [*given, max(0, limit)])]


def _subject(
    tenant: str,
    _name: str,
    first_ns: int,
    last_ns: int,
    traces: int,
    failed: int,
    input_tokens: int,
    output_tokens: int,
    cost: str,
    unpriced: int,
    latest: tuple[str, str, str, str, str],
) -> dict[str, Any]:
    app, session, user, asked, said = latest
    return {
        "tenant": tenant, "app": app, "session": session, "user": user, "first_ns": first_ns, "last_ns": last_ns,
        "traces": traces, "failed": failed, "input_tokens": input_tokens, "output_tokens": output_tokens,
        "cost": Decimal(cost), "unpriced": unpriced, "asked": asked, "said": said,
    }  # fmt: skip
