"""Reranker: any HTTP endpoint that takes `query` and `documents`, as Cohere's and Jina's do, and engines after them.

https://docs.cohere.com/reference/rerank and https://jina.ai/reranker; vLLM, Infinity and llama.cpp's server serve the same.
"""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from rowen.values import Secret, Unavailable

Post = Callable[[str, dict[str, str], bytes], Awaitable[bytes]]
"""Posts a body to a URL and returns the answer's; raises `Problem` for any status but 200."""


class _Result(msgspec.Struct):
    index: int
    relevance_score: float


class _Answer(msgspec.Struct):
    results: list[_Result]


class Endpoint:
    """Asks an endpoint.

    Args:
        url: of its rerank route, whole.
        post: sends.
        model: to name, where it serves several.
        key: sent as a bearer token.

    """

    def __init__(self, url: str, post: Post, *, model: str = "", key: Secret | None = None) -> None:
        self._url = url
        self._post = post
        self._model = model
        self._key = key

    async def __call__(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return the endpoint's scores; a text that it left out is behind all others.

        Raises:
            Problem: what sending raises; `Unavailable("upstream_garbage")` for an answer in another shape.

        """
        body: dict[str, object] = {"query": question, "documents": list(texts), "top_n": len(texts)}
        if self._model:
            body["model"] = self._model
        headers = {"content-type": "application/json"}
        if self._key is not None:
            headers["authorization"] = f"Bearer {self._key.reveal()}"
        said = await self._post(self._url, headers, msgspec.json.encode(body))
        try:
            results = msgspec.json.decode(said, type=_Answer).results
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            message = f"the rerank endpoint answered in another shape: {error}"
            raise Unavailable("upstream_garbage", message, place="rerank", who="rerank") from error
        scores = {each.index: each.relevance_score for each in results}
        last = min(scores.values(), default=0.0) - 1
        return [scores.get(at, last) for at in range(len(texts))]
