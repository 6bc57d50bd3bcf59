"""`rowen slo`: what was promised, checked."""

import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from rowen.cli.options import json_option, out, show
from rowen.watch import lint
from rowen.watch.base import Objectives
from rowen.watch.written import read_file

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
    found = lint(_objectives(file))
    rows: list[Any] = [msgspec.to_builtins(each) | {"level": each.level} for each in found]
    show(rows, as_json=as_json, empty="[green]✓[/green] nothing is wrong with what is promised")
    if not as_json and rows:
        out.print(f"{len(rows)} findings")
    if any(each.level == "error" or (strict and each.level == "warning") for each in found):
        sys.exit(2)


def _objectives(file: Path) -> Objectives:
    return read_file(file)
