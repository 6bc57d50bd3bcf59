"""What `rowen tune` and `rowen cases questions` begin with: an app's documents, read once into a store of their own."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple, TypeVar, cast

import click

from rowen.config import Loaded
from rowen.flow.deployments import placed, prices
from rowen.flow.knowledge import Bundled, collection_of, embed_of, rerank_of
from rowen.improve import tune
from rowen.improve.tune.keep import Keep, Purse, whole
from rowen.provider.fleet import Fleet
from rowen.provider.prices import Prices, Snapshot
from rowen.provider.transport import HttpTransport
from rowen.retrieve import RetrieveSettings
from rowen.retrieve.adapter import Adapted, Adapter
from rowen.retrieve.load import Ports
from rowen.retrieve.parse import Reading
from rowen.retrieve.plan import plan_of
from rowen.retrieve.rerank import Rerank
from rowen.retrieve.state import States
from rowen.retrieve.sync import Sync
from rowen.serve.reading import Web
from rowen.store.catalog import open_store
from rowen.values import Document, Embed, Mistaken, SystemClock

T = TypeVar("T")

held_option = click.option(
    "--held-out", "held", default=0.5, show_default=True, type=click.FloatRange(0.1, 0.9), help="The share."
)
unanswerable_option = click.option(
    "--unanswerable",
    default=0.2,
    show_default=True,
    type=click.FloatRange(0.01, 0.9),
    help="The share of what users ask that nothing answers, where the questions have too few to show it.",
)


class Ready(NamedTuple):
    """What there is to ask, and where."""

    bench: tune.Bench
    documents: tuple[Document, ...]


async def with_documents(
    loaded: Loaded,
    name: str,
    settings: RetrieveSettings,
    characters: int,
    work: Path,
    then: Callable[[Ready], Awaitable[T]],
    tell: Callable[[int, int, str], None],
    purse: Purse,
) -> T:
    """Do something with the documents of an app, read once into a store of its own."""
    clock, places = SystemClock(), placed(loaded.tables["models"])
    collection = collection_of(loaded.definition.app, name)
    async with AsyncExitStack() as stack:
        transport = HttpTransport()
        stack.push_async_callback(transport.close)
        fleet = Fleet(places, transport)
        stack.push_async_callback(fleet.close)
        store = await open_store(f"sqlite:{work}", clock=clock)
        stack.push_async_callback(store.close)
        web, reading, bundled = Web(), Reading(), Bundled()
        stack.push_async_callback(web.close)
        stack.push_async_callback(reading.close)
        plan = await plan_of(collection, settings.but(embed=""), Ports(folder=loaded.path.parent, get=web))
        synced = await Sync(plan, store.knowledge, States(store.records), reading, clock, tell=tell).run(removal=True)
        for source, why in synced.failed.items():
            raise Mistaken("config_invalid", f"{source} cannot be read: {why}", place=f"retrieve.{name}.source")

        keep, deployments = Keep(store.records), [deployment for deployment, _ in places.values()]
        pricing = Prices(Snapshot.load(), prices(loaded.tables["models"], places))
        metered = purse.metered(fleet.ask, deployments, pricing, clock)
        default = loaded.tables["app"].model or next(iter(loaded.tables["models"]), "")
        asking = whole(metered, deployments, default)

        def embeds(model: str) -> Embed:
            made = keep.embedding(embed_of(model, places, metered, bundled))
            if settings.adapter is not None and model == settings.embed:
                return Adapted(made, Adapter.read(settings.adapter.text))
            return made

        bench = tune.Bench(
            store.knowledge,
            collection,
            settings,
            embeds,
            clock,
            characters=characters,
            ask=asking if deployments else None,
            reranks=lambda said: cast("Rerank", rerank_of(said, loaded, transport, keep.asking(asking))),
            keep=keep,
            purse=purse,
        )
        documents: list[Document] = []
        for known in await store.knowledge.known(collection):
            document = await store.knowledge.document(collection, known.id, bench.reader)
            documents += [document] if document is not None else []
        return await then(Ready(bench, tuple(documents)))


def table_of(loaded: Loaded, name: str) -> tuple[str, RetrieveSettings]:
    """Return one of an app's `[retrieve.NAME]` with its name; the only one where none is named.

    Raises:
        Mistaken: `config_invalid`.

    """
    tables: dict[str, RetrieveSettings] = loaded.tables["retrieve"]
    if not name and len(tables) == 1:
        return next(iter(tables.items()))
    if name not in tables:
        message = f"name one of the app's [retrieve.NAME] with --name; there are: {', '.join(tables) or 'none'}"
        raise Mistaken("config_invalid", message, place=loaded.path.name)
    return name, tables[name]


def text_of(file: Path) -> str:
    """Return the text of a file.

    Raises:
        Mistaken: `config_missing`.

    """
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Mistaken("config_missing", f"cannot read {file}: {error}", place=str(file)) from error


def made(folder: Path) -> None:
    """Make a folder where there is none.

    Raises:
        Mistaken: `config_invalid`.

    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Mistaken("config_invalid", f"cannot make {folder}: {error}", place=str(folder)) from error


def write(file: Path, text: str) -> None:
    """Write a file.

    Raises:
        Mistaken: `config_invalid`.

    """
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Mistaken("config_invalid", f"cannot write {file}: {error}", place=str(file)) from error
