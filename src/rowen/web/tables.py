"""Tables of what an app knows: how their columns were read, their first rows, and what was asked of them lately."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote

from starlette.requests import Request

from rowen.access import Visit
from rowen.retrieve.tables.sheets import Listed, Sheet
from rowen.store.base import TraceFilter
from rowen.store.knowledge import Collection
from rowen.values import Trace
from rowen.values.errand import PLAY
from rowen.web.knowledge import collection_in, link_of, reader_of
from rowen.web.page import Page, Services, api_call, may_manage, tenant_of

_LATELY = 100
"""Calls of the app that are looked through for questions on tables."""
_OTHER = "it names nothing of the tables"


class Asked(NamedTuple):
    """A question that tables were held against."""

    trace: str
    at_ns: int
    question: str
    way: str
    """`rules` or `model`; empty where nothing answered."""
    document: str
    query: str
    """The SQL that answered it; empty where nothing did, or the app keeps no content."""
    why: str
    """Why no table answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """All tables, and one of them whole."""

    title: str
    app: str
    name: str
    link: str
    rows: Sequence[Listed]
    one: Sheet | None
    asked: Sequence[Asked]
    lately: int
    call: str


async def tables(request: Request, services: Services, visit: Visit) -> Page:
    """The tables that the reader may read; with `table` in the address, one of them with its first rows."""
    found = collection_in(request, services, visit)
    reader, wanted = reader_of(visit, found), request.query_params.get("table", "")[:200]
    rows = await services.knowledge.tables(found, reader)
    one = await services.knowledge.table(found, wanted, reader) if wanted else None
    documents = {one.table.document} if one else {each.document for each in rows}
    asked = await _lately(services, tenant_of(visit), found) if rows else []
    # What a table said is seen by who may read it; what none said, by who mends it.
    shown = [each for each in asked if each.document in documents or (not each.way and may_manage(visit) and not one)]
    call = f"/api/knowledge/{quote(found.app)}/{quote(found.name)}/tables"
    return Page(
        template="knowledge/tables.html",
        context=Tables(
            title=one.table.title if one else f"Tables of {found.name}",
            app=found.app,
            name=found.name,
            link=link_of(found),
            rows=rows,
            one=one,
            asked=shown,
            lately=_LATELY,
            call=api_call(request, f"{call}/{wanted}" if one else call),
        ),
    )


async def _lately(services: Services, tenant: str | None, found: Collection) -> list[Asked]:
    """Return the questions on tables among the last calls of an app, the last first."""
    rows = await services.traces.find(TraceFilter(tenant=tenant, app=found.app, limit=_LATELY))
    ids = [row.id for row in rows if (row.users or PLAY.tag in row.tags) and row.origin != "spans"]
    asked = [_asked(trace, found.name) for trace in await services.traces.calls(ids, tenant)]
    return [each for each in asked if each is not None]


def _asked(trace: Trace, name: str) -> Asked | None:
    """Return what a call asked of tables; None where it had nothing to do with them."""
    search = next((span.id for span in trace.spans if span.name == f"retrieval {name}"), None)
    span = next((each for each in trace.spans if each.name == "retrieve.tables" and each.parent == search), None)
    if search is None or span is None:
        return None
    told = span.attributes
    why = str(told.get("rowen.refused") or told.get("rowen.unsure") or "")
    passages = trace.request.passages if trace.request else ()
    passage = next((each for each in passages if each.query), None)
    answered = passage is not None or (told.get("rowen.way") == "rules" and not why)
    if not answered and why == _OTHER:
        return None
    return Asked(
        trace=trace.row.id,
        at_ns=trace.row.started_ns,
        question=trace.row.asked,
        way=str(told.get("rowen.way", "")) if answered else "",
        document=passage.document if passage else "",
        query=passage.query if passage else "",
        why="" if answered else why,
    )
