"""What days cost: the sums that a row of a trace is added to and taken from, one for each thing that it is asked by."""

from collections.abc import Iterable
from decimal import Decimal
from operator import attrgetter

from rowen.store.base import DAY_NS, CostBy, DayCost
from rowen.values import TraceRow

KEPT: tuple[CostBy, ...] = (
    "", "key", "user", "feature", "model", "provider", "deployment", "definition", "release", "environment", "purpose",
)  # fmt: skip
"""What sums are kept by. Each bears its tenant and app, so by these they are the sums by nothing."""

Place = tuple[str, str, int, str, str]
"""Tenant, by what, the day, app, and the name within what they are kept by."""

_ATTO = Decimal(10) ** 18
MOST_USD = Decimal(100_000)
MOST_TOKENS = 10**12
_names = attrgetter(*KEPT[1:])


class DaySum:
    """What is added up for one place. Money is whole attodollars (1e-18 USD), which no price is finer than.

    Of one trace at most 100,000 USD and 1e12 tokens are counted: what claims more is wrong, and no sum overflows by it.
    """

    __slots__ = ("cached", "calls", "cost", "failed", "input_tokens", "output_tokens", "unpriced", "waste")

    def __init__(self) -> None:
        self.calls = self.failed = self.cached = self.input_tokens = self.output_tokens = self.unpriced = 0
        self.cost = self.waste = 0

    @property
    def some(self) -> bool:
        """Whether it changes anything."""
        return bool(
            self.calls
            or self.cost
            or self.waste
            or self.input_tokens
            or self.output_tokens
            or self.failed
            or self.cached
            or self.unpriced
        )

    def count(self, row: TraceRow, sign: int = 1) -> None:
        """Add a row, or take it away with `sign=-1`."""
        self.calls += sign
        if row.status == "failed":
            self.failed += sign
        if row.source == "cache":
            self.cached += sign
        self.input_tokens += sign * min(row.input_tokens, MOST_TOKENS)
        self.output_tokens += sign * min(row.output_tokens, MOST_TOKENS)
        if row.cost is None:
            self.unpriced += sign
        elif row.cost:
            self.cost += sign * _atto(row.cost)
        if row.waste:
            self.waste += sign * _atto(row.waste)

    def take(self, other: "DaySum") -> None:
        """Add other sums to these."""
        self.calls += other.calls
        self.failed += other.failed
        self.cached += other.cached
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.unpriced += other.unpriced
        self.cost += other.cost
        self.waste += other.waste

    def told(self, start_ns: int, group: str) -> DayCost:
        """Return the sums as a value."""
        return DayCost(
            start_ns=start_ns,
            group=group,
            calls=self.calls,
            failed=self.failed,
            cached=self.cached,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            unpriced=self.unpriced,
            cost=dollars(self.cost),
            waste=dollars(self.waste),
        )


def dollars(atto: int) -> Decimal:
    """Return attodollars as dollars, without idle noughts."""
    found = (atto / _ATTO).normalize()
    return found.quantize(Decimal(1)) if found == found.to_integral_value() else found


def changes(rows: Iterable[tuple[TraceRow, int]]) -> dict[Place, DaySum]:
    """Return what rows that came (sign 1) and went (-1) change, by place, in the order of the places."""
    # Calls that came together have most of their names in common, so they are counted once and then added eleven times.
    alike: dict[tuple[str, int, str, tuple[str, ...]], DaySum] = {}
    for row, sign in rows:
        what = (row.tenant, row.started_ns // DAY_NS * DAY_NS, row.app, _names(row))
        kept = alike.get(what)
        if kept is None:
            kept = alike[what] = DaySum()
        kept.count(row, sign)
    found: dict[Place, DaySum] = {}
    for (tenant, day, app, names), some in alike.items():
        for by, name in zip(KEPT, ("", *names), strict=True):
            place = (tenant, by, day, app, name)
            kept = found.get(place)
            if kept is None:
                kept = found[place] = DaySum()
            kept.take(some)
    return {place: found[place] for place in sorted(found) if found[place].some}


def whole_days(since_ns: int, until_ns: int) -> tuple[int, int]:
    """Return a window widened to whole days."""
    return since_ns // DAY_NS * DAY_NS, -(-until_ns // DAY_NS) * DAY_NS


def group_of(by: CostBy) -> tuple[str, str]:
    """Return by what the sums are kept that answer a question, and the column that tells its groups apart."""
    return ("", by) if by in {"tenant", "app"} else (by, "name")


def _atto(cost: Decimal) -> int:
    return int((max(-MOST_USD, min(cost, MOST_USD)) * _ATTO).to_integral_value()) if cost.is_finite() else 0
