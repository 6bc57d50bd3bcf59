"""`rowen eval`: try an app, an endpoint or a function on cases, and say whether it is good enough."""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, get_args

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from rowen.cli.evaluated import code_of, say, written
from rowen.cli.examples import such_as
from rowen.cli.options import app_option, flags_of, json_option, server_option, store_option
from rowen.config import Loaded, kept, read
from rowen.evaluate.run.desk import Brought, Plan, plan_in, plan_of
from rowen.evaluate.run.function import of_function
from rowen.evaluate.run.result import Result
from rowen.evaluate.run.suite import EvaluateTable, Undecided
from rowen.release import Releases
from rowen.serve.evaluating import Bench, bench
from rowen.serve.settings import ServerSettings, settings_of
from rowen.serve.tables import TABLES
from rowen.store.catalog import open_store
from rowen.values import Mistaken, Run, SystemClock, Target

ENDPOINT = "endpoint"
"""The name of the app that an OpenAI-shaped address is tried as."""

err = Console(stderr=True, highlight=False)


@click.command(
    "eval",
    epilog=such_as(
        "rowen eval", "rowen eval smoke --trials 5 --budget 0.50", "rowen eval --cases questions.csv --scorer exact"
    ),
)
@click.argument("suites", nargs=-1)
@app_option
@server_option
@store_option
@json_option
@click.option("--cases", default="", help="A file of cases, or dataset:NAME[@VERSION], instead of a suite's.")
@click.option("--scorer", "scorers", multiple=True, help="A scorer, by the name of its table or by its kind.")
@click.option("--must", multiple=True, metavar="'METRIC >= N'", help="What a metric must be.")
@click.option(
    "--version", default="", help="Try a version of the app that is kept here, on what the file says of suites."
)
@click.option("--function", default="", metavar="MODULE:NAME", help="Try a function instead of the app.")
@click.option("--endpoint", default="", metavar="URL", help="Try a model behind an OpenAI-shaped address instead.")
@click.option("--model", default="", help="The model at the endpoint, or the app's own to ask.")
@click.option("--key", default="", metavar="env:NAME|file:PATH", help="Where the endpoint's key is.")
@click.option("--trials", type=click.IntRange(1), help="How often each case is tried.")
@click.option("--concurrency", type=click.IntRange(1), help="Cases at the same time.")
@click.option("--budget", help="US dollars that the run may cost.")
@click.option("--undecided", type=click.Choice(get_args(Undecided)), help="What decides where the cases are too few.")
@click.option("--fresh", is_flag=True, help="Ask everything anew, whatever earlier runs were answered.")
@click.option("--resume", default="", metavar="RUN", help="Go on with a run that ended early.")
@click.option("--failed", is_flag=True, help="With --resume: try again what failed.")
@click.option("--again", default="", metavar="RUN", help="Run an earlier run once more, on the same cases.")
@click.option("--tenant", default="default", show_default=True, help="On whose account.")
@click.option("--note", default="", help="What it is run for.")
@click.option("--by", default="", help="Who runs it.")
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write the cases as JUnit XML.")
@click.option("--markdown", type=click.Path(path_type=Path, dir_okay=False), help="Write a summary in Markdown.")
def command(
    suites: tuple[str, ...],
    path: Path,
    server_file: Path,
    store: str | None,
    as_json: bool,
    cases: str,
    scorers: tuple[str, ...],
    must: tuple[str, ...],
    version: str,
    function: str,
    endpoint: str,
    model: str,
    key: str,
    trials: int | None,
    concurrency: int | None,
    budget: str | None,
    undecided: Undecided | None,
    fresh: bool,
    resume: str,
    failed: bool,
    again: str,
    tenant: str,
    note: str,
    by: str,
    junit: Path | None,
    markdown: Path | None,
) -> None:
    """Try the app on the cases of its [evaluate.NAME] tables, all of them or those that are named.

    Ends with 0 when all that must be is, 1 when not, 3 when a run stopped early (for its budget, a limit or a person).
    What earlier runs of the same app were answered is not asked again, unless --fresh says so; a run that was killed
    goes on with --resume and pays for nothing twice.
    """
    settings, _ = settings_of(server_file, flags_of(store=store))
    apps = [] if (function or endpoint) and not path.exists() else [read(path, TABLES)]
    wished = {
        name: value
        for name, value in {
            "cases": cases,
            "scorers": scorers,
            "must": dict(_bound(each) for each in must),
            "trials": trials,
            "concurrency": concurrency,
            "budget": budget,
            "undecided": undecided,
        }.items()
        if value
    }

    async def work() -> list[Result]:
        async with AsyncExitStack() as stack:
            loaded = [await _kept(settings, apps[0], version)] if version and apps else list(apps)
            judge = loaded[0].definition.app if loaded else ""
            target: Target | None = None
            if endpoint:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                at = _endpoint(folder, endpoint, model, key)
                loaded.append(at)
                target = Target(
                    kind="endpoint", app=ENDPOINT, definition=at.definition.hash, name=f"{model} at {endpoint}"
                )
            found = await stack.enter_async_context(bench(settings, loaded, SystemClock(), judge=judge))
            results: list[Result] = []
            if resume:
                one = await found.desk.ready(resume, tenant, budget=budget or "")
                results.append(await _done(found, one, again=failed))
            elif again:
                earlier = await found.desk.get(again, tenant)
                results.append(await _again(found, earlier, by=by, note=note, fresh=fresh))
            else:
                target = of_function(function).target if function else target or _of_app(loaded[0])
                for name, table in _suites(apps[0] if apps else None, suites, wished):
                    brought = await found.desk.brought(table.cases, folder=path.parent, table=table, tenant=tenant)
                    plan = plan_of(table, apps[0].tables["score"] if apps else (), brought.cases)
                    if model and not endpoint:
                        plan = plan.but(params={**plan.params, "model": model})
                    run = await _begun(
                        found, target, brought, plan.but(reuse=not fresh), suite=name, tenant=tenant, by=by, note=note
                    )
                    results.append(await _done(found, run))
            await written(found.desk, results, junit=junit, markdown=markdown)
            return results

    results = asyncio.run(work())
    say(results, as_json=as_json)
    sys.exit(code_of(results))


