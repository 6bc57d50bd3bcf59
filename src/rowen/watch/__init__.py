"""Is it still good: objectives and their error budgets, alerts, incidents."""

from rowen.watch.base import GOALS, KpiTable, Measured, Objectives, SlaTable, WatchTable
from rowen.watch.lint import Flaw, lint
from rowen.watch.written import TABLES, objectives_of

__all__ = [
    "GOALS",
    "TABLES",
    "Flaw",
    "KpiTable",
    "Measured",
    "Objectives",
    "SlaTable",
    "WatchTable",
    "lint",
    "objectives_of",
]
