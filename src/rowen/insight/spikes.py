"""Anomalies of cost as findings, each with what drove it."""

from collections.abc import Mapping, Sequence

from rowen.insight.anomaly import Anomaly, anomalies
from rowen.insight.calendar import DAY_NS, HOUR_NS, WEEK_NS, day_of, stretch_of
from rowen.insight.ledger import Asked, Dimension, Entry, Ledger
from rowen.values import at
from rowen.watch.finding import Finding

_WEEKS = 8
_DRIVERS: tuple[Dimension, ...] = ("app", "model", "feature", "key", "user")


async def spikes(
    ledger: Ledger, tenant: str | None, *, since_ns: int, now_ns: int, app: str = "", least: float = 0.5
) -> list[Finding]:
    """Return the whole hours and days since a moment whose cost is an anomaly, with the drivers of each.

    Args:
        ledger: what was spent.
        tenant: whose costs; None for all together.
        since_ns: from when on.
        now_ns: the time; an hour or day that is not over is not judged.
        app: one app only.
        least: a difference of fewer dollars is never an anomaly.

    """
    found = []
    for every, length, season in (("hour", HOUR_NS, 168), ("day", DAY_NS, 7)):
        end = now_ns // length * length
        start = max(0, min(since_ns, end - length) - (2 * _WEEKS) * WEEK_NS) // length * length
        entries = await ledger.entries(
            Asked(since_ns=start, until_ns=end, tenant=tenant, app=app, every="hour" if every == "hour" else "day")
        )
        history, first = series(entries, start, end, length)
        last = sum(1 for index in range(len(history)) if first + index * length >= since_ns)
        for one in anomalies(history, season=season, last=last, least=least):
            begins = first + one.index * length
            asked = Asked(since_ns=begins, until_ns=begins + length, tenant=tenant, app=app)
            drivers = await _drivers(ledger, asked)
            first_driver = max(drivers.items(), key=lambda each: each[1][1], default=None)
            examples = await ledger.dearest(
                asked, *((first_driver[0], first_driver[1][0]) if first_driver else ("", ""))
            )
            found.append(_finding(one, every, asked, drivers, examples))
    return found


def series(entries: Sequence[Entry], start: int, end: int, length: int) -> tuple[list[float], int]:
    """Return the costs without gaps, and when they begin: at the first cost, since nothing was usual before it."""
    by_start: dict[int, float] = {}
    for one in entries:
        begins = stretch_of(one.start_ns, "hour") if length == HOUR_NS else day_of(one.start_ns)
        by_start[begins] = by_start.get(begins, 0.0) + float(one.cost)
    if not by_start:
        return [], start
    first = min(by_start)
    return [by_start.get(begins, 0.0) for begins in range(first, end, length)], first


async def _drivers(ledger: Ledger, asked: Asked) -> dict[Dimension, tuple[str, float]]:
    """Return, by dimension, whose cost is furthest above what it was in the same stretch of the weeks before."""
    told: dict[Dimension, tuple[str, float]] = {}
    for by in _DRIVERS:
        now = await _by_group(ledger, asked.but(by=by))
        before: dict[str, float] = {}
        for week in range(1, 5):
            since = asked.since_ns - week * WEEK_NS
            if since < 0:
                continue
            then = asked.but(since_ns=since, until_ns=asked.until_ns - week * WEEK_NS, by=by)
            for group, cost in (await _by_group(ledger, then)).items():
                before[group] = before.get(group, 0.0) + cost / 4
        more = {group: cost - before.get(group, 0.0) for group, cost in now.items() if group}
        if more:
            name = max(more, key=lambda group: more[group])
            told[by] = (name, more[name])
    return told


async def _by_group(ledger: Ledger, asked: Asked) -> Mapping[str, float]:
    return {one.group: float(one.cost) for one in await ledger.entries(asked.but(every="all"))}


def _finding(
    one: Anomaly,
    every: str,
    asked: Asked,
    drivers: Mapping[Dimension, tuple[str, float]],
    examples: tuple[str, ...],
) -> Finding:
    begins, length = asked.since_ns, asked.until_ns - asked.since_ns
    when = at(begins).strftime("%Y-%m-%d %H:%M" if every == "hour" else "%Y-%m-%d")
    what = "more" if one.direction == "up" else "less"
    return Finding(
        kind="anomaly",
        key=f"anomaly:{asked.tenant or ''}:{asked.app}:{every}:{begins}",
        tenant=asked.tenant or "",
        app=asked.app,
        severity="warning" if one.direction == "up" else "info",
        title=f"The {every} of {when} cost {one.value:.2f} USD, {what} than the usual {one.low:.2f} to {one.high:.2f}",
        at_ns=begins,
        ends_ns=begins + 2 * length,  # when the hour or day after it is over, which says whether it goes on
        facts={
            "value": f"{one.value:.4f}",
            "expected": f"{one.expected:.4f}",
            "z": f"{one.z:.1f}",
            **{by: f"{name} {more:+.2f} USD" for by, (name, more) in drivers.items()},
        },
        examples=examples,
    )
