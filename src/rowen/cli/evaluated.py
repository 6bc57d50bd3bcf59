"""How `rowen eval` says what came of runs: as a table, as files, and as an exit code."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from rowen.cli.options import out, show
from rowen.evaluate.run.desk import RunDesk
from rowen.evaluate.run.junit import junit as junit_of
from rowen.evaluate.run.markdown import markdown as markdown_of
from rowen.evaluate.run.result import Result
from rowen.values import Mistaken
from rowen.values.interval import Interval

MET, NOT_MET, EARLY = 0, 1, 3


def code_of(results: Sequence[Result]) -> int:
    """Return the exit code: 1 where something must be and is not, 3 where a run ended early, else 0."""
    if any(not each.passed for result in results for each in result.held):
        return NOT_MET
    return EARLY if any(result.run.state != "done" for result in results) else MET


def say(results: Sequence[Result], *, as_json: bool) -> None:
    """Print results as tables, or as JSON."""
    for run in (each.run for each in results):
        for index in run.indexes:
            if not index.build:
                why = f"[yellow]{index.name} is not indexed yet,[/yellow] so that nothing of it was found"
                Console(stderr=True, highlight=False).print(f"{why}: run `rowen index sync`.", soft_wrap=True)
    if as_json:
        print(msgspec.json.encode(list(results), enc_hook=str).decode())
        return
    for result in results:
        _say(result)


async def written(desk: RunDesk, results: Sequence[Result], *, junit: Path | None, markdown: Path | None) -> None:
    """Write results to files.

    Raises:
        Mistaken: `config_invalid` where a file cannot be written.

    """
    if junit is not None:
        _write(junit, await junit_of(desk, results))
    if markdown is not None:
        _write(markdown, markdown_of(results).encode())


def _say(result: Result) -> None:
    run = result.run
    said = f"{run.suite or 'run'} {run.id}: {run.cases:,} cases × {run.trials}, {run.answered:,} answered, {run.failed:,} failed"
    out.print(f"{said}, {run.cached:,} known from earlier runs, {run.cost.normalize():f} USD")
    show(
        [
            {
                "metric": each.metric,
                "n": each.interval.n,
                "mean": number(each.interval.value),
                "95 %": bounds(each.interval),
                "median": number(each.median),
                "p95": number(each.p95),
                "without": each.missing or "",
            }
            for each in result.figures
        ],
        as_json=False,
        empty="No case has a figure.",
    )
    for each in result.held:
        colour = {"met": "green", "missed": "red", "undecided": "yellow"}[each.state]
        out.print(f"[{colour}]{'✓' if each.passed else '✗'}[/{colour}] {each}", markup=True)
    for error, count in result.errors.items():
        Console(stderr=True, highlight=False).print(f"[red]{count:,} failed:[/red] {error}")
    if run.state != "done":
        Console(stderr=True, highlight=False).print(
            f"[yellow]{run.state}:[/yellow] {run.why}. Go on with `rowen eval --resume {run.id}`."
        )


def number(value: float | None) -> str:
    """Return a figure for people."""
    return "" if value is None else f"{value:.4g}"


def bounds(interval: Interval) -> str:
    """Return the bounds of an interval for people."""
    return interval.bounds(".4g")


def _write(file: Path, body: bytes) -> None:
    try:
        file.write_bytes(body)
    except OSError as error:
        raise Mistaken("config_invalid", f"cannot write {file}: {error.strerror}", place=str(file)) from error
