"""`rowen demo`: everything once, on real models, through the official OpenAI client."""

import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import click
from rich.console import Console
from rich.table import Table

from rowen import access
from rowen.access import SYSTEM
from rowen.cli import grounded, models
from rowen.cli.examples import example
from rowen.limits import written
from rowen.store.catalog import open_store
from rowen.values import Mistaken, Scope, SystemClock, Unavailable

out = Console(highlight=False)
_WAIT = 180.0  # seconds: of a machine that is busy with other things, too


@dataclass(slots=True)
class Told:
    """One step as it went."""

    name: str
    wanted: str
    held: bool = False
    said: str = ""
    ms: float = 0.0
    cost: str = "–"
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """A running server and how to reach it."""

    base: str
    link: str
    process: "subprocess.Popen[str]"
    folder: Path
    handbook: Path
    """The app that answers from documents."""


@click.command("demo")
@click.option("--once", is_flag=True, help="Stop at the end; exit 0 only if every step did what it should.")
@click.option("--port", type=int, default=0, help="Port to listen on; default: a free one.")
def command(once: bool, port: int) -> None:
    """Serve small real models, call them in ten ways, and show what was kept of each call."""
    try:
        import openai  # noqa: F401, PLC0415 - the demo's own extra
    except ModuleNotFoundError as error:
        raise Mistaken("extra_missing", "the demo needs `pip install 'rowen[local,demo]'`") from error
    models.add.main(["smollm2", "minilm"], standalone_mode=False)
    with _served(port, keep=not once) as stage:
        told = _play(stage)
        _show(told)
        if once:
            sys.exit(0 if all(step.held for step in told) else 1)
        _stay(stage)


@contextlib.contextmanager
def _served(port: int, *, keep: bool) -> Iterator[Stage]:
    """Run `rowen dev` on the first two examples until the block ends."""
    app = example("01-ask") / "app.toml"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(".rowen/demo").resolve() if keep else Path(scratch)
        handbook = grounded.prepared(folder)
        arguments = [
            sys.executable,
            "-u",
            "-m",
            "rowen",
            "dev",
            str(app),
            str(handbook),
            "--port",
            str(port),
            "--store",
            f"sqlite:{folder}",
        ]
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own program
        try:
            yield _listening(process, folder, handbook)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _listening(process: "subprocess.Popen[str]", folder: Path, handbook: Path) -> Stage:
    base = link = ""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Rowen listens on "):
            base = line.split()[3]
        elif line.startswith("Pages, signed in"):
            link = line.split()[-1]
            break
    if not base:
        raise Unavailable("no_route", "the server did not start; what it said is above")
    return Stage(base, link, process, folder, handbook)


