"""Review: queues of answers that people judge, item by item."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from rowen.api.manage.base import Asked, Limited, Name, NoParams, Page, Plain, Verb, Verbs, Whole
from rowen.api.manage.scores import Figure, Reason, ScoreLabel, ScoreText
from rowen.score.queue import Item, Listed, Opinion, Picked, Queue
from rowen.score.review import Progress, Review
from rowen.values import Mistaken, Settings, Value

TraceId = Annotated[str, Meta(min_length=1, max_length=100, pattern="^[A-Za-z0-9_-]+$")]
Prose = Annotated[str, Meta(max_length=20_000, pattern=r"^[^\u0000]*$")]
Values = Annotated[dict[ScoreLabel, Figure | bool | ScoreText], Meta(max_length=50)]


class WantedPicks(Settings, frozen=True, kw_only=True):
    """Which traces a queue takes when it is filled. Empty fields do not pick."""

    model: Plain = ""
    feature: Plain = ""
    user: Plain = ""
    session: Plain = ""
    status: Literal["", "ok", "refused", "failed", "cancelled"] = "ok"
    score: Plain = ""
    """Only traces with a score of this name, between `below` and `above` where they are given."""
    below: Figure | None = None
    above: Figure | None = None
    sample: Annotated[float, Meta(ge=0, le=1)] = 1.0


class NewQueue(Settings, frozen=True, kw_only=True):
    """What is to be reviewed, under which guidelines, by how many people each."""

    name: Name
    app: Plain = ""
    guidelines: Prose = ""
    asked: Annotated[tuple[ScoreLabel, ...], Meta(min_length=1, max_length=20)] = ("thumbs",)
    """The scores that each rater gives; each needs a config."""
    picks: WantedPicks = WantedPicks()
    raters: Annotated[int, Meta(ge=1, le=20)] = 1
    lease_s: Annotated[int, Meta(ge=10, le=86_400)] = 900
    closed: bool = False


class Filling(Settings, frozen=True, kw_only=True):
    """Which answers to put into a queue: these traces, or else the newest that it picks."""

    traces: Annotated[tuple[TraceId, ...], Meta(max_length=1000)] = ()
    span: Annotated[str, Meta(max_length=100, pattern="^[A-Za-z0-9_-]*$")] = ""
    """With one trace: the step of it that is to be judged."""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    since_ns: Whole = 0


class Filled(Value, frozen=True, kw_only=True, omit_defaults=False):
    """How many items were not there before."""

    added: int


class Judged(Settings, frozen=True, kw_only=True):
    """One rater's judgement of an item: a value for each score that the queue asks for."""

    values: Values
    reason: Reason = ""
    correction: ScoreText = ""
    """What should have been the answer."""


class Decided(Settings, frozen=True, kw_only=True):
    """What shall hold where raters disagree."""

    values: Values
    reason: Reason = ""


class ItemParams(Settings, frozen=True, kw_only=True):
    """Which items."""

    state: Literal["", "open", "disputed", "done"] = ""
    before: Plain = ""
    limit: Limited = 100


async def list_queues(asked: Asked[NoParams, None]) -> Page[Queue]:
    """The queues of the caller's tenant, of all for an admin."""
    found = await _review(asked).queues(asked.tenant(""))
    return Page(items=[queue for queue in found if _may(asked, queue)])


async def create_queue(asked: Asked[NoParams, NewQueue]) -> Queue:
    """The queue."""
    return await _kept(asked, Queue(id="", tenant=asked.actor.tenant, name=asked.body.name), "queue.create")


async def change_queue(asked: Asked[NoParams, NewQueue]) -> Queue:
    """The queue as it is now."""
    return await _kept(asked, await _queue(asked), "queue.change")


async def get_queue(asked: Asked[NoParams, None]) -> Progress:
    """How far it is."""
    return await _review(asked).progress(await _queue(asked))


async def delete_queue(asked: Asked[NoParams, None]) -> Queue:
    """The queue that is no more."""
    queue = await _queue(asked)
    await _note(asked, queue, "queue.delete")
    await _review(asked).delete(queue.id, queue.tenant)
    return queue


async def fill_queue(asked: Asked[NoParams, Filling]) -> Filled:
    """How many were added."""
    queue, body, review = await _queue(asked), asked.body, _review(asked)
    if not body.traces:
        return Filled(added=await review.fill(queue, limit=body.limit, since_ns=body.since_ns))
    if body.span and len(body.traces) > 1:
        raise Mistaken("field_invalid", "a span belongs to one trace", place="span")
    rows = []
    for trace in body.traces:
        row = await asked.manage.known(trace, queue.tenant)
        if row is None or not asked.entry.sees(row.app):
            raise Mistaken("not_found", f"there is no trace {trace[:60]!r}", place="traces")
        rows.append(row)
    return Filled(added=await review.add(queue, rows, span=body.span, why=f"put there by {asked.entry.person}"))


async def list_items(asked: Asked[ItemParams, None]) -> Page[Listed]:
    """The items of a queue with the beginning of what was asked and answered, oldest first."""
    params = asked.params
    items = await _review(asked).items(await _queue(asked), params.state or None)
    start = next((number for number, item in enumerate(items, 1) if item.id == params.before), 0)
    shown = items[start : start + params.limit]
    listed = await _review(asked).listed(shown)
    return Page(items=listed, next=shown[-1].id if len(items) > start + params.limit else "")


async def next_item(asked: Asked[NoParams, None]) -> Item | None:
    """The item, null when there is none for this rater. What others said of it is left out."""
    rater = asked.entry.person
    item = await _review(asked).next(await _queue(asked), rater)
    return None if item is None else _blind(item, rater)


