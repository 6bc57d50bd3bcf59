"""Asks a model that runs in this process."""

import asyncio
from contextlib import aclosing
from pathlib import Path

from rowen.provider.base import ModelSettings, Provider
from rowen.provider.embed.client import LocalEmbed
from rowen.provider.local.engine import ENGINES, Engine, Engines, Key
from rowen.provider.local.grammar import Grammars
from rowen.provider.local.profile import Options, declared, folder_for, is_path, options_for, weights_for
from rowen.provider.local.wire import Asked
from rowen.provider.transport import Transport
from rowen.provider.weights import Weights
from rowen.values import Deployment, Events, Mistaken, Problem, Request


class LocalChat:
    """A chat model. Its file is checked and loaded when it is first asked."""

    def __init__(self, settings: ModelSettings, options: Options, weights: Weights, engines: Engines = ENGINES) -> None:
        self.profile = declared(settings)
        self._settings = settings
        self._options = options
        self._weights = weights
        self._engines = engines
        self._grammars = Grammars()
        self._loading: asyncio.Task[tuple[Key, Engine]] | None = None

    async def ask(self, request: Request, deployment: Deployment) -> Events:
        try:
            if request.kind != "chat":
                message = f"{deployment.model!r} is a chat model; it makes no embeddings."
                raise Mistaken("field_unsupported", message, place="model")
            asked = Asked(request, deployment, self._weights.sampling, self._options.answer)
            _, engine = await self._loaded()
            body = await self._grammars.body(asked, engine)
            async with aclosing(engine.ask(body)) as chunks:
                async for chunk in chunks:
                    if events := asked.reader.feed(chunk):
                        yield events
            if events := asked.reader.end():
                yield events
        except Problem as problem:
            problem.who = deployment.name
            raise

    async def close(self) -> None:
        loading, self._loading = self._loading, None
        if loading is None:
            return
        try:
            key, _ = await loading
        except Problem:
            return
        await asyncio.to_thread(self._engines.give, key)

    async def _loaded(self) -> tuple[Key, Engine]:
        if self._loading is None:
            self._loading = asyncio.create_task(asyncio.to_thread(self._load))
        loading = self._loading
        try:
            return await asyncio.shield(loading)  # a caller that leaves does not undo the load for the next
        except Problem:
            if self._loading is loading:
                self._loading = None  # the weights may have come by the next call
            raise

    def _load(self) -> tuple[Key, Engine]:
        options = self._options
        if is_path(self._settings.model):
            file = Path(self._settings.model).expanduser()
        else:
            file = folder_for(options).find(self._settings.model).model
        key = Key(file, options.context, options.slots, options.threads)
        return key, self._engines.take(key)


def make(settings: ModelSettings, transport: Transport) -> Provider:  # noqa: ARG001 - nothing leaves the process
    """Return the provider of a local model: chat or embeddings, as its weights are.

    Raises:
        Mistaken: an option is wrong, or no model of that name is known.

    """
    options = options_for(settings)
    weights = weights_for(settings, options)
    if weights.kind == "embed":
        return LocalEmbed(weights, folder_for(options), declared(settings), options.truncate, options.threads)
    return LocalChat(settings, options, weights)
