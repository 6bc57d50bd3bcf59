"""`POST /v1/embeddings`."""

import sys
from array import array
from base64 import b64encode
from typing import Any

import msgspec

from rowen.api.door import Asked, ModelDoor
from rowen.api.envelope import Inbound
from rowen.api.openai import errors
from rowen.api.parse.openai_embeddings import packed, request_of
from rowen.api.reply import usage_of
from rowen.values import Call, Event, Problem


class EmbeddingsDoor(ModelDoor):
    """Vectors of texts."""

    shape = "openai.embeddings"
    errors = errors

    async def read(self, body: dict[str, Any], inbound: Inbound) -> Asked:
        """Return the request, and a writer of vectors."""
        request = request_of(body)
        return Asked(request, EmbeddingsWriter(request.model, inbound.trace, packed=packed(body)))


class EmbeddingsWriter:
    """Writes the list of vectors. There is no stream of them."""

    __slots__ = ("_model", "_packed", "_trace")

    def __init__(self, model: str, trace: str, *, packed: bool) -> None:
        self._model = model
        self._trace = trace
        self._packed = packed

    def event(self, event: Event) -> bytes:  # noqa: ARG002  # the protocol has it
        """Return nothing."""
        return b""

    async def end(self, call: Call) -> bytes:
        """Return all of it."""
        return await self.whole(call)

    def fail(self, problem: Problem) -> bytes:
        """Return the error."""
        return errors.body(problem, self._trace)

    async def whole(self, call: Call) -> bytes:
        """Return the list."""
        answer = call.answer
        assert answer is not None  # a walk that ends without a problem has one
        used = usage_of(call).input_tokens
        return msgspec.json.encode(
            {
                "object": "list",
                "data": [
                    {"object": "embedding", "index": index, "embedding": _base64(vector) if self._packed else vector}
                    for index, vector in enumerate(answer.vectors)
                ],
                "model": answer.model or self._model,
                "usage": {"prompt_tokens": used, "total_tokens": used},
            }
        )


def _base64(vector: tuple[float, ...]) -> str:
    """Little-endian 32-bit floats, whatever the machine's own order."""
    floats = array("f", vector)
    if sys.byteorder == "big":
        floats.byteswap()
    return b64encode(floats.tobytes()).decode()
