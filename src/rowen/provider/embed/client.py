"""Answers embeddings requests with a model in this process."""

import asyncio
from collections.abc import Callable

from rowen.provider.embed.base import Embedder
from rowen.provider.embed.catalog import open_embedder
from rowen.provider.fields import settle
from rowen.provider.weights import Folder, Weights
from rowen.values import Deployment, Embedded, Events, Mistaken, Problem, Profile, Request, Started, Usage, Used

_TURN = 32  # texts computed before the event loop is asked whether the caller is still there


class LocalEmbed:
    """An embedding model. Its files are checked and loaded when it is first asked.

    Args:
        weights: which model.
        folder: where its files are.
        profile: what it can do.
        truncate: whether to cut a text that is too long instead of refusing it.
        threads: how many compute; 0 takes one for each core.
        opened: how files become a model.

    """

    def __init__(
        self,
        weights: Weights,
        folder: Folder,
        profile: Profile,
        truncate: bool = False,
        threads: int = 0,
        opened: Callable[..., Embedder] = open_embedder,
    ) -> None:
        self.profile = profile
        self._weights = weights
        self._folder = folder
        self._truncate = truncate
        self._threads = threads
        self._opened = opened
        self._lock = asyncio.Lock()
        self._embedder: Embedder | None = None

    async def ask(self, request: Request, deployment: Deployment) -> Events:
        try:
            if request.kind != "embeddings":
                message = f"{deployment.model!r} is an embedding model; it does not chat."
                raise Mistaken("field_unsupported", message, place="model")
            embedder = await self._loaded()
            request, dropped = _settled(request, deployment, embedder)
            cut = await self._too_long(request, embedder)
            vectors: list[tuple[float, ...]] = []
            tokens = 0
            for start in range(0, len(request.texts), _TURN):
                made = await asyncio.to_thread(embedder.embed, request.texts[start : start + _TURN])
                vectors.extend(made.vectors)
                tokens += made.tokens
        except Problem as problem:
            problem.who = deployment.name
            raise
        extra: dict[str, object] = {"rowen_dropped": list(dropped)} if dropped else {}
        if cut:
            extra["rowen_truncated"] = cut
        yield (
            Started(model=deployment.upstream, extra=extra),
            Embedded(vectors=_shortened(vectors, request.dimensions)),
            Used(usage=Usage(input_tokens=tokens)),
        )

    async def close(self) -> None:
        self._embedder = None

    async def _loaded(self) -> Embedder:
        if self._embedder is None:
            async with self._lock:
                if self._embedder is None:
                    self._embedder = await asyncio.to_thread(self._load)
        return self._embedder

    def _load(self) -> Embedder:
        return self._opened(self._folder.find(self._weights.name), self._threads)

    async def _too_long(self, request: Request, embedder: Embedder) -> list[int]:
        """Return which texts will be cut; refuse them where cutting is not asked for."""
        most = embedder.max_tokens
        # A token has at least one character, so most texts need no count.
        if not most or all(len(text) < most - 2 for text in request.texts):
            return []
        counts = await asyncio.to_thread(embedder.count, request.texts)
        over = [place for place, count in enumerate(counts) if count > most]
        if over and not self._truncate:
            message = (
                f"The text has {counts[over[0]]} tokens; {self._weights.name} reads {most}. "
                "Split it, or set the option `truncate = true`."
            )
            raise Mistaken("prompt_too_long", message, place=f"input[{over[0]}]")
        return over


def _settled(request: Request, deployment: Deployment, embedder: Embedder) -> tuple[Request, tuple[str, ...]]:
    cannot = {"input tokens"}
    asked = request.dimensions
    if asked is not None and asked != embedder.dimensions and asked not in embedder.shorter:
        cannot.add("dimensions")
    # How numbers are written is the door's affair.
    request = request.but(extra={name: value for name, value in request.extra.items() if name != "encoding_format"})
    settled = settle(request, deployment, family=frozenset(), cannot=cannot)
    return settled.request, settled.dropped


def _shortened(vectors: list[tuple[float, ...]], dimensions: int | None) -> tuple[tuple[float, ...], ...]:
    if dimensions is None or not vectors or dimensions == len(vectors[0]):
        return tuple(vectors)
    short = [vector[:dimensions] for vector in vectors]
    norms = [sum(x * x for x in vector) ** 0.5 or 1.0 for vector in short]
    return tuple(tuple(x / norm for x in vector) for vector, norm in zip(short, norms, strict=True))
