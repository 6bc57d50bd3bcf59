"""`rowen versions`: what an app was and is, and what people say of it."""

from pathlib import Path
from typing import Any

import click
import msgspec
from rich.text import Text

from rowen.cli.examples import such_as
from rowen.cli.letting import (
    about_app,
    app_option,
    by_option,
    environment_option,
    in_office,
    meant,
    note_option,
    say_ruling,
    why_of,
)
from rowen.cli.options import out, server_option, show, store_option
from rowen.release import Version
from rowen.release.checkout import checkout
from rowen.release.differ import Diff, differ, said
from rowen.release.mirror import Difference, mirror
from rowen.release.office import Office
from rowen.release.remark import Remark
from rowen.release.ruling import Ruling
from rowen.values import Definition, Live, ReleaseLine, at

_STYLES = {"same": "", "left": "red strike", "right": "green", "skipped": "dim"}


@click.group("versions")
def command() -> None:
    """List, show, compare, label and approve versions of apps."""


@command.command("list")
@about_app
def list_versions(app: str, server_file: Path, store: str | None, as_json: bool) -> None:
    """List the versions of an app, the last one first."""
    name, _ = meant(app, "")

    async def work(office: Office) -> tuple[list[Version], list[Live]]:
        return await office.desk.versions(name), await office.desk.lives(name)

    versions, lives = in_office(server_file, store, work)
    live = {one.definition: [each.environment for each in lives if each.definition == one.definition] for one in lives}
    rows: list[Any] = [
        {
            "version": one.number,
            "definition": one.definition[:12],
            "when": at(one.made_ns).isoformat(timespec="seconds"),
            "author": one.author,
            "labels": ", ".join(one.labels),
            "live in": ", ".join(live.get(one.definition, ())),
            "approved by": ", ".join(each.by for each in one.approvals),
            "note": one.note,
        }
        for one in reversed(versions)
    ]
    show(rows, as_json=as_json, empty=f"{name} has no version yet: rowen release --propose --note …")


@command.command("show")
@click.argument("version")
@about_app
@environment_option
def show_version(version: str, app: str, server_file: Path, store: str | None, as_json: bool, environment: str) -> None:
    """Show a VERSION (number, label or beginning of a hash): what the gate says of it, and people."""
    name, where = meant(app, environment)

    async def work(office: Office) -> tuple[Version, Ruling, list[Remark]]:
        found = await office.desk.version(name, version)
        ruling = await office.ruling(name, found.definition, environment=where)
        return found, ruling, await office.remarks.of(name, found.definition)

    found, ruling, remarks = in_office(server_file, store, work)
    if as_json:
        click.echo(msgspec.json.encode({"version": found, "gate": ruling, "remarks": remarks}).decode())
        return
    out.print(f"version {found} of {name}, by {found.author}: {found.note}", markup=False)
    out.print(
        f"labels: {', '.join(found.labels) or '–'}; was live in: {', '.join(found.answered) or '–'}", markup=False
    )
    say_ruling(ruling)
    for remark in remarks:
        state = "blocks" if remark.holds else f"resolved by {remark.resolved_by}" if remark.resolved_by else "says"
        out.print(f"{remark.id} {remark.by} ({state}): {remark.text}", markup=False)


@command.command("diff", epilog=such_as("rowen versions diff 3 4"))
@click.argument("left")
@click.argument("right")
@about_app
def diff(left: str, right: str, app: str, server_file: Path, store: str | None, as_json: bool) -> None:
    """Show how the versions LEFT and RIGHT differ: prompts word by word, settings by place, what costs more or less."""
    name, _ = meant(app, "")

    async def work(office: Office) -> Diff:
        one, other = [await office.definition(await office.desk.version(name, each)) for each in (left, right)]
        return differ(one, other)

    found = in_office(server_file, store, work)
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    if found.same:
        out.print("They are the same.")
    for setting in found.settings:
        out.print(f"{setting.place}: {said(setting.left)} → {said(setting.right)}", markup=False)
    for text in found.texts:
        out.print(f"\n{text.name}", style="bold", markup=False)
        whole = Text()
        for bit in text.bits:
            whole.append(f"… {bit.text} …\n" if bit.kind == "skipped" else bit.text, style=_STYLES[bit.kind])
        out.print(whole)
    if found.costs:
        out.print("\nWhat changes the cost of a call:", style="bold")
        for cost in found.costs:
            out.print(f"  {cost}", markup=False)


