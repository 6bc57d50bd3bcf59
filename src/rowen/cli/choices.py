"""`rowen choices`: the reports on candidates that were filed, with what was decided and why."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec

from rowen.cli.datasets import tenant_option
from rowen.cli.options import in_store, json_option, server_option, show, store_option
from rowen.config import read
from rowen.evaluate.choice import CatalogueTable, Choice, choice, choice_text
from rowen.evaluate.compare import Comparing
from rowen.evaluate.plan import MetricsTable
from rowen.evaluate.run.base import load
from rowen.serve.settings import ServerSettings
from rowen.serve.tables import TABLES
from rowen.store.base import Store
from rowen.values import Mistaken, SystemClock, at, new_id


class Candidates(NamedTuple):
    """What is held against one another."""

    runs: tuple[str, ...]
    tenant: str
    metric: str
    models: tuple[str, ...]


class Decided(NamedTuple):
    """What whoever chose says."""

    chosen: str
    because: str
    by: str


@click.group("choices")
def command() -> None:
    """List, show and complete the reports on candidates that `rowen compare --report` filed."""


@command.command("list")
@server_option
@store_option
@json_option
@tenant_option
def list_(server_file: Path, store: str | None, as_json: bool, tenant: str) -> None:
    """List the reports, newest first."""

    async def work(found: Store, _: ServerSettings) -> list[Choice]:
        return await Choice.shelf(found.records).find(tenant=tenant)

    rows: list[Any] = [
        {
            "id": each.id,
            "when": at(each.made_ns).isoformat(timespec="seconds"),
            "app": each.app,
            "metric": each.metric,
            "candidates": len(each.candidates),
            "chosen": each.chosen,
            "by": each.by,
        }
        for each in in_store(server_file, store, work)
    ]
    show(rows, as_json=as_json, empty="No choice is filed yet: `rowen compare RUN RUN RUN --report`.")


@command.command("show")
@click.argument("id")
@server_option
@store_option
@json_option
@tenant_option
def show_(id: str, server_file: Path, store: str | None, as_json: bool, tenant: str) -> None:
    """Show a report as Markdown, or as JSON."""
    found = in_store(server_file, store, lambda opened, _: _known(opened, id, tenant))
    print(msgspec.json.encode(found).decode() if as_json else choice_text(found))


@command.command("decide")
@click.argument("id")
@click.option("--chosen", required=True, help="The run that is chosen.")
@click.option("--because", required=True, help="Why.")
@click.option("--by", default="", help="Who chooses.")
@server_option
@store_option
@tenant_option
def decide(id: str, chosen: str, because: str, by: str, server_file: Path, store: str | None, tenant: str) -> None:
    """Write down which candidate is chosen, and why."""

    async def work(found: Store, _: ServerSettings) -> None:
        known = await _known(found, id, tenant)
        await Choice.shelf(found.records).put(known.decided(chosen, because, by))

    in_store(server_file, store, work)


def catalogue_of(app: Path | None) -> Mapping[str, CatalogueTable]:
    """Return what an app's file says of models; nothing where no app is named and none is here."""
    path = app or Path("app.toml")
    if app is None and not path.exists():
        return {}
    found: dict[str, CatalogueTable] = read(path, TABLES).tables["catalogue"]
    return found


async def filed(
    store: Store, asked: Candidates, plan: MetricsTable, catalogue: Mapping[str, CatalogueTable], decided: Decided
) -> Choice:
    """Make a report on candidates, and keep it."""
    clock = SystemClock()
    runs = await Comparing(store.records, store.runs, lambda _: plan).found(asked.runs, asked.tenant)
    now = clock.now_ns()
    made = choice(
        [await load(store.runs, run, lower=plan.lower) for run in runs],
        plan,
        id=new_id(now),
        today=at(now).date(),
        metric=asked.metric,
        catalogue=catalogue,
        models=dict(_named(each) for each in asked.models),
    )
    made = made.but(made_ns=now)
    if decided.chosen:
        made = made.decided(decided.chosen, decided.because, decided.by)
    await Choice.shelf(store.records).put(made)
    return made


def _named(text: str) -> tuple[str, str]:
    run, equals, name = text.partition("=")
    if not (equals and run and name):
        raise Mistaken("field_invalid", f"expected RUN=NAME, got {text!r}", place="--model")
    return run, name


async def _known(store: Store, id: str, tenant: str) -> Choice:
    found = await Choice.shelf(store.records).get(id, tenant)
    if found is None:
        raise Mistaken("not_found", f"there is no choice {id[:70]!r}", place="id")
    return found
