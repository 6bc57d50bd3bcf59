"""From `[retrieve]` to what finds: the embedders, rerankers and adapters that an app's tables name, and the searches with them."""

import os
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import cast

from rowen.config import Loaded
from rowen.flow.deployments import Placed
from rowen.provider.embed.embedding import Embedding
from rowen.provider.transport import Transport
from rowen.provider.weights import Folder, default_place
from rowen.retrieve import RetrieveSettings
from rowen.retrieve.adapter import Adapted, Adapter
from rowen.retrieve.bridge import Bridge, Bridged
from rowen.retrieve.chunk import chunking
from rowen.retrieve.embed import Asked
from rowen.retrieve.graph import extracting
from rowen.retrieve.load import Page, Ports
from rowen.retrieve.load.catalog import source_of, tables_of
from rowen.retrieve.plan import written_manifest
from rowen.retrieve.rerank import Rerank
from rowen.retrieve.rerank.endpoint import Endpoint, Post
from rowen.retrieve.rerank.judge import Judge
from rowen.retrieve.search import Means, Searching
from rowen.retrieve.tables import Tables
from rowen.store.knowledge import Collection, Knowledge
from rowen.values import (
    Answer,
    Ask,
    AskModel,
    Clock,
    Condition,
    Embed,
    Events,
    Found,
    Mistaken,
    Reader,
    Request,
    Search,
    Unavailable,
)

TENANT = "default"
"""Whose what an app's file defines is; documents for one tenant alone say so in their access."""
_LARGEST = 4_000_000  # bytes of a reranker's answer
_CONNECT = 5.0


class Bundled:
    """Embedding models in this process by name, each loaded once for all apps."""

    def __init__(self, folder: Folder | None = None) -> None:
        self._folder = folder or Folder(default_place())
        self._made: dict[str, Embed] = {}

    def __call__(self, name: str) -> Embed:
        """Return a model.

        Raises:
            Mistaken: `model_unknown`.

        """
        if name not in self._made:
            self._made[name] = Embedding(name, self._folder)
        return self._made[name]


class Stale:
    """Which sources could not be read for longer than their tables allow, as it was last seen."""

    def __init__(self) -> None:
        self.sources: frozenset[tuple[str, str, str]] = frozenset()
        """App, name of the `[retrieve]` table, and source."""

    def marked(self, app: str, name: str, found: Found) -> Found:
        """Return what was found with the passages of stale sources marked."""
        if not self.sources:
            return found
        passages = [
            each.but(stale=True) if (app, name, each.source) in self.sources else each for each in found.passages
        ]
        return found.but(passages=tuple(passages))


class Bridges:
    """How indexes are asked whose own embedder is not at hand, as it was last seen."""

    def __init__(self) -> None:
        self.known: Mapping[tuple[str, str, str, str], Bridge] = {}
        """By app, name of the `[retrieve]` table, and the fingerprints of the new and of the old embedder."""
        self._made: dict[Bridge, Bridged] = {}

    def to(self, app: str, name: str, embed: Embed, old: str) -> Bridged | None:
        """Return what speaks as the old embedder; None where there is no bridge to it."""
        bridge = self.known.get((app, name, embed.fingerprint, old))
        if bridge is None:
            return None
        if bridge not in self._made:
            self._made[bridge] = Bridged(embed, bridge)
        return self._made[bridge]


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowing:
    """What searches of all apps share."""

    knowledge: Knowledge
    bundled: Bundled
    transport: Transport
    clock: Clock
    stale: Stale
    bridges: Bridges = field(default_factory=Bridges)
    left_out: Counter[tuple[str, ...]] = field(default_factory=Counter)
    """How often a stage of a search was left out, by app, name and stage."""


def collection_of(app: str, name: str) -> Collection:
    """Return where the documents of an app's `[retrieve.NAME]` are."""
    return Collection(tenant=TENANT, app=app, name=name)


