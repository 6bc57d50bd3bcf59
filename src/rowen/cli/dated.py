"""`rowen cases dated`: questions with the days from and until which an answer holds, out of what changed in documents."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import click

from rowen.cli.examples import such_as
from rowen.cli.options import in_store, json_option, server_option, show, store_option
from rowen.cli.tuning import table_of, write
from rowen.config import read
from rowen.evaluate import files
from rowen.evaluate.changes import changes, dated
from rowen.flow.knowledge import TENANT, collection_of
from rowen.retrieve import RetrieveSettings
from rowen.retrieve.load import Ports
from rowen.retrieve.parse import Reading
from rowen.retrieve.plan import plan_of
from rowen.retrieve.state import States
from rowen.retrieve.sync import Sync
from rowen.serve.reading import Web
from rowen.serve.settings import ServerSettings
from rowen.serve.tables import TABLES
from rowen.store.base import Store
from rowen.store.catalog import open_store
from rowen.store.knowledge import Collection, Knowledge
from rowen.values import Document, Mistaken, Reader, SystemClock, at

_PATH = click.Path(path_type=Path)
_ANYBODY = Reader(tenant=TENANT)
"""Cases are read by whoever may see data sets, so documents that only some may read are left out."""


@click.command(
    "dated",
    epilog=such_as(
        "rowen cases dated --to cases/dated.jsonl",
        "rowen cases dated --before ../handbook-of-spring --since 2026-10-01 --to cases/dated.jsonl",
    ),
)
@click.argument("app", type=_PATH, default=Path("app.toml"))
@server_option
@store_option
@json_option
@click.option("--name", default="", help="Which `[retrieve.NAME]`; may be left out where there is one.")
@click.option("--before", type=_PATH, help="An older copy of the app's folder; default: what the store knows.")
@click.option("--since", "day", type=click.DateTime(["%Y-%m-%d"]), help="From when on the new holds; default: today.")
@click.option("--to", "file", required=True, type=_PATH, help="Add the questions to this file, JSONL.")
def dated_cases(
    app: Path,
    server_file: Path,
    store: str | None,
    as_json: bool,
    name: str,
    before: Path | None,
    day: object,
    file: Path,
) -> None:
    """Write dated questions about what changed in the documents of the APP (default: app.toml).

    Each sentence that says something else in one place now becomes a question with the answer of before and that of now, for a
    suite with the scorer `fresh`. Documents that only some may read are left out.
    """
    loaded = read(app, TABLES)
    name, settings = table_of(loaded, name)
    collection = collection_of(loaded.definition.app, name)
    known = files.read(file, "jsonl") if file.exists() else []

    async def live(found: Store, _: ServerSettings) -> dict[str, Document]:
        return await _documents(found.knowledge, collection)

    if before is None:
        was = in_store(server_file, store, live)
        if not was:
            message = f"the store knows nothing of {name} yet: name an older copy of the app's folder with --before"
            raise Mistaken("config_invalid", message, place="before")
    else:
        was = asyncio.run(_read(settings, collection, before))
    now = asyncio.run(_read(settings, collection, loaded.path.parent))
    changed = changes(was, now)
    found = dated(known, changed, f"{day or at(SystemClock().now_ns()):%Y-%m-%d}")
    write(file, files.written(found).decode())
    rows: list[Mapping[str, object]] = [
        {"document": each.document, "sentence": each.sentence, "was": each.was, "now": each.now} for each in changed
    ]
    show(rows, as_json=as_json, empty="No document says something else in one place of a sentence.")


async def _read(settings: RetrieveSettings, collection: Collection, folder: Path) -> dict[str, Document]:
    """Return the documents of sources as they are now, read into a store that is gone again."""
    clock = SystemClock()
    found = await open_store("memory:", clock=clock)
    web, reading = Web(), Reading()
    try:
        plan = await plan_of(collection, settings.but(embed="", graph="none"), Ports(folder=folder, get=web))
        synced = await Sync(plan, found.knowledge, States(found.records), reading, clock).run()
        for source, why in synced.failed.items():
            raise Mistaken(
                "config_invalid", f"{source} cannot be read: {why}", place=f"retrieve.{collection.name}.source"
            )
        return await _documents(found.knowledge, collection)
    finally:
        await reading.close()
        await web.close()
        await found.close()


async def _documents(knowledge: Knowledge, collection: Collection) -> dict[str, Document]:
    """Return the documents that anybody may read, by what they are called."""
    found = [await knowledge.document(collection, each.id, _ANYBODY) for each in await knowledge.known(collection)]
    return {each.uri: each for each in found if each is not None and not each.access}
