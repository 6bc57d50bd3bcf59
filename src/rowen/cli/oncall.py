"""`rowen oncall`: whether somebody could be woken tonight."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import click

from rowen.cli.options import in_store, json_option, out, server_option, show, store_option
from rowen.cli.watch import app_argument, watched
from rowen.config import read
from rowen.serve.settings import ServerSettings
from rowen.serve.tables import TABLES
from rowen.serve.watching import watched_of
from rowen.store.base import Store
from rowen.values import at
from rowen.watch.oncall import Readiness, Week, readiness, toil

_PATIENCE = 5.0  # seconds for a connection


@click.group("oncall")
def command() -> None:
    """Say whether somebody could be woken tonight, and what it costs."""


@command.command("check")
@app_argument
@server_option
@store_option
@json_option
@click.option("--offline", is_flag=True, help="Do not try to connect to contacts and runbooks.")
def check(app: Path, server_file: Path, store: str | None, as_json: bool, offline: bool) -> None:
    """List every fault of the alerting of APP (default: app.toml). Ends with 1 when there is one."""
    found = watched_of(read(app, TABLES))

    async def work(opened: Store, _: ServerSettings) -> Readiness:
        return await readiness(opened, found, time.time_ns(), None if offline else _reach)

    told = in_store(server_file, store, work)
    rows: list[Any] = [{"where": fault.where, "what": fault.what} for fault in told.faults]
    if as_json:
        show(rows, as_json=True, empty="")
    else:
        out.print(f"on call: {told.on_call or 'nobody'}")
        for silence in told.silences:
            out.print(f"silenced: {silence}")
        show(rows, as_json=False, empty="✓ somebody would be woken")
    if not told.ready:
        sys.exit(1)


@command.command("toil")
@app_argument
@server_option
@store_option
@json_option
@click.option("--weeks", default=8, show_default=True, type=click.IntRange(1, 104), help="How many weeks.")
def weeks_of(app: Path, server_file: Path, store: str | None, as_json: bool, weeks: int) -> None:
    """List what each week on call for APP (default: app.toml) brought."""
    found = watched(app)

    async def work(opened: Store, _: ServerSettings) -> list[Week]:
        return await toil(opened, found, time.time_ns(), weeks)

    rows: list[Any] = [
        {
            "week": f"{at(week.begins_ns):%Y-%m-%d}",
            "on call": week.who,
            "alerts": week.alerts,
            "pages": week.pages,
            "at night": week.at_night,
            "noise": None if week.noise_ratio is None else f"{week.noise_ratio:.0%}",
        }
        for week in in_store(server_file, store, work)
    ]
    show(rows, as_json=as_json, empty="")


async def _reach(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), _PATIENCE)
    except (OSError, TimeoutError, ValueError):
        return False
    writer.close()
    return True
