"""`rowen traces`: what happened, on the machine itself."""

from pathlib import Path
from typing import Any

import click
import msgspec

from rowen.cli.options import in_store, json_option, out, server_option, show, store_option
from rowen.serve.settings import ServerSettings
from rowen.store.base import Store, TraceFilter
from rowen.values import Mistaken, Trace, TraceRow, at


@click.group("traces")
def command() -> None:
    """List, show and export what happened."""


@command.command("list")
@server_option
@store_option
@json_option
@click.option("--app", default="", help="Only this app.")
@click.option("--model", default="", help="Only this model.")
@click.option(
    "--status", default="", type=click.Choice(["", "ok", "refused", "failed", "cancelled"]), help="Only with this end."
)
@click.option("--text", default="", help="Only with this text in question or answer.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="Traces at most.")
def list_traces(
    server_file: Path, store: str | None, as_json: bool, app: str, model: str, status: str, text: str, limit: int
) -> None:
    """List the newest traces."""
    filter_ = TraceFilter(app=app, model=model, status=status, text=text, limit=limit)

    async def work(found: Store, _: ServerSettings) -> list[TraceRow]:
        return await found.traces.find(filter_)

    rows: list[Any] = [
        {
            "id": row.id,
            "when": at(row.started_ns).isoformat(timespec="seconds"),
            "status": row.status,
            "model": row.model,
            "ms": round(row.duration_ns / 1e6, 1),
            "tokens": row.input_tokens + row.output_tokens,
            "cost": "unknown" if row.cost is None else str(row.cost),
            "asked": row.asked[:60],
        }
        for row in in_store(server_file, store, work)
    ]
    show(rows, as_json=as_json, empty="No traces yet.")


@command.command("show")
@click.argument("id")
@server_option
@store_option
def show_trace(id: str, server_file: Path, store: str | None) -> None:
    """Print the trace ID whole, as JSON."""

    async def work(found: Store, _: ServerSettings) -> Trace | None:
        return await found.traces.get(id)

    found = in_store(server_file, store, work)
    if found is None:
        raise Mistaken("not_found", f"there is no trace {id}")
    out.print_json(msgspec.json.encode(found).decode())


@command.command("export")
@server_option
@store_option
@click.option("--limit", default=1000, show_default=True, type=click.IntRange(1), help="Traces at most.")
def export(server_file: Path, store: str | None, limit: int) -> None:
    """Print the newest traces whole, one JSON line each."""

    async def work(found: Store, _: ServerSettings) -> None:
        left, before = limit, ""
        while left > 0:
            rows = await found.traces.find(TraceFilter(before=before, limit=min(left, 200)))
            for row in rows:
                whole = await found.traces.get(row.id)
                if whole is not None:
                    click.echo(msgspec.json.encode(whole).decode())
            if not rows:
                return
            left, before = left - len(rows), rows[-1].cursor

    in_store(server_file, store, work)
