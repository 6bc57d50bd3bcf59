"""`rowen smaller`: whether a small classifier could do what a model does, alone or in front of it."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from rowen.cli.datasets import datasets_of, tenant_option
from rowen.cli.options import in_store, json_option, out, server_option, store_option
from rowen.evaluate.dataset import asked
from rowen.evaluate.run.base import load, shelf
from rowen.evaluate.smaller import Advised, Cascade, Example, Tries, advise, cascade, normal, of_model, of_words
from rowen.evaluate.statistics.arrays import Floats
from rowen.flow.knowledge import Bundled
from rowen.serve.settings import ServerSettings
from rowen.store.base import Place, Store, TraceFilter
from rowen.values import Mistaken, Outcome

_PAGE = 200

margin_option = click.option(
    "--margin", default=0.02, show_default=True, type=click.FloatRange(0, 0.5, min_open=True), help="What may be lost."
)
embed_option = click.option(
    "--embed", default="", help="A bundled model that embeds, such as minilm; default: words alone, without a model."
)


@click.group("smaller")
def command() -> None:
    """Find out whether something smaller would do."""


@command.command("run")
@click.argument("run")
@server_option
@store_option
@tenant_option
@json_option
@embed_option
@margin_option
def run_(run: str, server_file: Path, store: str | None, tenant: str, as_json: bool, embed: str, margin: float) -> None:
    """Hold a classifier against the answers of RUN, whose cases are answered by a few labels.

    Where cases say what is expected, accuracy is that; else it is how often the classifier says what the model said.
    """

    async def work(found: Store, _: ServerSettings) -> list[Example]:
        known = await shelf(found.records).get(run, tenant)
        if known is None:
            raise Mistaken("not_found", f"there is no run {run[:70]!r}", place="run")
        cases = {each.id: each for each in await datasets_of(found).cases(known.dataset, tenant, known.version)}
        return [
            Example(
                text=asked(cases[one.case].input),
                said=normal(one.answer),
                right=normal(str(cases[one.case].expected or "")),
                group=one.group or one.case,
                cost=None if one.cost is None else float(one.cost),
                ms=one.duration_ms,
            )
            for one in await _outcomes(found, run, tenant)
            if one.case in cases and one.state == "answered" and not one.trial
        ]

    _tell(_advised(in_store(server_file, store, work), embed, margin), as_json=as_json)


@command.command("logged")
@click.option("--app", required=True, help="Of which app.")
@click.option("--limit", default=2000, show_default=True, type=click.IntRange(50, 20_000), help="Calls, the newest.")
@server_option
@store_option
@tenant_option
@json_option
@embed_option
@margin_option
def logged(
    app: str,
    limit: int,
    server_file: Path,
    store: str | None,
    tenant: str,
    as_json: bool,
    embed: str,
    margin: float,
) -> None:
    """Hold a classifier against what an app's model answered to its users, where that was one of few labels."""

    async def work(found: Store, _: ServerSettings) -> list[Example]:
        examples: list[Example] = []
        before = ""
        while len(examples) < limit:
            rows = await found.traces.find(
                TraceFilter(app=app, tenant=tenant, status="ok", before=before, limit=min(_PAGE, limit - len(examples)))
            )
            if not rows:
                break
            before = rows[-1].cursor
            examples += [
                Example(
                    text=row.asked,
                    said=normal(row.said),
                    group=row.user or row.session or row.id,
                    cost=None if row.cost is None else float(row.cost),
                    ms=row.duration_ns / 1e6,
                )
                for row in rows
                if row.asked and row.said and row.source == "model"
            ]
        return examples

    _tell(_advised(in_store(server_file, store, work), embed, margin), as_json=as_json)


@command.command("cascade")
@click.argument("small")
@click.argument("large")
@click.option("--sure", required=True, help="The metric of SMALL that says how sure it is, known without the truth.")
@click.option("--metric", required=True, help="The metric that counts.")
@server_option
@store_option
@tenant_option
@json_option
@margin_option
def cascade_(
    small: str,
    large: str,
    sure: str,
    metric: str,
    server_file: Path,
    store: str | None,
    tenant: str,
    as_json: bool,
    margin: float,
) -> None:
    """Replay two runs over the same cases as a cascade: SMALL answers where it is sure, LARGE the rest."""

    async def work(found: Store, _: ServerSettings) -> Cascade:
        sides = []
        for id in (small, large):
            known = await shelf(found.records).get(id, tenant)
            if known is None:
                raise Mistaken("not_found", f"there is no run {id[:70]!r}", place="run")
            sides.append(await load(found.runs, known))
        one, other = sides
        columns = [one.cases(sure), one.cases(metric), other.cases(metric), one.cases("cost"), other.cases("cost")]
        both = [case for case in columns[0] if all(case in column for column in columns[1:])]
        tries = [
            Tries(
                group=one.groups[case],
                sure=columns[0][case],
                small=columns[1][case],
                large=columns[2][case],
                small_cost=columns[3][case],
                large_cost=columns[4][case],
            )
            for case in both
        ]
        return cascade(tries, margin=margin)

    found = in_store(server_file, store, work)
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    _tell_cascade(found)


async def _outcomes(store: Store, run: str, tenant: str) -> list[Outcome]:
    found: list[Outcome] = []
    after: Place | None = None
    while page := await store.runs.page(run, tenant=tenant, after=after, limit=_PAGE):
        found += page
        after = Place(page[-1].case, page[-1].trial)
    return found


def _advised(examples: Sequence[Example], embed: str, margin: float) -> Advised:
    texts = [each.text for each in examples]
    began = time.perf_counter()
    rows: Floats = asyncio.run(of_model(texts, Bundled()(embed))) if embed else of_words(texts)
    each = (time.perf_counter() - began) * 1e3 / max(1, len(texts))
    return advise(examples, rows, features=embed or "words", small_ms=each, margin=margin)


def _tell(found: Advised, *, as_json: bool) -> None:
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    what = "what is right" if found.against == "truth" else "what the model said"
    out.print(f"Would a classifier on {found.features} do? {found.advice}: {found.why}.", markup=False)
    out.print(f"accuracy against {what}: model {found.model}; classifier {found.small}", markup=False)
    out.print(f"{found.n:,} examples of {found.labels} labels, each judged by a head that had not seen its group.")
    if found.cost.value is not None:
        out.print(f"an answer of the model costs ${found.cost.value:.2g}", markup=False, end="; ")
    if found.ms.value is not None:
        out.print(f"it takes {found.ms.value:,.0f} ms, the classifier {found.small_ms:.2g} ms.", markup=False)
    if found.cascade is not None:
        _tell_cascade(found.cascade)


def _tell_cascade(found: Cascade) -> None:
    word = "holds" if found.holds else "does not hold"
    out.print(
        f"As a cascade (the small one answers from {found.threshold:.2f} on) it {word}: {found.answered.value or 0:.0%} answered "
        f"by the small one, score {found.difference}, cost saved {found.saved}; told on {found.n} cases that the threshold "
        "was not chosen on.",
        markup=False,
    )
