"""`rowen cases questions`: questions for `rowen tune` where nobody wrote them down."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from rowen.cli.options import in_store, json_option, out, server_option, show, store_option
from rowen.cli.tuning import Ready, made, table_of, with_documents, write
from rowen.config import read
from rowen.improve.tune.complaints import Judged, judged
from rowen.improve.tune.gather import Gathered, generated, of_cases, of_feedback
from rowen.improve.tune.keep import Purse
from rowen.retrieve.base import CHARACTERS
from rowen.score.cases import Cases
from rowen.serve.settings import ServerSettings
from rowen.serve.tables import TABLES
from rowen.store.base import Store
from rowen.values import Case, Mistaken, SystemClock

_PATH = click.Path(path_type=Path)


@click.command("questions")
@click.argument("app", type=_PATH, default=Path("app.toml"))
@server_option
@store_option
@json_option
@click.option("--name", default="", help="Which `[retrieve.NAME]`; may be left out where there is one.")
@click.option("--to", "file", required=True, type=_PATH, help="Write the questions here, as JSONL.")
@click.option("--dataset", default="", help="Take the cases of this data set.")
@click.option("--feedback", is_flag=True, help="Take traces with a thumb up that cite, and those that were corrected.")
@click.option(
    "--generate", "made_up", default=0, type=click.IntRange(0), help="Have questions made up on so many passages."
)
@click.option("--model", default="", help="The model of the app that makes them up; default: the app's own.")
@click.option("--seed", default="0", show_default=True, help="Of the passages.")
@click.option("--limit", default=1000, show_default=True, type=click.IntRange(1), help="Cases and traces at most.")
@click.option("--work", default=Path(".rowen/tune"), show_default=True, type=_PATH, help="Where documents are kept.")
def questions(
    app: Path,
    server_file: Path,
    store: str | None,
    as_json: bool,
    name: str,
    file: Path,
    dataset: str,
    feedback: bool,
    made_up: int,
    model: str,
    seed: str,
    limit: int,
    work: Path,
) -> None:
    """Write questions for `rowen tune` about what the APP (default: app.toml) knows: from cases, from feedback, made up.

    Those that nothing says the answer of are dropped and counted. What was made up is marked, and never reported on beside others.
    """
    if not (dataset or feedback or made_up):
        raise Mistaken("config_invalid", "say where from: --dataset, --feedback or --generate", place="questions")
    loaded = read(app, TABLES)
    name, settings = table_of(loaded, name)
    made(work)

    async def known(found: Store, _: ServerSettings) -> tuple[list[Case], list[Judged]]:
        cases = Cases(found.records, scores=found.scores, traces=found.traces, clock=SystemClock())
        mine = await cases.all(None, dataset=dataset, limit=limit) if dataset else []
        said = await judged(found.scores, found.traces, app=loaded.definition.app, limit=limit) if feedback else []
        return [each for each in mine if each.app in {"", loaded.definition.app}], said

    cases, said = in_store(server_file, store, known) if dataset or feedback else ([], [])

    async def gather(ready: Ready) -> list[Gathered]:
        found = [of_cases(cases, ready.documents), of_feedback(said, ready.documents)]
        if made_up:
            ask = ready.bench.ask_model
            if ask is None:
                raise Mistaken("config_invalid", "this app has no model to make questions up", place="models")
            found.append(await generated(ready.documents, ask, count=made_up, seed=seed, model=model))
        return found

    found = asyncio.run(
        with_documents(loaded, name, settings, settings.budget * CHARACTERS, work, gather, lambda *_: None, Purse())
    )
    write(file, "".join(each.jsonl() for each in found))
    dropped = sum((each.dropped for each in found), Counter[Any]())
    rows: list[Mapping[str, Any]] = [
        {"questions": said_of, "kept": len(each.lines), "dropped": each.dropped.total()}
        for said_of, each in zip(("from cases", "from feedback", "made up"), found, strict=False)
    ]
    show(rows, as_json=as_json, empty="")
    if not as_json:
        for why, count in dropped.most_common():
            out.print(f"{count} dropped: {why}", markup=False)
