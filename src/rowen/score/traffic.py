"""The traffic that a rule judges: what there is between two moments, and each of it as a subject."""

from collections.abc import AsyncIterator

from rowen.score.base import Subject
from rowen.score.rule import Rule
from rowen.score.subject import of_session, of_span, of_trace
from rowen.store.base import SpanFilter, TraceFilter, Traces
from rowen.values import Observed, ScoreTarget, Trace, Value
from rowen.values.errand import copied
from rowen.values.query import Either, Holds, Query

_PAGE = 200
_SESSION = 100  # traces of one session that are read at most


class Item(Value, frozen=True, kw_only=True):
    """One thing to judge."""

    target: ScoreTarget
    tenant: str
    trace: str = ""
    span: str = ""
    session: str = ""
    started_ns: int

    @property
    def id(self) -> str:
        """What tells it apart among its kind."""
        return self.session if self.target == "session" else f"{self.trace}.{self.span}" if self.span else self.trace


class Traffic:
    """Reads traffic for rules.

    Args:
        traces: where it is kept.

    """

    def __init__(self, traces: Traces) -> None:
        self._traces = traces

    async def pages(self, rule: Rule, since_ns: int, until_ns: int) -> AsyncIterator[list[Item]]:
        """Yield what a rule may judge that began in a window, newest first, before sampling, a page at a time."""
        match rule.target:
            case "trace":
                source = self._of_traces(rule, since_ns, until_ns)
            case "span":
                source = self._of_spans(rule, rule.filter.feature, since_ns, until_ns)
            case "session":
                source = self._of_sessions(rule, since_ns, until_ns)
        async for page in source:
            yield page
        if rule.target == "span" and rule.filter.feature:
            async for page in self._of_spans(rule, copied(rule.filter.feature), since_ns, until_ns):
                yield page

    async def subject(self, rule: Rule, item: Item) -> Subject | None:
        """Return one thing as a subject; None when it is gone."""
        if item.target == "span":
            span = await self._traces.span(item.trace, item.span, item.tenant)
            return None if span is None else of_span(span, rule.variables)
        if item.target == "session":
            rows = await self._traces.find(
                TraceFilter(tenant=item.tenant, app=rule.app, session=item.session, limit=_SESSION)
            )
            whole = [await self._traces.get(row.id, item.tenant) for row in reversed(rows)]
            found = [trace for trace in whole if trace is not None]
            return of_session(found, rule.variables) if found else None
        trace = await self._traces.get(item.trace, item.tenant)
        return None if trace is None else of_trace(trace, rule.variables, await self._root(trace))

    async def _root(self, trace: Trace) -> Observed | None:
        if trace.request is not None or not trace.spans:
            return None
        return await self._traces.span(trace.row.id, trace.spans[0].id, trace.row.tenant)

    async def _of_traces(self, rule: Rule, since_ns: int, until_ns: int) -> AsyncIterator[list[Item]]:
        wanted, before = rule.filter, ""
        while True:
            rows = await self._traces.find(
                TraceFilter(
                    tenant=rule.tenant or None,
                    app=rule.app,
                    status="" if wanted.status == "any" else wanted.status,
                    model=wanted.model,
                    name=wanted.name,
                    user=wanted.user,
                    session=wanted.session,
                    where=_feature(wanted.feature) if wanted.feature else None,
                    tag=wanted.tag,
                    environment=wanted.environment,
                    release=wanted.release,
                    text=wanted.text,
                    since_ns=since_ns,
                    until_ns=until_ns,
                    before=before,
                    limit=_PAGE,
                )
            )
            yield [
                Item(target="trace", tenant=row.tenant, trace=row.id, started_ns=row.started_ns)
                for row in rows
                if row.users or row.shadow
            ]
            if len(rows) < _PAGE:
                return
            before = rows[-1].cursor

    async def _of_spans(self, rule: Rule, feature: str, since_ns: int, until_ns: int) -> AsyncIterator[list[Item]]:
        wanted, before = rule.filter, ""
        while True:
            rows = await self._traces.find_spans(
                SpanFilter(
                    tenant=rule.tenant or None,
                    app=rule.app,
                    type=wanted.type,
                    model=wanted.model,
                    name=wanted.name,
                    user=wanted.user,
                    session=wanted.session,
                    feature=feature,
                    tag=wanted.tag,
                    environment=wanted.environment,
                    release=wanted.release,
                    text=wanted.text,
                    since_ns=since_ns,
                    until_ns=until_ns,
                    before=before,
                    limit=_PAGE,
                )
            )
            yield [
                Item(target="span", tenant=row.tenant, trace=row.trace, span=row.id, started_ns=row.started_ns)
                for row in rows
                if not row.house
            ]
            if len(rows) < _PAGE:
                return
            before = rows[-1].cursor

    async def _of_sessions(self, rule: Rule, since_ns: int, until_ns: int) -> AsyncIterator[list[Item]]:
        """Sessions that fell quiet in the window: their latest trace began as long before it as they must be quiet."""
        quiet, before = round(rule.quiet * 1e9), ""
        while True:
            rows = await self._traces.sessions(
                tenant=rule.tenant or None,
                app=rule.app,
                user=rule.filter.user,
                since_ns=max(0, since_ns - quiet),
                until_ns=until_ns - quiet,
                before=before,
                limit=_PAGE,
            )
            yield [
                Item(target="session", tenant=row.tenant, session=row.session, started_ns=row.last_ns)
                for row in rows
                if row.last_ns < until_ns - quiet and rule.filter.session in {"", row.session}
            ]
            if len(rows) < _PAGE:
                return
            before = rows[-1].cursor


def _feature(wanted: str) -> Query:
    """Return the condition for calls of a feature and their copies, whose answers are judged beside theirs."""
    return Either(parts=tuple(Holds(field="feature", value=each) for each in (wanted, copied(wanted))))
