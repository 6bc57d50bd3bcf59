"""`rowen incidents`: what went wrong, and what was learned."""

from pathlib import Path
from typing import Any

import click
import msgspec

from rowen.cli.options import always_json_option, in_store, json_option, out, server_option, show, store_option
from rowen.serve.settings import ServerSettings
from rowen.store.base import Store
from rowen.values import Mistaken, at
from rowen.watch.incident import Incident
from rowen.watch.postmortem import post_mortem


@click.group("incidents")
def command() -> None:
    """List, show and export incidents."""


@command.command("list")
@server_option
@store_option
@json_option
@click.option("--app", default="", help="Only of this app.")
@click.option("--state", default="", type=click.Choice(["", "open", "resolved", "closed"]), help="Only in this state.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="Incidents at most.")
def list_incidents(server_file: Path, store: str | None, as_json: bool, app: str, state: str, limit: int) -> None:
    """List the newest incidents."""

    async def work(opened: Store, _: ServerSettings) -> list[Incident]:
        return await Incident.shelf(opened.records).find(app=app, state=state, limit=limit)

    rows: list[Any] = [
        {
            "id": each.id,
            "when": at(each.began_ns).isoformat(timespec="seconds"),
            "severity": each.severity,
            "state": each.state,
            "class": each.error_class,
            "app": each.app,
            "title": each.title,
            "suspect": "" if each.suspect is None else (each.suspect.release or each.suspect.definition[:12]),
        }
        for each in in_store(server_file, store, work)
    ]
    show(rows, as_json=as_json, empty="No incidents.")


@command.command("show")
@click.argument("id")
@server_option
@store_option
@always_json_option
def show_incident(id: str, server_file: Path, store: str | None) -> None:
    """Print the incident ID whole, as JSON."""
    out.print_json(msgspec.json.encode(_one(id, server_file, store)).decode())


@command.command("export")
@click.argument("id")
@server_option
@store_option
def export(id: str, server_file: Path, store: str | None) -> None:
    """Print the post-mortem of the incident ID as Markdown."""
    click.echo(post_mortem(_one(id, server_file, store)), nl=False)


def _one(id: str, server_file: Path, store: str | None) -> Incident:
    async def work(opened: Store, _: ServerSettings) -> Incident | None:
        return await Incident.shelf(opened.records).get(id)

    found = in_store(server_file, store, work)
    if found is None:
        raise Mistaken("not_found", f"there is no incident {id}")
    return found
