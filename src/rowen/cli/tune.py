"""`rowen tune`: better settings for what an app knows, on its own questions; and the query adapter."""

import asyncio
import json
import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec

from rowen.cli.bar import steps_bar
from rowen.cli.options import json_option, out, show
from rowen.cli.tuning import Ready, held_option, made, table_of, text_of, unanswerable_option, with_documents, write
from rowen.config import Loaded, TextFile, read
from rowen.improve import tune
from rowen.improve.tune.answers import went
from rowen.improve.tune.failures import CALLED, Split, split
from rowen.improve.tune.keep import Purse
from rowen.improve.tune.learn import Learnt, adapter_of, beside
from rowen.improve.tune.lengths import Lengths, lengths
from rowen.improve.tune.prompts import Wordings, wordings
from rowen.improve.tune.report import lengthened, markdown, said, table, verdict
from rowen.improve.tune.run import short
from rowen.improve.tune.space import point_of
from rowen.prompt import PromptSettings, render
from rowen.prompt.written import fitted
from rowen.provider.tokens import count
from rowen.retrieve.base import CHARACTERS
from rowen.score.base import AskModel as Asks
from rowen.score.base import Told
from rowen.serve.tables import TABLES
from rowen.values import AskModel, Mistaken, Request, SystemClock

_PATH = click.Path(path_type=Path)
_SHOWN = 12  # trials of adapters


class Found(NamedTuple):
    """What came of the search, and where answers are lost as the app is now."""

    tuned: tune.Tuned
    lost: Split
    worded: Wordings | None
    learnt: Learnt | None
    longer: Lengths | None


