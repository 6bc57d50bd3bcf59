"""`/v1/batches`: many requests at once, in OpenAI's shape."""

from typing import Any

import msgspec

from rowen.api.batching import HeldDoor, asked, limit_of, on_account, table_in
from rowen.api.envelope import Inbound
from rowen.api.openai.files import SHAPE, page
from rowen.api.parse.fields import invalid, labels, string
from rowen.api.simple import Told
from rowen.batch import Batch
from rowen.batch.desk import Wish
from rowen.values import Mistaken

ENDPOINTS = ("/v1/chat/completions", "/v1/responses", "/v1/embeddings")

_json = msgspec.json.Encoder().encode
_S = 1_000_000_000
_KNOWN = {"input_file_id", "endpoint", "completion_window", "metadata"}


class BatchesDoor(HeldDoor):
    """Makes a batch, and lists those of the key."""

    shape = SHAPE
    methods = ("GET", "POST")

    async def tell(self, inbound: Inbound) -> Told:
        """Return the batch, or the list."""
        holder = await self.holder(inbound.envelope)
        batches = self.batching.batches
        if inbound.envelope.method == "POST":
            wish = _wish(await table_in(self.services, inbound, self.shape), inbound)
            return Told(_json(batch_object(await batches.make(holder, wish))))
        found = [batch_object(each) for each in await batches.find(holder)]
        return Told(_json(page(found, asked(inbound.query, "after"), limit_of(inbound.query, 20, 100))))


class BatchDoor(HeldDoor):
    """One batch: how far it is, and its end before its time."""

    shape = SHAPE
    methods = ("GET", "POST")

    async def tell(self, inbound: Inbound) -> Told:
        """Return the batch as it is now."""
        envelope = inbound.envelope
        holder = await self.holder(envelope)
        id, _, act = envelope.path.removeprefix("/v1/batches/").partition("/")
        if (envelope.method, act) == ("POST", "cancel"):
            return Told(_json(batch_object(await self.batching.batches.cancel(id, holder))))
        if envelope.method == "POST" or act:
            raise Mistaken("not_found", f"There is nothing at {envelope.path[:200]}.")
        return Told(_json(batch_object(await self.batching.batches.get(id, holder))))


def batch_object(batch: Batch) -> dict[str, Any]:
    """Return a batch in OpenAI's words."""
    ended, tally = batch.ended_ns // _S or None, batch.tally
    faults = [
        {"code": each.code, "line": each.line or None, "message": each.message, "param": each.place or None}
        for each in batch.faults
    ]
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "errors": {"object": "list", "data": faults} if faults else None,
        "input_file_id": batch.input,
        "completion_window": batch.window,
        "status": batch.state,
        "output_file_id": batch.output or None,
        "error_file_id": batch.errors or None,
        "created_at": batch.created_ns // _S,
        "in_progress_at": batch.begun_ns // _S or None,
        "expires_at": batch.deadline_ns // _S,
        "finalizing_at": ended if batch.state == "completed" else None,
        "completed_at": ended if batch.state == "completed" else None,
        "failed_at": ended if batch.state == "failed" else None,
        "expired_at": ended if batch.state == "expired" else None,
        "cancelling_at": batch.cancelling_ns // _S or None,
        "cancelled_at": ended if batch.state == "cancelled" else None,
        "request_counts": {
            "total": batch.total,
            "completed": tally.ok,
            "failed": tally.bad + (tally.unasked if batch.state == "expired" else 0),
        },
        "metadata": batch.metadata or None,
    }


def _wish(body: dict[str, Any], inbound: Inbound) -> Wish:
    for name in body:
        if name not in _KNOWN:
            raise Mistaken("field_unsupported", f"{name[:60]} is not read here", place=name[:60])
    endpoint = string(body.get("endpoint"), "endpoint")
    if endpoint not in ENDPOINTS:
        raise invalid("endpoint", f"endpoint is one of {', '.join(ENDPOINTS)}")
    wish = Wish(
        endpoint=endpoint,
        input=string(body.get("input_file_id"), "input_file_id"),
        window=string(body.get("completion_window"), "completion_window"),
        metadata=_metadata(body.get("metadata") or {}),
    )
    return on_account(wish, inbound.envelope)


def _metadata(given: object) -> dict[str, str]:
    found = labels(given, "metadata")
    if len(found) > 16 or any(len(key) > 64 or len(value) > 512 for key, value in found.items()):
        raise invalid("metadata", "metadata has 16 pairs at most, of 64 and 512 characters")
    return found
