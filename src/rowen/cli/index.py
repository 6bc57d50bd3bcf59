"""`rowen index`: what apps know, on the machine itself."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from rowen.cli.bar import steps_bar
from rowen.cli.calibrate import calibrate
from rowen.cli.examples import such_as
from rowen.cli.options import (
    always_json_option,
    apps_argument,
    flags_of,
    formerly,
    json_option,
    out,
    server_option,
    show,
    store_option,
)
from rowen.cli.summary import command as summary
from rowen.improve.advise import Advised, Examples, advised
from rowen.improve.tune.complaints import complaint, judged
from rowen.improve.tune.failures import split
from rowen.jobs import Job
from rowen.retrieve.desk import Desk, Standing, Switched
from rowen.serve.server import Opened, Server
from rowen.serve.settings import settings_of
from rowen.store.knowledge import Collection
from rowen.values import Broken, Reader, at

T = TypeVar("T")

_ENDED = {"done", "failed", "cancelled", "paused"}
_EVERY = 0.2  # seconds between two looks at a job

name_option = click.option("--name", default="", help="Only the `[retrieve.NAME]` of this name.")


@click.group("index")
def command() -> None:
    """Bring what apps know up to date, and see how fresh it is."""


command.add_command(calibrate)
command.add_command(summary)


@command.command("sync", epilog=such_as("rowen index sync"))
@apps_argument
@server_option
@store_option
@json_option
@name_option
@click.option("--removal", is_flag=True, help="Allow that a source has lost most of its documents.")
def sync(apps: tuple[Path, ...], server_file: Path, store: str | None, as_json: bool, name: str, removal: bool) -> None:
    """Look at the sources of the APPS (default: app.toml) now, and read, cut, embed and write what changed.

    A server that runs on the same store may do the work; this waits for it. The exit code is 4 when a source cannot be read.
    """

    async def work(opened: Opened) -> list[Mapping[str, Any]]:
        done: list[Mapping[str, Any]] = []
        for known in opened.indexing.all():
            if name in {"", known.collection.name}:
                job = await _followed(opened, known.collection, removal=removal, quiet=as_json)
                done.append({"app": known.collection.app, "name": known.collection.name, **_result(job)})
        return done

    rows = _opened(server_file, store, apps, work)
    show(rows, as_json=as_json, empty="The apps know nothing: there is no [retrieve.NAME].")
    if any(row["failed"] for row in rows):
        raise click.exceptions.Exit(4)


@command.command("list")
@apps_argument
@server_option
@store_option
@json_option
def list_knowledge(apps: tuple[Path, ...], server_file: Path, store: str | None, as_json: bool) -> None:
    """List what the APPS know, how much it is and how fresh."""
    found = _desk(server_file, store, apps, lambda desk: desk.all())
    rows: list[Mapping[str, Any]] = [
        {
            "app": each.app,
            "name": each.name,
            "health": each.health,
            "documents": each.documents,
            "chunks": each.chunks,
            "quarantined": each.quarantined,
            "behind": _span(each.lag_s),
            "index": each.live.manifest.chunker if each.live else "",
        }
        for each in found
    ]
    show(rows, as_json=as_json, empty="The apps know nothing: there is no [retrieve.NAME].")


@command.command("show")
@click.argument("name")
@apps_argument
@server_option
@store_option
@always_json_option
def show_one(name: str, apps: tuple[Path, ...], server_file: Path, store: str | None) -> None:
    """Print all of NAME as JSON: its sources with their health, its indexes, its job."""

    async def work(desk: Desk) -> Standing:
        return await desk.standing(await _named(desk, name))

    out.print_json(msgspec.json.encode(_desk(server_file, store, apps, work)).decode())


@command.command("quarantine")
@apps_argument
@server_option
@store_option
@json_option
@name_option
def quarantine(apps: tuple[Path, ...], server_file: Path, store: str | None, as_json: bool, name: str) -> None:
    """List the documents that were put aside, with the reasons."""

    async def work(desk: Desk) -> list[Mapping[str, Any]]:
        return [
            {
                "document": each.uri,
                "code": each.code,
                "why": each.message,
                "old version answers": "yes" if each.kept else "no",
                "when": at(each.at_ns).isoformat(timespec="seconds"),
            }
            for one in await desk.all()
            if name in {"", one.name}
            for each in await desk.quarantine(desk.collection(one.app, one.name))
        ]

    show(_desk(server_file, store, apps, work), as_json=as_json, empty="Nothing was put aside.")


@command.command("tables")
@click.argument("name")
@apps_argument
@server_option
@store_option
@json_option
def tables(name: str, apps: tuple[Path, ...], server_file: Path, store: str | None, as_json: bool) -> None:
    """List the tables of NAME that questions about figures can be asked of, with how each column was read."""

    async def work(desk: Desk) -> list[Mapping[str, Any]]:
        collection = await _named(desk, name)
        reader = Reader(tenant=collection.tenant, everything=True)
        return [
            {
                "table": each.name,
                "document": each.uri or each.source,
                "rows": each.rows,
                "columns": ", ".join(
                    f"{column.name}: {column.type}{f' in {column.unit}' if column.unit else ''}"
                    for column in each.columns
                ),
            }
            for each in await desk.tables(collection, reader)
        ]

    show(_desk(server_file, store, apps, work), as_json=as_json, empty="There are no tables.")


@command.command("related")
@click.argument("name")
@click.argument("of")
@apps_argument
@server_option
@store_option
@json_option
def related(name: str, of: str, apps: tuple[Path, ...], server_file: Path, store: str | None, as_json: bool) -> None:
    """List what the documents of NAME say of a person or thing, OF, where its table has a `graph`."""

    async def work(desk: Desk) -> list[Mapping[str, Any]]:
        collection = await _named(desk, name)
        reader = Reader(tenant=collection.tenant, everything=True)
        return [
            {
                "subject": each.subject,
                "is said": each.name,
                "object": each.object,
                "document": each.uri,
                "where": each.text,
            }
            for each in await desk.related(collection, of, reader)
        ]

    show(
        _desk(server_file, store, apps, work),
        as_json=as_json,
        empty=f"No document says how {of} is related to anything.",
    )


@command.command("advise")
@apps_argument
@server_option
@store_option
@json_option
def advise(apps: tuple[Path, ...], server_file: Path, store: str | None, as_json: bool) -> None:
    """Say whether better retrieval or fine-tuning would help the APPS, by where answers were lost that users called bad.

    Every usual argument is told beside it with the app's own figure.
    """

    async def work(opened: Opened) -> dict[str, Advised]:
        desk = opened.indexing.desk()
        return {
            app: await _advised(opened, app, [each for each in await desk.all() if each.app == app])
            for app in sorted({each.app for each in await desk.all()})
        }

    found = _opened(server_file, store, apps, work)
    if as_json:
        out.print_json(msgspec.json.encode(found).decode())
        return
    for app, each in found.items():
        rows: list[Mapping[str, Any]] = [
            {
                "": f"{line.about} {'+' if line.good else '−'}",
                "argument": line.argument,
                "here": line.figure,
                "speaks for": line.speaks_for,
            }
            for line in each.lines
        ]
        show(rows, as_json=False, empty="")
        out.print(f"{app}: {each.advice} — {each.why}")
    if not found:
        out.print("The apps know nothing: there is no [retrieve.NAME].")


async def _advised(opened: Opened, app: str, standings: Sequence[Standing]) -> Advised:
    desk, store = opened.indexing.desk(), opened.store
    known = [one for each in standings for one in await store.knowledge.known(desk.collection(app, each.name))]
    judgements = await judged(store.scores, store.traces, app=app)
    asked = [(each, complaint(each.trace, each.scores)) for each in judgements]
    lost = await split([found for each, found in asked if found is not None and each.bad], bad=True)
    learnt = [found.question for each, found in asked if found is not None and (not each.bad or found.reference)]
    return advised(lost, standings, known, Examples(len(learnt), len(set(learnt))))


@command.command("switch")
@click.argument("name")
@click.argument("build")
@apps_argument
@server_option
@store_option
@json_option
def switch(name: str, build: str, apps: tuple[Path, ...], server_file: Path, store: str | None, as_json: bool) -> None:
    """Let another index of NAME answer versions that have none of their own: the BUILD of that id, ready or kept.

    A version whose own index is whole goes on to answer from it, and is named: to go back, take the setting back or `rowen rollback`.
    """

    async def work(desk: Desk) -> Switched:
        return await desk.switch(await _named(desk, name), build)

    found = _desk(server_file, store, apps, work)
    if as_json:
        out.print_json(msgspec.json.encode(found).decode())
        return
    out.print(f"{build} answers now whoever has no index of its own: {found.manifest.chunker}")
    for who in found.unmoved:
        out.print(f"  not {who}: its own index is whole, and goes on to answer")
    if found.unmoved:
        out.print(
            "To have another one answer a version, take back what made its index (chunk, embed, context, graph), or `rowen rollback`."
        )


@command.command("delete")
@click.argument("name")
@click.argument("build")
@apps_argument
@server_option
@store_option
@click.option("--force", is_flag=True, help="Though versions need it, which answer from the live index then.")
def delete(name: str, build: str, apps: tuple[Path, ...], server_file: Path, store: str | None, force: bool) -> None:
    """Delete the index BUILD of NAME, which must not be the one that answers, nor one that versions need.

    Needed are the indexes of what is live, of what rolls out, of where a rollback goes, and of versions with a label.
    """

    async def work(desk: Desk) -> None:
        await desk.delete(await _named(desk, name), build, force=force)

    _desk(server_file, store, apps, work)
    out.print(f"{build} is deleted")


command.add_command(formerly(delete, "drop"))


def _opened(server_file: Path, store: str | None, apps: Sequence[Path], work: Callable[[Opened], Awaitable[T]]) -> T:
    settings, _ = settings_of(server_file, flags_of(store=store))

    async def run() -> T:
        server = Server(settings, apps)
        opened = await server.open()
        try:
            return await work(opened)
        finally:
            await server.close()

    return asyncio.run(run())


def _desk(server_file: Path, store: str | None, apps: Sequence[Path], work: Callable[[Desk], Awaitable[T]]) -> T:
    return _opened(server_file, store, apps, lambda opened: work(opened.indexing.desk()))


async def _named(desk: Desk, name: str) -> Collection:
    for each in await desk.all():
        if each.name == name:
            return desk.collection(each.app, name)
    return desk.collection("", name)


async def _followed(opened: Opened, collection: Collection, *, removal: bool, quiet: bool) -> Job:
    """Return the job of a collection when the run that was asked for has ended; its progress is shown meanwhile."""
    before = await opened.indexing.job(collection)
    job = await opened.indexing.wake(collection, removal=removal)
    with steps_bar(quiet=quiet) as bar:
        shown = bar.add_task(collection.name, total=None)
        while job.runs <= before.runs and job.state not in _ENDED and not (job.attempt and job.code):
            await asyncio.sleep(_EVERY)
            job = await opened.indexing.queue.get(job.id)
            bar.update(shown, completed=job.done, total=job.total or None, description=job.note or collection.name)
    if job.code and job.runs <= before.runs:
        raise Broken("broken", f"{collection.name} could not be brought up to date: {job.message}", place=job.code)
    return job


def _result(job: Job) -> dict[str, Any]:
    names = ("added", "changed", "removed", "unchanged", "quarantined", "recut")
    failed = "; ".join(f"{source}: {why}" for source, why in job.result.get("failed", {}).items())
    return {**{name: job.result.get(name, 0) for name in names}, "failed": failed}


def _span(seconds: float | None) -> str:
    if seconds is None:
        return "never seen whole"
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {word}"
    return f"{seconds:.0f} s"
