"""`rowen cases`: examples with what should be answered, and the data sets that they make up, on the machine itself."""

from pathlib import Path
from typing import Any

import click

from rowen.cli.datasets import (
    datasets_of,
    delete,
    describe,
    diff,
    freeze,
    import_files,
    report,
    sets,
    split_cases,
    tenant_option,
    versions,
)
from rowen.cli.dated import dated_cases
from rowen.cli.needed import needed
from rowen.cli.options import formerly, in_store, json_option, server_option, show, store_option
from rowen.cli.questions import questions
from rowen.evaluate.files import WRITES, Shape, written
from rowen.score.cases import Cases
from rowen.serve.settings import ServerSettings
from rowen.store.base import Store
from rowen.values import Case, SystemClock, at

dataset_option = click.option("--dataset", default="", help="Only of this data set.")
app_option = click.option("--app", default="", help="Only of this app.")


@click.group("cases")
def command() -> None:
    """List, export and import cases; keep, split and compare data sets."""


for each in (
    sets,
    import_files,
    describe,
    freeze,
    versions,
    diff,
    report,
    split_cases,
    needed,
    questions,
    dated_cases,
    delete,
    formerly(delete, "drop"),
):
    command.add_command(each)


@command.command("list")
@server_option
@store_option
@json_option
@dataset_option
@app_option
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="Cases at most.")
def list_cases(server_file: Path, store: str | None, as_json: bool, dataset: str, app: str, limit: int) -> None:
    """List the newest cases."""
    rows: list[Any] = [
        {
            "id": case.id,
            "when": at(case.created_ns).isoformat(timespec="seconds"),
            "dataset": case.dataset,
            "app": case.app,
            "expected": "" if case.expected is None else str(case.expected)[:60],
            "trace": case.trace,
        }
        for case in _found(server_file, store, dataset, app, limit)
    ]
    show(rows, as_json=as_json, empty="No cases yet.")


@command.command("export")
@server_option
@store_option
@tenant_option
@dataset_option
@app_option
@click.option("--version", default="", help="As the data set was in this version, by the beginning of its hash.")
@click.option("--as", "shape", default="jsonl", show_default=True, type=click.Choice(WRITES), help="Whose shape.")
@click.option("--limit", default=100_000, show_default=True, type=click.IntRange(1), help="Cases at most.")
def export(
    server_file: Path, store: str | None, tenant: str, dataset: str, app: str, version: str, shape: Shape, limit: int
) -> None:
    """Print cases, oldest first: as JSONL, or as others read them."""
    if version:

        async def work(found: Store, _: ServerSettings) -> list[Case]:
            return await datasets_of(found).cases(dataset, tenant, version)

        cases = [case for case in in_store(server_file, store, work) if app in {"", case.app}][:limit]
    else:
        cases = _found(server_file, store, dataset, app, limit)[::-1]
    click.echo(written(cases, shape), nl=False)


def _found(server_file: Path, store: str | None, dataset: str, app: str, limit: int) -> list[Case]:
    async def work(found: Store, _: ServerSettings) -> list[Case]:
        cases = Cases(found.records, scores=found.scores, traces=found.traces, clock=SystemClock())
        return await cases.all(None, dataset=dataset, app=app, limit=limit)

    return in_store(server_file, store, work)