def _play(stage: Stage) -> list[Told]:
    """Make the calls, each through the official client, and look each up in the record."""
    from openai import OpenAI, RateLimitError  # noqa: PLC0415 - the demo's own extra

    reader = _key(stage, "demo", ("call", "read"))
    narrow = _key(stage, "demo, one call a day", ("call",), requests="1/day")
    _ready(stage, reader)
    client = OpenAI(base_url=f"{stage.base}/v1", api_key=reader, max_retries=0, timeout=_WAIT)
    limited = OpenAI(base_url=f"{stage.base}/v1", api_key=narrow, max_retries=0, timeout=_WAIT)

    def ask(who: OpenAI, model: str, question: str, **more: Any) -> tuple[str, Any]:
        raw = who.chat.completions.with_raw_response.create(
            # The likeliest words, and room to end: an answer that was cut off is not kept in the cache.
            model=model,
            messages=[{"role": "user", "content": question}],
            max_tokens=256,
            temperature=0,
            **more,
        )
        return raw.parse().choices[0].message.content or "", raw.headers

    def plain(step: Told) -> None:
        step.said, headers = ask(client, "smol", "What is a meadow?")
        step.trace = headers["x-rowen-trace"]
        step.held = bool(step.said.strip()) and headers["x-rowen-cache"] == "miss"

    def streamed(step: Told) -> None:
        raw = client.chat.completions.with_raw_response.create(
            model="smol",
            messages=[{"role": "user", "content": "Name three things that grow in a meadow."}],
            max_tokens=40,
            stream=True,
            stream_options={"include_usage": True},
        )
        step.trace = raw.headers["x-rowen-trace"]
        pieces, usage = 0, None
        for chunk in raw.parse():
            usage = chunk.usage or usage
            for choice in chunk.choices:
                if choice.delta.content:
                    pieces += 1
                    step.said += choice.delta.content
        step.held = pieces > 1 and usage is not None and usage.completion_tokens > 0

    def cached(step: Told) -> None:
        step.said, headers = ask(client, "smol", "What is a meadow?")
        step.trace = headers["x-rowen-trace"]
        step.held = headers["x-rowen-cache"] == "hit"

    def refused(step: Told) -> None:
        for _ in range(2):  # the second is one too many
            try:
                ask(limited, "smol", "What is a meadow?")
            except RateLimitError as error:
                step.said = str((error.body or {}).get("message", "") if isinstance(error.body, dict) else error)
                step.trace = error.response.headers["x-rowen-trace"]
                step.held = "retry-after" in error.response.headers
                return

    def fallen_back(step: Told) -> None:
        step.said, headers = ask(client, "shaky", "Why do cows like clover?")
        step.trace = headers["x-rowen-trace"]
        step.held = headers["x-rowen-model"] == "smol"

    def embedded(step: Told) -> None:
        raw = client.embeddings.with_raw_response.create(
            model="minilm", input=["a field of grass", "a meadow", "a spreadsheet"]
        )
        step.trace = raw.headers["x-rowen-trace"]
        field_, meadow, sheet = (each.embedding for each in raw.parse().data)
        near, far = (sum(a * b for a, b in zip(meadow, each, strict=True)) for each in (field_, sheet))
        step.said = f"meadow is {near:.2f} close to field of grass, {far:.2f} to spreadsheet"
        step.held = near > far

    def known(model: str, question: str, most: int = 80) -> tuple[str, Any, list[Any]]:
        raw = client.chat.completions.with_raw_response.create(
            model=model,
            messages=[{"role": "user", "content": question}],
            max_tokens=most,
            temperature=0,
            extra_headers={"x-rowen-app": "handbook"},
        )
        message = raw.parse().choices[0].message
        return message.content or "", raw.headers, [each.model_dump() for each in message.annotations or ()]

    def read_in(step: Told) -> None:
        with out.status("reading the documentation …") as status:
            documents, chunks = grounded.indexed(lambda path: _got(stage, reader, path), status.update)
        step.said = f"{documents} pages in {chunks} chunks, each with its vector and its words"
        step.held = documents > 10

    def quoted(step: Told) -> None:
        said, headers, annotations = known("quote", grounded.QUESTION)
        step.trace = headers["x-rowen-trace"]
        step.said = f"{said} ← {'; '.join(dict.fromkeys(grounded.cited(annotations)))}"
        step.held = str(grounded.hours(stage.handbook)) in said and bool(grounded.cited(annotations))

    def written_by_model(step: Told) -> None:
        step.said, headers, annotations = known("smol", grounded.QUESTION, most=40)  # a sentence or two: it rambles on
        step.trace = headers["x-rowen-trace"]
        cited = dict.fromkeys(grounded.cited(annotations))
        step.said += f" ← {'; '.join(cited) or 'nothing bears it out'}"
        step.held = bool(step.said.strip())

    def worked_out(step: Told) -> None:
        said, headers, annotations = known("quote", grounded.FIGURES)
        step.trace = headers["x-rowen-trace"]
        step.said = f"{said} ← {grounded.queried(annotations)}"
        step.held = str(grounded.total(stage.handbook)) in said and bool(grounded.queried(annotations))

    def unknown(step: Told) -> None:
        step.said, headers, _ = known("quote", grounded.UNKNOWN)
        step.trace = headers["x-rowen-trace"]
        step.held = "not know" in step.said

    def freshened(step: Told) -> None:
        now = grounded.changed(stage.handbook)
        said, headers, _, took = grounded.until_told(known, now)
        step.trace = headers["x-rowen-trace"]
        step.said = f"{said} ← {took:.1f} s after the page was changed"
        step.held = str(now) in said

    acts: list[tuple[str, str, Callable[[Told], None]]] = [
        ("a plain call", "an answer of the model", plain),
        ("a streamed call", "several pieces, usage at the end", streamed),
        ("the first question again", "a hit in the cache", cached),
        ("one call too many", "429 with retry-after", refused),
        ("a provider that is down", "the fallback answers", fallen_back),
        ("embeddings", "near things are near", embedded),
        ("documents are read", "Rowen's own how-tos, cut, embedded and indexed", read_in),
        ("a question about them", "the sentence that answers, with its page", quoted),
        ("the same, by the small model", "its own words, each held against the sources", written_by_model),
        ("a question about figures", "exact, by a query over a table", worked_out),
        ("a question they do not answer", "no answer is made up", unknown),
        ("a page is changed", "the answer changes", freshened),
    ]
    told = []
    for name, wanted, act in acts:
        step = Told(name, wanted)
        started = time.perf_counter()
        if out.is_terminal:
            out.print(f"[dim]{name} …[/dim]", end="\r")
        act(step)
        step.ms = (time.perf_counter() - started) * 1000
        step.cost = _recorded(stage, reader, step) if step.trace else "–"
        mark = "[green]✓[/green]" if step.held else "[red]✗[/red]"
        out.print(f"{mark} [bold]{name}[/bold] ({wanted})")
        out.print(f"    {' '.join(step.said.split())[:220]}", markup=False, soft_wrap=True)
        where = f" · {step.cost} · {stage.base}/traces/{step.trace}" if step.trace else f" · {stage.base}/knowledge"
        out.print(f"    [dim]{step.ms:.0f} ms{where}[/dim]", soft_wrap=True)
        told.append(step)
    return told


