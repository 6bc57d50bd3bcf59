"""`rowen index summary`: what a document says, in short, with the places that say so; however long it is."""

import asyncio
import sys
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import Progress

from rowen.cli.examples import such_as
from rowen.cli.options import app_option, flags_of, json_option, out, server_option, store_option
from rowen.config import read
from rowen.flow import App
from rowen.retrieve.parse import Reading
from rowen.retrieve.summary import Summary, summarised
from rowen.serve.evaluating import bench
from rowen.serve.settings import settings_of
from rowen.serve.tables import TABLES
from rowen.values import Answer, AskModel, Document, Request, SystemClock
from rowen.values.errand import SUMMARY

err = Console(stderr=True, highlight=False)


@click.command("summary", epilog=such_as("rowen index summary report.pdf --words 150 --about 'a new colleague'"))
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@app_option
@server_option
@store_option
@json_option
@click.option("--model", default="", help="A model of the app; default: its first.")
@click.option("--words", default=200, show_default=True, type=click.IntRange(20, 2_000), help="How long it may be.")
@click.option("--about", default="a reader who has not read it", help="For whom, or with which question in mind.")
def command(
    file: Path, path: Path, server_file: Path, store: str | None, as_json: bool, model: str, words: int, about: str
) -> None:
    """Sum up the document FILE, part by part, with the places of its text that say so.

    The calls are real: they are traced, limited and paid for.
    """
    settings, _ = settings_of(server_file, flags_of(store=store))
    loaded = read(path, TABLES)
    data = file.read_bytes()

    async def work() -> tuple[Document, Summary]:
        document = await _document(file, data)
        async with bench(settings, [loaded], SystemClock()) as stand:
            ask = _asking(stand.apart.named(loaded.definition.app))
            with Progress(console=err, transient=True, disable=as_json or not sys.stderr.isatty()) as progress:
                task = progress.add_task("reading")
                found = await summarised(
                    document,
                    ask=ask,
                    model=model,
                    words=words,
                    about=about,
                    tell=lambda done, total: progress.update(task, completed=done, total=total),
                )
        return document, found

    document, found = asyncio.run(work())
    if as_json:
        print(msgspec.json.encode(found).decode())
    else:
        _tell(document, found)
    if not found.text:
        raise click.exceptions.Exit(1)


async def _document(file: Path, data: bytes) -> Document:
    reading = Reading()
    try:
        parsed = await reading(data, file.name)
    finally:
        await reading.close()
    return Document(
        id=file.name,
        source="file",
        uri=str(file),
        version="",
        text=parsed.text,
        title=parsed.title or file.name,
        sections=parsed.sections,
    )


def _asking(app: App) -> AskModel:
    async def ask(request: Request) -> Answer:
        done = await app.ask(request, errand=SUMMARY, name="document", tenant="default", priority="normal")
        return done.answer or Answer()

    return ask


def _tell(document: Document, found: Summary) -> None:
    out.print(found.text, markup=False, soft_wrap=True)
    for number in dict.fromkeys(each.number for each in found.citations):
        point = found.points[number - 1]
        said = " ".join(document.text[point.start : point.end].split())
        out.print(
            f"[{number}] {document.uri}, characters {point.start}\u2013{point.end}: {said[:300]}",
            markup=False,
            soft_wrap=True,
        )
    err.print(f"Read in {found.parts} parts; {len(found.points)} statements that the text bears out.")
    if found.silent:
        err.print(f"[yellow]Mind:[/yellow] of {found.silent} parts the model said nothing that they bear out.")
    if found.unsaid:
        err.print(f"[yellow]Mind:[/yellow] {found.unsaid} statements were left out: their quotes are not in the text.")
    if found.text and not found.written:
        err.print("[yellow]Mind:[/yellow] what the model wrote cited nothing, so these are the statements themselves.")
