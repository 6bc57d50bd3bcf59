"""People's judgement: queues of answers, one item at a time by keyboard, and what became of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rowen.access import Actor, Visit
from rowen.score.intake import derived_id
from rowen.score.queue import Item, Listed, Opinion, Picked, Queue
from rowen.score.review import Progress
from rowen.values import Case, Mistaken, Problem, Refused, Score, ScoreConfig, Trace
from rowen.values.whole import whole
from rowen.web.page import Page, Services, api_call, may_manage, tenant_of
from rowen.web.seen import offered
from rowen.web.talk import Turn, turn, turns_of

_BUTTONS = 11
"""The most choices that are buttons; a wider range of numbers is a field."""
_LISTED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """All queues with how far each is."""

    title: str
    rows: Sequence[Progress]
    configs: Sequence[ScoreConfig]
    apps: Sequence[str]
    may_change: bool
    failed: Problem | None = None
    filled: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One score that a rater gives."""

    name: str
    about: str
    kind: str
    options: Sequence[tuple[str, str]]
    """Of each: the value that is sent, and what it is called."""
    least: str
    most: str
    chosen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """One item, to be judged."""

    title: str
    progress: Progress
    item: Item | None
    asked: Sequence[Turn]
    said: Sequence[Turn]
    choices: Sequence[Choice]
    reason: str
    correction: str
    rater: str
    mine: int
    failed: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """What became of the items of a queue."""

    title: str
    progress: Progress
    rows: Sequence[Listed]
    more: int
    """How many are not listed."""
    choices: Sequence[Choice]
    state: str
    may_change: bool
    failed: Problem | None = None


async def queues(request: Request, services: Services, visit: Visit) -> Page:
    """The list of queues, and the form for a new one."""
    return await _queues(request, services, visit)


async def create(request: Request, services: Services, visit: Visit) -> Page | Response:
    """Make a queue from the form, and fill it."""
    actor = manager(request, services, visit)
    form = await request.form()
    try:
        queue = await services.review.put(_wanted(form, actor))
        await services.register.recorder.note(actor, "queue.create", tenant=queue.tenant, target=queue.id)
        await services.review.fill(queue)
    except Problem as problem:
        kept = {key: str(value) for key, value in form.items() if key != "csrf"}
        return await _queues(request, services, visit, failed=problem, filled=kept)
    return RedirectResponse(f"/review/{queue.id}", 303)


async def rate(request: Request, services: Services, visit: Visit) -> Page:
    """The next item for whoever is signed in."""
    return await _rating(request, services, visit)


async def submit(request: Request, services: Services, visit: Visit) -> Page | Response:
    """Take a judgement in, and go on to the next item."""
    actor = manager(request, services, visit)
    queue = await _queue(request, services, visit)
    form, id, rater = await request.form(), request.path_params["item"], visit.entry.person
    if "skip" in form:
        await services.review.skip(queue, id, rater)
        return RedirectResponse(f"/review/{queue.id}", 303)
    try:
        item = await services.review.submit(queue, id, _opinion(form, rater, await _choices(services, queue)))
        if "case" in form:
            made = await services.cases.of_trace(item.trace, Case(id="", tenant=queue.tenant, by=rater))
            await services.register.recorder.note(actor, "case.create", tenant=made.tenant, target=made.id)
    except Problem as problem:
        return await _rating(request, services, visit, failed=problem, form=form)
    return RedirectResponse(f"/review/{queue.id}", 303)


async def items(request: Request, services: Services, visit: Visit) -> Page:
    """The items of a queue; those on which raters disagree can be decided."""
    return await _items(request, services, visit)


async def decide(request: Request, services: Services, visit: Visit) -> Page | Response:
    """Settle an item on which raters disagree."""
    manager(request, services, visit)
    queue = await _queue(request, services, visit)
    form = await request.form()
    try:
        values = _opinion(form, "", await _choices(services, queue)).values
        reason = str(form.get("reason", ""))
        await services.review.decide(queue, request.path_params["item"], visit.entry.person, values, reason)
    except Problem as problem:
        return await _items(request, services, visit, failed=problem)
    return RedirectResponse(f"/review/{queue.id}/items?state=disputed", 303)


