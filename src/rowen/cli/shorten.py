"""`rowen shorten`: what could go from a prompt, and whether runs show that it may."""

from pathlib import Path
from typing import Any

import click
import msgspec
from rich.markup import escape

from rowen.cli.compare import plan_of
from rowen.cli.datasets import tenant_option
from rowen.cli.options import in_store, json_option, out, server_option, show, store_option
from rowen.evaluate.compare import Comparing, Comparison
from rowen.evaluate.plan import MetricsTable
from rowen.evaluate.shorten import Shortened, refused, shorten
from rowen.provider.tokens import count
from rowen.serve.settings import ServerSettings
from rowen.store.base import Store
from rowen.values import Mistaken

_REFUSED = 3
"""The exit code where a shorter prompt is not taken."""

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("shorten")
def command() -> None:
    """Make prompts shorter, and take what a run shows to be no worse."""


@command.command("suggest")
@click.argument("prompt", type=_FILE)
@click.option("--to", type=_FILE, help="Write the shorter prompt there; the prompt itself stays.")
@json_option
def suggest(prompt: Path, to: Path | None, as_json: bool) -> None:
    """Say what could go from the file PROMPT: filler, repetition, blank lines. Code, variables and tags stay."""
    found = shorten(_text(prompt), count)
    if to is not None:
        _write(to, found.text)
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    rows: list[Any] = [
        {"rule": each.rule, "was": each.was[:80], "becomes": each.becomes, "tokens": each.tokens}
        for each in found.cuttings
    ]
    show(rows, as_json=False, empty="Nothing could go by rule.")
    shown = {"same": "{}", "left": "[red strike]{}[/red strike]", "right": "[green]{}[/green]"}
    out.print("".join(shown[each.kind].format(escape(each.text)) for each in found.pieces))
    out.print(f"{found.before:,} tokens became {found.after:,}.")


@command.command("accept")
@click.argument("prompt", type=_FILE)
@click.argument("short", type=_FILE)
@click.option("--before", required=True, help="The run with PROMPT.")
@click.option("--after", required=True, help="The run with SHORT.")
@click.option("--app", type=_FILE, help="The app whose [metrics] decide; default: app.toml, where it is.")
@click.option("--primary", default="", help="The metric that decides, in place of a plan.")
@click.option("--margin", type=click.FloatRange(0, min_open=True), help="With --primary: what of it may be lost.")
@server_option
@store_option
@tenant_option
def accept(
    prompt: Path,
    short: Path,
    before: str,
    after: str,
    app: Path | None,
    primary: str,
    margin: float | None,
    server_file: Path,
    store: str | None,
    tenant: str,
) -> None:
    """Put SHORT in the place of PROMPT, if it is shorter and a run with it is not worse; else exit with 3."""
    plan = MetricsTable(primary=primary, margins={primary: margin} if margin else {}) if primary else plan_of(app)
    if not plan.primary:
        raise Mistaken(
            "field_invalid", "nothing says which metric decides: write [metrics], or name it", place="--primary"
        )
    old, new = _text(prompt), _text(short)

    async def work(found: Store, _: ServerSettings) -> Comparison:
        desk = Comparing(found.records, found.runs, lambda _: plan)
        return (await desk.compare(await desk.found((before, after), tenant), changes=0))[0]

    found = in_store(server_file, store, work)
    sizes = Shortened(text=new, before=count(old), after=count(new), cuttings=(), pieces=())
    why = refused(found, sizes, plan.primary)
    if why:
        out.print(f"Not taken: {why}.", markup=False)
        raise click.exceptions.Exit(_REFUSED)
    _write(prompt, new)
    out.print(f"Taken: {sizes.before:,} tokens became {sizes.after:,}, and {plan.primary} is not worse.", markup=False)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Mistaken("config_missing", f"cannot read {file}: {error}", place=str(file)) from error


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Mistaken("config_invalid", f"cannot write {file}: {error}", place=str(file)) from error
