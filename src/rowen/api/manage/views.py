"""Saved views of the list of traces: one's own, and those that the tenant shares."""

from typing import Annotated, Literal

from msgspec import Meta

from rowen.api.manage.base import Asked, Name, NoParams, Page, Sort, Verb, Verbs
from rowen.insight.views import COLUMNS, FILTERS, Person, View
from rowen.values import Settings

FilterName = Annotated[str, Meta(max_length=40, extra_json_schema={"enum": list(FILTERS)})]
_SEEN = r"[^\s\u0000-\u001f\u007f]"
_OF = rf"(score|attribute)\.{_SEEN}([^\u0000-\u001f\u007f]{{0,198}}{_SEEN})?"
Column = Annotated[str, Meta(max_length=210, pattern=f"^({'|'.join(COLUMNS)}|{_OF})$")]
Line = Annotated[str, Meta(max_length=2000, pattern=r"^[^\u0000-\u001f\u007f]*$")]


class NewView(Settings, frozen=True, kw_only=True):
    """What a list shows, and how. The filter is that of the page's address: `{"status": "failed", "q": "latency>2s"}`."""

    name: Name
    shared: bool = False
    """Whether everybody in the tenant sees it; needs the scope `manage`."""
    filter: Annotated[dict[FilterName, Line], Meta(max_length=30)] = {}
    columns: Annotated[tuple[Column, ...], Meta(max_length=40)] = ()
    """Fields of a trace, `score.NAME`, `attribute.KEY`; none: the usual ones."""
    sort: Sort = ""
    order: Literal["desc", "asc"] = "desc"


async def list_views(asked: Asked[NoParams, None]) -> Page[View]:
    """The views that the caller sees, their own first."""
    return Page(items=await asked.manage.views.of(Person.of(asked.entry.key)))


async def get_view(asked: Asked[NoParams, None]) -> View:
    """The view."""
    return await asked.manage.views.get(asked.path["id"], Person.of(asked.entry.key))


async def create_view(asked: Asked[NoParams, NewView]) -> View:
    """The view."""
    return await asked.manage.views.create(_view(asked.body), Person.of(asked.entry.key))


async def change_view(asked: Asked[NoParams, NewView]) -> View:
    """The view as it is now."""
    return await asked.manage.views.change(_view(asked.body, asked.path["id"]), Person.of(asked.entry.key))


async def delete_view(asked: Asked[NoParams, None]) -> View:
    """The view as it was."""
    return await asked.manage.views.delete(asked.path["id"], Person.of(asked.entry.key))


async def choose_view(asked: Asked[NoParams, None]) -> View:
    """The view that the caller's list of traces opens with from now on."""
    person = Person.of(asked.entry.key)
    view = await asked.manage.views.get(asked.path["id"], person)
    await asked.manage.views.choose(view.id, person)
    return view


def _view(body: NewView, id: str = "") -> View:
    return View(
        id=id,
        name=body.name,
        shared=body.shared,
        filter=body.filter,
        columns=body.columns,
        sort=body.sort,
        order=body.order,
    )


VERBS: Verbs = (
    Verb(
        method="GET",
        path="/api/views",
        name="list_views",
        summary="Saved views of the list of traces.",
        scope="read",
        run=list_views,
        gives=View,
        many=True,
        params=NoParams,
    ),
    Verb(
        method="POST",
        path="/api/views",
        name="create_view",
        summary="Keep a view under a name.",
        scope="read",
        run=create_view,
        gives=View,
        params=NoParams,
        body=NewView,
        status=201,
        errors=("conflict",),
    ),
    Verb(
        method="GET",
        path="/api/views/{id}",
        name="get_view",
        summary="One view.",
        scope="read",
        run=get_view,
        gives=View,
        params=NoParams,
        errors=("not_found",),
    ),
    Verb(
        method="PUT",
        path="/api/views/{id}",
        name="change_view",
        summary="Keep a view in place of what it was.",
        scope="read",
        run=change_view,
        gives=View,
        params=NoParams,
        body=NewView,
        errors=("not_found", "conflict"),
    ),
    Verb(
        method="DELETE",
        path="/api/views/{id}",
        name="delete_view",
        summary="Remove a view.",
        scope="read",
        run=delete_view,
        gives=View,
        params=NoParams,
        errors=("not_found",),
    ),
    Verb(
        method="POST",
        path="/api/views/{id}/default",
        name="choose_view",
        summary="Let one's own list of traces open with a view.",
        scope="read",
        run=choose_view,
        gives=View,
        params=NoParams,
        errors=("not_found",),
    ),
)
