"""The inbox of errors: failed calls grouped by what went wrong, and one group with its traces and what was found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rowen.access import Visit
from rowen.insight.calendar import DAY_NS, HOUR_NS
from rowen.insight.errors import Change, Group, State, trend
from rowen.values import Mistaken, Problem, TraceRow, at
from rowen.web.charts import Series, Slot, bars, sparkline
from rowen.web.forms import choice, managed, text
from rowen.web.page import Page, Services, api_call, may_manage, tenant_of
from rowen.web.seen import apps_of

STATES = {
    "open": ("refused", "open"),
    "regressed": ("failed", "came back"),
    "solved": ("ok", "solved"),
    "ignored": ("", "ignored"),
}
"""The class of the pill and the words of each state."""

SET: tuple[State, ...] = ("open", "ignored", "solved")
"""What somebody can set; that it came back is found."""

_SHOWN = 100
_DAYS = 14
_WEEK = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One group in the list."""

    group: Group
    pill: str
    words: str
    recent: int
    """In the last two weeks, which are kept by the hour."""
    line: Markup
    lately: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """The groups in some state, the most frequent first."""

    title: str
    rows: Sequence[Row]
    state: str
    states: Mapping[str, tuple[str, str]]
    base: str
    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OneGroup:
    """One group."""

    title: str
    row: Row
    chart: Markup
    days: Sequence[tuple[str, int]]
    traces: Sequence[TraceRow]
    gone: int
    may_change: bool
    failed: Problem | None
    call: str


async def errors(request: Request, services: Services, visit: Visit) -> Page:
    """The groups that somebody should look at, or those in another state."""
    now, tenant = services.clock.now_ns(), tenant_of(visit)
    state = request.query_params.get("state", "")
    state = state if state in STATES or state == "all" else ""
    await services.kept.get("errors", lambda: services.insight.inbox.collect(now - HOUR_NS, now))
    found = await services.insight.inbox.groups(
        tenant,
        apps=apps_of(visit),
        state="" if state in ("", "all") else state,
        since_ns=max(0, now - 30 * DAY_NS),
        limit=1_000,
    )
    seen = [each for each in found if (state or each.state in {"open", "regressed"})]
    seen.sort(key=lambda each: (each.state != "regressed", -each.count, each.id))
    return Page(
        template="errors/list.html",
        context=Inbox(
            title="Errors",
            rows=[_row(each, now) for each in seen[:_SHOWN]],
            state=state,
            states=STATES,
            base=str(request.base_url).rstrip("/"),
            call=api_call(request, "/api/errors", state="" if state == "all" else state),
        ),
    )


async def error(request: Request, services: Services, visit: Visit) -> Page:
    """One group."""
    return await _shown(request, services, visit)


async def change(request: Request, services: Services, visit: Visit) -> Page | Response:
    """Set its state, or what its cause was found to be."""
    form, actor = await managed(request, visit, services.address(request))
    known = await _known(request, services, visit)
    try:
        state = choice(form, "state", SET, "open") if "state" in form else None
        note = text(form, "note", most=10_000) if "note" in form else None
    except Mistaken as problem:
        return await _shown(request, services, visit, failed=problem)
    wanted = Change(state=next((each for each in SET if each == state), None), note=note)
    await services.register.recorder.note(
        actor, "error.change", tenant=known.tenant, target=known.id, details={"state": state or ""}
    )
    await services.insight.inbox.change(
        known.id, known.tenant, wanted, by=visit.entry.key.name, now_ns=services.clock.now_ns()
    )
    return RedirectResponse(f"/errors/{known.id}", 303)


async def _known(request: Request, services: Services, visit: Visit) -> Group:
    found = await services.insight.inbox.get(request.path_params["id"], tenant_of(visit))
    if found is None or not visit.entry.sees(found.app):
        raise Mistaken("not_found", "There is no such group of errors.")
    return found


async def _shown(request: Request, services: Services, visit: Visit, *, failed: Problem | None = None) -> Page:
    group, now = await _known(request, services, visit), services.clock.now_ns()
    traces = [await services.traces.get(id, group.tenant) for id in group.examples]
    rows = [each.row for each in traces if each is not None]
    starts = [(now // DAY_NS - i) * DAY_NS for i in range(_DAYS - 1, -1, -1)]
    counts = _by_day(group, now)
    names = [at(start).strftime("%d %b") for start in starts]
    return Page(
        template="errors/one.html",
        status=failed.status if failed else 200,
        context=OneGroup(
            title=group.title or group.code,
            row=_row(group, now),
            chart=bars(
                [Slot(name=name) for name in names],
                [Series(kind="failed", name="failed", values=counts)],
                "how often, by day",
                "{:,.4g}".format,
            ),
            days=[(name, count) for name, count in reversed(list(zip(names, counts, strict=True))) if count],
            traces=rows,
            gone=len(group.examples) - len(rows),
            may_change=may_manage(visit),
            failed=failed,
            call=api_call(request, f"/api/errors/{group.id}"),
        ),
    )


def _row(group: Group, now: int) -> Row:
    pill, words = STATES[group.state]
    days = _by_day(group, now)
    return Row(
        group=group,
        pill=pill,
        words=words,
        recent=sum(days),
        line=sparkline(days),
        lately=_lately(trend(group, now), group, now),
    )


def _by_day(group: Group, now: int) -> list[int]:
    """Return how often it came on each of the last days, today last."""
    counts, today = [0] * _DAYS, now // DAY_NS
    for hour, count in group.hours.items():
        ago = today - hour * HOUR_NS // DAY_NS
        if 0 <= ago < _DAYS:
            counts[_DAYS - 1 - ago] += count
    return counts


def _lately(ratio: float | None, group: Group, now: int) -> str:
    """How often it came in the last day against the week before, in words."""
    if ratio is None:
        return "new" if now - group.first_ns < _WEEK * DAY_NS else "not in the week before"
    if ratio == 0:
        return "not in the last day"
    if 0.8 <= ratio <= 1.25:
        return "as in the week before"
    return f"{ratio:.0f}× the week before" if ratio >= 10 else f"{ratio:.1f}× the week before"