@click.command("tune")
@click.argument("app", type=_PATH, default=Path("app.toml"))
@click.option("--name", default="", help="Which `[retrieve.NAME]`; may be left out where there is one.")
@click.option("--questions", required=True, type=_PATH, help="JSONL: `question`, and `documents`, `spans` or `answer`.")
@click.option("--space", type=_PATH, help="TOML: the levels of each choice; left out, a set that is sensible.")
@click.option("--minutes", default=10.0, show_default=True, type=click.FloatRange(0), help="What the search may take.")
@click.option(
    "--money", type=click.FloatRange(0), help="What models may cost in it, in US dollars; left out: anything."
)
@click.option("--candidates", default=40, show_default=True, type=click.IntRange(1), help="Candidates at most.")
@held_option
@click.option("--characters", type=click.IntRange(100), help="Shown for a question; default: the table's budget.")
@unanswerable_option
@click.option(
    "--failures", is_flag=True, help="Ask the app's model too, and tell at which of seven points answers are lost."
)
@click.option(
    "--judge", default="", help="A model of the app that decides where an answer was lost and rules are unsure."
)
@click.option(
    "--lengths",
    "tops",
    default="",
    help="Ask the app's model with so many passages each, such as 1,3,6,12: does it bear them?",
)
@click.option("--seed", default="0", show_default=True, help="Of the parts and the candidates.")
@click.option("--report", type=_PATH, help="Write the report here, as Markdown.")
@click.option("--table", "table_file", type=_PATH, help="Write the candidate's `[retrieve.NAME]` here, as TOML.")
@click.option(
    "--adapter",
    type=_PATH,
    help="Learn a query adapter, and write it here: for what wins where --table or --report is named, else for what you have.",
)
@click.option("--work", default=Path(".rowen/tune"), show_default=True, type=_PATH, help="Where indexes are kept.")
@json_option
def command(
    app: Path,
    name: str,
    questions: Path,
    space: Path | None,
    minutes: float,
    money: float | None,
    candidates: int,
    held: float,
    characters: int | None,
    unanswerable: float,
    failures: bool,
    judge: str,
    tops: str,
    seed: str,
    report: Path | None,
    table_file: Path | None,
    adapter: Path | None,
    work: Path,
    as_json: bool,
) -> None:
    """Try other ways to cut, embed and search what the APP (default: app.toml) knows, and report which are better.

    What wins is chosen on one part of the questions and reported on the other. Nothing is released: the report and the table
    are for you to take. With --adapter alone nothing else is tried, and the exit code is 3 when no adapter is worth it.
    """
    loaded = read(app, TABLES)
    name, settings = table_of(loaded, name)
    text, tried = text_of(questions), tune.read_space(text_of(space), str(space)) if space else tune.Space()
    numbers = _numbers(tops) if tops else []
    made(work)
    clock, characters = SystemClock(), characters or settings.budget * CHARACTERS
    purse = Purse(None if money is None else Decimal(str(money)))
    with steps_bar(quiet=as_json) as bar:
        shown = bar.add_task("reading", total=None)

        def tell(done: int, total: int, what: str = "learning") -> None:
            bar.update(shown, completed=done, total=total or None, description=what)

        def read_questions(ready: Ready) -> tuple[tune.Question, ...]:
            return tune.read(text, ready.documents, place=questions.name)

        async def learn(ready: Ready) -> Learnt:
            return await adapter_of(ready.bench, point_of(settings), read_questions(ready), tell=tell)

        async def search(ready: Ready) -> Found:
            asked_for = read_questions(ready)
            parts, budget = tune.parted(asked_for, held=held, seed=seed), tune.Budget(minutes * 60, candidates)
            found = await tune.tuned(
                ready.bench,
                tried,
                parts,
                clock=clock,
                budget=budget,
                seed=seed,
                unanswerable=unanswerable,
                tell=tell,
            )
            ask = ready.bench.ask_model
            if (failures or judge or tried.prompt or tops) and ask is None:
                raise Mistaken("config_invalid", "this app has no model to ask", place="models")
            worded = None
            if tried.prompt and ask is not None:
                renders = {"now": render(loaded.tables["prompt"])}
                renders |= {file: render(_wording(loaded, file)) for file in tried.prompt}
                worded = await wordings(ready.bench, found.winner, parts, renders, count=count, ask=ask, tell=tell)
            longer = None
            if numbers and ask is not None:
                own = render(loaded.tables["prompt"])
                longer = await lengths(
                    ready.bench,
                    found.winner,
                    parts.held_out,
                    tops=numbers,
                    count=count,
                    render=own,
                    ask=ready.bench.again,
                    tell=tell,
                )
            asked = await went(
                ready.bench,
                found.baseline,
                asked_for,
                count=count,
                render=render(loaded.tables["prompt"]),
                ask=ask if failures else None,
                tell=tell,
            )
            lost = await split(asked, _judging(ask, judge) if judge and ask is not None else None)
            fitted = await beside(ready.bench, found.winner, parts, tell=tell) if adapter is not None else None
            return Found(found.but(spent=ready.bench.purse.spent), lost, worded, fitted, longer)

        alone = adapter is not None and report is None and table_file is None
        bare = settings.but(adapter=None) if adapter is not None else settings
        if alone:
            learnt = asyncio.run(with_documents(loaded, name, bare, characters, work, learn, tell, purse))
        else:
            found = asyncio.run(with_documents(loaded, name, bare, characters, work, search, tell, purse))
    if adapter is not None and alone:
        _tell_adapter(learnt, adapter, as_json=as_json)
        return
    beside_it = ""
    if adapter is not None and found.learnt is not None and found.learnt.adapter is not None:
        write(adapter, msgspec.json.encode(found.learnt.adapter).decode())
        beside_it = Path(os.path.relpath(adapter, loaded.path.parent)).as_posix()
    if report is not None:
        write(
            report,
            markdown(
                found.tuned, name, adapter=found.learnt, lost=found.lost, worded=found.worded, longer=found.longer
            ),
        )
    if table_file is not None:
        write(table_file, table(found.tuned, name, adapter=beside_it))
    if as_json:
        print(
            msgspec.json.encode(
                {
                    "verdict": verdict(found.tuned),
                    "proven": found.tuned.proven,
                    **msgspec.to_builtins(found.tuned),
                    "lost": found.lost,
                    "prompts": found.worded,
                    "adapter": found.learnt
                    and {"written": beside_it, "held": found.learnt.held, **_outcome(found.learnt)},
                    "lengths": found.longer,
                }
            ).decode()
        )
        return
    _tell(found.tuned, name, beside_it)
    if found.learnt is not None:
        _tell_beside(found.learnt, written=bool(beside_it))
    if found.worded is not None:
        out.print(
            f"\nPrompts: {found.worded.winner}, by pairs {said(found.worded.gain)} against what you have.", markup=False
        )
    for line in lengthened(found.longer) if found.longer is not None else ():
        out.print(line, markup=False)
    _tell_lost(found.lost)


