"""What the doors of files and batches share, in either vendor's shape: who holds them, and the doors behind their lines."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import msgspec

from rowen.access import Entry
from rowen.api import body as bodies
from rowen.api.base import Services
from rowen.api.door import ModelDoor
from rowen.api.envelope import Envelope, Inbound
from rowen.api.simple import ErrorBody, SimpleDoor
from rowen.api.vet import vet
from rowen.batch import Batch, Batches, Doorway, Files, Holder, Line
from rowen.batch.desk import Wish
from rowen.values import Problem, Refused
from rowen.values.whole import whole

TAG = "batch"
"""Of the traces of lines."""

_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Batching:
    """What the doors of files and batches are handed."""

    batches: Batches
    files: Files
    entry: Callable[[str], Awaitable[Entry | None]]
    """A key by its id, whether it may be used or not."""


async def holder_of(services: Services, batching: Batching, envelope: Envelope, shape: str) -> Holder:
    """Return who holds what a key makes.

    Raises:
        Refused: the key may not.

    """
    app = envelope.app or services.apps.named("").name
    caller = await services.check(envelope.digest, envelope.address, shape, app, None)
    keys = [caller.key]
    while (
        (entry := await batching.entry(keys[-1])) is not None and entry.key.replaces and entry.key.replaces not in keys
    ):
        keys.append(entry.key.replaces)
    return Holder(tenant=caller.tenant, keys=tuple(keys))


class HeldDoor(SimpleDoor):
    """A door to files and batches, which belong to the key that made them."""

    def __init__(self, services: Services, batching: Batching, error_body: ErrorBody) -> None:
        super().__init__(services, error_body)
        self.batching = batching

    async def holder(self, envelope: Envelope) -> Holder:
        """Return who holds what the request is about; raises as `holder_of`."""
        return await holder_of(self.services, self.batching, envelope, self.shape)


def on_account(wish: Wish, envelope: Envelope) -> Wish:
    """Return what is wished of a batch with what its request says of whom and what it is for."""
    return wish.but(
        address=envelope.address,
        app=envelope.app,
        feature=envelope.feature,
        user=envelope.user,
        session=envelope.session,
        tags=envelope.tags,
    )


async def table_in(services: Services, inbound: Inbound, shape: str) -> dict[str, Any]:
    """Return the JSON object of a request's body.

    Raises:
        Problem: there is none.

    """
    bodies.check_head(inbound.envelope, services.settings)
    await vet(services, inbound.envelope, shape)
    return bodies.table_of(await bodies.read(inbound.receive, services.settings), services.settings.depth)


def asked(query: bytes, name: str) -> str:
    """Return one parameter of a query, empty where it is not there."""
    return parse_qs(query.decode("latin-1")).get(name, [""])[-1]


def limit_of(query: bytes, usual: int, most: int) -> int:
    """Return how many are asked for.

    Raises:
        Mistaken: `field_invalid`.

    """
    return whole({"limit": asked(query, "limit")}, "limit", 1, most, usual=usual)


class Lines(Doorway):
    """Puts lines to a model door, on the account of the key that made the batch, behind everybody's calls."""

    def __init__(self, door: ModelDoor, batching: Batching) -> None:
        self._door, self._batching = door, batching

    async def asked(self, batch: Batch, line: Line, id: str) -> bytes:
        """Return the answer to a line as its door writes it.

        Raises:
            Problem: there is none.

        """
        entry = await self._batching.entry(batch.key)
        if entry is None:
            raise Refused("key_unknown", "the key that made the batch is gone")
        envelope = Envelope(
            method="POST",
            path=batch.endpoint,
            address=batch.address,
            digest=entry.key.digest,
            app=batch.app,
            feature=batch.feature,
            session=batch.session,
            user=batch.user,
            priority="low",
            tags=(*batch.tags, TAG),
        )
        return await self._door.answer(line.body, envelope, id)

    def problem(self, problem: Problem, id: str) -> bytes:
        """Return a problem in the door's own shape."""
        body: bytes = self._door.errors.body(problem, id)
        return body


class OpenaiLines(Lines):
    """Results as OpenAI's batches have them: answers in one file, all else in another."""

    whole = False

    async def answer(self, batch: Batch, line: Line, id: str) -> bytes:
        """Return the line of an answer."""
        return _openai(line, id, 200, await self.asked(batch, line, id))

    def refusal(self, batch: Batch, line: Line, problem: Problem, id: str) -> bytes:  # noqa: ARG002 - the protocol has it
        """Return the line of an error."""
        return _openai(line, id, problem.status, self.problem(problem, id))

    def unasked(self, batch: Batch, line: Line, id: str) -> bytes:
        """Return the line of a request that came too late; what was cancelled has none."""
        if batch.state != "expired":
            return b""
        error = {"code": "batch_expired", "message": "The batch's window was over before this request was answered."}
        return _json({"id": f"batch_req_{id}", "custom_id": line.custom_id, "response": None, "error": error})


class AnthropicLines(Lines):
    """Results as Anthropic's batches have them: all in one file."""

    whole = True

    async def answer(self, batch: Batch, line: Line, id: str) -> bytes:
        """Return the line of an answer."""
        message = msgspec.Raw(await self.asked(batch, line, id))
        return _json({"custom_id": line.custom_id, "result": {"type": "succeeded", "message": message}})

    def refusal(self, batch: Batch, line: Line, problem: Problem, id: str) -> bytes:  # noqa: ARG002 - the protocol has it
        """Return the line of an error."""
        error = msgspec.Raw(self.problem(problem, id))
        return _json({"custom_id": line.custom_id, "result": {"type": "errored", "error": error}})

    def unasked(self, batch: Batch, line: Line, id: str) -> bytes:  # noqa: ARG002 - the protocol has it
        """Return the line of a request that was not put to a model."""
        why = "expired" if batch.state == "expired" else "canceled"
        return _json({"custom_id": line.custom_id, "result": {"type": why}})


def doorways(doors: Mapping[str, ModelDoor], batching: Batching) -> dict[str, Doorway]:
    """Return what lines are put to, by path: every model door that batches may name."""
    return {
        path: (AnthropicLines if path == "/v1/messages" else OpenaiLines)(door, batching)
        for path, door in doors.items()
    }


def _openai(line: Line, id: str, status: int, body: bytes) -> bytes:
    response = {"status_code": status, "request_id": id, "body": msgspec.Raw(body)}
    return _json({"id": f"batch_req_{id}", "custom_id": line.custom_id, "response": response, "error": None})
