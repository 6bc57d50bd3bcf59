"""Everything that a door shows of this stage: how objectives stand, what agreements came to, what may be released."""

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from rowen.store.base import Cell, Store
from rowen.values import Clock, Mistaken, Value
from rowen.watch.alert import Alert
from rowen.watch.base import GOALS, Goal, WatchTable
from rowen.watch.budget import Correct, Standing, burn_down, counts, standing
from rowen.watch.cells import Cells
from rowen.watch.engine import Watched
from rowen.watch.incident import Incident
from rowen.watch.judge import Corrects
from rowen.watch.kpi import BUILT_IN, Ask, Tile, tile
from rowen.watch.sla import Settlement, settle
from rowen.watch.window import MINUTE_NS, window


class Row(Value, frozen=True, kw_only=True):
    """One objective as it stands."""

    app: str
    name: str
    table: WatchTable
    standing: Standing
    alerts: tuple[str, ...] = ()
    """The severities that fire now."""


class BurnDown(Value, frozen=True, kw_only=True):
    """One objective whole: how it stands, and how its budget went down."""

    row: Row
    points: tuple[tuple[int, float], ...] = ()
    """(moment, part of the budget left)."""


class Burn(Value, frozen=True, kw_only=True):
    """How fast the budget went in the last hour: 1 is as fast as the target allows."""

    rate: float
    bad: int
    total: int


class Line(Value, frozen=True, kw_only=True):
    """One objective and how it went: its figure and its budget, stretch by stretch."""

    row: Row
    every_ns: int
    points: tuple[tuple[int, Standing], ...] = ()
    """(begin of a stretch, how it stood in that stretch alone)."""
    left: tuple[tuple[int, float], ...] = ()
    """(moment, part of the budget left)."""
    burn: Burn | None = None
    """None where there is no budget, or nothing happened in the last hour."""


class GoalCard(Value, frozen=True, kw_only=True):
    """One goal with the objectives that serve it. A goal without any is a gap."""

    goal: Goal
    objectives: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    gap: bool = False


class StatusLine(Value, frozen=True, kw_only=True):
    """One objective, as anybody may see it."""

    name: str
    about: str
    state: str
    figure: float | None = None
    stated: str = ""
    remaining: float | None = None


class Status(Value, frozen=True, kw_only=True):
    """The read-only status page of an app."""

    app: str
    state: Literal["ok", "degraded", "outage", "unknown"]
    as_of_ns: int
    objectives: tuple[StatusLine, ...] = ()
    incidents: tuple[str, ...] = ()
    """The titles of open incidents."""


class Frozen(Value, frozen=True, kw_only=True):
    """Whether the error-budget policy stops releases, and why."""

    app: str
    frozen: bool
    reasons: tuple[str, ...] = ()


