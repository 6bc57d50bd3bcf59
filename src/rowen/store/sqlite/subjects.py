"""Sessions and users: sums kept for each, and lists of them by their latest trace."""

import sqlite3
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from rowen.store.cursor import place_of
from rowen.store.sqlite.rows import TRACE_NAMES, trace_row
from rowen.values import TraceRow

SESSION, USER = "session", "user"

_NOTHING = Decimal(0)

_GET = """SELECT first_ns, last_ns, traces, failed, input_tokens, output_tokens, unpriced, cost
FROM subjects WHERE kind = ? AND name = ? AND tenant = ?"""
_PUT = "INSERT OR REPLACE INTO subjects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_DROP = "DELETE FROM subjects WHERE kind = ? AND name = ? AND tenant = ?"
_EDGE = """SELECT started_ns FROM traces WHERE {kind} = ? AND {kind} <> '' AND tenant = ?
ORDER BY started_ns {order} LIMIT 1"""


class _Change:
    __slots__ = ("cost", "failed", "first_ns", "gone", "input_tokens", "last_ns", "output_tokens", "traces", "unpriced")

    def __init__(self) -> None:
        self.traces = self.failed = self.input_tokens = self.output_tokens = self.unpriced = 0
        self.cost = _NOTHING
        self.first_ns: int | None = None
        self.last_ns: int | None = None
        self.gone = False


def keep(connection: sqlite3.Connection, changes: Iterable[tuple[int, TraceRow, int]]) -> None:
    """Add traces to the sums of their session and user (sign 1) or take them away (-1), after the traces are written."""
    found: dict[tuple[str, str, str], _Change] = {}
    for _, row, sign in changes:
        for kind, name in ((SESSION, row.session), (USER, row.user)):
            if name:
                change = found.get((kind, name, row.tenant))
                if change is None:
                    change = found[kind, name, row.tenant] = _Change()
                _count(change, row, sign)
    puts: list[tuple[Any, ...]] = []
    drops: list[tuple[Any, ...]] = []
    for place, change in found.items():
        kind, name, tenant = place
        kept = connection.execute(_GET, place).fetchone() or (None, None, 0, 0, 0, 0, 0, "0")
        first, last, traces, failed, input_tokens, output_tokens, unpriced, cost = kept
        traces += change.traces
        if not traces:
            drops.append(place)
            continue
        if change.gone:
            first, last = (_edge(connection, place, order) for order in ("ASC", "DESC"))
        else:
            first = change.first_ns if first is None else min(first, change.first_ns)
            last = change.last_ns if last is None else max(last, change.last_ns)
        puts.append(
            (
                kind, tenant, name, first, last, traces, failed + change.failed, input_tokens + change.input_tokens,
                output_tokens + change.output_tokens, unpriced + change.unpriced, str(Decimal(cost) + change.cost),
            )
        )  # fmt: skip
    connection.executemany(_PUT, puts)
    connection.executemany(_DROP, drops)


def found(
    connection: sqlite3.Connection, kind: str, tenant: str | None, since_ns: int, until_ns: int, before: str
) -> Iterator[tuple[TraceRow, dict[str, Any]]]:
    """Yield the subjects of a kind by their latest trace, newest first: that trace, and the sums."""
    terms: list[tuple[str, tuple[Any, ...]]] = [("kind = ?", (kind,)), ("last_ns >= ?", (since_ns,))]
    place = place_of(before, 2)
    if place is not None:
        terms.append(("last_ns <= ? AND (last_ns, name, tenant) < (?, ?, ?)", (place[0], *place)))
    if tenant is not None:
        terms.append(("tenant = ?", (tenant,)))
    if until_ns:
        terms.append(("first_ns < ?", (until_ns,)))
    query = f"""SELECT name, tenant, first_ns, last_ns, traces, failed, input_tokens, output_tokens, unpriced, cost
FROM subjects WHERE {" AND ".join(term for term, _ in terms)} ORDER BY last_ns DESC, name DESC, tenant DESC"""  # noqa: S608 - made of constants
    latest = f"""SELECT {TRACE_NAMES} FROM traces JOIN whats ON whats.number = traces.what
WHERE traces.{kind} = ? AND traces.{kind} <> '' AND traces.tenant = ? AND traces.started_ns = ?
ORDER BY traces.id DESC LIMIT 1"""  # noqa: S608 - made of constants
    for name, owner, first, last, *sums in connection.execute(
        query, [value for _, values in terms for value in values]
    ):
        traces, failed, input_tokens, output_tokens, unpriced, cost = sums
        row = trace_row(connection.execute(latest, (name, owner, last)).fetchone())
        yield row, {
            "tenant": owner, "app": row.app, "first_ns": first, "last_ns": last, "traces": traces, "failed": failed,
            "input_tokens": input_tokens, "output_tokens": output_tokens, "unpriced": unpriced, "cost": Decimal(cost),
            "asked": row.asked, "said": row.said,
        }  # fmt: skip


def _count(change: _Change, row: TraceRow, sign: int) -> None:
    change.traces += sign
    if row.status == "failed":
        change.failed += sign
    change.input_tokens += sign * row.input_tokens
    change.output_tokens += sign * row.output_tokens
    if row.cost is None:
        change.unpriced += sign
    elif row.cost:
        change.cost += sign * row.cost
    if sign < 0:
        change.gone = True
        return
    if change.first_ns is None or row.started_ns < change.first_ns:
        change.first_ns = row.started_ns
    if change.last_ns is None or row.started_ns > change.last_ns:
        change.last_ns = row.started_ns


def _edge(connection: sqlite3.Connection, place: tuple[str, str, str], order: str) -> int:
    kind, name, tenant = place
    (moment,) = connection.execute(_EDGE.format(kind=kind, order=order), (name, tenant)).fetchone()
    return int(moment)