@command.command("mirror")
@click.argument("left", default="staging")
@click.argument("right", default="production")
@about_app
def mirror_environments(left: str, right: str, app: str, server_file: Path, store: str | None, as_json: bool) -> None:
    """Show what the environments LEFT and RIGHT do not share: first what nobody said might differ. Ends with 3 if any."""
    name, _ = meant(app, "")

    async def work(office: Office) -> list[Difference]:
        one, other = await office.answering(name, left), await office.answering(name, right)
        return mirror(one, other, office.may_differ(other))

    found = in_office(server_file, store, work)
    rows: list[Any] = [
        {
            "place": each.place,
            left: said(each.left),
            right: said(each.right),
            "": each.why or "nobody said that it may differ",
        }
        for each in found
    ]
    show(rows, as_json=as_json, empty=f"{left} mirrors {right}")
    if any(not each.intended for each in found):
        raise SystemExit(3)


@command.command("label")
@click.argument("version")
@click.argument("label")
@about_app
@note_option
@by_option
def label_version(
    version: str, label: str, app: str, server_file: Path, store: str | None, as_json: bool, note: str, by: str
) -> None:
    """Give a VERSION a LABEL; another version that has it loses it."""
    name, _ = meant(app, "")

    async def work(office: Office) -> ReleaseLine:
        return await office.desk.label(name, version, label, why_of(by, note))

    _line(in_office(server_file, store, work), f"version {version} of {name} is {label}", as_json=as_json)


@command.command("approve")
@click.argument("version")
@about_app
@note_option
@by_option
def approve(version: str, app: str, server_file: Path, store: str | None, as_json: bool, note: str, by: str) -> None:
    """Approve of a VERSION. The author's own approval does not count at the gate."""
    name, _ = meant(app, "")

    async def work(office: Office) -> ReleaseLine:
        return await office.desk.approve(name, version, why_of(by, note))

    _line(in_office(server_file, store, work), f"{by} approves of version {version} of {name}", as_json=as_json)


@command.command("remark")
@click.argument("version")
@click.argument("text")
@about_app
@by_option
@click.option("--blocks", is_flag=True, help="The version may not be let out until this is resolved.")
def remark_on(
    version: str, text: str, app: str, server_file: Path, store: str | None, as_json: bool, by: str, blocks: bool
) -> None:
    """Say TEXT of a VERSION."""
    name, _ = meant(app, "")

    async def work(office: Office) -> Remark:
        found = await office.desk.version(name, version)
        return await office.remarks.add(name, found.definition, text, by=by, blocks=blocks)

    remark = in_office(server_file, store, work)
    _line(remark, f"{remark.id} is said of version {version} of {name}", as_json=as_json)


@command.command("resolve")
@click.argument("version")
@click.argument("remark")
@about_app
@note_option
@by_option
def resolve(
    version: str, remark: str, app: str, server_file: Path, store: str | None, as_json: bool, note: str, by: str
) -> None:
    """Say that a REMARK on a VERSION holds nothing up any more."""
    name, _ = meant(app, "")

    async def work(office: Office) -> Remark:
        await office.desk.version(name, version)
        return await office.remarks.resolve(remark, name, by=by, answer=note)

    _line(in_office(server_file, store, work), f"{remark} is resolved", as_json=as_json)


@command.command("export")
@click.argument("version")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@server_option
@store_option
@app_option
def export(version: str, folder: Path, server_file: Path, store: str | None, app: str) -> None:
    """Write a VERSION into an empty FOLDER: its `app.toml`, and every file that it names as it was."""
    name, _ = meant(app, "")

    async def work(office: Office) -> Definition:
        return await office.definition(await office.desk.version(name, version))

    definition = in_office(server_file, store, work)
    written = checkout(definition, folder)
    out.print(f"{written} files of {name} are in {folder}", markup=False)


def _line(value: object, sentence: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(value).decode())
    else:
        out.print(sentence, markup=False)
