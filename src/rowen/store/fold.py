"""A trace of spans that were sent to us, told from them one by one, in whatever order they come.

Counts and sums are added to and taken from. What only one span can say is claimed by the span that comes first by a
rule; who claimed what is kept, so that a batch changes a trace of 50,000 spans without reading them. They are read
again only when a span that gave something is replaced by one that no longer does.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import msgspec

from rowen.store.spend import MOST, Spend, Used, once
from rowen.values import SpanRow, TraceRow

Rank = tuple[int, int, str]
"""How well a span can say something: the least is the best."""

_NOTHING = Decimal(0)
_OWN = ("app", "environment", "release", "session", "user", "feature", "tags")
CLAIMED = ("head", *_OWN, "model", "provider", "asked", "said", "first")
"""What can be claimed, in an order that stores may count on."""


class Held(msgspec.Struct, array_like=True):
    """What was claimed, and by whom."""

    rank: Rank
    value: Any


class Telling(msgspec.Struct, array_like=True):
    """All that has to be known of the spans of one trace to tell its row."""

    spans: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = _NOTHING
    unpriced: int = 0
    started_ns: int | None = None
    ended_ns: int | None = None
    held: dict[str, Held] = {}
    stale: dict[str, Rank] = {}
    """What the spans taken away had claimed, until `settle`."""
    spends: dict[str, Spend] = {}
    """What spans spent, by their ids; what is beyond the first of them is in the sums above."""
    served: dict[str, Used] = {}
    """The tokens of the calls through Rowen that were made within the trace, by their ids."""

    def add(self, row: SpanRow) -> None:
        """Count a span and let it claim."""
        self._count(row, 1)
        started, ended = row.started_ns, row.started_ns + row.duration_ns
        if self.started_ns is None or started < self.started_ns:
            self.started_ns = started
        if self.ended_ns is None or ended > self.ended_ns:
            self.ended_ns = ended
        for field, rank, value in claims(row):
            held = self.held.get(field)
            if held is None or rank < held.rank:
                self.held[field] = Held(rank, value)

    def take(self, row: SpanRow) -> None:
        """Take a span away again."""
        self._count(row, -1)
        if row.started_ns == self.started_ns:
            self.stale["started_ns"] = (0, row.started_ns, "")
            self.started_ns = None
        if row.started_ns + row.duration_ns == self.ended_ns:
            self.stale["ended_ns"] = (0, -self.ended_ns, "")
            self.ended_ns = None
        for field, rank, _ in claims(row):
            held = self.held.get(field)
            if held is not None and held.rank == rank:
                self.stale[field] = rank
                del self.held[field]

    def serve(self, id: str, used: Used) -> bool:
        """Note a call through Rowen that was made within the trace; return whether that is new."""
        if not any(used) or self.served.get(id) == used or len(self.served) >= MOST:
            return False
        self.served[id] = used
        return True

    def claimed(self) -> list[tuple[Rank, list[str]]]:
        """Return who claimed what, without the values, which the row of the trace has."""
        found: dict[Rank, list[str]] = {}
        for field, held in self.held.items():
            found.setdefault(held.rank, []).append(field)
        return list(found.items())

    def claim(self, claimed: list[tuple[Rank, list[str]]], row: TraceRow) -> None:
        """Take back what `claimed` gave, with the values from the row that was told by it."""
        first = None if row.first_ns is None else row.started_ns + row.first_ns
        head = [row.name, "error" if row.status == "failed" else "ok", row.code]
        for rank, fields in claimed:
            for field in fields:
                told: Any = head if field == "head" else first if field == "first" else getattr(row, field)
                self.held[field] = Held(rank, told)

    def settle(self, rows: Callable[[], Iterable[SpanRow]]) -> None:
        """Find out who claims what was given up, by reading the trace's spans if the new ones do not tell."""
        stale, self.stale = self.stale, {}
        if all(self._as_good(field, rank) for field, rank in stale.items()):
            return
        again = Telling(held={})
        for row in rows():
            again.add(row)
        self.started_ns, self.ended_ns, self.held = again.started_ns, again.ended_ns, again.held

    def row(self, id: str, tenant: str) -> TraceRow:
        """Return the row of the trace."""
        assert self.started_ns is not None
        assert self.ended_ns is not None
        held = {field: each.value for field, each in self.held.items()}
        name, status, code = held["head"]
        first = held.get("first")
        failed = status == "error"
        spent = once(self.spends, self.served.values()).values() if self.spends else ()
        unpriced = self.unpriced + sum(each.cost is None for each in spent)
        return TraceRow(
            id=id,
            origin="spans",
            tenant=tenant,
            name=name,
            started_ns=self.started_ns,
            duration_ns=self.ended_ns - self.started_ns,
            first_ns=None if first is None else max(0, first - self.started_ns),
            app=held.get("app", ""),
            definition="",
            environment=held.get("environment", ""),
            release=held.get("release", ""),
            session=held.get("session", ""),
            user=held.get("user", ""),
            feature=held.get("feature", ""),
            tags=tuple(held.get("tags", ())),
            model=held.get("model", ""),
            provider=held.get("provider", ""),
            asked=held.get("asked", ""),
            said=held.get("said", ""),
            status="failed" if failed else "ok",
            code=code if failed else "",
            input_tokens=self.input_tokens + sum(each.used[0] for each in spent),
            output_tokens=self.output_tokens + sum(each.used[1] for each in spent),
            cost=None if unpriced else self.cost + sum((each.cost or _NOTHING for each in spent), _NOTHING),
            spans=self.spans,
            failed_spans=self.failed,
            complete=self.held["head"].rank[0] == 0,
        )

    def _count(self, row: SpanRow, sign: int) -> None:
        self.spans += sign
        if row.status == "error":
            self.failed += sign
        spend = Spend.of(row)
        if spend is None:
            return
        if sign < 0 and row.id in self.spends:
            del self.spends[row.id]
        elif sign > 0 and len(self.spends) < MOST:
            self.spends[row.id] = spend
        else:
            self.input_tokens += sign * spend.used[0]
            self.output_tokens += sign * spend.used[1]
            if spend.cost is not None:
                self.cost += sign * spend.cost
            else:
                self.unpriced += sign

    def _as_good(self, field: str, rank: Rank) -> bool:
        if field == "started_ns":
            return self.started_ns is not None and self.started_ns <= rank[1]
        if field == "ended_ns":
            return self.ended_ns is not None and -self.ended_ns <= rank[1]
        held = self.held.get(field)
        return held is not None and held.rank <= rank


def claims(row: SpanRow) -> list[tuple[str, Rank, Any]]:
    """Return what a span can say of its trace: the field, how well, and what."""
    started, id = row.started_ns, row.id
    early = (0 if not row.parent else 1, started, id)
    found: list[tuple[str, Rank, Any]] = [("head", early, [row.name, row.status, row.code])]
    for field in _OWN:
        value = getattr(row, field)
        if value:
            found.append((field, early, value))
    level = 0 if not row.parent else 1 if row.type == "llm" else 2
    spoken = (level, started, id)
    if row.model:
        found.append(("model", spoken, row.model))
    if row.provider:
        found.append(("provider", spoken, row.provider))
    if row.input:
        found.append(("asked", spoken, row.input))
    if row.output:
        found.append(("said", (level, -started, id), row.output))
    if row.first_ns is not None:
        found.append(("first", spoken, started + row.first_ns))
    return found
