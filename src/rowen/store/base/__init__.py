"""What stays: one small async protocol per record family. Drivers implement them; stages know only these.

Ids and times are made above; a store writes what it is given. Every family is scoped by tenant where its records
belong to one. A store that cannot be written or read raises `Unavailable("store_unavailable")`; a damaged file raises
`Broken("store_corrupt")` when it is opened.
"""

from rowen.store.base.access import Audit, Definitions, Keys, Revision, Tenants
from rowen.store.base.cache import Cache, Cached
from rowen.store.base.costs import COST_BYS, CostBy, DayCost
from rowen.store.base.counters import Counters
from rowen.store.base.days import DAY_NS, Day
from rowen.store.base.filters import SpanFilter, TraceFilter
from rowen.store.base.measures import Cell, Measures
from rowen.store.base.records import Record, Records
from rowen.store.base.runs import Figures, Place, Runs
from rowen.store.base.scores import ScoreBucket, ScoreFilter, ScoreGroup, ScoreName, Scores
from rowen.store.base.store import Home, Store
from rowen.store.base.sums import Bucket, GroupBy, SpanBucket, SpanGroup
from rowen.store.base.traces import SPANS_WHOLE, Traces
from rowen.store.base.turns import Turn, Turns

__all__ = [
    "COST_BYS",
    "DAY_NS",
    "SPANS_WHOLE",
    "Audit",
    "Bucket",
    "Cache",
    "Cached",
    "Cell",
    "CostBy",
    "Counters",
    "Day",
    "DayCost",
    "Definitions",
    "Figures",
    "GroupBy",
    "Home",
    "Keys",
    "Measures",
    "Place",
    "Record",
    "Records",
    "Revision",
    "Runs",
    "ScoreBucket",
    "ScoreFilter",
    "ScoreGroup",
    "ScoreName",
    "Scores",
    "SpanBucket",
    "SpanFilter",
    "SpanGroup",
    "Store",
    "Tenants",
    "TraceFilter",
    "Traces",
    "Turn",
    "Turns",
]
