"""The playground: several models side by side on one prompt, a draft of it perhaps, with variables and a question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rowen.access import Actor, Visit
from rowen.flow import App
from rowen.flow.play import MOST, Tried, Try, Turn, question_of, variables_of
from rowen.prompt import Variable, Written, written_of
from rowen.prompt.registry import TENANT
from rowen.prompt.template import places
from rowen.prompt.written import SYSTEM, fitted
from rowen.values import Mistaken, Problem, Refused, Trace
from rowen.values.errand import PLAY
from rowen.values.whole import whole
from rowen.web.forms import Fields, line, managed, text
from rowen.web.page import Page, Services, may_manage, tenant_of
from rowen.web.prompts import link_of

_LARGEST = 200_000  # characters of a prompt or a question


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A variable with what stands in its field."""

    name: str
    variable: Variable
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the form holds."""

    app: str = ""
    prompt: str = ""
    draft: str = ""
    question: str = ""
    note: str = ""
    models: Sequence[str] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    earlier: tuple[Turn, ...] = ()
    temperature: str = ""
    trace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Playground:
    """The form, and how it was answered."""

    title: str
    apps: Sequence[str]
    prompts: Sequence[str]
    models: Sequence[str]
    asked: Asked
    earlier: str
    """The turns before the question as JSON."""
    written: str
    """What the prompt says as it is served."""
    places: Sequence[Place]
    results: Sequence[Tried]
    most: int
    tag: str
    may_keep: bool
    failed: Problem | None


async def playground(request: Request, services: Services, visit: Visit) -> Page:
    """The form: empty, with another version of a prompt, or with what a trace was asked."""
    query = request.query_params
    asked = Asked(app=query.get("app", ""), prompt=query.get("prompt", ""))
    if trace := query.get("trace", ""):
        asked = await _of_trace(services, visit, trace)
    app = _app(services, visit, asked.app)
    name = asked.prompt or (SYSTEM if SYSTEM in written_of(app.prompts) else "")
    draft = asked.draft
    if number := whole(query, "version", 1, usual=0):
        draft = (await services.prompts.get(f"{app.name}/{name}", TENANT, version=number)).text
    shown = Asked(
        app=app.name,
        prompt=name,
        draft=draft or _written(app, name),
        question=asked.question,
        models=asked.models or (app.default_model,),
        variables=asked.variables,
        earlier=asked.earlier,
        trace=asked.trace,
    )
    return _page(services, visit, app, shown)


async def run(request: Request, services: Services, visit: Visit) -> Page:
    """Ask the models, and show how they answered."""
    form = await request.form()
    if not {"call", "manage", "admin"} & set(visit.caller.scopes):
        raise Refused("key_scope", "the key has not the scope `call`", place="scopes")
    app = _app(services, visit, str(form.get("app", "")))
    asked = _asked(form, app)
    if "shape" in form:  # other places in the draft: show their fields
        return _page(services, visit, app, asked)
    try:
        results = await services.play(_try(asked, app), caller=visit.caller, models=visit.entry.models)
    except Problem as problem:
        return _page(services, visit, app, asked, failed=problem)
    return _page(services, visit, app, asked, results=results)


async def keep(request: Request, services: Services, visit: Visit) -> Page | Response:
    """Keep the draft as the next version of its prompt, with the candidate Definition that carries it."""
    form, actor = await managed(request, visit, services.address(request))
    app = _app(services, visit, str(form.get("app", "")))
    asked = _asked(form, app)
    name = f"{app.name}/{asked.prompt or SYSTEM}"
    try:
        if not actor.sees(TENANT):
            raise Refused("key_scope", "the app's prompts belong to another tenant", place="tenant")
        declared = written_of(app.prompts).get(asked.prompt or SYSTEM)
        made = await services.prompts.add(
            name,
            asked.draft,
            note=line(form, "note", needed=True, most=2_000),
            variables=fitted(asked.draft, declared.variables if declared else {}),
            by=visit.entry.person,
        )
    except Problem as problem:
        return _page(services, visit, app, asked, failed=problem)
    await _note(services, actor, name)
    return RedirectResponse(f"{link_of(name)}version={made.version}", status_code=303)


async def _note(services: Services, actor: Actor, name: str) -> None:
    await services.register.recorder.note(actor, "prompt.add", tenant=TENANT, target=name)


async def _of_trace(services: Services, visit: Visit, id: str) -> Asked:
    found = await services.traces.get(id, tenant_of(visit))
    if found is None or not visit.entry.sees(found.row.app):
        raise Mistaken("not_found", "There is no such trace.")
    if found.request is None or found.masked:
        raise Mistaken("conflict", "What was asked was masked, or not kept: there is nothing to try again.")
    question, earlier = question_of(found.request, filled=_filled(services, found))
    return Asked(
        app=found.row.app,
        prompt=found.request.prompt.name if found.request.prompt else "",
        question=question,
        models=(found.row.model,) if found.row.model else (),
        variables=variables_of(found.request),
        earlier=earlier,
        trace=id,
    )


def _filled(services: Services, trace: Trace) -> bool:
    """Return whether a prompt of the app, as its prompts are now, was the question of a trace."""
    app = next((each for each in services.served() if each.name == trace.row.app), None)
    request = trace.request
    if app is None or request is None or request.prompt is None:
        return False
    named = written_of(app.prompts).get(request.prompt.name)
    return named is not None and named.role == "user"


def _app(services: Services, visit: Visit, name: str) -> App:
    allowed = visit.entry.apps
    found = [each for each in services.served() if not allowed or each.name in allowed]
    for each in found:
        if name in {"", each.name}:
            return each
    raise Mistaken("app_unknown", "No such app is served here.")


def _written(app: App, name: str) -> str:
    found: Written | None = written_of(app.prompts).get(name)
    return found.text if found else ""


def _asked(form: Fields, app: App) -> Asked:
    name = line(form, "prompt")
    draft = text(form, "draft", most=_LARGEST)
    given = {place: text(form, f"var-{place}", most=_LARGEST) for place in places(draft) if f"var-{place}" in form}
    try:
        earlier = msgspec.json.decode(str(form.get("earlier", "")) or "[]", type=tuple[Turn, ...])
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise Mistaken("field_invalid", "the turns before the question cannot be read", place="earlier") from None
    many = getattr(form, "getlist", None)
    models = [str(each) for each in (many("model") if many else ())]
    return Asked(
        app=app.name,
        prompt=name,
        draft=draft,
        question=text(form, "question", most=_LARGEST),
        note=str(form.get("note", ""))[:2_000],
        models=models or [app.default_model],
        variables=given,
        earlier=earlier,
        temperature=line(form, "temperature", most=20),
    )


def _try(asked: Asked, app: App) -> Try:
    """Return what the form asks for.

    Raises:
        Mistaken: `field_invalid`.

    """
    before = _written(app, asked.prompt or SYSTEM)
    # A browser sends line ends and the ends of texts in its own way; that is no other prompt.
    changed = asked.draft.strip() != before.replace("\r\n", "\n").strip()
    try:
        return msgspec.convert(
            {
                "app": asked.app,
                "models": asked.models,
                "question": asked.question,
                "prompt": asked.prompt,
                "draft": asked.draft if changed and asked.draft else None,
                "variables": {name: value for name, value in asked.variables.items() if value},
                "earlier": [msgspec.structs.asdict(each) for each in asked.earlier],
                "temperature": float(asked.temperature) if asked.temperature else None,
            },
            Try,
        )
    except (msgspec.ValidationError, ValueError) as error:
        raise Mistaken("field_invalid", str(error)[:300], place="playground") from None


def _page(
    services: Services,
    visit: Visit,
    app: App,
    asked: Asked,
    *,
    results: Sequence[Tried] = (),
    failed: Problem | None = None,
) -> Page:
    allowed = visit.entry.apps
    known = written_of(app.prompts)
    declared = known[asked.prompt].variables if asked.prompt in known else {}
    return Page(
        template="playground/page.html",
        context=Playground(
            title="Playground",
            apps=[each.name for each in services.served() if not allowed or each.name in allowed],
            prompts=list(known),
            models=[name for name, each in app.models.items() if any(one.profile.chat for one in each)],
            asked=asked,
            earlier=msgspec.json.encode(asked.earlier).decode(),
            written=_written(app, asked.prompt),
            places=[
                Place(name=name, variable=variable, value=_shown(asked.variables.get(name, variable.default)))
                for name, variable in fitted(asked.draft, declared).items()
            ],
            results=results,
            most=MOST,
            tag=PLAY.tag,
            may_keep=may_manage(visit),
            failed=failed,
        ),
        status=failed.status if failed else 200,
    )


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
