"""`rowen cases`: examples made of traces, on the machine itself."""

from pathlib import Path
from typing import Any

import click

from rowen.cli.options import in_store, json_option, server_option, show, store_option
from rowen.score.cases import Cases, line_of
from rowen.serve.settings import ServerSettings
from rowen.store.base import Store
from rowen.values import Case, SystemClock, at

dataset_option = click.option("--dataset", default="", help="Only of this data set.")
app_option = click.option("--app", default="", help="Only of this app.")


@click.group("cases")
def command() -> None:
    """List and export cases."""


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
@dataset_option
@app_option
@click.option("--limit", default=100_000, show_default=True, type=click.IntRange(1), help="Cases at most.")
def export(server_file: Path, store: str | None, dataset: str, app: str, limit: int) -> None:
    """Print cases as JSONL, oldest first: id, input, output, expected, metadata, trace."""
    for case in reversed(_found(server_file, store, dataset, app, limit)):
        click.echo(line_of(case), nl=False)


def _found(server_file: Path, store: str | None, dataset: str, app: str, limit: int) -> list[Case]:
    async def work(found: Store, _: ServerSettings) -> list[Case]:
        cases = Cases(found.records, scores=found.scores, traces=found.traces, clock=SystemClock())
        return await cases.all(None, dataset=dataset, app=app, limit=limit)

    return in_store(server_file, store, work)
