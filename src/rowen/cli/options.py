"""What several verbs share: which apps, which deployment, how to print."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rowen.serve.run import settings_of
from rowen.serve.settings import ServerSettings
from rowen.store.base import Store
from rowen.store.catalog import open_store
from rowen.values import Mistaken, SystemClock

T = TypeVar("T")

out = Console(highlight=False)

apps_argument = click.argument("apps", nargs=-1, type=click.Path(path_type=Path), default=("app.toml",))
server_option = click.option(
    "--server",
    "server_file",
    type=click.Path(path_type=Path),
    default=Path("server.toml"),
    help="The deployment's settings; need not exist.",
)
store_option = click.option("--store", help="Where records live, such as sqlite:.rowen")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def flags_of(**given: Any) -> dict[str, Any]:
    """Return the flags that were given."""
    return {name: value for name, value in given.items() if value is not None}


def in_store(
    server_file: Path, store: str | None, work: Callable[[Store, ServerSettings], Coroutine[Any, Any, T]]
) -> T:
    """Run something on the deployment's store."""
    settings, _ = settings_of(server_file, flags_of(store=store))

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
        out.print(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0]:
        table.add_column(name.replace("_", " "), overflow="fold", no_wrap=name in {"id", "key", "when"})
    for row in rows:
        # As text, not markup: an answer may say [/b].
        table.add_row(*(Text("" if value is None else str(value)) for value in row.values()))
    out.print(table)


def named(text: str) -> tuple[str, str]:
    """Return a variable of the command line, `NAME=VALUE`.

    Raises:
        Mistaken: `field_invalid`.

    """
    name, equals, value = text.partition("=")
    if not (equals and name):
        raise Mistaken("field_invalid", f"expected NAME=VALUE, got {text!r}", place="--var")
    return name, value
