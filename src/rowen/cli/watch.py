"""`rowen watch`: how objectives stand, what the night brought, what agreements came to."""

import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from rowen.cli.costs import insight_of
from rowen.cli.examples import such_as
from rowen.cli.options import in_store, json_option, out, server_option, show, store_option
from rowen.config import read
from rowen.config.kinds import duration
from rowen.serve.settings import ServerSettings
from rowen.serve.tables import TABLES
from rowen.serve.watching import watched_of
from rowen.store.base import Store
from rowen.values import Mistaken, SystemClock
from rowen.watch.desk import Desk, Frozen, Row
from rowen.watch.digest import Digest, digest
from rowen.watch.engine import Watched
from rowen.watch.sla import Settlement

app_argument = click.argument("app", type=click.Path(path_type=Path), default=Path("app.toml"))


def watched(app: Path) -> Watched:
    """Return what an app promises, without its secrets."""
    return watched_of(read(app, TABLES, secrets=False))


@click.group("watch")
def command() -> None:
    """Say how objectives stand, and what happened overnight."""


@command.command("list", epilog=such_as("rowen watch list"))
@app_argument
@server_option
@store_option
@json_option
def list_objectives(app: Path, server_file: Path, store: str | None, as_json: bool) -> None:
    """List the objectives of APP (default: app.toml) as they stand. Ends with 1 when one is missed."""
    found = watched(app)

    async def work(opened: Store, _: ServerSettings) -> list[Row]:
        return await Desk(opened, lambda: [found], SystemClock()).rows(found)

    rows = in_store(server_file, store, work)
    table: list[Any] = [
        {
            "objective": row.name,
            "state": row.standing.state,
            "figure": None if row.standing.figure is None else f"{row.standing.figure:.6g}",
            "target": row.standing.stated,
            "n": row.standing.total,
            "budget left": None if row.standing.remaining is None else f"{row.standing.remaining:.1%}",
            "window": str(row.table.over),
            "fires": ", ".join(row.alerts),
        }
        for row in rows
    ]
    show(table, as_json=as_json, empty="The app promises nothing yet: write a table [watch.NAME].")
    if any(row.standing.state == "breached" for row in rows):
        sys.exit(1)


@command.command("digest")
@app_argument
@server_option
@store_option
@json_option
@click.option("--since", default="12h", show_default=True, help="How far to look back: 12h, 7d.")
def digest_of(app: Path, server_file: Path, store: str | None, as_json: bool, since: str) -> None:
    """Say what happened to APP (default: app.toml): alerts, incidents, regressions, costs, errors, what is overdue."""
    found, now = watched(app), time.time_ns()
    try:
        begins = max(0, now - round(duration(since) * 1e9))
    except ValueError as error:
        raise Mistaken("field_invalid", str(error), place="--since") from error

    async def work(opened: Store, _: ServerSettings) -> Digest:
        insight = insight_of(opened)
        return await digest(opened, found, begins, now, costs=insight.cost_lines, errors=insight.error_lines)

    told = in_store(server_file, store, work)
    if as_json:
        show([_fields(told)], as_json=True, empty="")
    else:
        click.echo(told.text(), nl=False)


@command.command("agreements")
@app_argument
@server_option
@store_option
@json_option
@click.option("--before", is_flag=True, help="The period that is over, not the one that runs.")
@click.option("--bill", type=Decimal, help="What the customer pays for the period.")
def agreements(
    app: Path, server_file: Path, store: str | None, as_json: bool, before: bool, bill: Decimal | None
) -> None:
    """Say what the agreements of APP (default: app.toml) came to: met or missed, and the credit."""
    found = watched(app)

    async def work(opened: Store, _: ServerSettings) -> list[Settlement]:
        return await Desk(opened, lambda: [found], SystemClock()).settlements(found, before=before, bill=bill)

    rows: list[Any] = [
        {
            "agreement": each.name,
            "customer": each.customer,
            "state": each.standing.state,
            "figure": each.percent or each.standing.figure,
            "target": each.standing.stated,
            "credit": str(each.credit),
            "amount": None if each.amount is None else str(each.amount),
            "owner": each.owner,
        }
        for each in in_store(server_file, store, work)
    ]
    show(rows, as_json=as_json, empty="The app has no agreement: write a table [sla.NAME].")


@command.command("freeze")
@app_argument
@server_option
@store_option
def freeze(app: Path, server_file: Path, store: str | None) -> None:
    """Say whether the error-budget policy stops releases of APP (default: app.toml). Ends with 1 when it does."""
    found = watched(app)

    async def work(opened: Store, _: ServerSettings) -> Frozen:
        return await Desk(opened, lambda: [found], SystemClock()).freeze(found)

    told = in_store(server_file, store, work)
    for reason in told.reasons:
        out.print(reason)
    if told.frozen:
        sys.exit(1)
    out.print("[green]✓[/green] releases may go out")


def _fields(told: Digest) -> dict[str, Any]:
    return {name: getattr(told, name) for name in told.__struct_fields__}
