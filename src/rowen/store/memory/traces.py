"""Traces in a dict. Every sum is counted anew from the rows, so this is also what other stores are compared with."""

from collections.abc import Sequence

from rowen.store.base import Bucket, GroupBy, TraceFilter
from rowen.store.sums import MINUTE_NS, Sums, whole_minutes
from rowen.values import Trace, TraceRow

_SAME = ("app", "model", "deployment", "provider", "key", "user", "session", "feature", "status", "code", "source")


class MemoryTraces:
    """Traces by id, all of them until they are deleted."""

    def __init__(self) -> None:
        self._traces: dict[str, Trace] = {}

    async def write(self, traces: Sequence[Trace]) -> None:
        """Keep a batch."""
        for trace in traces:
            self._traces[trace.row.id] = trace

    async def find(self, filter: TraceFilter) -> list[TraceRow]:
        """Return the rows that pass the filter, newest first."""
        ids = sorted(self._traces, reverse=True)
        rows = (self._traces[id].row for id in ids)
        return [row for row in rows if _passes(row, filter)][: filter.limit]

    async def get(self, id: str, tenant: str | None = None) -> Trace | None:
        """Return one trace."""
        found = self._traces.get(id)
        return found if found is not None and tenant in (None, found.row.tenant) else None

    async def buckets(
        self, *, tenant: str | None, since_ns: int, until_ns: int, every_ns: int, by: GroupBy = "", app: str = ""
    ) -> list[Bucket]:
        """Return the sums by stretch and group."""
        since, until, every = whole_minutes(since_ns, until_ns, every_ns)
        found: dict[tuple[int, str], Sums] = {}
        for trace in self._traces.values():
            row = trace.row
            if tenant not in (None, row.tenant) or (app and row.app != app) or not since <= row.started_ns < until:
                continue
            start = row.started_ns // MINUTE_NS * MINUTE_NS // every * every
            found.setdefault((start, getattr(row, by) if by else ""), Sums()).count(row)
        return [sums.bucket(*place) for place, sums in sorted(found.items())]

    async def values(self, column: GroupBy, tenant: str | None = None) -> list[str]:
        """Return the distinct values of a column."""
        if not column:
            return []
        rows = [trace.row for trace in self._traces.values() if tenant in (None, trace.row.tenant)]
        return sorted({getattr(row, column) for row in rows} - {""})

    async def delete(self, *, before_ns: int) -> int:
        """Remove the traces that began earlier; return how many."""
        old = [id for id, trace in self._traces.items() if trace.row.started_ns < before_ns]
        for id in old:
            del self._traces[id]
        return len(old)


def _passes(row: TraceRow, filter: TraceFilter) -> bool:
    text = filter.text.lower()
    return (
        filter.tenant in (None, row.tenant)
        and all(getattr(filter, name) in ("", getattr(row, name)) for name in _SAME)
        and (not text or text in row.asked.lower() or text in row.said.lower())
        and filter.since_ns <= row.started_ns
        and (not filter.until_ns or row.started_ns < filter.until_ns)
        and (not filter.slower_ms or row.duration_ns > filter.slower_ms * 1_000_000)
        and (filter.dearer is None or (row.cost is not None and row.cost > filter.dearer))
        and (not filter.before or row.id < filter.before)
    )
