"""`rowen prompts test`: how much an app's answers depend on how its prompt and the questions are written."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import Progress

from rowen.cli.options import app_option, flags_of, json_option, named, out, server_option, show, store_option
from rowen.config import read
from rowen.evaluate.dataset import asked as question_of
from rowen.evaluate.files import read as read_cases
from rowen.evaluate.robust.phrasing import HOWS, How, Phrasing, rephrased, rewritten
from rowen.evaluate.robust.sensitivity import Of, Sensitivity, Ways, measured
from rowen.flow import App
from rowen.flow.play import Try, tried
from rowen.prompt import written_of
from rowen.serve.evaluating import bench
from rowen.serve.settings import settings_of
from rowen.serve.tables import TABLES
from rowen.values import Answer, AskModel, Caller, Mistaken, Request, SystemClock, Unavailable
from rowen.values.errand import TRY
from rowen.values.interval import Interval

err = Console(stderr=True, highlight=False)

_OF: Mapping[Of, str] = {"prompt": "the prompt", "question": "the question"}


@click.command("test")
@click.argument("name", default="system")
@app_option
@server_option
@store_option
@json_option
@click.option("--question", "questions", multiple=True, help="What to ask; may be given again.")
@click.option(
    "--cases", type=click.Path(path_type=Path, dir_okay=False), help="A file of cases whose questions are asked."
)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="At most so many of the cases.")
@click.option("--var", "given", multiple=True, metavar="NAME=VALUE", help="A variable; may be given again.")
@click.option(
    "--of",
    "of",
    type=click.Choice(["prompt", "question", "both"]),
    default="both",
    show_default=True,
    help="What is written in other ways.",
)
@click.option("--how", "hows", multiple=True, type=click.Choice(HOWS), default=HOWS, help="The ways; default: all.")
@click.option("--each", default=1, show_default=True, type=click.IntRange(1, 20), help="How many of each way.")
@click.option(
    "--repeats", default=3, show_default=True, type=click.IntRange(2, 100), help="How often it is asked as it is."
)
@click.option("--paraphrase", default="", metavar="MODEL", help="A model of the app that writes further phrasings.")
@click.option("--model", default="", help="The model that answers; default: the app's own.")
@click.option("--seed", default=0, show_default=True, help="Another one makes other slips.")
@click.option("--at-most", type=click.FloatRange(0, 1), help="Exit with 3 when the sensitivity is surely above this.")
def command(
    name: str,
    path: Path,
    server_file: Path,
    store: str | None,
    as_json: bool,
    questions: tuple[str, ...],
    cases: Path | None,
    limit: int,
    given: tuple[str, ...],
    of: str,
    hows: tuple[How, ...],
    each: int,
    repeats: int,
    paraphrase: str,
    model: str,
    seed: int,
    at_most: float | None,
) -> None:
    """Ask the app the same with NAME and the questions written in other ways, and say how far the answers change.

    The calls are real: they are traced, limited and paid for.
    """
    values = dict(named(text) for text in given)
    asked = [*questions, *([question_of(case.input) for case in read_cases(cases)[:limit]] if cases else [])]
    settings, _ = settings_of(server_file, flags_of(store=store))
    loaded = read(path, TABLES)
    written = written_of(loaded.tables["prompt"]).get(name)
    if written is None and of == "prompt":
        raise Mistaken("prompt_unknown", f"the app has no prompt {name!r}", place=path.name)
    if not asked and (written is None or written.role != "user"):
        raise Mistaken("field_invalid", "give a --question, or a file of --cases", place="--question")
    caller = Caller(key="", shown=TRY.shown, tenant="default", priority="normal")

    async def work() -> Sensitivity:
        async with bench(settings, [loaded], SystemClock()) as stand:
            app = stand.apart.named(loaded.definition.app)

            async def phrasings(text: str) -> tuple[Phrasing, ...]:
                found = rephrased(text, hows, each=each, seed=seed)
                if paraphrase:
                    found += await rewritten(text, _asking(app), paraphrase, each=each)
                return tuple(found)

            async def ask(prompt: str | None, question: str) -> str:
                wanted = Try(
                    models=(model,) if model else (),
                    question=question,
                    prompt=name if written else "",
                    draft=prompt,
                    variables=values,
                )
                (found,) = await tried(app, wanted, caller=caller, errand=TRY)
                if found.code:
                    raise Unavailable("upstream_error", found.message, who=found.model)
                return found.answer

            of_prompt = await phrasings(written.text) if written and of != "question" else ()
            plan = [
                Ways(text, of_prompt, await phrasings(text) if of != "prompt" and text else ())
                for text in asked or [""]
            ]
            total = sum(repeats + len(ways.prompts) + len(ways.questions) for ways in plan)
            with Progress(console=err, transient=True, disable=as_json or not sys.stderr.isatty()) as progress:
                task = progress.add_task("asking", total=total)
                return await measured(plan, ask, repeats=repeats, told=lambda: progress.advance(task))

    found = asyncio.run(work())
    if as_json:
        print(msgspec.json.encode(found).decode())
    else:
        _tell(found)
    if at_most is not None and found.sensitivity.low > at_most:
        raise click.exceptions.Exit(3)


def _asking(app: App) -> AskModel:
    async def ask(request: Request) -> Answer:
        done = await app.ask(request, errand=TRY, tenant="default", priority="normal")
        return done.answer or Answer()

    return ask


def _short(found: Interval) -> str:
    return "unknown" if found.value is None else f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"


def _tell(found: Sensitivity) -> None:
    rows: Sequence[Mapping[str, Any]] = [
        {
            "written otherwise": _OF[each.of],
            "how": each.how,
            "answers": each.n,
            "say the same": _short(each.agreed),
            "sensitivity": _short(each.sensitivity),
        }
        for each in found.shifts
    ]
    show(list(rows), as_json=False, empty="Nothing could be written otherwise.")
    out.print(f"\nAsked again as it is, answers say the same: {found.repeatability}; word by word: {found.identical}")
    out.print(f"[bold]Sensitivity to phrasing[/bold]: {found.sensitivity}")
    for other in found.others[:5]:
        out.print(f"\n{other.of}, {other.how}: {other.written[:200]!r}", markup=False)
        out.print(f"  before: {other.before[:200]!r}\n  after:  {other.after[:200]!r}", markup=False)
    for warning in found.warnings:
        err.print(f"[yellow]Mind:[/yellow] {warning}")
