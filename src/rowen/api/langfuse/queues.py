"""Langfuse's annotation queues as Rowen's queues of what people review."""

from typing import Any

from rowen.api.langfuse.base import Asked, Body, paged, when
from rowen.score.queue import Item, Queue, item_id
from rowen.trace.intake.langfuse import trace_id
from rowen.values import Mistaken

_STATUS = {"PENDING": ("open", "disputed"), "COMPLETED": ("done",)}


class QueueBody(Body):
    """A queue that is sent."""

    name: str
    score_config_ids: list[str]
    description: str | None = None


class ItemBody(Body):
    """What shall be reviewed."""

    object_id: str
    object_type: str
    status: str | None = None


async def find(asked: Asked) -> Any:
    """The queues of the tenant, newest first."""
    asked.may("call", "read")
    found = [shown(queue) for queue in await asked.langfuse.review.queues(asked.tenant) if asked.sees(queue.app)]
    return paged(found, asked.number("page", 1), asked.number("limit", 50, 1000))


async def create(asked: Asked) -> Any:
    """Keep a new queue, whose raters give the scores that are named."""
    asked.may("manage")
    body: QueueBody = asked.read(QueueBody)
    if not body.name.strip() or len(body.name) > 200:
        raise Mistaken("field_invalid", "a queue needs a name of 1 to 200 characters", place="name")
    return shown(
        await asked.langfuse.review.put(
            Queue(
                id="",
                tenant=asked.tenant,
                name=body.name,
                guidelines=body.description or "",
                asked=tuple(body.score_config_ids),
            )
        )
    )


async def get(asked: Asked) -> Any:
    """One queue."""
    asked.may("call", "read")
    return shown(await _queue(asked))


async def find_items(asked: Asked) -> Any:
    """What is in a queue, oldest first."""
    asked.may("call", "read")
    queue = await _queue(asked)
    status = asked.query.get("status", "")
    if status and status not in _STATUS:
        raise Mistaken("field_invalid", "a status is PENDING or COMPLETED", place="status")
    found = [
        shown_item(item)
        for item in await asked.langfuse.review.items(queue)
        if not status or item.state in _STATUS[status]
    ]
    return paged(found, asked.number("page", 1), asked.number("limit", 50, 1000))


async def get_item(asked: Asked) -> Any:
    """One item."""
    asked.may("call", "read")
    return shown_item(await asked.langfuse.review.item(await _queue(asked), asked.place[1]))


async def add(asked: Asked) -> Any:
    """Put a trace into a queue."""
    asked.may("manage")
    queue = await _queue(asked)
    body: ItemBody = asked.read(ItemBody)
    if body.object_type != "TRACE":
        raise Mistaken("field_invalid", "Rowen reviews traces: send `objectType` TRACE", place="objectType")
    if body.status not in {None, "PENDING"}:
        raise Mistaken("field_invalid", "an item is completed by people who judge it", place="status")
    row = await asked.langfuse.traces.row(trace_id(body.object_id), asked.tenant)
    if row is None or not asked.sees(row.app):
        raise Mistaken("not_found", "there is no such trace", place="objectId")
    await asked.langfuse.review.add(queue, [row], why=f"put there by {asked.entry.person}")
    return shown_item(await asked.langfuse.review.item(queue, item_id(queue.id, row.id, "")))


async def _queue(asked: Asked) -> Queue:
    queue = await asked.langfuse.review.queue(asked.place[0], asked.tenant)
    if not asked.sees(queue.app):
        raise Mistaken("not_found", "there is no such queue", place="queueId")
    return queue


def shown(queue: Queue) -> dict[str, Any]:
    """Return a queue as Langfuse shows it."""
    return {
        "id": queue.id,
        "name": queue.name,
        "description": queue.guidelines or None,
        "scoreConfigIds": list(queue.asked),
        "createdAt": when(queue.created_ns),
        "updatedAt": when(queue.created_ns),
    }


def shown_item(item: Item) -> dict[str, Any]:
    """Return an item as Langfuse shows it."""
    last = max((opinion.at_ns for opinion in item.opinions), default=item.created_ns)
    done = item.state == "done"
    return {
        "id": item.id,
        "queueId": item.queue,
        "objectId": item.span or item.trace,
        "objectType": "OBSERVATION" if item.span else "TRACE",
        "status": "COMPLETED" if done else "PENDING",
        "completedAt": when(last) if done else None,
        "createdAt": when(item.created_ns),
        "updatedAt": when(last),
    }
