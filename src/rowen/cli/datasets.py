"""What `rowen cases` does with whole data sets: brings them in, keeps them as versions, splits and compares them."""

import json
import sys
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, get_args

import click
import msgspec
from rich.console import Console
from rich.progress import Progress

from rowen.cli.examples import such_as
from rowen.cli.options import in_store, json_option, server_option, show, store_option
from rowen.evaluate.composition import composition
from rowen.evaluate.dataset import Added, Dataset, Datasets, datasets_in
from rowen.evaluate.files import READS, Read, read, written
from rowen.evaluate.split import EVERY, By, split
from rowen.serve.settings import ServerSettings
from rowen.store.base import Store
from rowen.values import Case, Mistaken, SystemClock, at

T = TypeVar("T")

err = Console(stderr=True, highlight=False)

tenant_option = click.option("--tenant", default="default", show_default=True, help="Whose it is.")
dataset_argument = click.argument("dataset")
version_option = click.option(
    "--version", default="", help="A version, by the beginning of its hash; default: as it is now."
)


def datasets_of(store: Store) -> Datasets:
    """Return the data sets of a store."""
    return datasets_in(store, SystemClock())


@click.command("sets")
@server_option
@store_option
@json_option
@click.option("--tenant", default=None, help="Only of this tenant.")
def sets(server_file: Path, store: str | None, as_json: bool, tenant: str | None) -> None:
    """List data sets with what is said of them."""

    async def rows(found: Datasets) -> list[Any]:
        return [
            {
                "dataset": each.name,
                "tenant": each.tenant,
                "cases": len(await found.now(each.name, each.tenant)),
                "versions": len(await found.versions(each.name, each.tenant)),
                "age": each.age(found.today()),
                "owner": each.owner,
                "about": each.about,
            }
            for each in await found.all(tenant)
        ]

    show(_with(server_file, store, rows), as_json=as_json, empty="No data sets yet.")


@click.command("import", epilog=such_as("rowen cases import golden.csv --dataset golden --field expected=answer"))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@server_option
@store_option
@tenant_option
@json_option
@click.option("--dataset", required=True, help="The data set that the cases belong to.")
@click.option("--app", default="", help="The app that they are for.")
@click.option("--as", "shape", default="auto", show_default=True, type=click.Choice(READS), help="What the files are.")
@click.option(
    "--field",
    "fields",
    multiple=True,
    metavar="FIELD=COLUMN",
    help="Where a field of rows stands, such as expected=answer.",
)
@click.option("--synthetic", is_flag=True, help="Nobody ever asked these: something made them up.")
@click.option("--by", default="", help="Who brings them, or what made them up.")
@click.option("--dry-run", is_flag=True, help="Read the files and say what is in them; keep nothing.")
def import_files(
    files: tuple[Path, ...],
    server_file: Path,
    store: str | None,
    tenant: str,
    as_json: bool,
    dataset: str,
    app: str,
    shape: Read,
    fields: tuple[str, ...],
    synthetic: bool,
    by: str,
    dry_run: bool,
) -> None:
    """Bring cases in: CSV, JSONL, JSON or Parquet, tests of promptfoo, samples of OpenAI's evals, logs of Inspect.

    A fault in any file keeps all of them out. The same file brought again changes nothing.
    """
    names = dict(_named(each, "--field") for each in fields)
    cases = [
        case.but(
            id=case.id if case.id.startswith(f"{dataset}:") else f"{dataset}:{case.id}",
            tenant=tenant,
            dataset=dataset,
            app=app or case.app,
            by=by,
            source="generator" if synthetic else case.source or "file",
        )
        for file in files
        for case in read(file, shape, names=names)
    ]
    added = Added(new=len(cases)) if dry_run else _brought(server_file, store, cases)
    row = {"dataset": dataset, "cases": len(cases), **msgspec.structs.asdict(added), "kept": not dry_run}
    show([row], as_json=as_json, empty="")


