"""`rowen robust`: makes cases that are asked in other ways or about other people, and says what a run over them shows."""

from pathlib import Path
from typing import Any

import click
import msgspec

from rowen.cli.datasets import dataset_argument, datasets_of, err, tenant_option
from rowen.cli.examples import such_as
from rowen.cli.options import in_store, json_option, out, server_option, show, store_option
from rowen.evaluate.dataset import Added, Dataset
from rowen.evaluate.robust import KINDS, Kind, variants
from rowen.evaluate.robust.aware import both
from rowen.evaluate.robust.bias import pairs, questions
from rowen.evaluate.robust.desk import Robust, Shown
from rowen.evaluate.robust.people import PEOPLE
from rowen.evaluate.robust.write import awareness_text, fairness_text, robustness_text
from rowen.serve.settings import ServerSettings
from rowen.store.base import Store
from rowen.values import Case, Mistaken

_BROKEN = 3
"""The exit code of `report --gate` where something breaks or counts that should not."""

to_option = click.option(
    "--to", default="", help="The data set to make; default: the name with -robust, -bias or -aware."
)


@click.group("robust")
def command() -> None:
    """Test whether answers stand when a question is asked in another way, or about other people."""


@command.command(
    "make",
    epilog=such_as(
        "rowen robust make golden", "rowen eval --cases dataset:golden-robust", "rowen robust report 3f2a91"
    ),
)
@dataset_argument
@server_option
@store_option
@tenant_option
@json_option
@to_option
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="Only these ways; may be given again.")
@click.option("--repeats", default=1, show_default=True, type=click.IntRange(0, 20), help="Times each is asked again.")
@click.option("--seed", default=0, show_default=True, help="Another one makes other slips.")
def make(
    dataset: str,
    server_file: Path,
    store: str | None,
    tenant: str,
    as_json: bool,
    to: str,
    kinds: tuple[Kind, ...],
    repeats: int,
    seed: int,
) -> None:
    """Make of each case of DATASET the same in other ways: again, with typing errors, denied, from its other end, and so on."""
    target = to or f"{dataset}-robust"

    async def work(found: Store, _: ServerSettings) -> tuple[list[Case], Added]:
        cases = await datasets_of(found).now(dataset, tenant)
        made = variants(cases, kinds or KINDS, repeats=repeats, seed=seed)
        return made, await _kept(found, target, tenant, made, f"{dataset} in other ways")

    made, added = in_store(server_file, store, work)
    counts: dict[str, int] = {}
    for case in made:
        counts[case.metadata["kind"]] = counts.get(case.metadata["kind"], 0) + 1
    _tell(target, counts, added, as_json=as_json)


@command.command("bias")
@click.argument("dataset", default="")
@server_option
@store_option
@tenant_option
@json_option
@to_option
@click.option("--attribute", "attributes", multiple=True, type=click.Choice([*PEOPLE]), help="Only these of ours.")
def bias(
    dataset: str,
    server_file: Path,
    store: str | None,
    tenant: str,
    as_json: bool,
    to: str,
    attributes: tuple[str, ...],
) -> None:
    """Make questions about people who differ in one thing alone; of the cases of DATASET, pairs of a woman and a man."""
    target = to or (f"{dataset}-bias" if dataset else "bias")

    async def work(found: Store, _: ServerSettings) -> tuple[list[Case], Added]:
        made = pairs(await datasets_of(found).now(dataset, tenant)) if dataset else questions(attributes)
        if not made:
            raise Mistaken("conflict", f"no case of {dataset!r} speaks of a woman or a man", place="dataset")
        return made, await _kept(found, target, tenant, made, "people who differ in one thing alone")

    made, added = in_store(server_file, store, work)
    counts: dict[str, int] = {}
    for case in made:
        counts[case.metadata["attribute"]] = counts.get(case.metadata["attribute"], 0) + 1
    _tell(target, counts, added, as_json=as_json)


@command.command("aware")
@dataset_argument
@server_option
@store_option
@tenant_option
@json_option
@to_option
def aware(dataset: str, server_file: Path, store: str | None, tenant: str, as_json: bool, to: str) -> None:
    """Make of each case of DATASET one that is announced as a test, beside the one that looks like any call."""
    target = to or f"{dataset}-aware"

    async def work(found: Store, _: ServerSettings) -> tuple[list[Case], Added]:
        made = both(await datasets_of(found).now(dataset, tenant))
        return made, await _kept(found, target, tenant, made, f"{dataset}, announced as a test and not")

    made, added = in_store(server_file, store, work)
    _tell(target, {mode: len(made) // 2 for mode in ("disguised", "announced")}, added, as_json=as_json)


@command.command("report")
@click.argument("run")
@server_option
@store_option
@tenant_option
@json_option
@click.option("--metric", default="", help="A score that must stay the same; default: what is said.")
@click.option("--gate", is_flag=True, help="Exit with 3 where it breaks, or where something counts that should not.")
def report(run: str, server_file: Path, store: str | None, tenant: str, as_json: bool, metric: str, gate: bool) -> None:
    """Say in which ways RUN breaks, or whom it treats otherwise. It ran over a data set that `make`, `bias` or `aware` made."""

    async def work(found: Store, _: ServerSettings) -> Shown:
        return await Robust(found.records, found.runs, datasets_of(found)).show(run, tenant, metric=metric)

    found = in_store(server_file, store, work)
    if as_json:
        print(msgspec.json.encode(found.robustness or found.fairness or found.awareness).decode())
    elif found.robustness is not None:
        print(robustness_text(found.robustness))
    elif found.fairness is not None:
        print(fairness_text(found.fairness))
    elif found.awareness is not None:
        print(awareness_text(found.awareness))
    if gate and found.bad:
        raise click.exceptions.Exit(_BROKEN)


async def _kept(store: Store, name: str, tenant: str, cases: list[Case], about: str) -> Added:
    """Keep cases as a data set of their own; what an earlier making left there and this one does not make goes."""
    sets = datasets_of(store)
    own = [case.but(id=_id(name, case.id), dataset=name, tenant=tenant) for case in cases]
    try:
        known = await sets.get(name, tenant)
        there = await sets.now(name, tenant)
    except Mistaken:
        known, there = Dataset(name=name, tenant=tenant), []
    await sets.put(known.but(about=known.about or about))
    wanted = {case.id for case in own}
    for case in there:
        if case.id not in wanted:
            await sets.remove(case.id, tenant)
    return await sets.add(own)


def _id(dataset: str, id: str) -> str:
    return f"{dataset}:{id.partition(':')[2] or id}"


def _tell(target: str, counts: dict[str, int], added: Added, *, as_json: bool) -> None:
    rows: list[Any] = [{"dataset": target, "kind": kind, "cases": n} for kind, n in counts.items()]
    show(rows, as_json=as_json, empty="")
    if not as_json:
        out.print(f"{added.new} new, {added.changed} changed, {added.same} as they were.", markup=False)
        err.print(f"Run them with `rowen eval`, then `rowen robust report RUN`. Data set: {target}", markup=False)
