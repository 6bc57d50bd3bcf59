"""Saved views of the list of traces: a filter, columns and an order under a name, for one person or for a tenant."""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from rowen.store.base import Record, Records
from rowen.store.shelf import Shelf
from rowen.values import Clock, Key, Mistaken, Refused, TraceRow, Value, new_id

Order = Literal["desc", "asc"]

COLUMNS: Mapping[str, str] = {
    "when": "When",
    "status": "Status",
    "model": "Model",
    "asked": "Asked",
    "took": "Took",
    "first": "First token",
    "tokens": "Tokens",
    "cost": "Cost",
    "said": "Said",
    "name": "Name",
    "app": "App",
    "environment": "Environment",
    "release": "Release",
    "definition": "Definition",
    "user": "User",
    "session": "Session",
    "feature": "Feature",
    "tags": "Tags",
    "key": "Key",
    "tenant": "Tenant",
    "origin": "Origin",
    "door": "Door",
    "deployment": "Deployment",
    "provider": "Provider",
    "answered_by": "Answered by",
    "source": "Source",
    "code": "Error",
    "attempts": "Attempts",
    "input_tokens": "Tokens in",
    "output_tokens": "Tokens out",
    "waste": "Waste",
    "streamed": "Streamed",
    "spans": "Spans",
    "failed_spans": "Failed spans",
    "within": "Within",
    "id": "Trace",
}
"""What a trace's row has, and how each is called. Beside these a list may show `score.NAME` and `attribute.KEY`."""

USUAL = ("when", "status", "model", "asked", "took", "first", "tokens", "cost")
"""The columns of a list for which nobody chose any."""

FILTERS = (
    "q", "text", "app", "model", "deployment", "provider", "key", "user", "session", "feature", "status", "code",
    "source", "name", "environment", "release", "tag", "origin", "within", "slower_ms", "dearer", "since_ns", "until_ns",
)  # fmt: skip
"""What the address of a list may filter by."""

_SORTS: Mapping[str, Callable[[TraceRow], Any]] = {
    "when": lambda row: row.started_ns,
    "took": lambda row: row.duration_ns,
    "first": lambda row: row.first_ns,
    "tokens": lambda row: row.input_tokens + row.output_tokens,
    "cost": lambda row: row.cost,
    "waste": lambda row: row.waste or None,
    "attempts": lambda row: row.attempts,
    "spans": lambda row: row.spans,
    "failed_spans": lambda row: row.failed_spans,
}
SORTS = tuple(_SORTS)
"""What a list can be sorted by."""

SORTED = 500
"""Traces that are sorted by anything but their time: the latest ones that fit, which is said beside the list."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_COLUMNS = 40
_VIEWS = 100
_LONG = 2000


class View(Value, frozen=True, kw_only=True):
    """A named list of traces. Its filter has the names and values that the address of the page has."""

    id: str
    tenant: str = "default"
    owner: str = ""
    """Whose it is: `user:ID`, or `key:ID` for a key that belongs to nobody."""
    name: str
    shared: bool = False
    """Whether everybody in the tenant sees it."""
    filter: dict[str, str] = {}
    columns: tuple[str, ...] = ()
    """In their order; none: the usual ones."""
    sort: str = ""
    order: Order = "desc"
    at_ns: int = 0

    @staticmethod
    def shelf(records: Records) -> "Shelf[View]":
        """Return where views stand."""
        return Shelf(
            records,
            "trace_view",
            View,
            lambda one: Record(
                kind="", id=one.id, tenant=one.tenant, group=one.owner, at_ns=one.at_ns, state="shared" * one.shared
            ),
        )


class Chosen(Value, frozen=True, kw_only=True):
    """The view that a person's list of traces opens with."""

    person: str
    tenant: str
    view: str


class Person(Value, frozen=True, kw_only=True):
    """Whose views."""

    id: str
    tenant: str
    before: str = ""
    """The key that theirs was rotated from."""
    manages: bool = False

    @classmethod
    def of(cls, key: Key) -> "Person":
        """Return the person who holds a key."""
        manages = bool({"manage", "admin"} & set(key.scopes))
        if key.user:
            return cls(id=f"user:{key.user}", tenant=key.tenant, manages=manages)
        before = f"key:{key.replaces}" if key.replaces else ""
        return cls(id=f"key:{key.id}", tenant=key.tenant, before=before, manages=manages)