@click.command("describe")
@dataset_argument
@server_option
@store_option
@tenant_option
@json_option
@click.option("--about", help="One sentence for people.")
@click.option("--owner", help="Who answers for it.")
@click.option("--app", help="The app that it is for.")
@click.option("--review", type=click.DateTime(["%Y-%m-%d"]), help="When somebody shall look through it again.")
@click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), help="From when on nothing shall be decided by it.")
def describe(
    dataset: str,
    server_file: Path,
    store: str | None,
    tenant: str,
    as_json: bool,
    about: str | None,
    owner: str | None,
    app: str | None,
    review: datetime | None,
    expires: datetime | None,
) -> None:
    """Say what a data set is, who answers for it, and until when. What is not said stays as it is."""

    async def work(found: Datasets) -> Dataset:
        try:
            before = await found.get(dataset, tenant)
        except Mistaken:
            before = Dataset(name=dataset, tenant=tenant)
        said: dict[str, Any] = {"about": about, "owner": owner, "app": app}
        days = {"review": review, "expires": expires}
        said |= {name: day.date() for name, day in days.items() if day is not None}
        return await found.put(before.but(**{name: value for name, value in said.items() if value is not None}))

    kept = _with(server_file, store, work)
    row = {name: getattr(kept, name) for name in ("name", "about", "owner", "app", "review", "expires")}
    show([row], as_json=as_json, empty="")


@click.command("freeze")
@dataset_argument
@server_option
@store_option
@tenant_option
@json_option
@click.option("--note", default="", help="Why.")
@click.option("--by", default="", help="Who keeps it.")
def freeze(dataset: str, server_file: Path, store: str | None, tenant: str, as_json: bool, note: str, by: str) -> None:
    """Keep the cases as they are now as a version, named by their content."""
    kept = _with(server_file, store, lambda found: found.freeze(dataset, tenant, note=note, by=by))
    show([{"dataset": dataset, "version": kept.hash, "cases": kept.n, "note": kept.note}], as_json=as_json, empty="")


@click.command("versions")
@dataset_argument
@server_option
@store_option
@tenant_option
@json_option
def versions(dataset: str, server_file: Path, store: str | None, tenant: str, as_json: bool) -> None:
    """List the versions of a data set, newest first."""
    rows: list[Any] = [
        {
            "version": each.hash if as_json else each.hash[:12],
            "when": at(each.created_ns).isoformat(timespec="seconds"),
            "cases": each.n,
            "by": each.by,
            "note": each.note,
        }
        for each in _with(server_file, store, lambda found: found.versions(dataset, tenant))
    ]
    show(rows, as_json=as_json, empty=f"{dataset} has no versions: keep one with `rowen cases freeze {dataset}`.")


@click.command("diff")
@dataset_argument
@click.argument("earlier")
@click.argument("later", default="")
@server_option
@store_option
@tenant_option
@json_option
def diff(
    dataset: str, earlier: str, later: str, server_file: Path, store: str | None, tenant: str, as_json: bool
) -> None:
    """Say which cases were added, removed and changed between two versions, or up to now."""
    found = _with(server_file, store, lambda sets: sets.changes(dataset, tenant, earlier, later))
    rows: list[Any] = [
        {"case": id, "was": what} for what in ("added", "removed", "changed") for id in getattr(found, what)
    ]
    show(rows, as_json=as_json, empty="They are the same.")


@click.command("report")
@dataset_argument
@server_option
@store_option
@tenant_option
@json_option
@version_option
def report(dataset: str, server_file: Path, store: str | None, tenant: str, as_json: bool, version: str) -> None:
    """Say what a data set is made of, and what is to be said against it."""

    async def work(found: Datasets) -> Any:
        said, cases = await found.get(dataset, tenant), await found.cases(dataset, tenant, version)
        return composition(said, cases, found.today())

    found = _with(server_file, store, work)
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    rows: list[Any] = [
        {"": name.replace("_", " "), " ": _shown(getattr(found, name))}
        for name in found.__struct_fields__
        if name != "warnings"
    ]
    show(rows, as_json=False, empty="")
    for warning in found.warnings:
        err.print(f"[yellow]Mind:[/yellow] {warning}")


