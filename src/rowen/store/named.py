"""Traces that were asked for by several ids."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from rowen.values import TraceRow

T = TypeVar("T")


def in_order(ids: Sequence[str], found: Iterable[tuple[TraceRow, T]]) -> list[tuple[TraceRow, T]]:
    """Return traces in the order of the ids, each once: of two tenants' the first, and what is not there left out."""
    by_id: dict[str, tuple[TraceRow, T]] = {}
    for row, rest in sorted(found, key=lambda pair: pair[0].tenant):
        by_id.setdefault(row.id, (row, rest))
    return [by_id[id] for id in dict.fromkeys(ids) if id in by_id]
