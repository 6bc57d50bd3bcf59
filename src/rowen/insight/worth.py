"""What the money was good for: wanted outcomes for each dollar, with an interval, and what is not known about it."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from rowen.insight import figures
from rowen.values import Score, TraceRow, Value
from rowen.values.interval import Interval, wilson

_FEW_ANSWERED = 0.2
"""A share of calls judged below which those who judge may not be like the others."""
_ENOUGH = 30


class Worth(Value, frozen=True, kw_only=True):
    """Outcomes and their cost, for one group of calls."""

    group: str = ""
    calls: int = 0
    judged: int = 0
    """Calls with a judgement and a known cost; the ratios are theirs."""
    good: int = 0
    rate: Interval
    """Share of the judged calls with the outcome."""
    per_dollar: Interval
    """Outcomes for each US dollar, over the judged calls."""
    cost: Decimal = Decimal(0)
    """Of all calls whose cost is known."""
    unpriced: int = 0
    warning: str = ""


def worth(rows: Iterable[TraceRow], scores: Sequence[Score], *, by: str = "", good_from: float = 0.5) -> list[Worth]:
    """Return the outcomes for each dollar by group, the best first.

    Args:
        rows: the calls.
        scores: judgements of them, of one name (`resolved`, `thumbs`); of several for a call the last one counts.
        by: a field of the row to group by.
        good_from: the number from which on an outcome is the wanted one.

    """
    last: dict[str, Score] = {}
    for score in sorted(scores, key=lambda one: (one.created_ns, one.id)):
        if score.number is not None and score.target == "trace":
            last[score.trace] = score
    groups: dict[str, list[TraceRow]] = {}
    for row in rows:
        groups.setdefault(str(getattr(row, by)) if by else "", []).append(row)
    found = [_of_group(group, theirs, last, good_from) for group, theirs in groups.items()]
    return sorted(found, key=lambda one: (-(one.per_dollar.value or 0.0), one.group))


def of_all(weighed: Mapping[str, Worth], all_: Mapping[str, tuple[int, Decimal, int]], newest: int) -> list[Worth]:
    """Return what the newest calls were worth, with how many there were in all and what those cost.

    Args:
        weighed: by group, of the newest calls.
        all_: of all calls, by group: how many, their cost, and how many have none that is known.
        newest: how many were weighed.

    """
    said = f"The ratios are those of the newest {newest:,} calls."
    found = []
    for group in {**weighed, **all_}:
        one = weighed.get(group) or _of_group(group, [], {}, 0.5)
        calls, cost, unpriced = all_.get(group, (one.calls, one.cost, one.unpriced))
        warning = f"{one.warning} {said}".strip()
        found.append(one.but(calls=calls, cost=cost, unpriced=unpriced, warning=warning))
    return sorted(found, key=lambda one: (-(one.per_dollar.value or 0.0), one.group))


def _of_group(group: str, rows: Sequence[TraceRow], last: Mapping[str, Score], good_from: float) -> Worth:
    wins: list[float] = []
    costs: list[float] = []
    for row in rows:
        score = last.get(row.id)
        if score is not None and score.number is not None and row.cost is not None:
            wins.append(float(score.number >= good_from))
            costs.append(float(row.cost))
    good = round(sum(wins))
    return Worth(
        group=group,
        calls=len(rows),
        judged=len(wins),
        good=good,
        rate=wilson(good, len(wins)),
        per_dollar=figures.ratio(wins, costs),
        cost=sum((row.cost for row in rows if row.cost is not None), Decimal(0)),
        unpriced=sum(row.cost is None for row in rows),
        warning=_warning(len(wins), len(rows)),
    )


def _warning(judged: int, calls: int) -> str:
    if judged < _ENOUGH:
        return f"Only {judged} calls were judged: the interval is all there is to rely on."
    if judged < _FEW_ANSWERED * calls:
        return f"Only {judged / calls:.0%} of the calls were judged: those who answer may not be like those who do not."
    return ""
