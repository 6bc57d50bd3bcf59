"""`rowen canaries`: what the fixed prompts that are asked of models on a schedule have heard."""

from pathlib import Path
from typing import Any

import click
import msgspec

from rowen.cli.options import in_store, json_option, out, server_option, show, store_option
from rowen.evaluate.canary import Reading, newest
from rowen.serve.settings import ServerSettings
from rowen.store.base import Store
from rowen.values import at

_SHORT = 160


@click.group("canaries")
def command() -> None:
    """Say whether models answer fixed prompts as they did."""


@command.command("list")
@server_option
@store_option
@json_option
@click.option("--app", default="", help="Only of this app.")
@click.option("--changes", is_flag=True, help="Every cycle in which something changed, not the newest of each.")
def list_(server_file: Path, store: str | None, as_json: bool, app: str, changes: bool) -> None:
    """List the newest cycle of each canary at each deployment, and what changed."""

    async def work(found: Store, _: ServerSettings) -> list[Reading]:
        shelf = Reading.shelf(found.records)
        return await shelf.find(app=app, state="changed") if changes else await newest(shelf, app)

    found = in_store(server_file, store, work)
    rows: list[Any] = [
        {
            "when": at(each.at_ns).isoformat(timespec="seconds"),
            "app": each.app,
            "canary": each.canary,
            "deployment": each.deployment,
            "model": each.model,
            "changed": each.changed,
            "p": None if each.p is None else f"{each.p:.2g}",
            "failed": each.failed,
            "cost": f"{each.cost}" if each.cost is not None else None,
            "said": each.why,
        }
        for each in found
    ]
    show(rows, as_json=as_json, empty="No canary has been asked yet: write [canary.NAME] in an app.")


@command.command("show")
@click.argument("deployment")
@server_option
@store_option
@json_option
@click.option("--app", default="", help="Of this app.")
def show_(deployment: str, server_file: Path, store: str | None, as_json: bool, app: str) -> None:
    """Show what DEPLOYMENT answered in its newest cycle."""

    async def work(found: Store, _: ServerSettings) -> list[Reading]:
        return [each for each in await newest(Reading.shelf(found.records), app) if each.deployment == deployment]

    found = in_store(server_file, store, work)
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    if not found:
        out.print(f"No canary has been asked of {deployment}.", markup=False)
    for reading in found:
        rows: list[Any] = [
            {"prompt": number, "try": time, "served": each.served, "said": (each.error or each.text)[:_SHORT]}
            for number, answers in enumerate(reading.answers, 1)
            for time, each in enumerate(answers, 1)
        ]
        show(rows, as_json=False, empty="")
