"""The list of traces: its filter, columns and order in the address, the views that were saved of it as tabs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from markupsafe import Markup
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rowen.access import Visit
from rowen.insight.views import COLUMNS, FILTERS, SORTED, SORTS, USUAL, Person, View, columns_of, ordered
from rowen.store.base import ScoreFilter, TraceFilter
from rowen.store.together import place_of_row, together
from rowen.trace.narrow import narrowed
from rowen.trace.query import query_of
from rowen.values import Mistaken, Score, TraceRow, at
from rowen.values.query import TRACE_FIELDS
from rowen.values.whole import whole
from rowen.web.charts import share
from rowen.web.page import Page, Services, address_with, api_call, may_manage, tenant_of
from rowen.web.said import said_value
from rowen.web.seen import apps_of, offered, query_seen
from rowen.web.talk import said

_WHOLES = {"slower_ms": "milliseconds", "since_ns": "nanoseconds since 1970", "until_ns": "nanoseconds since 1970"}
_FIELDS = ("q", "text", "app", "model", "status", "source", "slower_ms")
"""Filters that the form always has a field for."""
_HIDDEN = ("since_ns", "until_ns")
_KEPT = ("columns", "sort", "order", "view")
"""What the form carries on beside the filter."""
_SCORES = 5_000
_WHOLE = 200
"""Spans up to which all of a trace are looked through for an attribute; of a larger one its root is."""
STATUSES = ("ok", "refused", "failed", "cancelled")
SOURCES = ("model", "cache", "script")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of the list."""

    name: str
    title: str
    link: str
    """The list sorted by it; empty where it cannot be sorted by it."""
    sorted: str
    """`ascending` or `descending` when it is."""
    earlier: str
    """The list with the column one place earlier; empty for the first."""

    @property
    def number(self) -> bool:
        """Whether it stands to the right."""
        return self.name in {"first", "tokens", "cost", "waste", "attempts", "spans", "failed_spans", *_TOKENS}


