"""When an error budget burns too fast: several windows, several rates.

The SRE Workbook (Beyer et al. 2018, chapter 5, "Multiwindow, Multi-Burn-Rate Alerts"): page when 2 % of a 30-day budget
went in an hour or 5 % in six, open a ticket when 10 % went in a day or in three; each only while a window of a twelfth
of the length says that it still goes on.

The comparison is done in the same floating-point steps as the generated Prometheus rules do it, so that both decide
alike at the very edge.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from operator import attrgetter
from typing import Literal

from rowen.store.base import Cell
from rowen.values import Value
from rowen.values.interval import wilson
from rowen.watch.base import WatchTable
from rowen.watch.budget import Correct
from rowen.watch.window import MINUTE_NS

Severity = Literal["page", "ticket"]

_HOUR_NS = 60 * MINUTE_NS
_RULES: tuple[tuple[Severity, float, int, int], ...] = (
    ("page", 0.02, _HOUR_NS, 5 * MINUTE_NS),
    ("page", 0.05, 6 * _HOUR_NS, 30 * MINUTE_NS),
    ("ticket", 0.10, 24 * _HOUR_NS, 2 * _HOUR_NS),
    ("ticket", 0.10, 72 * _HOUR_NS, 6 * _HOUR_NS),
)
LONGEST_NS = 72 * _HOUR_NS


class BurnRule(Value, frozen=True, kw_only=True):
    """Fires when bad events come faster than `factor` times what the target allows, in both windows."""

    severity: Severity
    share: float
    """The part of the budget that goes in the long window at this rate."""
    long_ns: int
    short_ns: int
    factor: float


class Burning(Value, frozen=True, kw_only=True):
    """A rule that fires, and what it saw."""

    rule: BurnRule
    bad: int
    total: int
    rate: float
    """How many times faster than allowed, over the long window."""
    low: float | None = None
    """The lower end of the interval of the bad share, where it decided."""


def rules_of(table: WatchTable) -> tuple[BurnRule, ...]:
    """Return the rules of an objective.

    A rate below 1 would alert within the budget, and one that needs more than every event to be bad can never fire:
    neither is a rule.
    """
    allowed = allowed_of(table)
    if allowed is None:
        return ()
    period = table.over.usual_seconds * 1e9
    found = []
    for severity, part, long_ns, short_ns in _RULES:
        factor = round(part * period / long_ns, 6)
        if factor >= 1 and factor * allowed < 1:
            found.append(BurnRule(severity=severity, share=part, long_ns=long_ns, short_ns=short_ns, factor=factor))
    return tuple(found)


def allowed_of(table: WatchTable) -> float | None:
    """Return the share of bad events that the target allows, as the rules write it; None where it allows none."""
    found = table.allowed
    return float(found[0]) if found is not None and found[0] > 0 else None


class Tail:
    """The last cells of one objective, summed so that any window is two look-ups."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        ordered = sorted(cells, key=attrgetter("start_ns"))
        self._starts = [cell.start_ns for cell in ordered]
        self._good = [0, *accumulate(map(attrgetter("good"), ordered))]
        self._total = [0, *accumulate(map(attrgetter("total"), ordered))]

    def window(self, until_ns: int, length_ns: int) -> tuple[int, int]:
        """Return good and total of the cells that begin in the window before a moment."""
        first, last = bisect_left(self._starts, until_ns - length_ns), bisect_left(self._starts, until_ns)
        return self._good[last] - self._good[first], self._total[last] - self._total[first]


def burning(table: WatchTable, tail: Tail, until_ns: int, judge: Correct | None = None) -> list[Burning]:
    """Return the rules that fire at a moment, a whole minute.

    An objective over judged scores fires only when the interval of the long window excludes the target as well. With
    fewer than `minimum` events in the long window nothing fires.
    """
    allowed = allowed_of(table)
    if allowed is None:
        return []
    found = []
    for rule in rules_of(table):
        good, total = tail.window(until_ns, rule.long_ns)
        near_good, near_total = tail.window(until_ns, rule.short_ns)
        if not total or not near_total or total < table.minimum:
            continue
        bad, threshold = total - good, rule.factor * allowed
        if not (bad / total > threshold and (near_total - near_good) / near_total > threshold):
            continue
        low = None
        if table.doubtful:
            estimate = (None if judge is None else judge(good, total)) or wilson(good, total)
            low = 1 - estimate.high
            if low <= allowed:
                continue
        found.append(Burning(rule=rule, bad=bad, total=total, rate=bad / total / allowed, low=low))
    return found