def _tell(found: tune.Tuned, name: str, adapter: str) -> None:
    rows = [("now", found.baseline, found.before), ("candidate", found.winner, found.after)]
    show(
        [{"held out": what, "settings": short(point), found.measure: str(quality)} for what, point, quality in rows],
        as_json=False,
        empty="",
    )
    out.print(f"\nDifference by pairs: {found.gain}\n{verdict(found)}\n")
    out.print(table(found, name, adapter=adapter), markup=False)
    if found.spent:
        out.print(f"Models cost {found.spent:.4f} USD.")


def _tell_beside(learnt: Learnt, *, written: bool) -> None:
    one = learnt.outcome.chosen
    gain = f"{said(one.seen)} where it knows the documents; held out, where it does not: " if one else ""
    why = f"none, {learnt.reason}. " if not written else ""
    out.print(f"\nQuery adapter: {why}{gain}{said(learnt.held) if learnt.held else ''}", markup=False)


def _tell_lost(lost: Split) -> None:
    if lost.failures:
        out.print(f"\nOf {lost.asked} questions, {lost.failed} were lost:")
        rows: list[Mapping[str, Any]] = [
            {"where": CALLED[point], "share": said(each), "n": round((each.value or 0) * each.n)}
            for point, each in lost.shares.items()
            if each.value
        ]
        show(rows, as_json=False, empty="")


def _numbers(text: str) -> list[int]:
    try:
        return [int(each) for each in text.split(",")]
    except ValueError as error:
        raise Mistaken("field_invalid", f"numbers with commas between them, not {text!r}", place="lengths") from error


def _wording(loaded: Loaded, file: str) -> PromptSettings:
    """Return the app's prompts with another wording of its own."""
    settings: PromptSettings = loaded.tables["prompt"]
    text = text_of(loaded.path.parent / file)
    return settings.but(system=TextFile(path=file, text=text), variables=fitted(text, settings.variables))


def _judging(ask: AskModel, model: str) -> Asks:
    async def judged(request: Request) -> Told:
        return Told(await ask(request.but(model=model)), "", None)

    return judged


def _outcome(learnt: Learnt) -> dict[str, Any]:
    return {**msgspec.to_builtins(learnt.outcome), "reason": learnt.reason}


def _tell_adapter(learnt: Learnt, file: Path, *, as_json: bool) -> None:
    outcome = learnt.outcome
    if learnt.adapter is not None:
        write(file, msgspec.json.encode(learnt.adapter).decode())
    if as_json:
        print(json.dumps({"written": learnt.adapter is not None, **_outcome(learnt)}))
    else:
        best = sorted(outcome.trials, key=lambda each: -(each.seen.value or 0.0))
        shown = [each for each in best if each == outcome.chosen or each in best[:_SHOWN]]
        show(
            [
                {
                    "pull": each.pull,
                    "gate": "none" if each.gate < 0 else each.gate,
                    "share": "as before" if each.share is None else each.share,
                    "seen documents": said(each.seen),
                    "unseen documents": said(each.unseen),
                    "": "← chosen" if each == outcome.chosen else "" if each.harmless else "may harm",
                }
                for each in shown
            ],
            as_json=False,
            empty="",
        )
        if len(shown) < len(best):
            out.print(f"The best of {len(best)} that were tried; all of them with --json.")
        ending = f"Written to {file}: name it as `adapter` in the table."
        out.print(f"\n{ending if learnt.adapter else f'Not written: {learnt.reason}.'}", markup=False)
    if learnt.adapter is None:
        raise click.exceptions.Exit(3)
