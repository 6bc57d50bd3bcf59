"""What happened overnight: alerts, objectives that became worse, what costs more, the errors that came most."""

from collections.abc import Awaitable, Callable, Sequence

from rowen.store.base import Cell, Store
from rowen.values import Value, at
from rowen.values.interval import Interval, mean_of_sums, newcombe
from rowen.watch.alert import Alert
from rowen.watch.base import Measured
from rowen.watch.budget import counts
from rowen.watch.engine import Watched
from rowen.watch.incident import Incident
from rowen.watch.window import DAY_NS

Look = Callable[[str, int, int], Awaitable[Sequence[str]]]
"""Looks at an app from one moment to another, and says what is worth telling, the most important first."""

BASE_NS = 7 * DAY_NS
"""A night is held against the week before it."""


class Digest(Value, frozen=True, kw_only=True):
    """What to look at in the morning, most urgent first."""

    app: str
    since_ns: int
    until_ns: int
    alerts: tuple[str, ...] = ()
    incidents: tuple[str, ...] = ()
    regressions: tuple[str, ...] = ()
    costs: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    overdue: tuple[str, ...] = ()
    """Action items of incidents whose day has passed."""

    @property
    def quiet(self) -> bool:
        """Whether there is nothing to look at."""
        return not any((self.alerts, self.incidents, self.regressions, self.costs, self.errors, self.overdue))

    def text(self) -> str:
        """Return it as a page for people."""
        lines = [f"# {self.app}: {at(self.since_ns):%Y-%m-%d %H:%M} to {at(self.until_ns):%Y-%m-%d %H:%M} UTC", ""]
        for title, items in (
            ("Alerts", self.alerts),
            ("Incidents", self.incidents),
            ("Worse than the week before", self.regressions),
            ("Cost", self.costs),
            ("Errors", self.errors),
            ("Overdue", self.overdue),
        ):
            if items:
                lines += [f"## {title}", "", *(f"- {item}" for item in items), ""]
        return "\n".join([*lines, "Nothing to look at."] if self.quiet else lines).rstrip() + "\n"


async def digest(
    store: Store,
    app: Watched,
    since_ns: int,
    until_ns: int,
    *,
    costs: Look | None = None,
    errors: Look | None = None,
) -> Digest:
    """Return what happened in a stretch of time.

    Args:
        store: where everything stands.
        app: the app.
        since_ns: from when on.
        until_ns: until when.
        costs: says what costs more than usual.
        errors: says which errors came most.

    """
    name = app.objectives.app
    alerts = await Alert.shelf(store.records).find(app=name, until_ns=until_ns)
    shown = [
        alert
        for alert in alerts
        if alert.state == "firing" or alert.fired_ns >= since_ns or (alert.resolved_ns or 0) >= since_ns
    ]
    shown.sort(key=lambda alert: (alert.state != "firing", alert.severity != "page", alert.fired_ns))
    incidents = await Incident.shelf(store.records).find(app=name, until_ns=until_ns)
    return Digest(
        app=name,
        since_ns=since_ns,
        until_ns=until_ns,
        alerts=tuple(f"{alert.state} {alert.severity} {alert.name}: {alert.firing.said}" for alert in shown),
        incidents=tuple(
            f"{each.severity} {each.state}: {each.title}"
            for each in incidents
            if each.state == "open" or each.began_ns >= since_ns or (each.ended_ns or 0) >= since_ns
        ),
        regressions=tuple(await _regressions(store, app, since_ns, until_ns)),
        costs=tuple(await costs(name, since_ns, until_ns)) if costs else (),
        errors=tuple(await errors(name, since_ns, until_ns)) if errors else (),
        overdue=tuple(
            f"{action.what} ({action.owner or 'nobody'}, due {action.due}): {each.title}"
            for each in incidents
            for action in each.actions
            if not action.done and action.due and action.due < f"{at(until_ns):%Y-%m-%d}"
        ),
    )


async def _regressions(store: Store, app: Watched, since: int, until: int) -> list[str]:
    """Return the objectives that were worse than in the week before, where the interval of the difference says so."""
    found = []
    for name, table in sorted(app.objectives.watch.items()):
        id = f"slo/{name}"
        night = await store.measures.find(app.objectives.app, id, since_ns=since, until_ns=until)
        before = await store.measures.find(app.objectives.app, id, since_ns=max(0, since - BASE_NS), until_ns=since)
        if table.how == "share":
            now_counts, before_counts = counts(table, night), counts(table, before)
            gap = newcombe(*now_counts, *before_counts)
            if gap.high < 0:
                found.append(
                    f"{name}: {now_counts[0] / now_counts[1]:.2%} good, was {before_counts[0] / before_counts[1]:.2%} "
                    f"({gap.low * 100:+.2f} to {gap.high * 100:+.2f} points, n = {now_counts[1]})"
                )
        elif table.how == "mean" and _worse(table, night, before):
            now_mean, was = _mean(night), _mean(before)
            found.append(f"{name}: {now_mean.value:.4g} on average, was {was.value:.4g} (n = {now_mean.n})")
    return found


def _mean(cells: Sequence[Cell]) -> Interval:
    return mean_of_sums(
        sum(cell.total for cell in cells), sum(cell.sum for cell in cells), sum(cell.squares for cell in cells)
    )


def _worse(table: Measured, night: Sequence[Cell], before: Sequence[Cell]) -> bool:
    """Whether two means differ the wrong way, their intervals apart: more careful than a test of the difference."""
    stated = table.bound
    if stated is None or not night or not before:
        return False
    now_mean, was = _mean(night), _mean(before)
    return now_mean.high < was.low if stated.floor else now_mean.low > was.high
