"""Budgets that warn: at shares of an amount, and when the forecast passes it before the window ends.

A budget here only tells. What refuses calls is the `budget` of `[limits]`.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

from rowen.insight.calendar import DAY_NS, WEEK_NS, day_of, month_of, named, next_month
from rowen.insight.forecast import Forecast, forecast
from rowen.insight.ledger import Asked, Entry, Ledger
from rowen.store.base import Record, Records
from rowen.store.shelf import Shelf
from rowen.values import Mistaken, Value
from rowen.values.interval import Interval
from rowen.watch.finding import Finding

BudgetBy = Literal["", "app", "key", "user", "feature", "model", "provider"]

_HISTORY_NS = 8 * WEEK_NS
_FEWEST_DAYS = 3
"""With fewer nothing is said of a month: the first day of a new app is no sign of what the others will cost."""


class Budget(Value, frozen=True, kw_only=True):
    """How much may be spent, by whom, in a day or month."""

    id: str
    tenant: str = "default"
    name: str = ""
    by: BudgetBy = ""
    """What it is for; empty for all of the tenant."""
    of: str = ""
    """Which app, key, user, feature, model or provider."""
    amount: Decimal
    """US dollars."""
    window: Literal["day", "month"] = "month"
    thresholds: tuple[float, ...] = (0.5, 0.8, 1.0)
    forecast: bool = True
    """Whether to warn when the forecast passes the amount."""
    created_ns: int = 0


class Standing(Value, frozen=True, kw_only=True):
    """How a budget stands now."""

    budget: Budget
    start_ns: int
    end_ns: int
    spent: Decimal
    share: float
    unpriced: int = 0
    """Calls in it whose cost is unknown, so that more may have been spent."""
    expected: Interval | None = None
    """What will have been spent when the window ends; None for a day."""
    mape: float | None = None
    findings: tuple[Finding, ...] = ()
    """What there is to tell: the highest share that is reached, and that the forecast passes the amount."""
    holding: tuple[str, ...] = ()
    """Keys of what is true of the window, also where something graver is told in its place."""


class Budgets:
    """Keeps budgets and says how they stand."""

    def __init__(self, records: Records, ledger: Ledger) -> None:
        self._shelf = Shelf(records, "cost_budget", Budget, _described)
        self._ledger = ledger

    async def put(self, budget: Budget) -> None:
        """Keep a budget.

        Raises:
            Mistaken: `field_invalid` for an amount or thresholds that are none.

        """
        if not budget.amount.is_finite() or budget.amount <= 0:
            raise Mistaken("field_invalid", "a budget is more than nothing", place="amount")
        if not budget.thresholds or any(not 0 < share <= 10 for share in budget.thresholds):
            raise Mistaken("field_invalid", "thresholds are shares such as 0.8", place="thresholds")
        if bool(budget.by) != bool(budget.of):
            raise Mistaken("field_invalid", "`by` says what the budget is for, `of` says which: give both", place="of")
        await self._shelf.put(budget)

    async def all(self, tenant: str | None) -> list[Budget]:
        """Return the budgets, the newest first."""
        return await self._shelf.find(tenant=tenant)

    async def get(self, id: str, tenant: str | None) -> Budget | None:
        """Return one budget."""
        return await self._shelf.get(id, tenant)

    async def delete(self, id: str, tenant: str | None) -> bool:
        """Remove a budget; return whether it was there."""
        return await self._shelf.delete(id, tenant)

    async def standing(self, budget: Budget, now_ns: int) -> Standing:
        """Return how a budget stands at a moment."""
        start = day_of(now_ns) if budget.window == "day" else month_of(now_ns)
        since = min(start, day_of(now_ns) - _HISTORY_NS)
        entries = await self._ledger.entries(
            Asked(
                since_ns=since,
                until_ns=day_of(now_ns) + DAY_NS,  # whole days are kept as sums
                tenant=budget.tenant,
                by=budget.by,
                names=(budget.of,) if budget.by else None,
            )
        )
        return stands(budget, entries, now_ns)


def stands(budget: Budget, days: Sequence[Entry], now_ns: int) -> Standing:
    """Return how a budget stands, from its costs by day: those of the window, and of weeks before for the forecast."""
    monthly = budget.window == "month"
    start = month_of(now_ns) if monthly else day_of(now_ns)
    end = next_month(now_ns) if monthly else start + DAY_NS
    within = [one for one in days if start <= one.start_ns <= now_ns]
    spent = sum((one.cost for one in within), Decimal(0))
    found = Standing(
        budget=budget,
        start_ns=start,
        end_ns=end,
        spent=spent,
        share=float(spent / budget.amount),
        unpriced=sum(one.unpriced for one in within),
    )
    told = [_reached(found, now_ns)]
    if monthly and budget.forecast:
        expected = _expected(days, start, end, now_ns)
        if expected is not None:
            found = found.but(expected=expected.total, mape=expected.mape)
            told.append(_will_pass(found, now_ns))
    return found.but(findings=tuple(one for one in told if one is not None), holding=_holding(found))


def _holding(standing: Standing) -> tuple[str, ...]:
    """Return the keys of what still stands: of every share that is reached, and of a forecast that may yet come true.

    A forecast is taken back only when the whole of its interval is within the budget, and not when it came true.
    """
    budget, expected = standing.budget, standing.expected
    keys = [_key(standing, share) for share in _passed(standing)]
    if standing.spent >= budget.amount or (expected is not None and expected.high > float(budget.amount)):
        keys.append(f"forecast:{budget.id}:{named(standing.start_ns)}")
    return tuple(keys)


def _passed(standing: Standing) -> list[float]:
    budget = standing.budget
    return [share for share in budget.thresholds if standing.spent >= budget.amount * Decimal(str(share))]


def _key(standing: Standing, share: float) -> str:
    return f"budget:{standing.budget.id}:{named(standing.start_ns)}:{share:g}"


def _reached(standing: Standing, now_ns: int) -> Finding | None:
    budget = standing.budget
    passed = _passed(standing)
    if not passed:
        return None
    most = max(passed)
    return Finding(
        kind="budget",
        key=_key(standing, most),
        tenant=budget.tenant,
        app=budget.of if budget.by == "app" else "",
        severity="critical" if most >= 1 else "warning",
        title=f"{_name(budget)} has spent {standing.share:.0%} of {budget.amount:f} USD a {budget.window}",
        at_ns=now_ns,
        ends_ns=standing.end_ns,
        facts={
            "spent": f"{standing.spent:f}",
            "amount": f"{budget.amount:f}",
            "unpriced_calls": f"{standing.unpriced}",
        },
    )


def _will_pass(standing: Standing, now_ns: int) -> Finding | None:
    budget, expected = standing.budget, standing.expected
    if expected is None or expected.value is None or standing.spent >= budget.amount:
        return None
    if Decimal(str(expected.value)) <= budget.amount:
        return None
    return Finding(
        kind="forecast",
        key=f"forecast:{budget.id}:{named(standing.start_ns)}",
        tenant=budget.tenant,
        app=budget.of if budget.by == "app" else "",
        severity="warning",
        title=f"{_name(budget)} will have spent {expected.value:.2f} of {budget.amount:f} USD when the month ends",
        at_ns=now_ns,
        ends_ns=standing.end_ns,
        facts={
            "spent": f"{standing.spent:f}",
            "expected": f"{expected.value:.2f}",
            "interval": f"{expected.low:.2f} to {expected.high:.2f}",
            "amount": f"{budget.amount:f}",
        },
    )


def _expected(days: Sequence[Entry], start: int, end: int, now_ns: int) -> Forecast | None:
    """Return what the month will cost in all: what was spent before today, today, and the days to come."""
    today = day_of(now_ns)
    by_day = {one.start_ns: float(one.cost) for one in days}
    earlier = [day for day in by_day if day < today]
    if not earlier:
        return None
    history = [by_day.get(day, 0.0) for day in range(min(earlier), today, DAY_NS)]
    if len(history) < _FEWEST_DAYS:
        return None
    ahead = forecast(history, (end - today) // DAY_NS)
    spent = sum(cost for day, cost in by_day.items() if start <= day < today)
    so_far = by_day.get(today, 0.0)
    # Today is at least what it has cost already, and grows on as its hours go by.
    left = (today + DAY_NS - now_ns) / DAY_NS
    first = so_far + ahead.values[0] * left if ahead.values else so_far
    moved = spent + first - (ahead.values[0] if ahead.values else 0.0)
    total = ahead.total
    return ahead.but(
        total=total.but(
            value=(total.value or 0.0) + moved,
            low=max(spent + so_far, total.low + moved),
            high=total.high + moved,
        )
    )


def _name(budget: Budget) -> str:
    return budget.name or (f"{budget.by} {budget.of}" if budget.by else f"tenant {budget.tenant}")


def _described(budget: Budget) -> Record:
    return Record(kind="", id=budget.id, tenant=budget.tenant, at_ns=budget.created_ns)
