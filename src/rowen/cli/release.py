"""`rowen release`: a version of an app, through its gate, out by its strategy."""

from pathlib import Path

import click
import msgspec

from rowen.cli.examples import such_as
from rowen.cli.letting import (
    by_option,
    environment_option,
    force_option,
    in_office,
    is_file,
    loaded,
    meant,
    note_option,
    say_done,
    say_ruling,
    why_of,
)
from rowen.cli.options import json_option, server_option, store_option
from rowen.release import Version
from rowen.release.office import Done, Office
from rowen.release.ruling import Ruling
from rowen.values import Mistaken


@click.command("release", epilog=such_as('rowen release --note "Two more examples"', "rowen release --version 4"))
@click.argument("app", default="app.toml")
@server_option
@store_option
@json_option
@environment_option
@note_option
@by_option
@force_option
@click.option(
    "--version", default="", help="A version that is known: its number, a label, or the beginning of its hash."
)
@click.option(
    "--propose", is_flag=True, help="Make it a version, for others to evaluate, discuss and approve; no more."
)
@click.option(
    "--check",
    is_flag=True,
    help="Say what the gate says, let nothing out and keep nothing. Ends with 3 if it is closed.",
)
def command(
    app: str,
    server_file: Path,
    store: str | None,
    as_json: bool,
    environment: str,
    note: str,
    by: str,
    force: bool,
    version: str,
    propose: bool,
    check: bool,
) -> None:
    """Let a version of APP (default: app.toml) out. Without --version it is what the file says now."""
    if not version and not is_file(app):
        raise Mistaken("field_invalid", "name a --version, or the path of the app.toml", place="app")
    name, where = meant(app, environment)

    async def known(office: Office) -> Version:
        if version:
            return await office.desk.version(name, version)
        return await office.propose(loaded(app).definition, why_of(by, note))

    async def asked(office: Office) -> Ruling:
        if version:
            return await office.ruling(name, version, environment=where)
        return await office.foretold(loaded(app).definition, why_of(by, note), environment=where)

    async def let_out(office: Office) -> Done:
        found = await known(office)
        return await office.let_out(name, found.definition, why_of(by, note, force=force), environment=where)

    if propose:
        found = in_office(server_file, store, known)
        click.echo(msgspec.json.encode(found).decode() if as_json else f"version {found} of {name} is known")
        return
    if check:
        ruling = in_office(server_file, store, asked)
        if as_json:
            click.echo(msgspec.json.encode(ruling).decode())
        else:
            say_ruling(ruling)
        raise SystemExit(0 if ruling.open else 3)
    done = in_office(server_file, store, let_out)
    if as_json:
        click.echo(msgspec.json.encode(done).decode())
    else:
        say_done(done)