def embed_of(name: str, places: Placed, ask: Ask, bundled: Callable[[str], Embed]) -> Embed:
    """Return what makes vectors under a name: a model of the app, or one that is bundled.

    Raises:
        Mistaken: `config_invalid` for a model that makes none; `model_unknown`.

    """
    found = [(deployment, settings) for deployment, settings in places.values() if deployment.model == name]
    if not found:
        return bundled(name)
    deployment, settings = found[0]
    if not deployment.profile.embeddings:
        raise Mistaken("config_invalid", f'the model "{name}" makes no vectors', place="embed")
    if settings.provider == "local" and not settings.options:
        return bundled(settings.model)
    # All deployments of a model are held to be one model, wherever they stand.
    fingerprint = f"{deployment.provider}:{deployment.upstream}"
    return Asked(ask, deployment.name, fingerprint=fingerprint)


AskFor = Callable[[str, str, Request], Awaitable[Answer]]
"""Asks a model of the app on behalf of a tenant, whose the trace of it is, within the call of an id."""


def searches_of(loaded: Loaded, places: Placed, ask: Ask, knowing: Knowing, ask_model: AskFor) -> Mapping[str, Search]:
    """Return what finds in each of an app's tables.

    Raises:
        Mistaken: `config_*`, `extra_missing`, with the line of the file.

    """
    found: dict[str, Search] = {}
    for name, settings in loaded.tables["retrieve"].items():
        with _placed(loaded, name):
            found[name] = _search(loaded, name, settings, places, ask, knowing, ask_model)
    return found


def vet_knowledge(loaded: Loaded, places: Placed, transport: Transport, *, secrets: bool = True) -> None:
    """See that everything `[retrieve]` names is there: sources, chunker, embedder, reranker, the model that writes contexts.

    Args:
        loaded: the app as read.
        places: its deployments.
        transport: as rerankers get it; nothing is sent.
        secrets: whether the variables and files that hold secrets are asked for.

    Raises:
        Mistaken: `config_*`, `extra_missing`, `model_unknown`, with the line of the file.

    """
    environment: Callable[[str], str | None] = os.environ.get if secrets else lambda name: f"${name}"
    bundled = Bundled()
    ports = Ports(folder=loaded.path.parent, get=_nothing)
    for name, settings in loaded.tables["retrieve"].items():
        with _placed(loaded, name):
            chunking(settings.chunk)
            extracting(settings.graph)
            _seen_tables(settings.tables)
            for said, place, what in (
                (settings.chunk.context, "chunk.context", "write contexts"),
                (settings.graph, "graph", "find relations"),
                (settings.tables, "tables", "write queries"),
            ):
                model = said.removeprefix("model:")
                if model not in {said, *loaded.tables["models"]}:
                    message = f'there is no model "{model}" in this app to {what}'
                    raise Mistaken("config_invalid", message, place=place)
            for table in tables_of(settings).values():
                source_of(table, ports, environment=environment)
            if settings.embed:
                embed_of(settings.embed, places, unasked, bundled)
            rerank_of(settings.rerank, loaded, transport, _answered)


@contextmanager
def _placed(loaded: Loaded, name: str) -> Iterator[None]:
    """Give mistakes their line in the file."""
    try:
        yield
    except Mistaken as mistake:
        mistake.place = loaded.place("retrieve", name, *(mistake.place.split(".") if mistake.place else ()))
        raise


# While an app is only looked at, nothing is asked of anybody.


async def _nothing(
    url: str,
    headers: Mapping[str, str],  # noqa: ARG001 - of the protocol, like those below
    *,
    limit: int,  # noqa: ARG001
    seconds: float,  # noqa: ARG001
    private: bool,  # noqa: ARG001
) -> Page:
    raise AssertionError(url)


async def _answered(request: Request) -> Answer:
    raise AssertionError(request.model)


async def unasked(request: Request, deployment: str) -> Events:  # noqa: ARG001
    """Stand for a model that is only named."""
    if deployment:
        raise AssertionError(deployment)
    yield ()


