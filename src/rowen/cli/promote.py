"""`rowen promote`: what rolls out, or what is live in another environment, for everybody."""

from pathlib import Path

import click
import msgspec

from rowen.cli.letting import (
    app_option,
    by_option,
    environment_option,
    force_option,
    in_office,
    meant,
    note_option,
    say_done,
    why_of,
)
from rowen.cli.options import json_option, server_option, store_option
from rowen.release.office import Done, Office
from rowen.values import Mistaken, Rollout


@click.command("promote")
@click.argument("rollout", default="")
@server_option
@store_option
@json_option
@app_option
@environment_option
@note_option
@by_option
@force_option
@click.option("--arm", default="", help="The arm of the rollout; default: the candidate.")
@click.option("--from", "source", default="", help="An environment, whose live version is let out in --environment.")
def command(
    rollout: str,
    server_file: Path,
    store: str | None,
    as_json: bool,
    app: str,
    environment: str,
    note: str,
    by: str,
    force: bool,
    arm: str,
    source: str,
) -> None:
    """Let a ROLLOUT's candidate answer everybody; default: the one that runs. Or carry a version on with --from."""
    name, where = meant(app, environment)
    why = why_of(by, note, force=force)

    async def work(office: Office) -> Done:
        if source:
            there = await office.answering(name, source)
            return await office.let_out(name, there.hash, why, environment=where)
        return await office.promote(rollout or (await running(office, name, where)).id, why, arm=arm)

    done = in_office(server_file, store, work)
    if as_json:
        click.echo(msgspec.json.encode(done).decode())
    else:
        say_done(done)


async def running(office: Office, app: str, environment: str) -> Rollout:
    """Return the one rollout that runs.

    Raises:
        Mistaken: `conflict` when none runs, or several do.

    """
    live = await office.desk.live(app, environment)
    found = live.rollouts if live else ()
    if len(found) == 1:
        return found[0]
    if not found:
        raise Mistaken("conflict", f"nothing of {app} rolls out in {environment}", place="rollout")
    names = ", ".join(f"{one.id} ({one.strategy})" for one in found)
    raise Mistaken("conflict", f"several roll out, name one: {names}", place="rollout")
