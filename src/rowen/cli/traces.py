"""`rowen traces`: what happened, on the machine itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import track

from rowen.cli.archived import (
    archive_traces,
    archived_option,
    erase_traces,
    export_all,
    in_archive,
    query_traces,
)
from rowen.cli.examples import such_as
from rowen.cli.options import always_json_option, in_store, json_option, out, server_option, show, store_option
from rowen.serve.intake import alone
from rowen.serve.settings import ServerSettings
from rowen.store.base import Store, TraceFilter
from rowen.trace.intake.files import entries, sent
from rowen.trace.intake.take import Sender, Taken
from rowen.values import Mistaken, SystemClock, Trace, TraceRow, at

err = Console(stderr=True)


@click.group("traces")
def command() -> None:
    """List, show, export and import what happened."""


@command.command(
    "list", epilog=such_as("rowen traces list --status failed --limit 5", "rowen traces list --app shop --json")
)
@server_option
@store_option
@json_option
@archived_option
@click.option("--app", default="", help="Only this app.")
@click.option("--model", default="", help="Only this model.")
@click.option(
    "--status", default="", type=click.Choice(["", "ok", "refused", "failed", "cancelled"]), help="Only with this end."
)
@click.option("--text", default="", help="Only with this text in question or answer; not with --archived.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="Traces at most.")
def list_traces(
    server_file: Path,
    store: str | None,
    as_json: bool,
    archived: bool,
    app: str,
    model: str,
    status: str,
    text: str,
    limit: int,
) -> None:
    """List the newest traces."""
    if archived:
        if text:
            raise Mistaken(
                "field_invalid", "the archive has no index of texts: use `rowen traces query`", place="--text"
            )
        wanted = {name: value for name, value in {"app": app, "model": model, "status": status}.items() if value}
        found = in_archive(server_file, store, lambda archive: archive.find(where=wanted, limit=limit))
    else:
        filter_ = TraceFilter(app=app, model=model, status=status, text=text, limit=limit)

        async def work(found: Store, _: ServerSettings) -> list[TraceRow]:
            return await found.traces.find(filter_)

        found = in_store(server_file, store, work)
    rows: list[Any] = [
        {
            "id": row.id,
            "when": at(row.started_ns).isoformat(timespec="seconds"),
            "status": row.status,
            "app": row.app,
            "model": row.model,
            "ms": round(row.duration_ns / 1e6, 1),
            "tokens": row.input_tokens + row.output_tokens,
            "cost": "unknown" if row.cost is None else str(row.cost),
            "asked": row.asked[:60],
        }
        for row in found
    ]
    show(
        rows,
        as_json=as_json,
        empty="No traces yet: what a server is asked leaves one; what `rowen ask` asks leaves none.",
    )


@command.command("show")
@click.argument("id")
@server_option
@store_option
@always_json_option
@archived_option
def show_trace(id: str, server_file: Path, store: str | None, archived: bool) -> None:
    """Print the trace ID whole, as JSON."""

    async def work(found: Store, _: ServerSettings) -> Trace | None:
        return await found.traces.get(id)

    if archived:
        found = in_archive(server_file, store, lambda archive: archive.get(id))
    else:
        found = in_store(server_file, store, work)
    if found is None:
        raise Mistaken("not_found", f"there is no trace {id}{' in the archive' if archived else ''}")
    out.print_json(msgspec.json.encode(found).decode())


@command.command("export")
@server_option
@store_option
@click.option(
    "--format",
    default="jsonl",
    show_default=True,
    type=click.Choice(["jsonl", "parquet"]),
    help="A line of JSON each, or a folder of files.",
)
@click.option("--to", type=click.Path(path_type=Path), help="The folder for Parquet.")
@click.option("--limit", default=1000, show_default=True, type=click.IntRange(1), help="Lines of JSON at most.")
def export(server_file: Path, store: str | None, format: str, to: Path | None, limit: int) -> None:
    """Print the newest traces whole, one JSON line each; or write all, with their scores, as Parquet."""
    if format == "parquet":
        if to is None:
            raise Mistaken("field_invalid", "say which folder to write to, as `--to FOLDER`", place="--to")
        export_all(server_file, store, to)
        return

    async def work(found: Store, _: ServerSettings) -> None:
        left, before = limit, ""
        while left > 0:
            rows = await found.traces.find(TraceFilter(before=before, limit=min(left, 200)))
            for row in rows:
                whole = await found.traces.get(row.id, row.tenant)
                if whole is not None:
                    click.echo(msgspec.json.encode(whole).decode())
            if not rows:
                return
            left, before = left - len(rows), rows[-1].cursor

    in_store(server_file, store, work)


command.add_command(archive_traces)
command.add_command(query_traces)
command.add_command(erase_traces)


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@server_option
@store_option
@json_option
@click.option("--app", default="", help="The app that all of it belongs to; default: as the spans say.")
@click.option("--tenant", default="default", show_default=True, help="Whose it is.")
def import_traces(file: Path, server_file: Path, store: str | None, as_json: bool, app: str, tenant: str) -> None:
    """Take in FILE, exported by Langfuse, Phoenix or MLflow, or OTLP as JSON; one value, or one for each line.

    What is there already is replaced, so a file can be imported again. Masks and hashes of the server's settings hold.
    """
    try:
        values = list(entries(file.read_bytes()))
    except OSError as error:
        raise Mistaken("config_missing", f"{file} cannot be read: {error.strerror}", place=str(file)) from None

    async def work(found: Store, settings: ServerSettings) -> Taken:
        intake = alone(found, settings)
        sender = Sender(tenant=tenant, app=app, otherwise="imported")
        total = Taken()
        now = SystemClock().now_ns()
        for entry in track(values, "Importing", console=err, transient=True):
            try:
                total.add(await intake.take(sent(entry, now), sender))
            except Mistaken as problem:
                total.reject(f"{problem.message} ({problem.place or f'line {entry.line}'})")
        return total

    taken = in_store(server_file, store, work)
    rows: list[Mapping[str, Any]] = [
        {"kept": taken.kept, "rejected": taken.rejected, "scores": taken.judged, "why": taken.sentence}
    ]
    show(rows, as_json=as_json, empty="")
    if taken.rejected and not taken.kept:
        raise Mistaken("field_invalid", taken.sentence, place=str(file))