def _key(stage: Stage, name: str, scopes: tuple[Scope, ...], requests: str = "") -> str:
    """Make a key in the server's store, as `rowen keys create` does."""

    async def make() -> str:
        clock = SystemClock()
        store = await open_store(f"sqlite:{stage.folder}", clock=clock)
        try:
            directory = access.Directory(keys=store.keys, tenants=store.tenants, revisions=store.revisions, clock=clock)
            await directory.load()
            register = access.Register(
                keys=store.keys, tenants=store.tenants, audit=store.audit, directory=directory, clock=clock
            )
            limits = (written.limit(requests, "requests", "key"),) if requests else ()
            made = await register.create(SYSTEM, access.Wanted(name=name, scopes=scopes, limits=limits))
            return made.secret.reveal()
        finally:
            await store.close()

    return asyncio.run(make())


def _ready(stage: Stage, key: str) -> None:
    """Wait until the server answers and knows the key."""
    ends = time.monotonic() + _WAIT
    while time.monotonic() < ends:
        if _got(stage, key, "/v1/models") is not None:
            return
        time.sleep(0.1)
    raise Unavailable("no_route", "the server did not become ready in three minutes")


def _recorded(stage: Stage, key: str, step: Told) -> str:
    """Return the cost on record; the trace must be there within a second or so, or the step did not hold."""
    for _ in range(30):
        found = _got(stage, key, f"/api/traces/{step.trace}")
        if found is not None:
            cost = found["data"]["row"].get("cost")
            return "unknown cost" if cost is None else f"${float(cost):.7f}" if float(cost) else "$0"
        time.sleep(0.1)
    step.held = False
    return "no trace"


def _got(stage: Stage, key: str, path: str) -> Any:
    """Return what the server's API says, None when it does not answer well."""
    asked = Request(stage.base + path, headers={"authorization": f"Bearer {key}"})  # noqa: S310 - our own loopback
    try:
        with urlopen(asked, timeout=_WAIT) as reply:  # noqa: S310 - likewise
            return json.load(reply)
    except OSError:
        return None


def _show(told: list[Told]) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False, title_justify="left")
    for name in ("step", "held", "ms", "cost"):
        table.add_column(name, justify="right" if name in {"ms", "cost"} else "left")
    for step in told:
        table.add_row(step.name, "yes" if step.held else "NO", f"{step.ms:.0f}", step.cost)
    out.print()
    out.print(table)
    out.print("The bundled model is tiny: it writes fluent sentences and invents facts.")


def _stay(stage: Stage) -> None:
    out.print(f"\nSee it: {stage.link}\n", soft_wrap=True)
    app = example("01-ask") / "app.toml"
    out.print(f"Serving until Ctrl-C. Edit {app} or its prompt: it is reloaded on save.", soft_wrap=True)
    with contextlib.suppress(KeyboardInterrupt):
        stage.process.wait()