class Views:
    """The saved views of a deployment."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._clock = clock
        self._views = View.shelf(records)
        self._chosen = Shelf(
            records, "trace_view_chosen", Chosen, lambda one: Record(kind="", id=one.person, tenant=one.tenant)
        )

    async def of(self, person: Person) -> list[View]:
        """Return what a person sees by name: their own views, then those that others share in the tenant."""
        if person.before:
            await self._adopt(person)
        own = await self._views.find(tenant=person.tenant, group=person.id)
        shared = await self._views.find(tenant=person.tenant, state="shared")
        others = [view for view in shared if view.owner != person.id]
        return [*sorted(own, key=_by_name), *sorted(others, key=_by_name)]

    async def get(self, id: str, person: Person) -> View:
        """Return a view that a person sees.

        Raises:
            Mistaken: `not_found`.

        """
        found = await self._views.get(id, person.tenant)
        if found is None or not (found.shared or found.owner == person.id):
            raise Mistaken("not_found", "there is no such view", place="id")
        return found

    async def create(self, view: View, person: Person) -> View:
        """Keep a new view of a person's own.

        Raises:
            Mistaken: `field_invalid`, `conflict` when they have one of that name. Refused: `key_scope` when it is shared
                and they may not manage.

        """
        now = self._clock.now_ns()
        return await self._put(view.but(id=new_id(now), owner=person.id, tenant=person.tenant, at_ns=now), person)

    async def change(self, view: View, person: Person) -> View:
        """Keep a view in place of what it was.

        Raises:
            Mistaken: `not_found`, `field_invalid`, `conflict`. Refused: `key_scope` when it is another's, or is shared or
                to be shared, and the person may not manage.

        """
        was = await self.get(view.id, person)
        _must_change(was, person)
        return await self._put(view.but(owner=was.owner, tenant=was.tenant, at_ns=was.at_ns), person)

    async def delete(self, id: str, person: Person) -> View:
        """Remove a view; return what it was.

        Raises:
            Mistaken: `not_found`. Refused: `key_scope`.

        """
        was = await self.get(id, person)
        _must_change(was, person)
        await self._views.delete(id, person.tenant)
        return was

    async def chosen(self, person: Person) -> View | None:
        """Return the view that a person's list opens with, if they chose one that is still there."""
        for id in (person.id, person.before):
            found = await self._chosen.get(id, person.tenant) if id else None
            view = await self._views.get(found.view, person.tenant) if found and found.view else None
            if view is not None and (view.shared or view.owner in {person.id, person.before}):
                return view
            if found is not None:
                return None
        return None

    async def choose(self, id: str, person: Person) -> None:
        """Let a person's list open with a view; with an empty id, with all traces.

        Raises:
            Mistaken: `not_found`.

        """
        if id:
            await self.get(id, person)
        await self._chosen.put(Chosen(person=person.id, tenant=person.tenant, view=id))

    async def _put(self, view: View, person: Person) -> View:
        view = checked(view)
        if view.shared and not person.manages:
            raise Refused("key_scope", "to share a view the key needs the scope `manage`", place="shared")
        own = await self._views.find(tenant=person.tenant, group=view.owner)
        if any(each.name == view.name and each.id != view.id for each in own):
            raise Mistaken("conflict", f"there is a view {view.name!r} already", place="name")
        if len(own) >= _VIEWS and all(each.id != view.id for each in own):
            raise Mistaken("conflict", f"{_VIEWS} views are kept for one person: delete one first", place="name")
        await self._views.put(view)
        return view

    async def _adopt(self, person: Person) -> None:
        """Give a person what they kept with the key that theirs was rotated from."""
        for view in await self._views.find(tenant=person.tenant, group=person.before):
            await self._views.put(view.but(owner=person.id))


def checked(view: View) -> View:
    """Return a view whose parts are all known.

    Raises:
        Mistaken: `field_invalid` naming the part.

    """
    name = " ".join(view.name.split())
    if not name or len(name) > 60 or not name.isprintable():
        raise Mistaken("field_invalid", "a name has 1 to 60 characters that can be seen", place="name")
    for key, value in view.filter.items():
        if key not in FILTERS:
            raise Mistaken("field_invalid", f"a list is not filtered by {key[:40]!r}", place="filter")
        if len(value) > _LONG:
            raise Mistaken("field_invalid", f"a filter has at most {_LONG} characters", place="filter")
    if view.sort not in {"", *SORTS}:
        raise Mistaken("field_invalid", f"a list is sorted by one of: {', '.join(SORTS)}", place="sort")
    return view.but(
        name=name, filter={key: value for key, value in view.filter.items() if value}, columns=columns_of(view.columns)
    )


def columns_of(names: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that names mean, each once.

    Raises:
        Mistaken: `field_invalid` for a name that is none, or too many of them.

    """
    found = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    for name in found:
        head, dot, rest = name.partition(".")
        if name in COLUMNS or (
            dot and head in {"score", "attribute"} and 0 < len(rest) <= 200 and not _CONTROL.search(rest)
        ):
            continue
        raise Mistaken(
            "field_invalid",
            f"there is no column {name[:40]!r}: name a field of a trace, `score.NAME` or `attribute.KEY`",
            place="columns",
        )
    if len(found) > _COLUMNS:
        raise Mistaken("field_invalid", f"at most {_COLUMNS} columns", place="columns")
    return found


def ordered(rows: Sequence[TraceRow], sort: str, order: str) -> list[TraceRow]:
    """Return rows by what they are sorted by; those of which it is not known come last, the newest first among equals."""
    key = _SORTS[sort]
    newest = sorted(rows, key=lambda row: row.started_ns, reverse=True)
    known = [row for row in newest if key(row) is not None]
    known.sort(key=lambda row: -Decimal(key(row)) if order == "desc" else Decimal(key(row)))
    return known + [row for row in newest if key(row) is None]


def _must_change(view: View, person: Person) -> None:
    if view.owner != person.id and not person.manages:
        raise Refused("key_scope", "another's view is changed with the scope `manage`", place="scopes")
    if view.shared and not person.manages:
        raise Refused("key_scope", "a shared view is changed with the scope `manage`", place="scopes")


def _by_name(view: View) -> str:
    return view.name.lower()