_TOKENS = ("input_tokens", "output_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One trace in the list, with a bar that compares how long it took, and what the columns beside its own fields hold."""

    row: TraceRow
    bar: Markup
    more: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One saved view."""

    view: View
    link: str
    mine: bool
    may_change: bool
    opens: bool
    """Whether the reader's list opens with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceList:
    """A page of traces, newest first unless they are sorted."""

    title: str
    rows: Sequence[Line]
    columns: Sequence[Column]
    offered: Sequence[tuple[str, str, bool]]
    """Columns to choose from: the name of each, what it is called, and whether it is shown."""
    extra: str
    """The scores and attributes that are shown, as the form has them."""
    known: Sequence[str]
    """Scores there are."""
    sorts: Sequence[tuple[str, str]]
    sort: str
    order: str
    tabs: Sequence[Tab]
    tab: Tab | None
    """The view that is looked at."""
    changed: bool
    """Whether what is listed is no longer what the view keeps."""
    everything: str
    state: str
    """What is listed, as a view would keep it."""
    may_share: bool
    query: Mapping[str, str]
    older: str
    newest: str
    first: bool
    tail: str
    """The filter as the live tail takes it."""
    between: str
    """The stretch of time that is listed, in words."""
    more: Sequence[str]
    """Filters in force that have no field of their own until they are used."""
    hidden: Sequence[str]
    """What is in force that the form only carries on."""
    apps: Sequence[str]
    models: Sequence[str]
    statuses: Sequence[str]
    sources: Sequence[str]
    fields: Sequence[str]
    wrong: str
    """What is wrong with the line of conditions."""
    filtered: bool
    base: str
    call: str
    """The same list from the management API."""


async def traces(request: Request, services: Services, visit: Visit) -> Page | Response:
    """The list. Without anything in the address it is the view that the reader chose to begin with."""
    person = Person.of(visit.entry.key)
    chosen = await services.views.chosen(person)
    if not request.query_params and chosen is not None:
        return RedirectResponse(address_of(chosen), 303)
    if "column" in request.query_params or "extra" in request.query_params:
        return RedirectResponse("/traces" + address_with(_with_columns(request.query_params)), 303)
    query = query_seen(request.query_params, visit)
    state = state_of(query)
    names = state.columns or USUAL
    tenant, apps = tenant_of(visit), apps_of(visit, query.get("app", ""))
    sort = state.sort or "when"
    plain = sort == "when" and state.order == "desc"
    wrong = ""
    found: list[TraceRow] = []
    limit = 50
    try:
        filters = await filters_of(query, visit, services, limit=limit + 1 if plain else SORTED)
        found = await found_by(filters, services)
    except Mistaken as mistaken:
        if mistaken.place != "q":
            raise
        wrong = mistaken.message
    older = address_with(query, before=found[limit - 1].cursor) if plain and len(found) > limit else ""
    rows = found[:limit] if plain else ordered(found, sort, state.order)[:limit]
    tabs = await _tabs(services, person, chosen)
    tab = next((each for each in tabs if each.view.id == query.get("view")), None)
    asked = {key: value for key, value in query.items() if key in {*FILTERS, "sort", "order"}}
    return Page(
        template="traces/list.html",
        context=TraceList(
            title=tab.view.name if tab else "Traces",
            rows=await lines_of(rows, names, services),
            columns=columns_in(names, query, sort, state.order),
            offered=[(name, title, name in names) for name, title in COLUMNS.items()],
            extra=" ".join(name for name in names if name not in COLUMNS),
            known=sorted({each.name for app in apps for each in await services.scores.names(tenant, app)})[:12],
            sorts=[(name, COLUMNS[name]) for name in SORTS],
            sort=sort,
            order=state.order,
            tabs=tabs,
            tab=tab,
            changed=tab is not None and _kept_of(tab.view) != _kept_of(state),
            everything="/traces?view=all" if chosen is not None else "/traces",
            state=address_with({key: value for key, value in query.items() if key in {*FILTERS, *_KEPT}}, view=""),
            may_share=may_manage(visit),
            tail=address_with(query, before=""),
            query=query,
            older=older,
            newest=address_with(query, before=""),
            first="before" not in query,
            between=_between(query),
            more=[name for name in FILTERS if name in query and name not in {*_FIELDS, *_HIDDEN}],
            hidden=[name for name in (*_HIDDEN, *_KEPT) if name in query],
            apps=offered(visit, await services.traces.values("app", tenant)),
            # The store knows the models of all apps together, which is more than such a reader may see.
            models=[] if visit.entry.apps else await services.traces.values("model", tenant),
            statuses=STATUSES,
            sources=SOURCES,
            wrong=wrong,
            fields=sorted(TRACE_FIELDS),
            filtered=bool(set(query) & set(FILTERS)),
            base=str(request.base_url).rstrip("/"),
            call=api_call(request, "/api/traces", **asked),
        ),
    )


def columns_in(names: Sequence[str], query: Mapping[str, str], sort: str, order: str) -> list[Column]:
    """Return the columns of a list with the addresses that sort it and move them."""
    found: list[Column] = []
    for place, name in enumerate(names):
        other = "asc" if sort == name and order == "desc" else "desc"
        usual = name == "when" and other == "desc"
        by = {"sort": "" if usual else name, "order": "asc" if other == "asc" else "", "before": ""}
        moved = [*names[: place - 1], name, names[place - 1], *names[place + 1 :]] if place else []
        direction = {"asc": "ascending", "desc": "descending"}[order]
        found.append(
            Column(
                name=name,
                title=COLUMNS.get(name) or name.partition(".")[2],
                link=address_with(query, **by) if name in SORTS else "",
                sorted=direction if sort == name else "",
                earlier=address_with(query, columns=",".join(moved)) if moved else "",
            )
        )
    return found


async def lines_of(rows: Sequence[TraceRow], names: Sequence[str], services: Services) -> list[Line]:
    """Return rows as the list shows them, compared with the slowest one, with the scores and attributes of its columns."""
    slowest = max((row.duration_ns for row in rows), default=1)
    scores = await _scores(rows, names, services)
    keys = [name.removeprefix("attribute.") for name in names if name.startswith("attribute.")]
    return [
        Line(
            row=row,
            bar=share(row.duration_ns, slowest, "cached" if row.source == "cache" else row.status),
            more={**scores.get((row.tenant, row.id), {}), **(await _attributes(row, keys, services) if keys else {})},
        )
        for row in rows
    ]


async def filters_of(
    query: Mapping[str, str], visit: Visit, services: Services, *, limit: int
) -> dict[str, TraceFilter]:
    """Return the filters that a query string means, by the app that each is about: its fields, and the line in `q`.

    Raises:
        Mistaken: `field_invalid` naming the field; `not_found` for an app that is not the reader's to see.

    """
    tenant = tenant_of(visit)
    return {
        app: await _filter_of({**query, "app": app}, tenant, services, limit)
        for app in apps_of(visit, query.get("app", ""))
    }


async def found_by(filters: Mapping[str, TraceFilter], services: Services) -> list[TraceRow]:
    """Return the newest of what filters let pass, each for another app."""
    limit = max(each.limit for each in filters.values())
    return await together(
        tuple(filters), lambda app: services.traces.find(filters[app]), place=place_of_row, limit=limit
    )


async def _filter_of(query: Mapping[str, str], tenant: str | None, services: Services, limit: int) -> TraceFilter:
    found: dict[str, Any] = {name: query[name] for name in FILTERS if name in query and name != "q"}
    for name, unit in _WHOLES.items():
        if name in query:
            found[name] = whole(query, name, of=unit)
    if "dearer" in query:
        try:
            found["dearer"] = Decimal(query["dearer"])
        except InvalidOperation as error:
            raise Mistaken("field_invalid", "`dearer` is an amount in US dollars", place="dearer") from error
    filter = TraceFilter(tenant=tenant, before=query.get("before", ""), limit=limit, **found)
    line = query_of(query.get("q", ""))
    return filter if line is None else await narrowed(line, filter, services.scores)


def state_of(query: Mapping[str, str], *, name: str = "") -> View:
    """Return the list that an address means, as a view.

    Raises:
        Mistaken: `field_invalid` for a column or an order that there is not.

    """
    sort, order = query.get("sort", ""), query.get("order", "desc")
    if sort not in {"", *SORTS}:
        raise Mistaken("field_invalid", f"a list is sorted by one of: {', '.join(SORTS)}", place="sort")
    if order not in {"desc", "asc"}:
        raise Mistaken("field_invalid", "an order is `desc` or `asc`", place="order")
    return View(
        id="",
        name=name,
        filter={key: query[key] for key in FILTERS if query.get(key)},
        columns=columns_of(query.get("columns", "").split(",")),
        sort=sort,
        order="asc" if order == "asc" else "desc",
    )


def address_of(view: View) -> str:
    """Return where a view is listed."""
    shown = {"columns": ",".join(view.columns), "sort": view.sort, "order": "asc" if view.order == "asc" else ""}
    return "/traces" + address_with({**view.filter, **shown, "view": view.id})


async def _tabs(services: Services, person: Person, chosen: View | None) -> list[Tab]:
    return [
        Tab(
            view=view,
            link=address_of(view),
            mine=view.owner == person.id,
            may_change=person.manages or (view.owner == person.id and not view.shared),
            opens=chosen is not None and chosen.id == view.id,
        )
        for view in await services.views.of(person)
    ]


def _kept_of(view: View) -> tuple[Any, ...]:
    """What a view keeps, told in one way: the usual columns and order may be written down or not."""
    return view.filter, view.columns or USUAL, view.sort or "when", view.order


def _with_columns(asked: QueryParams) -> dict[str, str]:
    """Return the address that the form for columns means: those that were shown keep their places."""
    wanted = columns_of([*asked.getlist("column"), *asked.get("extra", "").replace(",", " ").split()])
    before = columns_of(asked.get("columns", "").split(",")) or USUAL
    names = [*(name for name in before if name in wanted), *(name for name in wanted if name not in before)]
    rest = {key: value for key, value in asked.items() if value and key not in {"column", "extra", "columns", "before"}}
    if rest.get("order") == "desc":
        del rest["order"]
    if rest.get("sort") == "when":
        del rest["sort"]
    return {**rest, "columns": "" if tuple(names) == USUAL else ",".join(names)}


async def _scores(
    rows: Sequence[TraceRow], names: Sequence[str], services: Services
) -> dict[tuple[str, str], dict[str, str]]:
    """What each trace was given, by the column: the latest, and how many there are."""
    wanted = [name.removeprefix("score.") for name in names if name.startswith("score.")]
    found: dict[tuple[str, str], dict[str, list[Score]]] = {}
    for name in wanted if rows else ():
        for score in await services.scores.find(
            ScoreFilter(name=name, traces=tuple(row.id for row in rows), limit=_SCORES)
        ):
            found.setdefault((score.tenant, score.trace), {}).setdefault(f"score.{name}", []).append(score)
    return {
        trace: {
            column: said_value(given[0]) + (f" of {len(given)}" if len(given) > 1 else "")
            for column, given in columns.items()
        }
        for trace, columns in found.items()
    }


async def _attributes(row: TraceRow, keys: Sequence[str], services: Services) -> dict[str, str]:
    """What the first span that says it says, from the root on."""
    if row.spans <= _WHOLE:
        whole = await services.traces.get(row.id, row.tenant)
        spans = [span.attributes for span in whole.spans] if whole is not None else []
    else:
        twigs = await services.traces.tree(row.id, row.tenant)
        ids = {twig.id for twig in twigs}
        root = next((twig.id for twig in twigs if twig.parent not in ids), "")
        one = await services.traces.span(row.id, root, row.tenant)
        spans = [one.span.attributes] if one is not None else []
    return {
        f"attribute.{key}": said(held)[:500]
        for key in keys
        if (held := next((span[key] for span in spans if key in span), None)) is not None
    }


def _between(query: Mapping[str, str]) -> str:
    """Return the stretch of time in words."""
    since, until = (
        at(int(query[name])).strftime("%Y-%m-%d %H:%M") if name in query else "" for name in ("since_ns", "until_ns")
    )
    if since and until:
        return f"From {since} until {until}"
    return f"Since {since}" if since else f"Before {until}" if until else ""
