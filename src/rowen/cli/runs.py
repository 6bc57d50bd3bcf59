"""`rowen runs`: earlier runs of evaluations, and what became of each case."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from rowen.cli.evaluated import say
from rowen.cli.examples import such_as
from rowen.cli.options import in_store, json_option, server_option, show, store_option
from rowen.evaluate.run.desk import RunDesk
from rowen.evaluate.run.ragas import NAMES, ragas
from rowen.evaluate.run.result import Result, Results
from rowen.evaluate.run.work import result
from rowen.serve.evaluating import desk_of
from rowen.serve.settings import ServerSettings
from rowen.store.base import Place, Store
from rowen.values import Mistaken, Run, SystemClock, at

T = TypeVar("T")

_PAGE = 500

tenant_option = click.option("--tenant", default=None, help="Only of this tenant.")


@click.group("runs")
def command() -> None:
    """List, show, export, stop and delete runs of evaluations."""


@command.command("list")
@server_option
@store_option
@json_option
@tenant_option
@click.option("--app", default="", help="Only of this app.")
@click.option("--suite", default="", help="Only of this suite.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="Runs at most.")
def list_(
    server_file: Path, store: str | None, as_json: bool, tenant: str | None, app: str, suite: str, limit: int
) -> None:
    """List runs, newest first."""
    found = _with(server_file, store, lambda desk, _: desk.all(tenant, app=app, suite=suite, limit=limit))
    show([_row(run) for run in found], as_json=as_json, empty="No runs yet: start one with `rowen eval`.")


@command.command("show")
@click.argument("run")
@server_option
@store_option
@json_option
@tenant_option
def show_(run: str, server_file: Path, store: str | None, as_json: bool, tenant: str | None) -> None:
    """Show what came of a run."""

    async def work(desk: RunDesk, found: Store) -> Result:
        return await result(desk, found.records, await desk.get(run, tenant))

    say([_with(server_file, store, work)], as_json=as_json)


@command.command("export", epilog=such_as("rowen runs export 3f2a91 > outcomes.jsonl"))
@click.argument("run")
@server_option
@store_option
@tenant_option
@click.option(
    "--as",
    "shape",
    default="outcomes",
    show_default=True,
    type=click.Choice(["outcomes", "ragas"]),
    help="Our own fields, or the columns and names of metrics of Ragas.",
)
@click.option("--name", "names", multiple=True, metavar="OURS=THEIRS", help="With ragas: their name of a metric.")
def export(
    run: str, server_file: Path, store: str | None, tenant: str | None, shape: str, names: tuple[str, ...]
) -> None:
    """Print what became of each case, one JSON line each."""
    theirs = dict(_named(each) for each in names)

    async def work(desk: RunDesk, found: Store) -> None:
        one = await desk.get(run, tenant)
        cases = {case.id: case for case in await desk.cases(one)} if shape == "ragas" else {}
        after: Place | None = None
        while page := await found.runs.page(one.id, tenant=one.tenant, after=after, limit=_PAGE):
            rows = ragas(page, cases, {**NAMES, **theirs}) if shape == "ragas" else page
            for row in rows:
                print(msgspec.json.encode(row).decode())
            after = Place(page[-1].case, page[-1].trial)

    _with(server_file, store, work)


@command.command("stop")
@click.argument("run")
@server_option
@store_option
@json_option
@tenant_option
@click.option("--by", default="", help="Who stops it.")
def stop(run: str, server_file: Path, store: str | None, as_json: bool, tenant: str | None, by: str) -> None:
    """Tell a run to stop; what is under way is finished, and it may go on later."""
    found = _with(server_file, store, lambda desk, _: desk.stop(run, tenant, by=by))
    show([_row(found)], as_json=as_json, empty="")


@command.command("delete")
@click.argument("run")
@server_option
@store_option
@json_option
@tenant_option
def delete(run: str, server_file: Path, store: str | None, as_json: bool, tenant: str | None) -> None:
    """Remove a run with its outcomes."""

    async def work(desk: RunDesk, found: Store) -> int:
        one = await desk.get(run, tenant)
        await Results(found.records).delete(one)
        return await desk.delete(one.id, one.tenant)

    gone = _with(server_file, store, work)
    show([{"run": run, "outcomes": gone}], as_json=as_json, empty="")


def _named(text: str) -> tuple[str, str]:
    ours, equals, theirs = text.partition("=")
    if not (equals and ours and theirs):
        raise Mistaken("field_invalid", f"expected OURS=THEIRS, got {text!r}", place="--name")
    return ours, theirs


def _row(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "when": at(run.created_ns).isoformat(timespec="seconds"),
        "app": run.app,
        "suite": run.suite,
        "target": f"{run.target.kind} {run.target.name or run.target.definition[:12]}",
        "state": run.state,
        "cases": run.cases,
        "trials": run.trials,
        "answered": run.answered,
        "failed": run.failed,
        "known": run.cached,
        "usd": f"{run.cost.normalize():f}",
        "note": run.note,
    }


def _with(server_file: Path, store: str | None, work: Callable[[RunDesk, Store], Coroutine[Any, Any, T]]) -> T:
    async def opened(found: Store, _: ServerSettings) -> T:
        return await work(desk_of(found, SystemClock()), found)

    return in_store(server_file, store, opened)