async def fill(request: Request, services: Services, visit: Visit) -> Response:
    """Put the newest answers that the queue picks into it."""
    actor = manager(request, services, visit)
    queue = await _queue(request, services, visit)
    await services.review.fill(queue)
    await services.register.recorder.note(actor, "queue.fill", tenant=queue.tenant, target=queue.id)
    return RedirectResponse(f"/review/{queue.id}", 303)


def manager(request: Request, services: Services, visit: Visit) -> Actor:
    """Return who acts.

    Raises:
        Refused: `key_scope` for whoever may only read.

    """
    if not may_manage(visit):
        raise Refused("key_scope", "the key has not the scope `manage`", place="scopes")
    return Actor.of(visit.entry, services.address(request))


async def judge(request: Request, services: Services, visit: Visit) -> Response:
    """Judge a trace where it stands: a thumb of whoever is signed in, or keep it as a case."""
    actor = manager(request, services, visit)
    id, rater, form = request.path_params["id"], visit.entry.person, await request.form()
    row = await services.traces.row(id, tenant_of(visit))
    if row is None or not visit.entry.sees(row.app):
        raise Mistaken("not_found", "There is no such trace.")
    if "case" in form:
        made = await services.cases.of_trace(id, Case(id="", tenant=row.tenant, by=rater))
        await services.register.recorder.note(actor, "case.create", tenant=made.tenant, target=made.id)
    else:
        up, reason = form.get("thumbs") == "up", str(form.get("reason", "")).strip()
        score = Score(
            id=derived_id(
                Score(id="", tenant=row.tenant, trace=id, name="thumbs", value=up, source="person", by=rater)
            ),
            tenant=row.tenant,
            trace=id,
            name="thumbs",
            type="boolean",
            value=up,
            reason=reason,
            source="person",
            by=rater,
        )
        await services.intake.take([score], apps=visit.entry.apps)
    return RedirectResponse(f"/traces/{id}", 303)


async def _queues(
    request: Request,
    services: Services,
    visit: Visit,
    *,
    failed: Problem | None = None,
    filled: Mapping[str, str] | None = None,
) -> Page:
    tenant = tenant_of(visit)
    found = [queue for queue in await services.review.queues(tenant) if visit.entry.sees(queue.app)]
    return Page(
        call=api_call(request, "/api/queues"),
        template="review/list.html",
        status=failed.status if failed else 200,
        context=Queues(
            title="Review",
            rows=[await services.review.progress(queue) for queue in found],
            configs=[
                config
                for config in await services.configs.all(visit.caller.tenant)
                if config.type not in {"text", "correction"} and "." not in config.name  # those are what users do
            ],
            apps=offered(visit, services.apps()),
            may_change=may_manage(visit),
            failed=failed,
            filled=filled or {},
        ),
    )


async def _rating(
    request: Request,
    services: Services,
    visit: Visit,
    *,
    failed: Problem | None = None,
    form: FormData | None = None,
) -> Page:
    queue = await _queue(request, services, visit)
    rater = visit.entry.person
    item = await services.review.next(queue, rater) if may_manage(visit) else None
    trace = await services.traces.get(item.trace, queue.tenant) if item is not None else None
    asked, said = await _content(services, trace, item) if trace is not None and item is not None else ([], [])
    progress = await services.review.progress(queue)
    return Page(
        call=api_call(request, f"/api/queues/{queue.id}"),
        template="review/rate.html",
        status=failed.status if failed else 200,
        context=Rating(
            title=queue.name,
            progress=progress,
            item=item,
            asked=asked,
            said=said,
            choices=await _choices(services, queue, form),
            reason=str(form.get("reason", "")) if form else "",
            correction=str(form.get("correction", "")) if form else "",
            rater=rater,
            mine=progress.opinions.get(rater, 0),
            failed=failed,
        ),
    )


async def _items(request: Request, services: Services, visit: Visit, *, failed: Problem | None = None) -> Page:
    queue = await _queue(request, services, visit)
    state = request.query_params.get("state", "")
    wanted = [item for item in reversed(await services.review.items(queue)) if state in {"", item.state}]
    return Page(
        call=api_call(request, f"/api/queues/{queue.id}/items", state=state),
        template="review/items.html",
        status=failed.status if failed else 200,
        context=Items(
            title=queue.name,
            progress=await services.review.progress(queue),
            rows=await services.review.listed(wanted[:_LISTED]),
            more=max(0, len(wanted) - _LISTED),
            choices=await _choices(services, queue),
            state=state,
            may_change=may_manage(visit),
            failed=failed,
        ),
    )