class Desk:
    """Reads and renders.

    Args:
        store: where everything stands.
        apps: gives the apps with their objectives as they are now.
        clock: the time.
        correct: gives what corrects the figures of an erring judge.

    """

    def __init__(
        self,
        store: Store,
        apps: Callable[[], Sequence[Watched]],
        clock: Clock,
        correct: Corrects | None = None,
    ) -> None:
        self.store = store
        self.clock = clock
        self._apps = apps
        self._correct = correct
        self._cells = Cells(store.measures, clock)

    def apps(self, name: str = "") -> list[Watched]:
        """Return the apps, or the one that is named; none where it is not served."""
        return [app for app in self._apps() if name in ("", app.objectives.app)]

    def app(self, name: str) -> Watched:
        """Return an app; the only one where none is named.

        Raises:
            Mistaken: `app_unknown`.

        """
        found = self.apps(name)
        if not found or (not name and len(found) > 1):
            raise Mistaken(
                "app_unknown", f"name one of: {', '.join(each.objectives.app for each in self.apps())}", place="app"
            )
        return found[0]

    async def rows(self, app: Watched, tenant: str | None = None) -> list[Row]:
        """Return every objective of an app as it stands, by name."""
        return [await self.row(app, name, tenant) for name in sorted(app.objectives.watch)]

    async def row(self, app: Watched, name: str, tenant: str | None = None) -> Row:
        """Return one objective.

        Raises:
            Mistaken: `not_found`.

        """
        return (await self._weighed(app, name, tenant))[0]

    async def line(self, app: Watched, name: str, tenant: str | None = None, steps: int = 30) -> Line:
        """Return one objective with how its figure and its budget went over the window, in at most so many steps.

        Raises:
            Mistaken: `not_found`.

        """
        row, cells = await self._weighed(app, name, tenant)
        span, now = (row.standing.begins_ns, row.standing.ends_ns), self._now
        every = max(MINUTE_NS, -(-(span[1] - span[0]) // steps // MINUTE_NS) * MINUTE_NS)
        judge = None if self._correct is None else await self._correct(app.objectives.app, row.table)
        hour = await self.store.measures.find(
            app.objectives.app, f"slo/{name}", tenant=tenant, since_ns=max(0, now - 60 * MINUTE_NS), until_ns=now
        )
        points = await asyncio.to_thread(_points, row.table, cells, (span[0], min(span[1], now)), every, judge)
        left = await asyncio.to_thread(burn_down, row.table, cells, span, steps)
        return Line(
            row=row,
            every_ns=every,
            points=tuple(points),
            left=tuple(point for point in left if point[0] <= now),
            burn=_burn(row.table, hour),
        )

    async def _weighed(self, app: Watched, name: str, tenant: str | None) -> tuple[Row, list[Cell]]:
        """Return one objective with the cells it was weighed by."""
        table = app.objectives.watch.get(name)
        if table is None:
            raise Mistaken("not_found", f"there is no objective {name!r}", place="name")
        span = table.over.span(self._now)
        cells = await self._cells.of(app.objectives.app, f"slo/{name}", table, span, tenant)
        judge = None if self._correct is None else await self._correct(app.objectives.app, table)
        firing = await Alert.shelf(self.store.records).find(app=app.objectives.app, state="firing", tenant=tenant)
        row = Row(
            app=app.objectives.app,
            name=name,
            table=table,
            standing=await asyncio.to_thread(standing, table, cells, span, judge),
            alerts=tuple(sorted(alert.severity for alert in firing if alert.objective == name)),
        )
        return row, cells

    async def burned(self, app: Watched, name: str, tenant: str | None = None, points: int = 60) -> BurnDown:
        """Return one objective with the way its budget went.

        Raises:
            Mistaken: `not_found`.

        """
        row = await self.row(app, name, tenant)
        span = (row.standing.begins_ns, row.standing.ends_ns)
        cells = await self._cells.of(app.objectives.app, f"slo/{name}", row.table, span, tenant)
        line = await asyncio.to_thread(burn_down, row.table, cells, span, points)
        return BurnDown(row=row, points=tuple(point for point in line if point[0] <= self._now))

    async def settlements(
        self, app: Watched, *, tenant: str | None = None, before: bool = False, bill: Decimal | None = None
    ) -> list[Settlement]:
        """Return what the agreements came to in their period, or in the one before. A tenant sees its own agreements."""
        found = []
        for name, written in sorted(app.objectives.sla.items()):
            if tenant is not None and written.tenant not in ("", tenant):
                continue
            table = app.objectives.whole(written)
            span = table.over.before(self._now) if before else table.over.span(self._now)
            cells = await self._cells.of(app.objectives.app, f"sla/{name}", table, span, written.tenant or tenant)
            found.append(settle(name, table, cells, span, bill=bill))
        return found

    async def tiles(self, app: Watched, tenant: str | None = None) -> list[Tile]:
        """Return the indicators of an app, its own first, then those that every app has."""
        own = app.objectives.kpi
        tables = {**own, **{name: table for name, table in BUILT_IN.items() if name not in own}}
        found = []
        for name, table in tables.items():
            since, until = window(table.window).span(self._now)
            ask = Ask(app=app.objectives.app, tenant=tenant, since_ns=max(0, since), until_ns=min(self._now, until) + 1)
            found.append(await tile(self.store, app.objectives, name, table, ask))
        return found

    async def scorecard(self, app: Watched, tenant: str | None = None) -> list[GoalCard]:
        """Return the goals with their objectives."""
        rows = await self.rows(app, tenant)
        cards = []
        for goal in GOALS:
            mine = [row for row in rows if row.table.goal == goal]
            cards.append(
                GoalCard(
                    goal=goal,
                    objectives=tuple(row.name for row in mine),
                    missed=tuple(row.name for row in mine if row.standing.state == "breached"),
                    gap=not mine,
                )
            )
        return cards

    async def status(self, app: Watched, tenant: str | None = None) -> Status:
        """Return what the status page of an app shows. Whoever is of one tenant reads the titles of its own incidents."""
        rows = [row for row in await self.rows(app, tenant) if row.table.status]
        open_ = await Incident.shelf(self.store.records).find(app=app.objectives.app, state="open")
        incidents = [each for each in open_ if not each.kind]  # what something costs is for no status page
        paged = any("page" in row.alerts for row in rows)
        state: Literal["ok", "degraded", "outage", "unknown"] = "ok"
        if any(each.outage for each in incidents):
            state = "outage"
        elif paged or incidents or any(row.standing.state == "breached" for row in rows):
            state = "degraded"
        elif not rows or all(row.standing.state == "none" for row in rows):
            state = "unknown"
        return Status(
            app=app.objectives.app,
            state=state,
            as_of_ns=self._now,
            objectives=tuple(
                StatusLine(
                    name=row.name,
                    about=row.table.about,
                    state=row.standing.state,
                    figure=row.standing.figure,
                    stated=row.standing.stated,
                    remaining=row.standing.remaining,
                )
                for row in rows
            ),
            incidents=tuple(each.title for each in incidents if tenant in (None, each.tenant)),
        )

    async def freeze(self, app: Watched) -> Frozen:
        """Say whether the error-budget policy stops releases: when the budget of an objective with `freeze` is gone."""
        reasons = [reason for row in await self.rows(app) if (reason := freezing(row))]
        return Frozen(app=app.objectives.app, frozen=bool(reasons), reasons=tuple(reasons))

    @property
    def _now(self) -> int:
        return self.clock.now_ns()


def freezing(row: Row) -> str:
    """Return why an objective stops releases; empty where it does not."""
    stands = row.standing
    gone = stands.remaining is not None and stands.remaining <= 0 and stands.state not in {"few", "unsure", "ok"}
    if not (row.table.freeze and gone):
        return ""
    return (
        f"{row.name}: the error budget is used up ({stands.total - stands.good} bad of {stands.total}, "
        f"allowed {stands.allowed:g}; target {stands.stated} over {row.table.over})"
    )


def _points(
    table: WatchTable, cells: Sequence[Cell], span: tuple[int, int], every: int, judge: Correct | None
) -> list[tuple[int, Standing]]:
    """Return how an objective stood in each stretch of a span; a minimum is of the whole window, not of each."""
    by_stretch: dict[int, list[Cell]] = {}
    for cell in cells:
        by_stretch.setdefault((cell.start_ns - span[0]) // every, []).append(cell)
    plain = table.but(minimum=0)
    return [
        (begin, standing(plain, by_stretch.get(i, []), (begin, begin + every), judge))
        for i, begin in enumerate(range(span[0], span[1], every))
    ]


def _burn(table: WatchTable, cells: Sequence[Cell]) -> Burn | None:
    allowed, (good, total) = table.allowed, counts(table, cells)
    if allowed is None or not allowed[0] or not total:
        return None
    return Burn(rate=float(Fraction(total - good, total) / allowed[0]), bad=total - good, total=total)
