"""What `rowen traces` does with the archive: brings days into it, asks it, and forgets people in it."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from rich.console import Console

from rowen.cli.options import flags_of, in_store, json_option, server_option, show, store_option
from rowen.serve.archiving import Archiving, archiving_of
from rowen.serve.erasing import Gone, erase
from rowen.serve.settings import ServerSettings, settings_of
from rowen.store.archive.archive import Archive, open_archive
from rowen.store.base import DAY_NS, Store
from rowen.values import Broken, Mistaken, SystemClock

T = TypeVar("T")

err = Console(stderr=True)

archived_option = click.option("--archived", is_flag=True, help="In the archive instead of the store.")
archive_option = click.option("--archive", help="The archive's folder, if it is not that of the settings.")


def in_archive(
    server_file: Path,
    store: str | None,
    work: Callable[[Archive], Coroutine[Any, Any, T]],
    *,
    archive: str | None = None,
) -> T:
    """Run something on the deployment's archive.

    Raises:
        Mistaken: `config_missing` when there is none, `extra_missing`.

    """
    settings, _ = settings_of(server_file, flags_of(store=store, archive=archive))
    return asyncio.run(work(open_archive(_place(settings), SystemClock())))


def export_all(server_file: Path, store: str | None, to: Path) -> None:
    """Write all days of the store into a folder, the day that is not over too."""

    async def work(found: Store, _: ServerSettings) -> None:
        clock = SystemClock()
        tomorrow = (clock.now_ns() // DAY_NS + 2) * DAY_NS
        kept = await open_archive(to, clock).keep(found.traces, found.scores, before_ns=tomorrow)
        click.echo(f"{to}: {kept.traces} traces, {kept.spans} spans, {kept.scores} scores in {kept.days} days written")

    in_store(server_file, store, work)


@click.command("archive")
@server_option
@store_option
@archive_option
@json_option
@click.option("--check", is_flag=True, help="Write nothing; read every file and say whether it is as it was written.")
@click.option("--list", "only_list", is_flag=True, help="Write nothing; list what is there.")
def archive_traces(
    server_file: Path, store: str | None, archive: str | None, as_json: bool, check: bool, only_list: bool
) -> None:
    """Bring closed days of traces and scores into the archive, as the server does every hour; nothing is deleted."""
    if check:
        damage = in_archive(server_file, store, lambda found: found.damage(), archive=archive)
        if damage:
            raise Broken("store_corrupt", "; ".join(damage))
    elif not only_list:
        settings, _ = settings_of(server_file, flags_of(store=store, archive=archive))
        kept = _archiving(server_file, settings, lambda found: found.now())
        err.print(f"{kept.days} days written, {kept.unchanged} unchanged", highlight=False)
    found = in_archive(server_file, store, lambda found: found.days(), archive=archive)
    rows: list[Mapping[str, Any]] = [
        {
            "day": each.day,
            "tenant": each.tenant,
            **{table: _of(each.tables, table, "rows") for table in ("traces", "spans", "scores")},
            "MB": round(sum(part.bytes for part in each.tables.values()) / 1e6, 3),
            "generation": each.generation,
        }
        for each in found
    ]
    show(rows, as_json=as_json, empty="The archive is empty: no day is closed yet.")


@click.command("query")
@click.argument("sql")
@server_option
@store_option
@archive_option
@json_option
@click.option("--limit", default=1000, show_default=True, type=click.IntRange(1), help="Rows at most.")
def query_traces(
    sql: str, server_file: Path, store: str | None, archive: str | None, as_json: bool, limit: int
) -> None:
    """Answer one SELECT over `traces`, `spans` and `scores` of the archive, in DuckDB's SQL. It reads nothing else."""
    found = in_archive(server_file, store, lambda archive: archive.query(sql, limit=limit), archive=archive)
    rows: list[Mapping[str, Any]] = [
        dict(zip(_distinct(found.columns), map(_shown, row), strict=True)) for row in found.rows
    ]
    if as_json:
        print(json.dumps(rows, default=str))
    else:
        show(rows, as_json=False, empty="No rows.")
    if found.more:
        err.print(f"There are more rows than the {limit} shown: see --limit.")


@click.command("erase")
@server_option
@store_option
@json_option
@click.option("--tenant", default="default", show_default=True, help="Whose they are.")
@click.option("--user", default="", help="All traces of this user, as the traces show it.")
@click.option("--session", default="", help="All traces of this session.")
@click.option("--trace", "traces", multiple=True, help="This trace; may be given again.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase_traces(
    server_file: Path,
    store: str | None,
    as_json: bool,
    tenant: str,
    user: str,
    session: str,
    traces: tuple[str, ...],
    yes: bool,
) -> None:
    """Remove traces for good, from the store and from the archive, with all that was made of them.

    That is their spans, scores, review items, cases in every version of a data set, what runs answered to these, and the
    calls by which they were copied or judged.
    """
    if not (user or session or traces):
        raise Mistaken("field_invalid", "say which traces: --user, --session or --trace", place="--user")
    if not yes:
        click.confirm("They cannot be brought back. Erase them?", abort=True, err=True)
    settings, _ = settings_of(server_file, flags_of(store=store))
    archived: dict[str, Any] = {}
    if settings.archive:
        gone, erased = _archiving(
            server_file, settings, lambda found: found.erase(tenant, traces=traces, user=user, session=session)
        )
        archived = {f"archived_{name}": getattr(erased, name) for name in ("traces", "spans", "scores", "days")}
    else:

        async def work(found: Store, _: ServerSettings) -> Gone:
            return await erase(found, SystemClock(), tenant, traces=traces, user=user, session=session)

        gone = in_store(server_file, store, work)
    counts = {name: count for name, count in msgspec.structs.asdict(gone).items() if name != "calls"}
    show([{**counts, **archived}], as_json=as_json, empty="")


def _archiving(server_file: Path, settings: ServerSettings, work: Callable[[Archiving], Coroutine[Any, Any, T]]) -> T:
    async def opened(store: Store, _: ServerSettings) -> T:
        _place(settings)
        found = archiving_of(store, settings, SystemClock())
        assert found is not None
        return await work(found)

    return in_store(server_file, settings.store, opened)


def _place(settings: ServerSettings) -> Path:
    if not settings.archive:
        message = "there is no archive: name its folder as `archive` in server.toml, or with --archive"
        raise Mistaken("config_missing", message, place="archive")
    return Path(settings.archive)


def _of(tables: Mapping[str, Any], table: str, field: str) -> int:
    return int(getattr(tables[table], field)) if table in tables else 0


def _shown(value: Any) -> Any:
    """Return a value without the zeros that a column of money fills its digits with."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value


def _distinct(names: tuple[str, ...]) -> list[str]:
    """Return names of columns, each once."""
    found: list[str] = []
    for name in names:
        found.append(name if name not in found else f"{name}_{len(found) + 1}")
    return found
