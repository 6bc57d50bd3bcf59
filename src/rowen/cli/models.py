"""`rowen models`: fetch, list, verify and delete model weights."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from rowen.cli.options import formerly
from rowen.provider import weights
from rowen.provider.weights import Folder, Found, Listed
from rowen.values import Mistaken, Problem

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_FOLDER = click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=None,
    help="The models folder; by default ROWEN_MODELS or ~/.local/share/rowen/models.",
)


@click.group()
def command() -> None:
    """Fetch, list, verify and delete model weights."""


@command.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME|FILE...")
@click.option("--name", "own_name", default="", help="What to call a file of your own.")
@click.option("--tokenizer", type=click.Path(path_type=Path), default=None, help="tokenizer.json of an ONNX file.")
@_FOLDER
@_JSON
def add(names: tuple[str, ...], own_name: str, tokenizer: Path | None, folder: Path | None, as_json: bool) -> None:
    """Fetch models that ship by NAME, or take your own GGUF or ONNX FILE."""
    place = Folder(folder or weights.default_place())
    if own_name and len(names) > 1:
        raise Mistaken("field_invalid", "A name of your own goes with one file.", place="--name")
    found = []
    for name in names:
        with _bar(name, shown=not as_json) as progress:
            if _is_file(place, name):
                one = weights.add_file(place, Path(name), name=own_name, tokenizer=tokenizer, progress=progress)
            else:
                one = weights.add(place, name, progress=progress)
        found.append(one)
        if not as_json:
            click.echo(f"{one.weights.name}: {_size(one.model.stat().st_size)}, checked, in {one.model.parent}")
    if as_json:
        click.echo(json.dumps({"added": [_added(one) for one in found]}))


@command.command(name="list")
@_FOLDER
@_JSON
def list_(folder: Path | None, as_json: bool) -> None:
    """List the models that ship and those you added."""
    listed = Folder(folder or weights.default_place()).all()
    if as_json:
        click.echo(json.dumps({"models": [_line(one) for one in listed]}))
        return
    table = Table("name", "kind", "state", "size", "licence", "about", box=None, pad_edge=False)
    for one in listed:
        size = _size(sum(piece.size for piece in one.weights.pieces))
        table.add_row(
            one.weights.name, one.weights.kind, one.state, size, one.weights.licence or "yours", one.weights.about
        )
    Console().print(table)


@command.command()
@click.argument("names", nargs=-1)
@_FOLDER
@_JSON
def verify(names: tuple[str, ...], folder: Path | None, as_json: bool) -> None:
    """Check the sha256 of every file of the models named, or of all that are here."""
    place = Folder(folder or weights.default_place())
    chosen = names or tuple(one.weights.name for one in place.all() if one.state != "absent")
    problems: dict[str, Problem | None] = {name: place.verify(name) for name in chosen}
    if as_json:
        facts = [{"name": n, "ok": p is None, "code": p.code if p else ""} for n, p in problems.items()]
        click.echo(json.dumps({"verified": facts}))
    else:
        for name, problem in problems.items():
            click.echo(f"{name}: {problem.message if problem else 'unchanged'}")
    if any(problems.values()):
        sys.exit(1)


@command.command()
@click.argument("names", nargs=-1, required=True)
@_FOLDER
@_JSON
def delete(names: tuple[str, ...], folder: Path | None, as_json: bool) -> None:
    """Delete models from the models folder."""
    place = Folder(folder or weights.default_place())
    deleted = {name: place.remove(name) for name in names}
    if as_json:
        click.echo(json.dumps({"deleted": [name for name, was in deleted.items() if was]}))
        return
    for name, was in deleted.items():
        click.echo(f"{name}: {'deleted' if was else 'was not here'}")


command.add_command(formerly(delete, "remove"))


@contextmanager
def _bar(name: str, *, shown: bool) -> Iterator[weights.Progress | None]:
    if not shown:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)


def _is_file(place: Folder, name: str) -> bool:
    if name in place.known:
        return False
    path = Path(name)
    return path.exists() or len(path.parts) > 1 or path.suffix in {".gguf", ".onnx"}


def _line(one: Listed) -> dict[str, object]:
    made = one.weights
    return {
        "name": made.name,
        "kind": made.kind,
        "format": made.format,
        "state": one.state,
        "place": one.place,
        "bytes": sum(piece.size for piece in made.pieces),
        "licence": made.licence,
        "source": made.source,
        "about": made.about,
    }


def _added(one: Found) -> dict[str, object]:
    pieces = [{"file": str(one.files[piece.save_as]), "sha256": piece.sha256} for piece in one.weights.pieces]
    return {"name": one.weights.name, "kind": one.weights.kind, "files": pieces}


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
