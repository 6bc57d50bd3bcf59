"""`rowen index calibrate`: how far the confidence of searches can be believed, on an app's own questions."""

import asyncio
from pathlib import Path

import click
import msgspec

from rowen.cli.bar import steps_bar
from rowen.cli.examples import such_as
from rowen.cli.options import in_store, json_option, out, server_option, store_option
from rowen.cli.tuning import Ready, held_option, made, table_of, text_of, unanswerable_option, with_documents
from rowen.config import read
from rowen.improve import tune
from rowen.improve.tune.keep import Purse
from rowen.improve.tune.questions import measure_of
from rowen.improve.tune.report import limits, reliability
from rowen.improve.tune.space import point_of
from rowen.improve.tune.threshold import Threshold, threshold
from rowen.retrieve.base import CHARACTERS
from rowen.retrieve.calibration import Calibration, made_by
from rowen.serve.settings import ServerSettings
from rowen.serve.tables import TABLES
from rowen.store.base import Store
from rowen.values import Mistaken, SystemClock

_PATH = click.Path(path_type=Path)


@click.command("calibrate", epilog=such_as("rowen index calibrate --questions questions.jsonl"))
@click.argument("app", type=_PATH, default=Path("app.toml"))
@server_option
@store_option
@json_option
@click.option("--name", default="", help="Which `[retrieve.NAME]`; may be left out where there is one.")
@click.option("--questions", required=True, type=_PATH, help="JSONL: `question`, and `documents`, `spans` or `answer`.")
@held_option
@unanswerable_option
@click.option("--seed", default="0", show_default=True, help="Of the two parts.")
@click.option("--work", default=Path(".rowen/tune"), show_default=True, type=_PATH, help="Where indexes are kept.")
def calibrate(
    app: Path,
    server_file: Path,
    store: str | None,
    as_json: bool,
    name: str,
    questions: Path,
    held: float,
    unanswerable: float,
    seed: str,
    work: Path,
) -> None:
    """Say how likely what the APP (default: app.toml) finds answers, by how sure the search is, and how far that is borne out.

    Learnt on one part of the questions and held against the other. The page of the knowledge shows it from then on.
    """
    loaded = read(app, TABLES)
    name, settings = table_of(loaded, name)
    text = text_of(questions)
    made(work)
    point, clock = point_of(settings), SystemClock()
    with steps_bar(quiet=as_json) as bar:
        shown = bar.add_task("reading", total=None)

        async def measured(ready: Ready) -> tuple[Threshold, str]:
            asked = tune.read(text, ready.documents, place=questions.name)
            parts = tune.parted(asked, held=held, seed=seed)
            bar.update(shown, description=f"asking {len(asked)} questions")
            index = await ready.bench.index(point)
            found = await threshold(ready.bench, point, parts, measure_of(asked), unanswerable=unanswerable)
            if found is None:
                message = "each part needs 10 questions that have an answer"
                raise Mistaken("config_invalid", message, place="questions")
            return found, made_by(index.build.manifest)

        found, index = asyncio.run(
            with_documents(
                loaded, name, settings, settings.budget * CHARACTERS, work, measured, lambda *_: None, Purse()
            )
        )
    kept = found.calibration.but(app=loaded.definition.app, collection=name, index=index, at_ns=clock.now_ns())

    async def keep(opened: Store, _: ServerSettings) -> None:
        await Calibration.shelf(opened.records).put(kept)

    in_store(server_file, store, keep)
    if as_json:
        print(msgspec.json.encode(found.but(calibration=kept)).decode())
        return
    for line in (*reliability(kept), "", *limits(found)):
        out.print(line, markup=False)
