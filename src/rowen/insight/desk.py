"""Where the questions of this stage are asked: reads what is needed from the store and hands it to the pure parts."""

from collections.abc import Sequence

from rowen.insight import digest as digests
from rowen.insight.book import Book
from rowen.insight.budget import Budgets
from rowen.insight.calendar import DAY_NS, HOUR_NS
from rowen.insight.errors import Change, Group, Inbox
from rowen.insight.explain import Tell, explain
from rowen.insight.forecast import Forecast, forecast
from rowen.insight.latency import Diagnosis, diagnose
from rowen.insight.ledger import DIMENSIONS, Asked, Entry, Ledger
from rowen.insight.marks import marks_of
from rowen.insight.parts import parts_of
from rowen.insight.reading import Told, rows_of, sampled
from rowen.insight.regression import Judged, Regression, suspects
from rowen.insight.review import Review, review
from rowen.insight.sessions import Activity, Cohort, Reached, Rephrased, Step, activity, funnel, rephrased, retention
from rowen.insight.spikes import series, spikes
from rowen.insight.worth import Worth, of_all, worth
from rowen.store.base import Records, ScoreFilter, Scores, Tenants, TraceFilter, Traces
from rowen.values import Clock, Mistaken, Score, TraceRow, Value
from rowen.watch.finding import Finding

_MOST_TRACES = 600
"""Read whole on each side of a diagnosis."""
_MOST_JUDGED = 2_000
_MOST_ROWS = 200_000
"""Read for a question about users; what is beyond is said."""
_SAMPLE = 200
MOST_WEIGHED = 10_000
"""Calls whose outcome is held against their cost, the newest."""


class Window(Value, frozen=True, kw_only=True):
    """Which calls: whose, of which app, from when until when."""

    tenant: str | None = None
    app: str = ""
    since_ns: int
    until_ns: int

    def before(self) -> "Window":
        """Return the same length of time just before."""
        return self.but(since_ns=max(0, 2 * self.since_ns - self.until_ns), until_ns=self.since_ns)

    @property
    def filter(self) -> TraceFilter:
        """The traces in it."""
        return TraceFilter(tenant=self.tenant, app=self.app, since_ns=self.since_ns, until_ns=self.until_ns)


class Users(Value, frozen=True, kw_only=True):
    """What users did in a window."""

    activity: tuple[Activity, ...]
    cohorts: tuple[Cohort, ...]
    funnel: tuple[Reached, ...]
    rephrased: Rephrased
    sessions: int
    calls: int
    note: str = ""


