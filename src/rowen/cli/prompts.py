"""`rowen prompts`: what apps say, in all its versions, and prompts that programs fetch for themselves."""

import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from rowen import access
from rowen.cli.letting import by_option
from rowen.cli.options import in_store, json_option, named, out, server_option, show, store_option
from rowen.cli.rephrase import command as test
from rowen.config import read
from rowen.evaluate.files.rows import text_of
from rowen.prompt import Prompts, PromptVersion, Written, written_of
from rowen.prompt.diff import differ, unified
from rowen.prompt.registry import TENANT
from rowen.prompt.variables import unknown
from rowen.prompt.version import LATEST
from rowen.release import Releases
from rowen.serve.releasing import proposing
from rowen.serve.settings import ServerSettings, folder_of
from rowen.serve.tables import TABLES
from rowen.store.base import Store
from rowen.values import Mistaken, SystemClock, at

T = TypeVar("T")

tenant_option = click.option("--tenant", default=TENANT, show_default=True, help="Whose it is.")
var_option = click.option("--var", "given", multiple=True, metavar="NAME=VALUE", help="A variable; may be given again.")


@click.group("prompts")
def command() -> None:
    """List, show, compare, render, label and test prompts."""


command.add_command(test)


@command.command("list")
@server_option
@store_option
@json_option
@click.option("--tenant", default=None, help="Only of this tenant.")
@click.option("--app", default="", help="Only of this app.")
def list_prompts(server_file: Path, store: str | None, as_json: bool, tenant: str | None, app: str) -> None:
    """List prompts with their newest versions and labels."""
    found = _with(server_file, store, lambda prompts: prompts.all(tenant, app=app))
    rows: list[Mapping[str, Any]] = [
        {
            "prompt": name,
            "tenant": owner,
            "versions": len(versions),
            "labels": ", ".join(f"{label}={each.version}" for each in versions for label in _labels(each, versions)),
            "when": _when(versions[0]),
            "note": versions[0].note,
        }
        for (owner, name), versions in found.items()
    ]
    show(rows, as_json=as_json, empty="No prompts yet: those of an app are recorded when it is served.")


@command.command("show")
@click.argument("name")
@server_option
@store_option
@tenant_option
@json_option
@click.option("--version", type=click.IntRange(1), default=None, help="Which version; default: the one in production.")
@click.option("--label", default="", help="The version with this label.")
def show_one(
    name: str, server_file: Path, store: str | None, tenant: str, as_json: bool, version: int | None, label: str
) -> None:
    """Print a version of NAME: its text, its variables, and all its versions."""

    async def work(prompts: Prompts) -> tuple[PromptVersion, list[PromptVersion]]:
        found = await prompts.get(name, tenant, version=version or 0, label=label)
        return found, await prompts.versions(name, tenant)

    found, known = _with(server_file, store, work)
    if as_json:
        print(msgspec.json.encode({"prompt": found, "versions": known}).decode())
        return
    out.print(found.text, markup=False)
    if found.variables:
        out.print()
        show([_variable(key, each) for key, each in found.variables.items()], as_json=False, empty="")
    out.print()
    show([_row(each, known) for each in known], as_json=False, empty="")


@command.command("diff")
@click.argument("name")
@click.argument("earlier", type=click.IntRange(1))
@click.argument("later", type=click.IntRange(1), required=False)
@server_option
@store_option
@tenant_option
@json_option
def diff(
    name: str, earlier: int, later: int | None, server_file: Path, store: str | None, tenant: str, as_json: bool
) -> None:
    """Say how two versions of NAME differ; without a LATER one, the newest."""

    async def work(prompts: Prompts) -> tuple[PromptVersion, PromptVersion]:
        one = await prompts.get(name, tenant, version=earlier)
        return one, await prompts.get(name, tenant, version=later or 0, label="" if later else LATEST)

    one, other = _with(server_file, store, work)
    lines, declared = differ(one.text, other.text), differ(one.declared, other.declared)
    if as_json:
        said = {"earlier": one, "later": other, "lines": lines, "declared": declared}
        print(msgspec.json.encode(said).decode())
        return
    for said_line in (*unified(declared), *unified(lines)):
        _coloured(said_line)
    if one.hash == other.hash:
        out.print("They are the same.")


@command.command("render")
@click.argument("name")
@server_option
@store_option
@tenant_option
@var_option
@click.option("--version", type=click.IntRange(1), default=None, help="Which version; default: the one in production.")
@click.option("--label", default="", help="The version with this label.")
@click.option(
    "--app", "path", type=click.Path(path_type=Path), help="Render the prompt NAME of this app.toml, as it is now."
)
def render(
    name: str,
    server_file: Path,
    store: str | None,
    tenant: str,
    given: tuple[str, ...],
    version: int | None,
    label: str,
    path: Path | None,
) -> None:
    """Print NAME with its places filled, as the model would get it."""
    values = dict(named(each) for each in given)
    if path is not None:
        written = _of_file(path, name)
    else:
        written = _with(
            server_file, store, lambda prompts: prompts.get(name, tenant, version=version or 0, label=label)
        ).written()
    if problem := unknown(values, written.variables, name):
        raise problem
    print(written.rendered(values, name))


