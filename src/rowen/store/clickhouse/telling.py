"""The rows of traces, told from all that has come of each: the same as `rowen.store.fold` tells span by span.

The engine reads the spans of a trace of 50,000 in some tens of milliseconds, so nothing is kept of earlier tellings, and
neither order nor repetition nor another process can make a row wrong for long.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from rowen.store.clickhouse.client import Server
from rowen.store.clickhouse.rows import OF_ID, OF_TRACE, hour_of
from rowen.store.spend import MOST, SPENDING, Spend, Used, once
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
argMinIf(output, {_LATE}, output <> ''),
countIf({_SPENDS} AND (cost IS NOT NULL OR input_tokens > 0 OR output_tokens > 0)), sum(cityHash64(id, version))
FROM spans WHERE own = 0 AND {OF_TRACE} GROUP BY trace, tenant"""  # noqa: S608 - made of constants
_CALLS = f"SELECT row, cityHash64('call', version) FROM calls WHERE {OF_ID}"  # noqa: S608 - likewise
_STATE = f"""SELECT trace, tenant, sum(mark) FROM (
SELECT trace, tenant, cityHash64(id, version) AS mark FROM spans WHERE own = 0 AND {OF_TRACE}
UNION ALL SELECT id AS trace, tenant, cityHash64('call', version) AS mark FROM calls WHERE {OF_ID}
) GROUP BY trace, tenant"""  # noqa: S608 - likewise

_SPEND = f"""SELECT trace, tenant, id, parent, type, name, started_ns, started_ns + duration_ns, input_tokens, output_tokens,
cost FROM spans WHERE own = 0 AND {_SPENDS} AND (cost IS NOT NULL OR input_tokens > 0 OR output_tokens > 0) AND {OF_TRACE}"""  # noqa: S608 - made of constants
_SERVED = f"""SELECT within, tenant, id, input_tokens, output_tokens FROM traces
WHERE hour >= ? AND hour <= ? AND origin = 'call' AND (within, tenant) IN ? AND (input_tokens > 0 OR output_tokens > 0)
ORDER BY id LIMIT {MOST} BY within, tenant"""  # noqa: S608 - likewise

_call = msgspec.json.Decoder(TraceRow).decode


class Told(NamedTuple):
    """What is told of one trace."""

    row: TraceRow
    state: int
    """As `states` gives it."""
    spending: int = 0
    """How many of its spans say what they spent."""


def rows_told(server: Server, places: Sequence[Place]) -> dict[Place, Told]:
    """Return what is told of those traces of which anything has come."""
    found = {(told.row.id, told.row.tenant): told for told in map(_told, server.lists(_TOLD, [places]))}
    _count_once(server, found)
    for record, mark in server.lists(_CALLS, [places]):
        row = _call(record)
        place = (row.id, row.tenant)
        sent = found.get(place)
        if sent is not None:
            row = row.but(spans=row.spans + sent.row.spans, failed_spans=row.failed_spans + sent.row.failed_spans)
        found[place] = Told(row, (mark + (sent.state if sent else 0)) % 2**64)
    return found


def _count_once(server: Server, found: dict[Place, Told]) -> None:
    """Count each call of a model once in those traces where several spans may tell of it."""
    spending = [place for place, told in found.items() if told.spending and told.spending <= MOST]
    if not spending:
        return
    spends: dict[Place, dict[str, Spend]] = {}
    for trace, tenant, id, parent, type_, name, began, ended, used_in, used_out, cost in server.lists(
        _SPEND, [spending]
    ):
        spends.setdefault((trace, tenant), {})[id] = Spend(
            parent=parent,
            type=type_,
            name=name,
            started_ns=began,
            ended_ns=ended,
            used=(used_in, used_out),
            cost=None if cost is None else Decimal(cost),
        )
    served: dict[Place, list[Used]] = {}
    rows = [found[place].row for place in spends]
    if rows:
        first = hour_of(min(row.started_ns for row in rows)) - 1
        last = hour_of(max(row.started_ns + row.duration_ns for row in rows)) + 1
        for within, tenant, _, used_in, used_out in server.lists(_SERVED, [first, last, list(spends)]):
            served.setdefault((within, tenant), []).append((used_in, used_out))
    for place, all_ in spends.items():
        told = found[place]
        counted = once(all_, served.get(place, ())).values()
        unpriced = any(each.cost is None for each in counted)
        found[place] = told._replace(
            row=told.row.but(
                input_tokens=sum(each.used[0] for each in counted),
                output_tokens=sum(each.used[1] for each in counted),
                cost=None if unpriced else sum((each.cost or Decimal(0) for each in counted), Decimal(0)),
            )
        )


def states(server: Server, places: Sequence[Place]) -> dict[Place, int]:
    """Return a number for each trace, another one as soon as anything of it has come or gone."""
    return {(trace, tenant): mark for trace, tenant, mark in server.lists(_STATE, [places, places])}


def _told(found: list[Any]) -> Told:
    (
        id, tenant, spans, failed, (name, status, code), rootless, started, ended, first, tokens_in, tokens_out, cost,
        unpriced, tags, app, environment, release, session, user, feature, model, provider, asked, said, spending,
        state,
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
    return Told(row, state, spending)