@click.command("split")
@dataset_argument
@server_option
@store_option
@tenant_option
@json_option
@version_option
@click.option(
    "--part",
    "parts",
    multiple=True,
    metavar="NAME=SHARE",
    help="A part with its share; the first is to train on. Default: train=0.8 test=0.2.",
)
@click.option(
    "--by",
    multiple=True,
    type=click.Choice(get_args(By)),
    default=EVERY,
    show_default=True,
    help="What keeps cases together; may be given again.",
)
@click.option(
    "--alike", default=0.8, show_default=True, type=click.FloatRange(0.5, 1), help="How alike near duplicates are."
)
@click.option("--seed", default="", help="Another one deals anew.")
@click.option(
    "--before",
    type=click.Path(path_type=Path, dir_okay=False),
    help="An earlier split, as --json printed it: what can stays where it was.",
)
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), help="Write each part there, as NAME.jsonl.")
def split_cases(
    dataset: str,
    server_file: Path,
    store: str | None,
    tenant: str,
    as_json: bool,
    version: str,
    parts: tuple[str, ...],
    by: tuple[By, ...],
    alike: float,
    seed: str,
    before: Path | None,
    to: Path | None,
) -> None:
    """Deal cases into parts so that nothing which belongs together is in two of them."""
    shares = dict(_share(each) for each in parts) or {"train": 0.8, "test": 0.2}
    earlier = None if before is None else _earlier(before)
    cases = _with(server_file, store, lambda found: found.cases(dataset, tenant, version))
    found = split(cases, shares, by=by, alike=alike, seed=seed, before=earlier)
    if to is not None:
        by_id = {case.id: case for case in cases}
        to.mkdir(parents=True, exist_ok=True)
        for name, ids in found.parts.items():
            (to / f"{name}.jsonl").write_bytes(written([by_id[id] for id in ids]))
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    rows: list[Any] = [
        {"part": name, "cases": len(ids), "share": f"{found.shares[name]:.1%}", "wanted": f"{found.wanted[name]:.1%}"}
        for name, ids in found.parts.items()
    ]
    show(rows, as_json=False, empty="")
    err.print(f"{found.groups} groups by {', '.join(found.by)}; the largest has {found.largest} cases.")
    if found.moved:
        err.print(f"{len(found.moved)} cases changed their part, since they now belong to others.")


@click.command("delete")
@dataset_argument
@server_option
@store_option
@tenant_option
@json_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(dataset: str, server_file: Path, store: str | None, tenant: str, as_json: bool, yes: bool) -> None:
    """Delete a data set with its cases and all its versions."""
    if not yes:
        click.confirm(f"{dataset} and its versions cannot be brought back. Delete them?", abort=True, err=True)
    gone = _with(server_file, store, lambda found: found.delete(dataset, tenant))
    show([{"dataset": dataset, "cases": gone}], as_json=as_json, empty="")


def _with(server_file: Path, store: str | None, work: Callable[[Datasets], Coroutine[Any, Any, T]]) -> T:
    async def opened(found: Store, _: ServerSettings) -> T:
        return await work(datasets_of(found))

    return in_store(server_file, store, opened)


def _brought(server_file: Path, store: str | None, cases: list[Case]) -> Added:
    with Progress(console=err, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("keeping cases", total=len(cases))
        return _with(server_file, store, lambda found: found.add(cases, told=lambda: progress.advance(task)))


def _named(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and name and value):
        raise Mistaken("field_invalid", f"expected NAME=VALUE, got {text!r}", place=option)
    return name, value


def _share(text: str) -> tuple[str, float]:
    name, value = _named(text, "--part")
    try:
        return _filed(name), float(value)
    except ValueError:
        raise Mistaken("field_invalid", f"the share {value!r} is no number", place="--part") from None


def _filed(name: str) -> str:
    """Return the name of a part, which also names its file."""
    if not name.replace("-", "").replace("_", "").isalnum():
        raise Mistaken("field_invalid", f"a part's name has letters, digits, - and _, not {name!r}", place="--part")
    return name


def _earlier(path: Path) -> dict[str, list[str]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert(found["parts"], dict[str, list[str]])
    except OSError as error:
        raise Mistaken("field_invalid", f"it cannot be read: {error.strerror}", place=str(path)) from error
    except (ValueError, KeyError, TypeError, msgspec.ValidationError) as error:
        raise Mistaken("field_invalid", f"this is no split: {error}", place=str(path)) from error


def _shown(value: Any) -> str:
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if isinstance(value, dict):
        return ", ".join(f"{name}: {each}" for name, each in value.items())
    return "" if value is None else str(value)