@command.command("add")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@server_option
@store_option
@tenant_option
@json_option
@click.option("--note", required=True, help="Why it changes.")
@by_option
@click.option("--label", "labels", multiple=True, help="A label that it gets, and others lose; may be given again.")
def add(
    name: str,
    file: Path,
    server_file: Path,
    store: str | None,
    tenant: str,
    as_json: bool,
    note: str,
    by: str,
    labels: tuple[str, ...],
) -> None:
    """Keep the text of FILE (`-`: what is piped in) as a new version of NAME.

    Of an app's prompt, APP/NAME, this makes a candidate Definition, which a release may let out.
    """
    text = sys.stdin.read() if str(file) == "-" else text_of(file)
    made = _with(
        server_file, store, lambda prompts: prompts.add(name, text, note=note, by=by, labels=labels, tenant=tenant)
    )
    show([_row(made, [made])], as_json=as_json, empty="")


@command.command("delete")
@click.argument("name")
@server_option
@store_option
@tenant_option
@json_option
@click.option("--version", type=click.IntRange(1), default=None, help="Which version; default: all of them.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(
    name: str, server_file: Path, store: str | None, tenant: str, as_json: bool, version: int | None, yes: bool
) -> None:
    """Remove a version of NAME, or all. What is served stays."""
    if not yes:
        click.confirm(f"Remove {f'version {version}' if version else 'all versions'} of {name}?", abort=True, err=True)
    gone = _with(server_file, store, lambda prompts: prompts.remove(name, tenant, version=version or 0))
    show([_row(each, gone) for each in gone], as_json=as_json, empty="")


@command.command("label")
@click.argument("name")
@click.argument("version", type=click.IntRange(1))
@click.argument("labels", nargs=-1, required=True)
@server_option
@store_option
@tenant_option
@json_option
def label_version(
    name: str, version: int, labels: tuple[str, ...], server_file: Path, store: str | None, tenant: str, as_json: bool
) -> None:
    """Give a version of NAME labels, which its other versions lose."""
    made = _with(server_file, store, lambda prompts: prompts.label(name, tenant, version, labels))
    show([_row(made, [made])], as_json=as_json, empty="")


def _of_file(path: Path, name: str) -> Written:
    loaded = read(path, TABLES, secrets=False)
    found = written_of(loaded.tables["prompt"])
    short = name.removeprefix(f"{loaded.definition.app}/")
    if short not in found:
        names = ", ".join(found) or "none"
        raise Mistaken("prompt_unknown", f"{path.name} has no prompt {name!r}; it has {names}", place=str(path))
    return found[short]


def _with(server_file: Path, store: str | None, work: Callable[[Prompts], Coroutine[Any, Any, T]]) -> T:
    async def opened(found: Store, settings: ServerSettings) -> T:
        folder, clock = folder_of(settings), SystemClock()
        signing = b"" if folder is None else access.signing_key(folder)
        releases = Releases(found.records, found.definitions, clock, signing=signing)
        propose = proposing(releases, found.definitions)
        return await work(Prompts(found.records, found.definitions, clock, propose=propose))

    return in_store(server_file, store, opened)


def _labels(version: PromptVersion, known: Sequence[PromptVersion]) -> tuple[str, ...]:
    return (*version.labels, *((LATEST,) if version.version == known[0].version else ()))


def _row(version: PromptVersion, known: Sequence[PromptVersion]) -> Mapping[str, Any]:
    return {
        "version": version.version,
        "labels": ", ".join(_labels(version, known)),
        "when": _when(version),
        "by": version.by,
        "note": version.note,
        "definition": version.definition[:12],
        "hash": version.hash[:12],
    }


def _variable(name: str, each: Any) -> Mapping[str, Any]:
    limits = [f"{word} {value:,g}" for word in ("least", "most") if (value := getattr(each, word)) is not None]
    return {
        "variable": name,
        "type": ", ".join(each.choices) or each.type,
        "default": each.default if each.default is not None else "required" if each.required else "",
        "limits": ", ".join(limits),
        "about": each.about,
    }


def _when(version: PromptVersion) -> str:
    return at(version.created_ns).isoformat(timespec="seconds")


def _coloured(line: str) -> None:
    colour = {"-": "red", "+": "green"}.get(line[:1])
    click.echo(click.style(line, fg=colour) if colour and sys.stdout.isatty() else line)