class Insight:
    """All questions of the stage over one store."""

    def __init__(self, *, traces: Traces, scores: Scores, records: Records, tenants: Tenants, clock: Clock) -> None:
        self._traces = traces
        self._scores = scores
        self._tenants = tenants
        self._clock = clock
        self.book = Book(records, traces, clock)
        self.ledger = Ledger(traces)
        self.budgets = Budgets(records, self.ledger)
        self.inbox = Inbox(records, traces)

    async def keep(self) -> None:
        """Count what the book and the groups of errors have not counted yet, of the last days. For the background."""
        now = self._clock.now_ns()
        await self.book.count(now - 2 * DAY_NS, now)
        await self.inbox.collect(now - 2 * HOUR_NS, now)

    async def costs(self, asked: Asked) -> list[Entry]:
        """Return what was spent."""
        tenants = [one.id for one in await self._tenants.all()] if asked.by == "tenant" else ()
        return await self.ledger.entries(asked, tenants)

    async def ahead(self, tenant: str | None, app: str, steps: int) -> Forecast:
        """Return the costs of the coming days, today first, from those of the last eight weeks."""
        today = self._clock.now_ns() // DAY_NS * DAY_NS
        since = max(0, today - 56 * DAY_NS)
        entries = await self.ledger.entries(Asked(since_ns=since, until_ns=today, tenant=tenant, app=app, every="day"))
        history, _ = series(entries, since, today, DAY_NS)
        return forecast(history, steps)

    async def anomalies(self, tenant: str | None, app: str, since_ns: int, *, least: float = 0.5) -> list[Finding]:
        """Return the hours and days whose cost is an anomaly."""
        now = self._clock.now_ns()
        return await spikes(self.ledger, tenant, since_ns=since_ns, now_ns=now, app=app, least=least)

    async def latency(self, slow: Window, baseline: Window | None = None, *, told: Told | None = None) -> Diagnosis:
        """Return why a period is slower than its baseline: the time just before, unless another is given."""
        after = await sampled(self._traces, _answered(slow), _MOST_TRACES, told)
        before = await sampled(self._traces, _answered(baseline or slow.before()), _MOST_TRACES, told)
        return diagnose(
            [parts_of(one) for one in after],
            [parts_of(one) for one in before],
        )

    async def regression(
        self,
        name: str,
        span: Window,
        baseline: Window | None = None,
        *,
        bad_below: float = 0.5,
        told: Told | None = None,
    ) -> Regression:
        """Return what the answers have in common that a score finds bad.

        Args:
            name: of the score.
            span: the period that is looked at, by when what is judged began.
            baseline: one in which all was well: the time just before, unless another is given.
            bad_below: the number below which an answer is bad.
            told: is told how many traces were read.

        """
        judged = await self._judged(name, span, bad_below, told)
        before = await self._judged(name, baseline or span.before(), bad_below, told)
        return suspects(judged, before)

    async def worth(self, name: str, span: Window, by: str, good_from: float) -> list[Worth]:
        """Return the outcomes for each dollar, by a score of that name.

        Of more calls than a page can wait for the newest are weighed, which is said; how many there were, and what all of
        them cost, stays exact.
        """
        rows: list[TraceRow] = []
        async for row in rows_of(self._traces, span.filter):
            if len(rows) == MOST_WEIGHED:
                break
            rows.append(row)
        else:
            return worth(rows, await self._scored(name, span), by=by, good_from=good_from)
        newest = span.but(since_ns=min(row.started_ns for row in rows))
        weighed = {one.group: one for one in worth(rows, await self._scored(name, newest), by=by, good_from=good_from)}
        all_ = await self.costs(
            Asked(
                since_ns=span.since_ns,
                until_ns=span.until_ns,
                tenant=span.tenant,
                app=span.app,
                by=next((each for each in DIMENSIONS if each == by), ""),
                every="all",
            )
        )
        return of_all(weighed, {one.group: (one.calls, one.cost, one.unpriced) for one in all_}, len(rows))

    async def review(self, span: Window, *, told: Told | None = None) -> Review:
        """Return the review of a period."""
        rows = [row async for row in rows_of(self._traces, span.filter, told)]
        hours = await self._traces.buckets(
            tenant=span.tenant, since_ns=span.since_ns, until_ns=span.until_ns, every_ns=HOUR_NS, app=span.app
        )
        return review(rows, hours, await sampled(self._traces, span.filter, _SAMPLE))

    async def users(self, span: Window, *, every_ns: int, steps: Sequence[Step] = ()) -> Users:
        """Return what users did."""
        rows: list[TraceRow] = []
        note = ""
        async for row in rows_of(self._traces, span.filter):
            if len(rows) >= _MOST_ROWS:
                note = f"Only the newest {_MOST_ROWS} calls were looked at: narrow the window."
                break
            rows.append(row)
        window = {"since_ns": span.since_ns, "until_ns": span.until_ns, "every_ns": every_ns}
        return Users(
            activity=tuple(activity(rows, **window)),
            cohorts=tuple(retention(rows, **window)),
            funnel=tuple(funnel(rows, steps)),
            rephrased=rephrased(rows),
            sessions=len({(row.tenant, row.session) for row in rows if row.session}),
            calls=len(rows),
            note=note,
        )

    async def cost_findings(self, tenant: str | None, since_ns: int) -> list[Finding]:
        """Return what budgets, forecasts and anomalies have to tell."""
        now = self._clock.now_ns()
        found: list[Finding] = []
        for budget in await self.budgets.all(tenant):
            found += (await self.budgets.standing(budget, now)).findings
        return found + await self.anomalies(tenant, "", since_ns)

    async def digest(self, tenant: str | None, since_ns: int) -> digests.Digest:
        """Return what happened since a moment: costs, errors, regressions of every score, and latency of every app."""
        now = self._clock.now_ns()
        await self.inbox.collect(since_ns, now)
        groups = await self.inbox.groups(tenant, since_ns=since_ns, limit=1_000)
        named = [one for one in await self._scores.names(tenant) if one.type in {"number", "boolean"}]
        worse = []
        for app, name in sorted({(one.app, one.name) for one in named}):
            span = Window(tenant=tenant, app=app, since_ns=since_ns, until_ns=now)
            told = digests.regression(name, app, tenant or "", await self.regression(name, span), now)
            worse += [told] if told is not None else []
        slow = []
        for app in await self._traces.values("app", tenant):
            span = Window(tenant=tenant, app=app, since_ns=since_ns, until_ns=now)
            late = digests.latency(app, tenant or "", await self.latency(span), now)
            slow += [late] if late is not None else []
        return digests.Digest(
            since_ns=since_ns,
            until_ns=now,
            costs=digests.costs(await self.cost_findings(tenant, since_ns), since_ns),
            errors=digests.errors(groups, since_ns, now),
            regressions=tuple(worse),
            latency=tuple(slow),
        )

    async def explain(self, group: Group, tell: Tell, *, by: str) -> Group:
        """Return a group of errors with a model's explanation, which cites spans of its examples.

        Raises:
            Mistaken: `not_found` when none of its examples is kept any more.
            Unavailable: `upstream_garbage` when the model's evidence does not exist, twice.

        """
        found = [await self._traces.get(id, group.tenant) for id in group.examples[:3]]
        traces = [trace for trace in found if trace is not None and trace.spans]
        if not traces:
            raise Mistaken("not_found", "no example of this error is kept any more", place="id")
        told = await explain(group, traces, tell)
        return await self.inbox.change(
            group.id, group.tenant, Change(explanation=told.text), by=by, now_ns=self._clock.now_ns()
        )

    async def cost_lines(self, app: str, since_ns: int, until_ns: int) -> list[str]:
        """Return what an app's costs have to tell of a stretch of time, for a digest."""
        found = await spikes(self.ledger, None, since_ns=since_ns, now_ns=until_ns, app=app)
        return [one.title for one in found]

    async def error_lines(self, app: str, since_ns: int, until_ns: int) -> list[str]:
        """Return the errors of an app that came most in a stretch of time, for a digest."""
        await self.inbox.collect(since_ns, until_ns)
        groups = await self.inbox.groups(None, apps=(app,), since_ns=since_ns, limit=1_000)
        return [
            f"{(line.title or line.id).rstrip('.')}{f' in {line.place}' if line.place else ''}: {'once' if line.count == 1 else f'{line.count:,} times'}, "
            + ("not seen in the week before" if line.trend is None else f"{line.trend:.1f} times a usual day")
            for line in digests.errors(groups, since_ns, until_ns)
        ]

    async def _judged(self, name: str, span: Window, bad_below: float, told: Told | None) -> list[Judged]:
        found = []
        for score in (await self._scored(name, span))[:_MOST_JUDGED]:
            trace = await self._traces.get(score.trace, span.tenant)
            if trace is None or score.number is None:
                continue
            found.append(Judged(trace=score.trace, bad=score.number < bad_below, marks=marks_of(trace)))
            if told is not None:
                told(len(found))
        return found

    async def _scored(self, name: str, span: Window) -> list[Score]:
        """Return the last score of each trace, by when the trace began."""
        last: dict[str, Score] = {}
        before = ""
        while True:
            page = await self._scores.find(
                ScoreFilter(
                    tenant=span.tenant,
                    app=span.app,
                    name=name,
                    target="trace",
                    since_ns=span.since_ns,
                    until_ns=span.until_ns,
                    before=before,
                    limit=500,
                )
            )
            for score in page:
                kept = last.get(score.trace)
                if score.number is not None and (kept is None or kept.created_ns < score.created_ns):
                    last[score.trace] = score
            if len(page) < 500:
                return list(last.values())
            before = page[-1].id


def _answered(span: Window) -> TraceFilter:
    return span.filter.but(status="ok")
