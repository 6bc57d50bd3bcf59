"""`rowen rollback`: undoes what was let out last."""

from pathlib import Path

import click
import msgspec

from rowen.cli.examples import such_as
from rowen.cli.letting import app_option, by_option, environment_option, in_office, meant, note_option, why_of
from rowen.cli.options import json_option, out, server_option, store_option
from rowen.release.office import Office
from rowen.release.version import version_named
from rowen.values import Live


@click.command("rollback", epilog=such_as('rowen rollback --note "Worse since noon"'))
@server_option
@store_option
@json_option
@app_option
@environment_option
@note_option
@by_option
@click.option("--to", default="", help="A version to go to at once: its number, a label, or the beginning of its hash.")
def command(
    server_file: Path,
    store: str | None,
    as_json: bool,
    app: str,
    environment: str,
    note: str,
    by: str,
    to: str,
) -> None:
    """Undo the last thing: end what rolls out, or else let what was live before answer again.

    Prompts, models, knowledge, guards and objectives go back together, in every worker within a second.
    """
    name, where = meant(app, environment)

    async def work(office: Office) -> tuple[Live, str]:
        versions = await office.desk.versions(name)
        goal = version_named(versions, to).definition if to else ""
        live = await office.desk.rollback(name, why_of(by, note), environment=where, to=goal)
        known = {one.definition: str(one) for one in versions}
        return live, known.get(live.definition, live.definition[:12])

    live, said = in_office(server_file, store, work)
    if as_json:
        click.echo(msgspec.json.encode(live).decode())
        return
    out.print(f"version {said} of {name} answers everybody in {where}", markup=False)
    if live.before:
        out.print("→ run it again to go back one further", markup=False)
