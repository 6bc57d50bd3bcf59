"""Prompts: what apps say and said, what changed between two versions, and which one is where."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rowen.access import Visit
from rowen.prompt import PromptVersion
from rowen.prompt.diff import DiffLine, differ
from rowen.prompt.registry import TENANT
from rowen.prompt.version import LATEST, answering
from rowen.values import Mistaken, Problem
from rowen.values.whole import whole
from rowen.web.forms import Fields, line, managed
from rowen.web.page import Page, Services, api_call, may_manage, tenant_of

_LABEL = re.compile("[A-Za-z0-9_.-]{1,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One prompt in the list."""

    newest: PromptVersion
    count: int
    labels: Sequence[tuple[str, int]]
    """Each with the number of the version that it names."""
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    """All prompts that the reader may see."""

    title: str
    rows: Sequence[Kept]
    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OnePrompt:
    """One prompt: a version of it, and perhaps how it differs from another."""

    title: str
    kept: Kept
    shown: PromptVersion
    versions: Sequence[PromptVersion]
    against: PromptVersion | None
    lines: Sequence[DiffLine]
    declared: Sequence[DiffLine]
    """Of the variables, where they differ."""
    served: str
    """The label of where an app's prompt is served; empty where it is not."""
    try_it: str
    may_change: bool
    failed: Problem | None
    call: str


async def prompts(request: Request, services: Services, visit: Visit) -> Page:
    """All prompts with their labels."""
    found = await services.prompts.all(tenant_of(visit))
    return Page(
        template="prompts/list.html",
        context=Everything(
            title="Prompts",
            rows=[_kept(versions) for versions in found.values() if _seen(visit, versions)],
            call=api_call(request, "/api/prompts"),
        ),
    )


async def prompt(request: Request, services: Services, visit: Visit) -> Page:
    """One prompt, in one version, with what differs from another one."""
    return await _one(request, services, visit)


async def label(request: Request, services: Services, visit: Visit) -> Page | Response:
    """Give a version a label."""
    form, actor = await managed(request, visit, services.address(request))
    known = await _versions(request, services, visit)
    name, tenant = known[0].name, known[0].tenant
    try:
        number = whole(form, "version", 1, 1_000_000)
        await services.prompts.label(name, tenant, number, [_label(form)])
    except Mistaken as problem:
        return await _one(request, services, visit, failed=problem)
    await services.register.recorder.note(actor, "prompt.label", tenant=tenant, target=f"{name}:{number}")
    return RedirectResponse(f"{link_of(name, tenant)}version={number}", status_code=303)


def _label(form: Fields) -> str:
    wanted = line(form, "label", needed=True, most=100)
    if not _LABEL.fullmatch(wanted):
        raise Mistaken("field_invalid", "a label has letters, digits, - _ and . alone", place="label")
    return wanted


def link_of(name: str, tenant: str = TENANT) -> str:
    """Return the address of a prompt's page, to which further fields of the query can be added."""
    return f"/prompts/{quote(name)}?{f'tenant={quote(tenant)}&' if tenant != TENANT else ''}"


async def _one(request: Request, services: Services, visit: Visit, *, failed: Problem | None = None) -> Page:
    known = await _versions(request, services, visit)
    numbers = {each.version: each for each in known}
    served = answering(known)
    shown = _wanted(request, numbers, "version") or served or known[0]
    against = _wanted(request, numbers, "against")
    if against is shown:
        against = None
    return Page(
        template="prompts/one.html",
        context=OnePrompt(
            title=known[0].name,
            kept=_kept(known),
            shown=shown,
            versions=known,
            against=against,
            lines=differ(against.text, shown.text) if against else (),
            declared=differ(against.declared, shown.declared) if against and against.declared != shown.declared else (),
            served=served.released if served else "",
            try_it=_try(shown, served),
            may_change=may_manage(visit),
            failed=failed,
            call=api_call(request, "/api/prompts/versions", name=known[0].name),
        ),
        status=failed.status if failed else 200,
    )


async def _versions(request: Request, services: Services, visit: Visit) -> list[PromptVersion]:
    name = request.path_params["name"]
    # Whoever sees all tenants sees first what apps say, which belongs to nobody in particular.
    wanted = request.query_params.get("tenant", "") or TENANT
    for tenant in (wanted, visit.caller.tenant) if tenant_of(visit) is None else (visit.caller.tenant,):
        found = await services.prompts.versions(name, tenant)
        if found and _seen(visit, found):
            return found
    raise Mistaken("not_found", "There is no such prompt.")


def _seen(visit: Visit, versions: Sequence[PromptVersion]) -> bool:
    return not visit.entry.apps or versions[0].app in {"", *visit.entry.apps}


def _kept(versions: Sequence[PromptVersion]) -> Kept:
    newest = versions[0]
    labels = [(label, each.version) for each in versions for label in each.labels]
    return Kept(
        newest=newest,
        count=len(versions),
        labels=[*labels, (LATEST, newest.version)],
        link=link_of(newest.name, newest.tenant),
    )


def _try(shown: PromptVersion, served: PromptVersion | None) -> str:
    if not shown.app or served is None:
        return ""
    version = "" if shown is served else f"&version={shown.version}"
    return f"/playground?app={quote(shown.app)}&prompt={quote(shown.short)}{version}"


def _wanted(request: Request, numbers: Mapping[int, PromptVersion], name: str) -> PromptVersion | None:
    """Return the version that the address names; None where it names none."""
    number = whole(request.query_params, name, 1, usual=0)
    if number and number not in numbers:
        raise Mistaken("not_found", f"There is no version {number} of this prompt.", place=name)
    return numbers.get(number)
