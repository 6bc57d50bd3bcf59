"""Counts: rows of traces, and scores, into the cells of an objective."""

from collections.abc import Container, Iterable
from math import fsum

from rowen.store.base import Cell
from rowen.values import Score, Trace, TraceRow
from rowen.watch.base import Measured, SlaTable
from rowen.watch.sli import Event, bounded, empty, error_class, failed, number_of, seconds_of
from rowen.watch.window import MINUTE_NS

OF_SPANS = ("gateway_overhead", "retrieval", "guard", "tool")
"""Times that stand in the spans of a trace, not in its row."""


class Count:
    """Gathers the events of one objective into cells."""

    def __init__(self, app: str, objective: str) -> None:
        self._app = app
        self._objective = objective
        self._events: dict[tuple[int, str, str], list[Event]] = {}

    def add(self, at_ns: int, tenant: str, event: Event) -> None:
        """Count one event."""
        self._events.setdefault((at_ns // MINUTE_NS * MINUTE_NS, tenant, event.part), []).append(event)

    def cells(self) -> list[Cell]:
        """Return the cells, oldest first. Sums are exact, so that the order of events changes nothing."""
        return [
            Cell(
                app=self._app,
                objective=self._objective,
                tenant=tenant,
                part=part,
                start_ns=start,
                good=sum(1 for event in events if event.good),
                total=len(events),
                sum=fsum(event.number for event in events if event.number is not None),
                squares=fsum(event.number**2 for event in events if event.number is not None),
            )
            for (start, tenant, part), events in sorted(self._events.items())
        ]


def of_trace(table: Measured, row: TraceRow, whole: Trace | None = None) -> Event | None:
    """Return what a trace is to an objective; None when it does not count there."""
    if not meant(table, row):
        return None
    match table.sli:
        case "availability" | "errors" | "throughput":
            return _ended(row, good=not failed(row))
        case "interactions":
            if row.within:
                return None  # a part of the trace that called it, which counts as a whole
            blocked = row.status == "refused" and row.code.startswith("guard")
            hollow = empty(row)
            return _ended(row, good=not (row.status == "failed" or blocked or hollow), part="empty" if hollow else "")
        case "answered":
            return _ended(row, good=row.status == "ok" and not empty(row))
        case "abandonment":
            return Event(good=row.status != "cancelled", part="" if row.status != "cancelled" else "abandoned")
        case "cost":
            return None if row.cost is None else _numbered(table, float(row.cost))
        case "latency":
            seconds = (
                _span_seconds(whole, table.latency) if table.latency in OF_SPANS else seconds_of(row, table.latency)
            )
            return None if seconds is None else _numbered(table, seconds, part="slow")
        case _:
            return None


def of_score(table: Measured, score: Score) -> Event | None:
    """Return what a score is to an objective; None when it has no number."""
    number = number_of(score)
    if table.source not in ("", score.source) or score.metadata.get("shadow"):
        return None
    if number is None or (table.environment and score.environment != table.environment):
        return None
    if table.how == "nps":
        part = "promoter" if number >= 9 else "detractor" if number <= 6 else "passive"
        return Event(good=number >= 9, number=number, part=part)
    return _numbered(table, number, part="evaluation")


def regenerations(
    table: Measured, rows: Iterable[TraceRow], again: Container[tuple[str, str]]
) -> list[tuple[TraceRow, Event]]:
    """Return every trace as an event: good unless it is, by tenant and id, among those asked for again."""
    found = []
    for row in rows:
        if meant(table, row):
            good = (row.tenant, row.id) not in again
            found.append((row, Event(good=good, part="" if good else "evaluation")))
    return found


def meant(table: Measured, row: TraceRow) -> bool:
    """Whether a trace is one that the objective is about; what Rowen asked for its own ends is not, unless its feature is named."""
    return (
        not row.shadow  # nobody has seen its answer, so nothing was promised of it
        and table.model in ("", row.model)
        and (table.feature == row.feature if table.feature else row.users)
        and table.environment in ("", row.environment)
        and not (isinstance(table, SlaTable) and table.tenant and table.tenant != row.tenant)
    )


def _ended(row: TraceRow, *, good: bool, part: str = "") -> Event:
    if good:
        return Event(good=True, part="recovered" if row.status == "ok" and row.attempts > 1 else "")
    return Event(good=False, part=part or error_class(row))


def _numbered(table: Measured, number: float, part: str = "") -> Event:
    least = table.at_least
    if least is None and table.at_most is None and table.within is None:
        least = table.kind.least
    good = bounded(number, within=table.within, least=least, most=table.at_most)
    return Event(good=good, number=number, part="" if good else part)


_SPAN_NAMES = {"retrieval": ("retriev",), "guard": ("guard",), "tool": ("execute_tool", "tool")}


def _span_seconds(whole: Trace | None, latency: str) -> float | None:
    """Return the time that spans of a kind took; for the gateway, what is left when providers are taken away."""
    if whole is None or not whole.spans:
        return None
    root, *rest = whole.spans
    if latency == "gateway_overhead":
        if whole.row.origin != "call":
            return None
        waited = _covered([(span.started_ns, span.ended_ns) for span in rest if span.kind == "client"])
        return max(0, root.ended_ns - root.started_ns - waited) / 1e9
    names = _SPAN_NAMES[latency]
    found = [(span.started_ns, span.ended_ns) for span in rest if span.name.startswith(names)]
    return _covered(found) / 1e9 if found else None


def _covered(stretches: Iterable[tuple[int, int]]) -> int:
    """Return the nanoseconds that stretches cover together, what overlaps once."""
    total, reached = 0, 0
    for begins, ends in sorted(stretches):
        total += max(0, ends - max(begins, reached))
        reached = max(reached, ends)
    return total
