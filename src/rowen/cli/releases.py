"""`rowen releases`: the log of what was let out, and its freezes."""

import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from rowen.cli.letting import app_option, by_option, environment_option, in_office, meant, note_option, why_of
from rowen.cli.options import json_option, out, server_option, show, store_option
from rowen.release.office import Office
from rowen.values import Live, ReleaseLine, at


@click.group("releases")
def command() -> None:
    """Show and verify the log of releases; freeze and thaw them."""


@command.command("log")
@server_option
@store_option
@json_option
@app_option
@click.option("--environment", default="", help="Only of this environment.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1_000_000), help="Lines at most.")
def log(server_file: Path, store: str | None, as_json: bool, app: str, environment: str, limit: int) -> None:
    """Print what was done, the newest first."""
    name, _ = meant(app, "")

    async def work(office: Office) -> list[ReleaseLine]:
        return await office.desk.log(name, environment=environment, limit=limit)

    found = in_office(server_file, store, work)
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    rows: list[Any] = [
        {
            "line": one.number,
            "when": at(one.at_ns).isoformat(timespec="seconds"),
            "act": one.act,
            "where": one.environment,
            "definition": one.definition[:12],
            "by": one.by,
            "note": one.note,
        }
        for one in found
    ]
    show(rows, as_json=False, empty=f"Nothing of {name} was let out yet.")


@command.command("verify")
@server_option
@store_option
@json_option
@app_option
def verify(server_file: Path, store: str | None, as_json: bool, app: str) -> None:
    """Say whether the log is as it was written. Ends with 1 where it is not."""
    name, _ = meant(app, "")

    past = in_office(server_file, store, lambda office: office.desk.past(name))
    fault, lines = past.fault, len(past.lines)
    if as_json:
        click.echo(msgspec.json.encode({"holds": fault is None, "lines": lines, "fault": fault}).decode())
    elif fault is None:
        out.print(f"[green]✓[/green] all {lines:,} lines of {name} are as they were written")
    else:
        out.print(f"[red]✗[/red] line {fault.number} of {name}: {fault.why}")
    if fault is not None:
        sys.exit(1)


@command.command("freeze")
@server_option
@store_option
@app_option
@environment_option
@note_option
@by_option
def freeze(server_file: Path, store: str | None, app: str, environment: str, note: str, by: str) -> None:
    """Let nothing be let out; what goes back goes back all the same."""
    name, where = meant(app, environment)

    async def work(office: Office) -> Live:
        return await office.desk.freeze(name, why_of(by, note), environment=where)

    in_office(server_file, store, work)
    out.print(f"{name} is frozen in {where}: {note}", markup=False)


@command.command("thaw")
@server_option
@store_option
@app_option
@environment_option
@note_option
@by_option
def thaw(server_file: Path, store: str | None, app: str, environment: str, note: str, by: str) -> None:
    """Let things be let out again."""
    name, where = meant(app, environment)

    async def work(office: Office) -> Live:
        return await office.desk.thaw(name, why_of(by, note), environment=where)

    in_office(server_file, store, work)
    out.print(f"{name} may be let out in {where} again", markup=False)
