"""`rowen score`: judge answers of a file, or of the newest traces, by a scorer."""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import Progress

from rowen.cli.examples import such_as
from rowen.cli.options import in_store, json_option, out, server_option, show, store_option
from rowen.score import catalog
from rowen.score.base import Scorer, Subject, Verdict
from rowen.score.subject import of_trace
from rowen.serve.settings import ServerSettings
from rowen.store.base import Store, TraceFilter
from rowen.values import Mistaken
from rowen.values.interval import mean


class Line(msgspec.Struct, frozen=True):
    """One line of a file: an answer, and what it is judged by."""

    answer: str
    question: str = ""
    reference: str = ""
    references: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()
    context: str = ""

    @property
    def subject(self) -> Subject:
        """The line as a subject."""
        return Subject(
            question=self.question,
            answer=self.answer,
            references=self.references or ((self.reference,) if self.reference else ()),
            contexts=self.contexts or ((self.context,) if self.context else ()),
        )


@click.command("score", epilog=such_as("rowen score exact answers.jsonl", "rowen score refusal --app shop --limit 200"))
@click.argument("kind")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@server_option
@store_option
@json_option
@click.option(
    "--option", "options", multiple=True, metavar="NAME=VALUE", help="A setting of the scorer; the value as JSON."
)
@click.option("--app", default="", help="Of the store: only this app's traces.")
@click.option("--limit", default=1000, show_default=True, type=click.IntRange(1), help="Of the store: traces at most.")
@click.option("--each", is_flag=True, help="Print the verdicts of every answer, one JSON line each.")
def command(
    kind: str,
    file: Path | None,
    server_file: Path,
    store: str | None,
    as_json: bool,
    options: tuple[str, ...],
    app: str,
    limit: int,
    each: bool,
) -> None:
    """Judge the answers of FILE by the scorer KIND, or the newest traces of the store where no FILE is named.

    FILE has one JSON object a line with `answer`, and `question`, `reference` or `references`, `context` or `contexts`
    as the scorer needs them. Nothing is written; rules keep scores, see the how-to on judges.
    """
    scorer = catalog.make(kind, dict(_option(each) for each in options))
    if file is not None:
        subjects = _read(file)
    else:
        subjects = in_store(server_file, store, lambda found, settings: _of_store(found, settings, app, limit))
    verdicts = asyncio.run(_judged(scorer, subjects))
    if each:
        for number, (id, _) in enumerate(subjects):
            print(msgspec.json.encode({"id": id, "verdicts": verdicts[number]}).decode())
        return
    warnings = {warning for found in verdicts for each in found if (warning := each.metadata.get("warning"))}
    show(_summary(kind, verdicts), as_json=as_json, empty="Nothing to judge.")
    for warning in sorted(warnings):
        Console(stderr=True, highlight=False).print(f"[yellow]Mind:[/yellow] {warning}")
    passed_over = sum(not found for found in verdicts)
    if passed_over and not as_json:
        out.print(f"{passed_over:,} of {len(verdicts):,} lacked what this scorer judges, such as a reference.")


def _option(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Mistaken("field_invalid", f"an option is NAME=VALUE, not {text!r}", place="--option")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _read(file: Path) -> list[tuple[str, Subject]]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise Mistaken("config_missing", f"cannot read {file}: {error.strerror}", place=str(file)) from error
    except UnicodeDecodeError as error:
        raise Mistaken("utf8_invalid", f"{file} is not UTF-8", place=str(file)) from error
    found: list[tuple[str, Subject]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found.append((str(number), msgspec.json.decode(line, type=Line).subject))
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise Mistaken("field_invalid", str(error), place=f"{file.name}:{number}") from error
    return found


async def _of_store(store: Store, _: ServerSettings, app: str, limit: int) -> list[tuple[str, Subject]]:
    found: list[tuple[str, Subject]] = []
    before = ""
    while len(found) < limit:
        rows = await store.traces.find(
            TraceFilter(app=app, status="ok", before=before, limit=min(200, limit - len(found)))
        )
        for row in rows:
            trace = await store.traces.get(row.id, row.tenant)
            if trace is not None:
                found.append((row.id, of_trace(trace, {})))
        if not rows:
            break
        before = rows[-1].cursor
    return found


async def _judged(scorer: Scorer, subjects: list[tuple[str, Subject]]) -> list[tuple[Verdict, ...]]:
    found: list[tuple[Verdict, ...]] = []
    with _progress(len(subjects)) as advance:
        for _, subject in subjects:
            found.append(await scorer(subject))
            advance()
    return found


@contextmanager
def _progress(total: int) -> Iterator[Any]:
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("judging", total=total)
        yield lambda: progress.advance(task)


def _summary(kind: str, verdicts: list[tuple[Verdict, ...]]) -> list[Any]:
    """One row for each part: how many, the mean with its interval, or how often each label was given."""
    parts: dict[str, list[Verdict]] = {}
    for found in verdicts:
        for verdict in found:
            parts.setdefault(verdict.part, []).append(verdict)
    rows: list[Any] = []
    for part, given in parts.items():
        numbers = [verdict.number for verdict in given if verdict.number is not None]
        if numbers:
            middle = mean(numbers)
            bounds = [round(middle.low, 4), round(middle.high, 4)] if len(numbers) > 1 else None
            value: Any = round(middle.value or 0.0, 4)
        else:
            labels = sorted({str(verdict.value) for verdict in given})
            value = {label: sum(str(verdict.value) == label for verdict in given) for label in labels}
            bounds = None
        rows.append({"score": f"{kind}.{part}" if part else kind, "n": len(given), "mean": value, "95%": bounds})
    return rows
