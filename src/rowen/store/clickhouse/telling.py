"""The rows of traces, told from all that has come of each: the same as `rowen.store.fold` tells span by span.

The engine reads the spans of a trace of 50,000 in some tens of milliseconds, so nothing is kept of earlier tellings, and
neither order nor repetition nor another process can make a row wrong for long.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from rowen.store.clickhouse.client import Server
from rowen.store.clickhouse.rows import OF_ID, OF_TRACE
from rowen.store.fold import SPENDING
from rowen.values import TraceRow

Place = tuple[str, str]
"""Id and tenant of a trace."""

_SPENDS = "type IN ('" + "', '".join(sorted(SPENDING)) + "')"
_EARLY = "(parent <> '', started_ns, id)"
_LEVEL = "multiIf(parent = '', 0, type = 'llm', 1, 2)"
_SPOKEN = f"({_LEVEL}, started_ns, id)"
_LATE = f"({_LEVEL}, -started_ns, id)"
_TEXTS = ("app", "environment", "release", "session", "user", "feature")
_MODELS = {"model": "model", "provider": "provider", "asked": "input"}

_TOLD = f"""SELECT trace, tenant, count(), countIf(status = 'error'), argMin((name, status, code), {_EARLY}),
min(parent <> ''), min(started_ns), max(started_ns + duration_ns), argMin(started_ns + first_ns, {_SPOKEN}),
sumIf(toInt128(input_tokens), {_SPENDS}), sumIf(toInt128(output_tokens), {_SPENDS}), sumIf(ifNull(cost, 0), {_SPENDS}),
countIf({_SPENDS} AND cost IS NULL AND (input_tokens > 0 OR output_tokens > 0)),
argMinIf(tags, {_EARLY}, notEmpty(tags)), {", ".join(f"argMinIf(`{name}`, {_EARLY}, `{name}` <> '')" for name in _TEXTS)},
{", ".join(f"argMinIf({name}, {_SPOKEN}, {name} <> '')" for name in _MODELS.values())},
argMinIf(output, {_LATE}, output <> ''), sum(cityHash64(id, version))
FROM spans WHERE own = 0 AND {OF_TRACE} GROUP BY trace, tenant"""  # noqa: S608 - made of constants
_CALLS = f"SELECT row, cityHash64('call', version) FROM calls WHERE {OF_ID}"  # noqa: S608 - likewise
_STATE = f"""SELECT trace, tenant, sum(mark) FROM (
SELECT trace, tenant, cityHash64(id, version) AS mark FROM spans WHERE own = 0 AND {OF_TRACE}
UNION ALL SELECT id AS trace, tenant, cityHash64('call', version) AS mark FROM calls WHERE {OF_ID}
) GROUP BY trace, tenant"""  # noqa: S608 - likewise

_call = msgspec.json.Decoder(TraceRow).decode


class Told(NamedTuple):
    """What is told of one trace."""

    row: TraceRow
    state: int
    """As `states` gives it."""


def rows_told(server: Server, places: Sequence[Place]) -> dict[Place, Told]:
    """Return what is told of those traces of which anything has come."""
    found = {(told.row.id, told.row.tenant): told for told in map(_told, server.lists(_TOLD, [places]))}
    for record, mark in server.lists(_CALLS, [places]):
        row = _call(record)
        place = (row.id, row.tenant)
        sent = found.get(place)
        if sent is not None:
            row = row.but(spans=row.spans + sent.row.spans, failed_spans=row.failed_spans + sent.row.failed_spans)
        found[place] = Told(row, (mark + (sent.state if sent else 0)) % 2**64)
    return found


def states(server: Server, places: Sequence[Place]) -> dict[Place, int]:
    """Return a number for each trace, another one as soon as anything of it has come or gone."""
    return {(trace, tenant): mark for trace, tenant, mark in server.lists(_STATE, [places, places])}


def _told(found: list[Any]) -> Told:
    (
        id, tenant, spans, failed, (name, status, code), rootless, started, ended, first, tokens_in, tokens_out, cost,
        unpriced, tags, app, environment, release, session, user, feature, model, provider, asked, said, state,
    ) = found  # fmt: skip
    row = TraceRow(
        id=id,
        origin="spans",
        tenant=tenant,
        name=name,
        started_ns=started,
        duration_ns=ended - started,
        first_ns=None if first is None else max(0, first - started),
        app=app,
        definition="",
        environment=environment,
        release=release,
        session=session,
        user=user,
        feature=feature,
        tags=tuple(tags),
        model=model,
        provider=provider,
        asked=asked,
        said=said,
        status="failed" if status == "error" else "ok",
        code=code if status == "error" else "",
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        cost=None if unpriced else Decimal(cost),
        spans=spans,
        failed_spans=failed,
        complete=not rootless,
    )
    return Told(row, state)
