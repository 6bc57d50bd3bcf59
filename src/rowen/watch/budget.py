"""How an objective stands: its figure with interval, its error budget, and how that went down."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from math import fsum
from typing import Literal

from rowen.store.base import Cell
from rowen.values import Value
from rowen.values.interval import Interval, mean_of_sums, wilson, z_at
from rowen.watch.base import Measured, WatchTable
from rowen.watch.bound import Bound
from rowen.watch.peak import REST
from rowen.watch.window import MINUTE_NS

Correct = Callable[[int, int], Interval | None]
"""Gives the share of good ones behind the `good` of `n` that an erring judge saw, its own error in the interval; None
where the judge was never measured. It is handed in by whoever keeps the labels."""

State = Literal["none", "unstated", "few", "ok", "unsure", "breached"]
"""No data, no target, too few events, met, missed but for the interval, missed."""


class Spent(Value, frozen=True, kw_only=True):
    """What one class of errors took of the budget."""

    part: str
    bad: int
    share: float | None = None
    """Of the whole budget; None where there is none."""
    budget: float | None = None
    """The part of the budget that this class was given."""
    over: bool = False
    """Whether it took more than that."""


class Standing(Value, frozen=True, kw_only=True):
    """How an objective stands over one window."""

    state: State
    begins_ns: int
    ends_ns: int
    good: int = 0
    total: int = 0
    """Events, or slices."""
    figure: float | None = None
    estimate: Interval | None = None
    stated: str = ""
    """The target as people write it."""
    allowed: float | None = None
    """Bad events that the target allows for as many events as there were."""
    remaining: float | None = None
    """The part of the error budget that is left; below 0 when it is overdrawn."""
    spent: tuple[Spent, ...] = ()
    recovered: int = 0
    """Events that were saved by a retry or a fallback: good, and still told."""


def standing(table: Measured, cells: Sequence[Cell], span: tuple[int, int], judge: Correct | None = None) -> Standing:
    """Return how an objective stands by the cells of a window.

    Args:
        table: the objective.
        cells: its cells; those outside of the window are left out.
        span: where the window begins and ends, in nanoseconds.
        judge: how the judge of its score errs, where that was measured.

    """
    begins, ends = span
    inside = [cell for cell in cells if begins <= cell.start_ns < ends]
    stated = table.bound
    found = Standing(state="none", begins_ns=begins, ends_ns=ends, stated="" if stated is None else str(stated))
    if table.how == "share":
        return _of_share(table, inside, found, judge)
    return _of_figure(table, inside, found)


def slices(cells: Iterable[Cell], length_ns: int, target: float) -> tuple[int, int]:
    """Return how many stretches of time were good, and in how many of them there was anything at all."""
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for cell in cells:
        both = sums[cell.start_ns // length_ns]
        both[0] += cell.good
        both[1] += cell.total
    filled = [(good, total) for good, total in sums.values() if total]
    needed = Fraction(str(target))
    return sum(1 for good, total in filled if Fraction(good, total) >= needed), len(filled)


def counts(table: Measured, cells: Iterable[Cell]) -> tuple[int, int]:
    """Return good and total of an objective: events, or slices."""
    if table.method == "slices":
        return slices(cells, round(table.slice * 1e9), table.slice_target)
    good = total = 0
    for cell in cells:
        good += cell.good
        total += cell.total
    return good, total


def burn_down(
    table: Measured, cells: Sequence[Cell], span: tuple[int, int], points: int = 60
) -> list[tuple[int, float]]:
    """Return what was left of the budget at points of the window: (moment, part left), from 1 down.

    The budget is that of all events of the window, so the line ends where `standing` says.
    """
    allowed = table.allowed
    begins, ends = span
    inside = [cell for cell in cells if begins <= cell.start_ns < ends]
    _, total = counts(table, inside)
    if allowed is None or not allowed[0] or not total:
        return []
    whole = allowed[0] * total
    step = max(MINUTE_NS, (ends - begins) // points)
    ordered = sorted(inside, key=lambda cell: cell.start_ns)
    found, at, taken = [(begins, 1.0)], 0, list[Cell]()
    for moment in range(begins + step, ends + step, step):
        while at < len(ordered) and ordered[at].start_ns < moment:
            taken.append(ordered[at])
            at += 1
        good, so_far = counts(table, taken)
        found.append((min(moment, ends), float(1 - (so_far - good) / whole)))
    return found


def _of_share(table: Measured, cells: list[Cell], found: Standing, judge: Correct | None) -> Standing:
    good, total = counts(table, cells)
    recovered = sum(cell.good for cell in cells if cell.part == "recovered")
    if not total:
        return found
    seen = wilson(good, total)
    estimate = (None if judge is None else judge(good, total)) or seen
    assert estimate.value is not None
    stated = table.bound
    counted = found.but(good=good, total=total, estimate=estimate, recovered=recovered)
    allowed = table.allowed
    if stated is None or allowed is None:
        return counted.but(state="unstated", figure=estimate.value)
    part, strict = allowed
    bad_share = 1 - (Fraction(good, total) if estimate is seen else Fraction(estimate.value))
    met = bad_share < part or (bad_share == part and not strict)
    figure = float(1 - bad_share) if stated.floor else float(bad_share)
    if not stated.floor:
        estimate = estimate.but(value=figure, low=1 - estimate.high, high=1 - estimate.low)
    state: State = "ok" if met else "breached"
    doubtful = isinstance(table, WatchTable) and table.doubtful
    if not met and doubtful and estimate.low <= stated.value <= estimate.high:
        state = "unsure"
    if total < table.minimum:
        state = "few"
    return counted.but(
        state=state,
        figure=figure,
        estimate=estimate,
        allowed=float(part * total),
        remaining=float(1 - bad_share / part) if part else (1.0 if good == total else -1.0),
        spent=_spent(table, cells, float(part * total)),
    )


def _spent(table: Measured, cells: list[Cell], allowed: float) -> tuple[Spent, ...]:
    """Return the bad events by class, the most first; a class that took more than its part of the budget is marked."""
    bad: dict[str, int] = defaultdict(int)
    for cell in cells:
        if cell.total > cell.good:
            bad[cell.part] += cell.total - cell.good
    given = table.budgets if isinstance(table, WatchTable) else {}
    for part in given:
        bad.setdefault(part, 0)
    return tuple(
        Spent(
            part=part,
            bad=number,
            share=number / allowed if allowed else None,
            budget=given.get(part),
            over=part in given and number > given[part] * allowed,
        )
        for part, number in sorted(bad.items(), key=lambda pair: (-pair[1], pair[0]))
    )


def _of_figure(table: Measured, cells: list[Cell], found: Standing) -> Standing:
    total = sum(cell.total for cell in cells)
    if not total:
        return found
    estimate = _estimate(table, cells, total)
    stated = table.bound
    counted = found.but(good=sum(cell.good for cell in cells), total=total, figure=estimate.value, estimate=estimate)
    if stated is None:
        return counted.but(state="unstated")
    return counted.but(state="few" if total < table.minimum else _held(table, stated, estimate))


def _held(table: Measured, stated: Bound, estimate: Interval) -> State:
    if stated.holds(Decimal(repr(estimate.value))):
        return "ok"
    doubtful = isinstance(table, WatchTable) and table.doubtful
    return "unsure" if doubtful and estimate.low <= stated.value <= estimate.high else "breached"


def _estimate(table: Measured, cells: list[Cell], total: int) -> Interval:
    match table.how:
        case "nps":
            return nps(
                sum(cell.total for cell in cells if cell.part == "promoter"),
                sum(cell.total for cell in cells if cell.part == "detractor"),
                total,
            )
        case "peak":
            by_minute: dict[int, int] = defaultdict(int)
            for cell in cells:
                if cell.part != REST:
                    by_minute[cell.start_ns] += cell.total
            peak = max(by_minute.values()) / 60
            return _certain(peak, total)
        case "value":
            last = max(cell.start_ns for cell in cells)
            latest = [cell for cell in cells if cell.start_ns == last and cell.total]
            value = sum(cell.sum for cell in latest) / max(1, sum(cell.total for cell in latest))
            return _certain(value, total)
        case _:
            return mean_of_sums(total, fsum(cell.sum for cell in cells), fsum(cell.squares for cell in cells))


def _certain(value: float, n: int) -> Interval:
    """Return a figure that was counted, not estimated."""
    return Interval(value=value, low=value, high=value, n=n, method="normal")


def nps(promoters: int, detractors: int, n: int, *, level: float = 0.95) -> Interval:
    """Return the net promoter score, -100 to 100, with its normal interval (each answer counts +1, 0 or -1)."""
    p, d = promoters / n, detractors / n
    half = z_at(level) * (max(0.0, p + d - (p - d) ** 2) / n) ** 0.5
    value = (p - d) * 100
    return Interval(value=value, low=value - half * 100, high=value + half * 100, n=n, level=level, method="normal")