async def _begun(
    found: Bench, target: Target, brought: Brought, plan: Plan, *, suite: str, tenant: str, by: str, note: str
) -> Run:
    run = await found.desk.begin(target, brought, plan, suite=suite, tenant=tenant, by=by, note=note)
    found.means.judges(run, plan)  # what cannot judge is told before anything is paid for
    return run


async def _again(found: Bench, earlier: Run, *, by: str, note: str, fresh: bool) -> Result:
    """Run a run once more: the same target, cases, scorers and bounds."""
    plan = plan_in(earlier).but(reuse=not fresh)
    brought = Brought(dataset=earlier.dataset, version=earlier.version, cases=await found.desk.cases(earlier))
    run = await _begun(
        found, earlier.target, brought, plan, suite=earlier.suite, tenant=earlier.tenant, by=by,
        note=note or f"again {earlier.id[-8:]}",
    )  # fmt: skip
    return await _done(found, run)


async def _done(found: Bench, run: Run, *, again: bool = False) -> Result:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,} of {task.total:,}"))
    with Progress(
        *columns, TextColumn("{task.fields[more]}"), TimeRemainingColumn(), console=err, transient=True,
        disable=not sys.stderr.isatty(),
    ) as progress:  # fmt: skip
        task = progress.add_task(run.suite or "cases", total=run.cases * run.trials, more="")

        def told(run: Run) -> None:
            cost = f", {run.cost.normalize():f} USD" if run.cost else ""
            wrong = f", {run.failed:,} failed" if run.failed else ""
            progress.update(task, completed=run.answered + run.failed, more=f"{run.cached:,} known{wrong}{cost}")

        try:
            return await found.work.done(run, again=again, told=told)
        except asyncio.CancelledError:
            err.print(f"Interrupted. Go on with `rowen eval --resume {run.id}`.")
            raise


def _suites(loaded: Loaded | None, names: Sequence[str], wished: dict[str, Any]) -> list[tuple[str, EvaluateTable]]:
    """Return the suites to run, with what was wished for in place of what they say."""
    tables: dict[str, EvaluateTable] = loaded.tables["evaluate"] if loaded is not None else {}
    for name in names:
        if name not in tables:
            known = ", ".join(tables) or "none"
            raise Mistaken(
                "config_invalid", f"there is no [evaluate.{name}] in this app; there are: {known}", place="suite"
            )
    chosen: dict[str, EvaluateTable] = {name: tables[name] for name in names} or dict(tables)
    if "cases" in wished and not names:
        chosen = {"": EvaluateTable(cases=wished["cases"])}
    if not chosen:
        raise Mistaken(
            "config_invalid",
            'the app has no suite: write `[evaluate.smoke]` with `cases = "cases/smoke.jsonl"` into it, or name cases with --cases',
            place="evaluate",
        )
    return [(name, _wishing(table, wished)) for name, table in chosen.items()]


def _wishing(table: EvaluateTable, wished: dict[str, Any]) -> EvaluateTable:
    try:
        return table.but(**wished)
    except ValueError as error:
        raise Mistaken("field_invalid", str(error), place="--must or --budget") from error


def _bound(text: str) -> tuple[str, str]:
    place = next((place for place, each in enumerate(text) if each in "<>"), 0)
    if not place:
        raise Mistaken("field_invalid", f"a bound is METRIC >= N, not {text!r}", place="--must")
    return text[:place].strip(), text[place:].strip()


async def _kept(settings: ServerSettings, loaded: Loaded, name: str) -> Loaded:
    """Return a version of an app that is kept in the store, to be tried in the place of its file."""
    clock = SystemClock()
    store = await open_store(settings.store, clock=clock, traces=settings.traces)
    try:
        desk = Releases(store.records, store.definitions, clock)
        hash = (await desk.version(loaded.definition.app, name)).definition
        found = await store.definitions.get(hash)
    finally:
        await store.close()
    if found is None:
        raise Mistaken("not_found", f"the content of version {name} is not kept here", place="--version")
    return kept(found, TABLES, loaded.path)


def _of_app(loaded: Loaded) -> Target:
    return Target(
        kind="definition",
        app=loaded.definition.app,
        definition=loaded.definition.hash,
        name=loaded.tables["app"].release,
    )


def _endpoint(folder: Path, url: str, model: str, key: str) -> Loaded:
    """Return an app that is nothing but a model at an address."""
    if not model:
        raise Mistaken("field_invalid", "name the model at the endpoint with --model", place="--model")
    where, colon, name = key.partition(":")
    if key and not (colon and name and where in {"env", "file"}):
        raise Mistaken("field_invalid", "a key is named by env:NAME or file:PATH, never written here", place="--key")
    lines = ["[app]", f'name = "{ENDPOINT}"', "[models.endpoint]", 'provider = "openai"']
    lines += [f"model = {_quoted(model)}", f"base_url = {_quoted(url)}"]
    if key:
        lines.append(f"key = {{ {where} = {_quoted(name if where == 'env' else str(Path(name).resolve()))} }}")
    file = folder / "app.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    return read(file, TABLES)


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()
