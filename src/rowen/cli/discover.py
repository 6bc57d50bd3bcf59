"""`rowen discover`: which kinds of questions a run answers worse than others, and a data set of them."""

import asyncio
from pathlib import Path
from typing import Any

import click
import msgspec

from rowen.cli.datasets import datasets_of, tenant_option
from rowen.cli.examples import such_as
from rowen.cli.options import in_store, json_option, out, server_option, show, store_option
from rowen.evaluate.dataset import asked
from rowen.evaluate.discover import Scored, discover
from rowen.evaluate.plan import LOWER
from rowen.evaluate.run.base import load, shelf
from rowen.evaluate.smaller import of_model, of_words
from rowen.flow.knowledge import Bundled
from rowen.serve.settings import ServerSettings
from rowen.store.base import Store
from rowen.values import Case, Mistaken


@click.command("discover", epilog=such_as("rowen discover 3f2a91 --metric right --to worse"))
@click.argument("run")
@click.option("--metric", required=True, help="The score that says how well a case was answered.")
@click.option("--embed", default="", help="A bundled model that embeds, such as minilm; default: words alone.")
@click.option("--clusters", default=0, help="How many kinds there may be; default: by the number of cases.")
@click.option("--to", default="", help="Keep the cases of what is found as a data set of this name.")
@server_option
@store_option
@tenant_option
@json_option
def command(
    run: str,
    metric: str,
    embed: str,
    clusters: int,
    to: str,
    server_file: Path,
    store: str | None,
    tenant: str,
    as_json: bool,
) -> None:
    """Find the kinds of questions that RUN answers worse than others, proven on cases that had no part in finding them."""

    async def work(found: Store, _: ServerSettings) -> tuple[list[Scored], dict[str, Case]]:
        known = await shelf(found.records).get(run, tenant)
        if known is None:
            raise Mistaken("not_found", f"there is no run {run[:70]!r}", place="run")
        cases = {each.id: each for each in await datasets_of(found).cases(known.dataset, tenant, known.version)}
        tried = await load(found.runs, known)
        sign = -1 if metric in LOWER else 1
        scored = [
            Scored(case=case, text=asked(cases[case].input), score=sign * value, group=tried.groups[case])
            for case, value in tried.cases(metric).items()
            if case in cases
        ]
        return scored, cases

    scored, cases = in_store(server_file, store, work)
    texts = [each.text for each in scored]
    rows = asyncio.run(of_model(texts, Bundled()(embed))) if embed else of_words(texts)
    found = discover(scored, rows, clusters=clusters)
    worse = list(dict.fromkeys(id for kind in found.kinds for id in kind.cases))
    if to and worse:
        kept = [cases[id].but(id=f"{to}:{id.partition(':')[2] or id}", dataset=to, tenant=tenant) for id in worse]
        in_store(server_file, store, lambda opened, _: datasets_of(opened).add(kept))
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    table: list[Any] = [
        {
            "kind": kind.name,
            "cases": len(kind.cases),
            metric: f"{abs(kind.score.value or 0.0):.3g} against {abs(kind.rest):.3g}",
            "q": f"{kind.q:.2g}",
            "example": cases[kind.cases[0]].id,
        }
        for kind in found.kinds
    ]
    show(table, as_json=False, empty=f"Of {found.tested} kinds that looked worse none is so on the other half.")
    if to and worse:
        out.print(f"{len(worse)} cases are kept as the data set {to}.", markup=False)
