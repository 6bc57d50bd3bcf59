"""What several verbs share: which apps, which deployment, how to print."""

import asyncio
import json
import os
import re
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rowen.serve.settings import ServerSettings, folder_of, settings_of
from rowen.store.base import Store
from rowen.store.catalog import open_store
from rowen.values import Mistaken, SystemClock

T = TypeVar("T")

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")
_WORD = 16
_LINE = 240
"""Letters of a line where nobody looks at it: what is piped to another program keeps a row on one line."""

out = Console(highlight=False, width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else _LINE)

apps_argument = click.argument("apps", nargs=-1, type=click.Path(path_type=Path), default=("app.toml",))
app_option = click.option(
    "--app",
    "path",
    type=click.Path(path_type=Path),
    default=Path("app.toml"),
    show_default=True,
    help="The app's file.",
)


def _there(ctx: click.Context, param: click.Parameter, value: Path) -> Path:
    """Return the path of the settings; one that somebody typed must be there, the usual one need not."""
    typed = ctx.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE
    if typed and not value.exists():
        raise Mistaken("config_missing", "there is no such file", place=str(value))
    return value


server_option = click.option(
    "--server",
    "server_file",
    type=click.Path(path_type=Path),
    default=Path("server.toml"),
    callback=_there,
    help="The deployment's settings; default: server.toml, if it is there.",
)
store_option = click.option("--store", help="Where records live, such as sqlite:.rowen")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
always_json_option = click.option(
    "--json", is_flag=True, expose_value=False, help="Changes nothing: it is always JSON."
)


def flags_of(**given: Any) -> dict[str, Any]:
    """Return the flags that were given."""
    return {name: value for name, value in given.items() if value is not None}


def in_store(
    server_file: Path, store: str | None, work: Callable[[Store, ServerSettings], Coroutine[Any, Any, T]]
) -> T:
    """Run something on the deployment's store."""
    settings, _ = settings_of(server_file, flags_of(store=store))
    folder = folder_of(settings)
    if settings.store.startswith("sqlite:") and folder is not None and not folder.exists():
        # Whoever is in the wrong folder sees it here, and not by an empty list.
        click.echo(f"There was no store in {folder.resolve()}: an empty one is made there.", err=True)

    async def opened() -> T:
        found = await open_store(settings.store, clock=SystemClock(), traces=settings.traces)
        try:
            return await work(found, settings)
        finally:
            await found.close()

    return asyncio.run(opened())


def show(rows: list[Mapping[str, Any]], *, as_json: bool, empty: str) -> None:
    """Print rows as a table, or as JSON."""
    if as_json:
        print(json.dumps(rows, default=str))
        return
    if not rows:
        out.print(empty, markup=False)
        return
    out.print(table_of(rows, out.width))


def table_of(rows: Sequence[Mapping[str, Any]], width: int) -> Table:
    """Return rows as a table for a line of `width` letters, without the columns that have nothing in them."""
    said = [{name: _cell(value) for name, value in row.items()} for row in rows]
    columns = [name for name in said[0] if any(row[name] for row in said)]
    whole = _unbroken(columns, said, width)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name.replace("_", " "), overflow="fold", no_wrap=name in whole)
    for row in said:
        table.add_row(*(Text(row[name]) for name in columns))  # as text, not markup: an answer may say [/b]
    return table


def _cell(value: Any) -> str:
    """Return a value for people; a moment without the letters that only programs need."""
    text = "" if value is None else str(value)
    return f"{text[:10]} {text[11:19]}Z" if _MOMENT.fullmatch(text) else text


def _unbroken(columns: Sequence[str], rows: Sequence[Mapping[str, str]], width: int) -> set[str]:
    """Return the columns that are not wrapped: those of short words too, such as states, where the line has room for that."""
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in columns}
    always = {"id", "key", "when"} & {*columns}
    words = {name for name in columns if widths[name] <= _WORD and not any(" " in row[name] for row in rows)}
    taken = sum(widths[name] if name in always | words else _WORD for name in columns) + 2 * len(columns)
    return always | words if taken <= width else always


def formerly(command: click.Command, name: str) -> click.Command:
    """Return a command under the name it had before: for one release no help lists it, and it says what it is called now."""
    alias = copy(command)
    alias.name, alias.hidden, alias.deprecated = name, True, f"it is called `{command.name}` now"
    return alias


def named(text: str) -> tuple[str, str]:
    """Return a variable of the command line, `NAME=VALUE`.

    Raises:
        Mistaken: `field_invalid`.

    """
    name, equals, value = text.partition("=")
    if not (equals and name):
        raise Mistaken("field_invalid", f"expected NAME=VALUE, got {text!r}", place="--var")
    return name, value