def _search(
    loaded: Loaded,
    name: str,
    settings: RetrieveSettings,
    places: Placed,
    ask: Ask,
    knowing: Knowing,
    ask_model: AskFor,
) -> Search:
    app = loaded.definition.app
    plain = embed = embed_of(settings.embed, places, ask, knowing.bundled) if settings.embed else None
    if embed is not None and settings.adapter is not None:
        embed = Adapted(embed, Adapter.read(settings.adapter.text))
    means = Means(
        knowledge=knowing.knowledge,
        clock=knowing.clock,
        embeds=(embed,) if embed is not None else (),
        bridged=lambda old: knowing.bridges.to(app, name, plain, old) if plain is not None else None,
        rerank=rerank_of(settings.rerank, loaded, knowing.transport, partial(ask_model, TENANT, "")),
        tables=_tables(settings.tables, knowing),
        manifest=written_manifest(settings, chunking(settings.chunk), plain),
    )
    judges = settings.rerank.startswith("model:")
    asks = judges or settings.rewrite == "model" or settings.tables.startswith("model:")

    collection = collection_of(app, name)
    alike = Searching(collection, settings, means)

    def searching(tenant: str, within: str) -> Searching:
        """Return what searches for a call: a model that is told its question is asked by a call of the tenant's own."""
        mine = partial(ask_model, tenant, within)
        rerank = Judge(mine, settings.rerank.removeprefix("model:")) if judges else means.rerank
        return Searching(collection, settings, replace(means, ask=mine, rerank=rerank))

    async def search(
        question: str,
        *,
        reader: Reader,
        top: int,
        where: tuple[Condition, ...] = (),
        recent: tuple[str, ...] = (),
        within: str = "",
    ) -> Found:
        # Knowledge is there for callers of every tenant, as the app's prompt and models are. What is for some alone names
        # their groups, `tenant:ID` or `user:ID`, and no two tenants have a user of one id.
        ours = reader.but(tenant=TENANT) if reader.tenant else reader
        one = searching(reader.tenant, within) if asks else alike
        found = await one(question, reader=ours, top=top, where=where, recent=recent)
        knowing.left_out.update((app, name, stage.name) for stage in found.stages if "left_out" in stage.facts)
        return knowing.stale.marked(app, name, found)

    return search


def _seen_tables(said: str) -> None:
    if said not in {"none", "rules"} and not said.startswith("model:"):
        raise Mistaken("config_invalid", f'"{said}" is none of `rules`, `model:NAME` and `none`', place="tables")


def _tables(said: str, knowing: Knowing) -> Tables | None:
    if said == "none":
        return None
    return Tables(knowing.knowledge, knowing.clock, model=said.removeprefix("model:") if said != "rules" else "")


def rerank_of(said: str, loaded: Loaded, transport: Transport, ask_model: AskModel) -> Rerank | None:
    """Return the reranker that a table names: `model:NAME`, `onnx:FOLDER`, or a URL; None for an empty one."""
    if not said:
        return None
    kind, _, rest = said.partition(":")
    match kind:
        case "model":
            if rest not in loaded.tables["models"]:
                raise Mistaken("config_invalid", f'there is no model "{rest}" to rerank with', place="rerank")
            return Judge(ask_model, rest)
        case "onnx":
            return _cross_encoder(loaded.path.parent / rest)
        case "http" | "https":
            return Endpoint(said, _post(transport))
        case _:
            message = f'"{said}" is no reranker: write `model:NAME`, `onnx:FOLDER` or a URL'
            raise Mistaken("config_invalid", message, place="rerank")


def _cross_encoder(folder: Path) -> Rerank:
    try:
        opened = import_module("rowen.retrieve.rerank.onnx").open_cross_encoder
    except ModuleNotFoundError as error:
        raise Mistaken("extra_missing", "this reranker needs `pip install rowen[local]`", place="rerank") from error
    return cast("Rerank", opened(folder))


def _post(transport: Transport) -> Post:
    async def post(url: str, headers: dict[str, str], body: bytes) -> bytes:
        async with await transport.open("POST", url, headers, body, connect_timeout=_CONNECT) as reply:
            said = await reply.read(_LARGEST)
            if reply.status != 200:
                raise Unavailable("upstream_error", f"the reranker answered {reply.status}", who="rerank")
            return said

    return post
