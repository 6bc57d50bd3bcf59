"""`rowen slo`: what was promised, checked."""

import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from rowen.cli.options import json_option, out, show
from rowen.values import Mistaken
from rowen.watch import lint
from rowen.watch.grafana import dashboard
from rowen.watch.openslo import documents, from_yaml, read_documents, to_yaml
from rowen.watch.prometheus import rules
from rowen.watch.written import read_file, toml_of

file_argument = click.argument("file", type=click.Path(path_type=Path), default=Path("app.toml"))


@click.group("slo")
def command() -> None:
    """Check objectives, and hand them to other systems."""


@command.command("lint")
@file_argument
@json_option
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
def lint_file(file: Path, as_json: bool, strict: bool) -> None:
    """Say what is wrong with the objectives of FILE (default: app.toml). Ends with 2 when an error is found."""
    found = lint(read_file(file))
    rows: list[Any] = [msgspec.to_builtins(each) | {"level": each.level} for each in found]
    show(rows, as_json=as_json, empty="✓ nothing is wrong with what is promised")
    if not as_json and rows:
        out.print(f"{len(rows)} findings")
    if any(each.level == "error" or (strict and each.level == "warning") for each in found):
        sys.exit(2)


@command.command("export")
@click.argument("kind", type=click.Choice(["prometheus", "openslo", "grafana", "toml"]))
@file_argument
def export(kind: str, file: Path) -> None:
    """Print the objectives of FILE for another system: rules, documents, a dashboard, or a file of their own."""
    objectives = read_file(file)
    match kind:
        case "prometheus":
            text = rules(objectives)
        case "openslo":
            text = to_yaml(documents(objectives))
        case "grafana":
            text = dashboard(objectives)
        case _:
            text = toml_of(objectives)
    click.echo(text, nl=False)


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
def import_(file: Path) -> None:
    """Print the OpenSLO v1 documents of FILE as tables for app.toml; what could not be carried over is told."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Mistaken("config_missing", f"cannot read {file.name}", place=str(file)) from error
    found = read_documents(from_yaml(text))
    for note in found.notes:
        click.echo(note, err=True)
    click.echo(toml_of(found.objectives), nl=False)
