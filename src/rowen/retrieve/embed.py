"""Vectors by any model of the app's `[models]`."""

from array import array
from collections.abc import Sequence
from contextlib import aclosing
from typing import Literal

from rowen.values import Ask, Broken, Embedded, Embeddings, Request, Used

_BATCH = 64  # texts of one call: what every hosted service takes


class Asked:
    """Vectors by a deployment.

    Args:
        ask: asks it.
        deployment: its name.
        fingerprint: what tells its vectors from others': provider, upstream model and dimensions.
        dimensions: to ask for; 0 takes what the model gives.

    """

    def __init__(self, ask: Ask, deployment: str, *, fingerprint: str, dimensions: int = 0) -> None:
        self.fingerprint = fingerprint
        self._ask = ask
        self._deployment = deployment
        self._dimensions = dimensions

    async def __call__(
        self,
        texts: Sequence[str],
        *,
        role: Literal["query", "document"] = "document",  # noqa: ARG002 - the shape that all services share has no field for it
    ) -> Embeddings:
        """Return one vector a text, made length 1.

        Raises:
            Problem: what the provider raises; `Broken("upstream_garbage")` for vectors that do not fit the texts.

        """
        data, wide, tokens = array("f"), self._dimensions, 0
        for start in range(0, len(texts), _BATCH):
            some = tuple(texts[start : start + _BATCH])
            request = Request(
                model=self._deployment, kind="embeddings", texts=some, dimensions=self._dimensions or None
            )
            vectors: tuple[tuple[float, ...], ...] = ()
            async with aclosing(self._ask(request, self._deployment)) as events:
                async for batch in events:
                    for event in batch:
                        if isinstance(event, Embedded):
                            vectors += event.vectors
                        elif isinstance(event, Used):
                            tokens += event.usage.input_tokens
            wide = wide or (len(vectors[0]) if vectors else 0)
            if len(vectors) != len(some) or any(len(vector) != wide for vector in vectors):
                message = f"{len(some)} texts came back as {len(vectors)} vectors that do not fit them"
                raise Broken("upstream_garbage", message, who=self._deployment)
            for vector in vectors:
                norm = sum(x * x for x in vector) ** 0.5 or 1.0
                data.extend(x / norm for x in vector)
        return Embeddings(data.tobytes(), wide, tokens)