async def submit_item(asked: Asked[NoParams, Judged]) -> Item:
    """The item as it is now. What others said of it is left out while it is open."""
    body, rater = asked.body, asked.entry.person
    opinion = Opinion(rater=rater, values=body.values, reason=body.reason, correction=body.correction)
    return _blind(await _review(asked).submit(await _queue(asked), asked.path["item"], opinion), rater)


async def skip_item(asked: Asked[NoParams, None]) -> Item:
    """The item, which goes to another rater."""
    rater = asked.entry.person
    return _blind(await _review(asked).skip(await _queue(asked), asked.path["item"], rater), rater)


async def decide_item(asked: Asked[NoParams, Decided]) -> Item:
    """The item, settled."""
    queue, body = await _queue(asked), asked.body
    return await _review(asked).decide(queue, asked.path["item"], asked.entry.person, body.values, body.reason)


def _review(asked: Asked[Any, Any]) -> Review:
    return asked.manage.review


def _may(asked: Asked[Any, Any], queue: Queue) -> bool:
    return asked.entry.sees(queue.app)


async def _queue(asked: Asked[Any, Any]) -> Queue:
    queue = await _review(asked).queue(asked.path["id"], asked.tenant(""))
    if not _may(asked, queue):
        raise Mistaken("not_found", "there is no such queue", place="id")
    return queue


async def _kept(asked: Asked[NoParams, NewQueue], queue: Queue, act: str) -> Queue:
    body = asked.body
    new = queue.but(
        name=body.name,
        app=asked.app(body.app),
        guidelines=body.guidelines,
        asked=body.asked,
        picks=Picked(**{name: getattr(body.picks, name) for name in Picked.__struct_fields__}),
        raters=body.raters,
        lease_s=body.lease_s,
        closed=body.closed,
    )
    kept = await _review(asked).put(new)
    await _note(asked, kept, act)
    return kept


async def _note(asked: Asked[Any, Any], queue: Queue, act: str) -> None:
    await asked.manage.register.recorder.note(asked.actor, act, tenant=queue.tenant, target=queue.id)


def _blind(item: Item, rater: str) -> Item:
    """Return the item as a rater may see it, so that nobody judges by what others said."""
    if item.state != "open":
        return item
    return item.but(
        why="",
        opinions=tuple(each for each in item.opinions if each.rater == rater),
        leases=tuple(each for each in item.leases if each.rater == rater),
        skipped=tuple(each for each in item.skipped if each == rater),
    )


VERBS: Verbs = (
    Verb(
        method="GET",
        path="/api/queues",
        name="list_queues",
        summary="Queues of answers to be reviewed, newest first.",
        scope="read",
        run=list_queues,
        gives=Queue,
        many=True,
        params=NoParams,
    ),
    Verb(
        method="POST",
        path="/api/queues",
        name="create_queue",
        summary="Make a queue: guidelines, the scores asked for, and how many people judge each answer.",
        scope="manage",
        run=create_queue,
        gives=Queue,
        params=NoParams,
        body=NewQueue,
        status=201,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/queues/{id}",
        name="get_queue",
        summary="A queue, how far it is, and how well its raters agree.",
        scope="read",
        run=get_queue,
        gives=Progress,
        params=NoParams,
        errors=("not_found",),
    ),
    Verb(
        method="PUT",
        path="/api/queues/{id}",
        name="change_queue",
        summary="Change a queue. What was judged stays.",
        scope="manage",
        run=change_queue,
        gives=Queue,
        params=NoParams,
        body=NewQueue,
        errors=("not_found",),
    ),
    Verb(
        method="DELETE",
        path="/api/queues/{id}",
        name="delete_queue",
        summary="Remove a queue with its items. The scores stay.",
        scope="manage",
        run=delete_queue,
        gives=Queue,
        params=NoParams,
        errors=("not_found",),
    ),
    Verb(
        method="POST",
        path="/api/queues/{id}/fill",
        name="fill_queue",
        summary="Put answers into a queue: these traces, or the newest that it picks.",
        scope="manage",
        run=fill_queue,
        gives=Filled,
        params=NoParams,
        body=Filling,
        errors=("not_found",),
    ),
    Verb(
        method="POST",
        path="/api/queues/{id}/next",
        name="next_item",
        summary="The next item for you to judge, yours for the lease; null when there is none.",
        scope="read",
        run=next_item,
        gives=Item | None,
        params=NoParams,
        errors=("not_found", "conflict"),
    ),
    Verb(
        method="GET",
        path="/api/queues/{id}/items",
        name="list_items",
        summary="The items of a queue, oldest first: what was asked and answered, why they are there, what was said of them.",
        scope="manage",
        run=list_items,
        gives=Listed,
        many=True,
        params=ItemParams,
        errors=("not_found",),
    ),
    Verb(
        method="POST",
        path="/api/queues/{id}/items/{item}/submit",
        name="submit_item",
        summary="Judge an item. Again, it takes the place of your earlier judgement while nothing is decided.",
        scope="read",
        run=submit_item,
        gives=Item,
        params=NoParams,
        body=Judged,
        errors=("not_found", "conflict"),
    ),
    Verb(
        method="POST",
        path="/api/queues/{id}/items/{item}/skip",
        name="skip_item",
        summary="Leave an item to others.",
        scope="read",
        run=skip_item,
        gives=Item,
        params=NoParams,
        errors=("not_found", "conflict"),
    ),
    Verb(
        method="POST",
        path="/api/queues/{id}/items/{item}/decide",
        name="decide_item",
        summary="Settle an item on which its raters disagree.",
        scope="manage",
        run=decide_item,
        gives=Item,
        params=NoParams,
        body=Decided,
        errors=("not_found", "conflict"),
    ),
)
