"""`/v1/messages/batches`: many requests at once, in Anthropic's shape."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from rowen.api.batching import HeldDoor, asked, limit_of, on_account, table_in
from rowen.api.envelope import Inbound
from rowen.api.parse.fields import invalid, wrong
from rowen.api.simple import Told
from rowen.batch import ENDED, Batch, Holder
from rowen.batch.desk import Wish
from rowen.batch.lines import LONGEST
from rowen.values import Mistaken, at

SHAPE = "anthropic.batch"
PREFIX = "msgbatch_"
ENDPOINT = "/v1/messages"
_PATH = "/v1/messages/batches/"

_json = msgspec.json.Encoder().encode


class MessageBatchesDoor(HeldDoor):
    """Makes a batch of the requests in the body, and lists those of the key."""

    shape = SHAPE
    methods = ("GET", "POST")

    async def tell(self, inbound: Inbound) -> Told:
        """Return the batch, or the list."""
        holder = await self.holder(inbound.envelope)
        if inbound.envelope.method == "POST":
            made = await self._made(await table_in(self.services, inbound, self.shape), inbound, holder)
            return Told(_json(_object(made)))
        found = [_object(each) for each in await self.batching.batches.find(holder, prefix=PREFIX)]
        return Told(_json(_page(found, inbound.query)))

    async def _made(self, body: dict[str, Any], inbound: Inbound, holder: Holder) -> Batch:
        lines = _each(_lines(body))
        file = await self.batching.files.keep(holder, "requests.jsonl", lines, purpose="batch_input")
        wish = on_account(Wish(endpoint=ENDPOINT, input=file.id), inbound.envelope)
        made = await self.batching.batches.make(holder, wish, prefix=PREFIX)
        return made.but(total=len(body["requests"]))


class MessageBatchDoor(HeldDoor):
    """One batch: how far it is, its results, its end."""

    shape = SHAPE
    methods = ("GET", "POST", "DELETE")

    async def tell(self, inbound: Inbound) -> Told:
        """Return what was asked of the batch."""
        envelope, batches = inbound.envelope, self.batching.batches
        holder = await self.holder(envelope)
        id, _, act = envelope.path.removeprefix(_PATH).partition("/")
        match envelope.method, act:
            case "POST", "cancel":
                return Told(_json(_object(await batches.cancel(id, holder))))
            case "GET" | "HEAD", "":
                return Told(_json(_object(await batches.get(id, holder))))
            case "DELETE", "":
                await batches.delete(await batches.get(id, holder))
                return Told(_json({"id": id, "type": "message_batch_deleted"}))
            case "GET" | "HEAD", "results":
                return await self._results(await batches.get(id, holder), holder)
            case _:
                raise Mistaken("not_found", f"There is nothing at {envelope.path[:200]}.")

    async def _results(self, batch: Batch, holder: Holder) -> Told:
        if batch.state not in ENDED:
            raise Mistaken("conflict", "The batch has not ended.", place="message_batch_id")
        files = self.batching.files
        if not batch.output:
            return Told(b"", content_type=b"application/x-jsonl")
        file = await files.get(batch.output, holder)
        return Told(b"", pieces=files.content(file), content_type=b"application/x-jsonl")


def _object(batch: Batch) -> dict[str, Any]:
    """Return a batch in Anthropic's words."""
    over, tally = batch.state in ENDED, batch.tally
    counts = {"processing": batch.total, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
    if over:
        unasked = "expired" if batch.state == "expired" else "canceled"
        counts |= {"processing": 0, "succeeded": tally.ok, "errored": tally.bad, unasked: tally.unasked}
    state = "ended" if over else "canceling" if batch.state == "cancelling" else "in_progress"
    return {
        "id": batch.id,
        "type": "message_batch",
        "processing_status": state,
        "request_counts": counts,
        "created_at": at(batch.created_ns).isoformat(),
        "expires_at": at(batch.deadline_ns).isoformat(),
        "ended_at": at(batch.ended_ns).isoformat() if over else None,
        "cancel_initiated_at": at(batch.cancelling_ns).isoformat() if batch.cancelling_ns else None,
        "archived_at": None,
        # Relative, so that it is right whatever name the server is reached by; SDKs put it to their own base.
        "results_url": f"{_PATH}{batch.id}/results" if over else None,
    }


def _page(items: list[dict[str, Any]], query: bytes) -> dict[str, Any]:
    limit, after, before = limit_of(query, 20, 1000), asked(query, "after_id"), asked(query, "before_id")
    ids = [each["id"] for each in items]
    for place, id in (("after_id", after), ("before_id", before)):
        if id and id not in ids:
            raise Mistaken("not_found", "There is no batch of that id.", place=place)
    start = ids.index(after) + 1 if after else max(0, ids.index(before) - limit) if before else 0
    stop = min(start + limit, ids.index(before) if before else len(ids))
    shown = items[start:stop]
    return {
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": start > 0 if before else stop < len(items),
    }


def _lines(body: dict[str, Any]) -> list[bytes]:
    """Return the requests of a body as lines.

    Raises:
        Mistaken: `field_invalid`, with the place of the first that is wrong.

    """
    for name in body:
        if name != "requests":
            raise Mistaken("field_unsupported", f"{name[:60]} is not read here", place=name[:60])
    requests = body.get("requests")
    if type(requests) is not list or not requests:
        raise wrong("requests", "an array with a request at least", requests)
    seen: set[str] = set()
    lines: list[bytes] = []
    for number, each in enumerate(requests):
        place = f"requests[{number}]"
        if type(each) is not dict:
            raise wrong(place, "an object", each)
        id, params = each.get("custom_id"), each.get("params")
        if type(id) is not str or not 0 < len(id) <= LONGEST:
            raise invalid(f"{place}.custom_id", f"{place}.custom_id has 1 to {LONGEST} characters")
        if id in seen:
            raise invalid(f"{place}.custom_id", f"{place}.custom_id was used before")
        if type(params) is not dict:
            raise wrong(f"{place}.params", "an object", params)
        seen.add(id)
        lines.append(_json({"custom_id": id, "method": "POST", "url": ENDPOINT, "body": params}) + b"\n")
    return lines


async def _each(lines: list[bytes]) -> AsyncIterator[bytes]:
    for line in lines:
        yield line
