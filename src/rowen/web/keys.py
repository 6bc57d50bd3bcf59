"""Keys: make one, see what each may do and when it was used, rotate and revoke."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import get_args

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rowen.access import Actor, Made, Visit, Wanted
from rowen.limits import written
from rowen.values import Key, Limit, Mistaken, Problem, Scope
from rowen.values.whole import whole
from rowen.web.page import Page, Services, api_call, may_manage
from rowen.web.seen import offered

_DAY_NS = 86_400_000_000_000
SCOPES = {
    "call": "call the models",
    "read": "read pages and records of its tenant",
    "manage": "change keys and settings of its tenant",
    "release": "let versions of its apps out",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One key and its state at this moment."""

    key: Key
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What stands in the fields of the form; a form that was refused comes back as it was filled in."""

    name: str = ""
    tenant: str = ""
    days: str = ""
    requests: str = ""
    tokens: str = ""
    money: str = ""
    apps: str = ""
    models: str = ""
    groups: str = ""
    networks: str = ""
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The keys the reader may see, and perhaps one that was just made."""

    title: str
    rows: Sequence[Row]
    made: Made | None
    failed: Problem | None
    filled: Filled
    apps: Sequence[str]
    scopes: dict[str, str]
    may_change: bool


async def keys(request: Request, services: Services, visit: Visit) -> Page:
    """The list."""
    return await _listed(request, services, visit)


async def create(request: Request, services: Services, visit: Visit) -> Page:
    """Make a key from the form and show its secret, once."""
    form = await request.form()
    try:
        made = await services.register.create(Actor.of(visit.entry, services.address(request)), wanted(form, services))
    except Problem as problem:
        return await _listed(request, services, visit, failed=problem, filled=_filled(form))
    return await _listed(request, services, visit, made=made)


async def rotate(request: Request, services: Services, visit: Visit) -> Page:
    """Make a successor; the old key stays valid for a day."""
    actor = Actor.of(visit.entry, services.address(request))
    try:
        made = await services.register.rotate(actor, request.path_params["id"], overlap=timedelta(days=1))
    except Problem as problem:
        return await _listed(request, services, visit, failed=problem)
    return await _listed(request, services, visit, made=made)


async def revoke(request: Request, services: Services, visit: Visit) -> Page | Response:
    """End a key at once."""
    actor = Actor.of(visit.entry, services.address(request))
    try:
        await services.register.revoke(actor, request.path_params["id"])
    except Problem as problem:
        return await _listed(request, services, visit, failed=problem)
    return RedirectResponse("/keys", 303)


def wanted(form: FormData, services: Services) -> Wanted:
    """Return what the form asks for.

    Raises:
        Mistaken: `field_invalid` naming the field.

    """
    days = whole(form, "days", 0, 99_999) if str(form.get("days", "")).strip() else None
    limits: list[Limit] = []
    for measure in ("requests", "tokens", "money"):
        text = str(form.get(measure, "")).strip()
        if text:
            try:
                limits.append(written.limit(text, measure, "key"))
            except ValueError as error:
                raise Mistaken("field_invalid", str(error), place=measure) from error
    scopes = tuple(scope for scope in get_args(Scope) if scope in form.getlist("scope"))
    return Wanted(
        name=str(form.get("name", "")),
        tenant=str(form.get("tenant", "")).strip() or "default",
        scopes=scopes,
        apps=_listed_in(form, "apps"),
        models=_listed_in(form, "models"),
        groups=_listed_in(form, "groups"),
        networks=_listed_in(form, "networks"),
        limits=tuple(limits),
        expires_ns=services.clock.now_ns() + days * _DAY_NS if days is not None else None,
    )


def _listed_in(form: FormData, name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in str(form.get(name, "")).split(",") if part.strip())


def _filled(form: FormData) -> Filled:
    texts = {each.name: str(form.get(each.name, "")) for each in fields(Filled) if each.name != "scopes"}
    return Filled(**texts, scopes=tuple(map(str, form.getlist("scope"))))


async def _listed(
    request: Request,
    services: Services,
    visit: Visit,
    *,
    made: Made | None = None,
    failed: Problem | None = None,
    filled: Filled | None = None,
) -> Page:
    now = services.clock.now_ns()
    found = await services.register.keys(Actor.of(visit.entry, services.address(request)))
    return Page(
        call=api_call(request, "/api/keys"),
        template="keys/page.html",
        status=failed.status if failed else 200,
        context=Keys(
            title="Keys",
            rows=sorted(
                (Row(key=key, state=_state(key, now)) for key in found),
                key=lambda row: (row.state != "active", -row.key.created_ns),
            ),
            made=made,
            failed=failed,
            filled=filled or Filled(),
            apps=offered(visit, services.apps()),
            scopes=SCOPES,
            may_change=may_manage(visit),
        ),
    )


def _state(key: Key, now: int) -> str:
    if key.revoked_ns is not None:
        return "revoked"
    if key.expires_ns is not None and key.expires_ns <= now:
        return "expired"
    return "active"