async def _queue(request: Request, services: Services, visit: Visit) -> Queue:
    queue = await services.review.queue(request.path_params["id"], tenant_of(visit))
    if not visit.entry.sees(queue.app):
        raise Mistaken("not_found", "there is no such queue", place="id")
    return queue


async def _content(services: Services, trace: Trace, item: Item) -> tuple[Sequence[Turn], Sequence[Turn]]:
    """Return what was asked and answered: of the call, or of the span that is judged, the root unless one is named."""
    if trace.request is not None and not item.span:
        answered = trace.answer.choices if trace.answer else ()
        return [turn(message) for message in trace.request.messages], [turn(each.message) for each in answered]
    id = item.span or next((span.id for span in trace.spans), "")
    whole = await services.traces.span(trace.row.id, id, trace.row.tenant)
    if whole is None:
        return [], []
    return turns_of(whole.input, "input"), turns_of(whole.output, "output")


async def _choices(services: Services, queue: Queue, form: FormData | None = None) -> list[Choice]:
    found = []
    for name in queue.asked:
        config = await services.configs.get(name, queue.tenant)
        if config is None:
            continue
        found.append(
            Choice(
                name=name,
                about=config.about,
                kind=config.type,
                options=_options(config),
                least=_figure(config.least),
                most=_figure(config.most),
                chosen=str(form.get(f"value.{name}", "")) if form else "",
            )
        )
    return found


def _options(config: ScoreConfig) -> list[tuple[str, str]]:
    if config.type == "boolean":
        return [("true", "yes"), ("false", "no")]
    if config.type == "category":
        return [(label, label) for label in config.categories]
    least, most = config.least, config.most
    if config.type == "number" and least is not None and most is not None and most - least < _BUTTONS and most > 1:
        return [(str(value), str(value)) for value in range(int(least), int(most) + 1)]
    return []


def _figure(number: float | None) -> str:
    return "" if number is None else f"{number:g}"


def _opinion(form: FormData, rater: str, choices: Sequence[Choice]) -> Opinion:
    """Return what a form says, each value in the type of its score.

    Raises:
        Mistaken: `field_invalid` for a score that is not given, or no number where one is wanted.

    """
    values: dict[str, float | bool | str] = {}
    for choice in choices:
        text = str(form.get(f"value.{choice.name}", "")).strip()
        if not text:
            raise Mistaken("field_invalid", f"`{choice.name}` is not judged yet", place=choice.name)
        if choice.kind == "boolean":
            values[choice.name] = text == "true"
        elif choice.kind == "number":
            try:
                values[choice.name] = float(text)
            except ValueError:
                raise Mistaken("field_invalid", f"`{choice.name}` is a number", place=choice.name) from None
        else:
            values[choice.name] = text
    reason, correction = str(form.get("reason", "")).strip(), str(form.get("correction", "")).strip()
    return Opinion(rater=rater, values=values, reason=reason, correction=correction)


def _wanted(form: FormData, actor: Actor) -> Queue:
    """Return the queue that a form asks for.

    Raises:
        Mistaken: `field_invalid` naming the field.

    """
    name = str(form.get("name", "")).strip()
    if not name:
        raise Mistaken("field_invalid", "a queue needs a name", place="name")
    raters = whole(form, "raters", 1, 20, usual=1, of="people")
    below = str(form.get("below", "")).strip()
    try:
        bound = float(below) if below else None
    except ValueError:
        raise Mistaken("field_invalid", "the bound of the score is a number", place="below") from None
    picks = Picked(score=str(form.get("score", "")).strip(), below=bound)
    return Queue(
        id="",
        tenant=actor.tenant,
        app=str(form.get("app", "")),
        name=name[:200],
        guidelines=str(form.get("guidelines", ""))[:20_000],
        asked=tuple(str(each) for each in form.getlist("asked")),
        picks=picks,
        raters=raters,
    )
