"""Questions to tables in SQL: what a query may do, what it is made of, and a database of exactly the tables it is asked of."""

from rowen.store.tables.opened import Answered, Bounds, Opened
from rowen.store.tables.query import Condition, Measure, Query, Sort
from rowen.store.tables.written import places, written

__all__ = ["Answered", "Bounds", "Condition", "Measure", "Opened", "Query", "Sort", "places", "written"]
