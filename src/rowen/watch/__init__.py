"""Is it still good: objectives and their error budgets, alerts, incidents."""

from rowen.watch.base import KpiTable, Objectives, SlaTable, WatchTable
from rowen.watch.lint import lint
from rowen.watch.written import objectives_of

__all__ = [
    "KpiTable",
    "Objectives",
    "SlaTable",
    "WatchTable",
    "lint",
    "objectives_of",
]
