"""How a `traces.db` of an earlier shape becomes one of today's."""

import sqlite3
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from rowen.store.pack import Packing
from rowen.store.sqlite import calls
from rowen.store.sqlite.entry import Ledger
from rowen.store.sqlite.schema import DROP_ASIDE, FIRST, NOW, SET_ASIDE
from rowen.values import Trace, TraceRow

_AT_ONCE = 500
_NAMES = TraceRow.__struct_fields__
_EARLIER = f"""SELECT earlier_traces.number, earlier_bodies.body, {", ".join(_NAMES)} FROM earlier_traces
JOIN earlier_bodies ON earlier_bodies.number = earlier_traces.number
WHERE earlier_traces.number > ? ORDER BY earlier_traces.number LIMIT ?"""  # noqa: S608 - made of constants


def rewrite(connection: sqlite3.Connection) -> None:
    """Write every trace anew into the tables of today, with its words and sums."""
    for script in (SET_ASIDE, NOW):
        for statement in script.split(";\n"):
            connection.execute(statement)
    packing = Packing()
    ledger = Ledger(packing)
    last = 0
    while found := connection.execute(_EARLIER, (last, _AT_ONCE)).fetchall():
        last = found[-1][0]
        calls.write(ledger.begin(connection), [_trace(packing, body, row) for _, body, *row in found])
    for statement in DROP_ASIDE.split(";\n"):
        connection.execute(statement)


SCRIPTS: tuple[str | Callable[[sqlite3.Connection], None], ...] = (*FIRST, rewrite)


def _trace(packing: Packing, packed: bytes, found: list[Any]) -> Trace:
    fields = dict(zip(_NAMES, found, strict=True))
    for name in ("streamed", "estimated", "complete"):
        fields[name] = bool(fields[name])
    fields["cost"] = None if fields["cost"] is None else Decimal(fields["cost"])
    fields["waste"] = Decimal(fields["waste"])
    fields["tags"] = tuple(msgspec.json.decode(fields["tags"]))
    body = packing.as_call(packed)
    if not fields["spans"]:
        fields["spans"] = len(body.spans)
        fields["failed_spans"] = sum(span.status == "error" for span in body.spans)
        fields["name"] = body.spans[0].name if body.spans else ""
    return Trace(row=TraceRow(**fields), spans=body.spans, request=body.request, answer=body.answer, masked=body.masked)
