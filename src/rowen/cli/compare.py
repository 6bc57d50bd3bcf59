"""`rowen compare`: runs side by side, and what the metric plan says of the change."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.markup import escape

from rowen.cli.choices import Candidates, Decided, catalogue_of, filed
from rowen.cli.datasets import err, tenant_option
from rowen.cli.examples import such_as
from rowen.cli.options import in_store, json_option, out, server_option, show, store_option
from rowen.config import read
from rowen.evaluate.choice import choice_text
from rowen.evaluate.compare import Comparing, Comparison
from rowen.evaluate.compare.write import markdown, named, told
from rowen.evaluate.plan import MetricsTable
from rowen.serve.settings import ServerSettings
from rowen.serve.tables import TABLES
from rowen.store.base import Store
from rowen.values import Run

_HELD = 3
"""The exit code of `--gate` where a candidate is not to be shipped."""


@click.command(
    "compare",
    epilog=such_as(
        "rowen compare 3f2a91 8b07c4",
        "rowen compare 3f2a91 8b07c4 --gate",
        "rowen compare 3f2a91 8b07c4 5d1e0a --report",
    ),
)
@click.argument("runs", nargs=-1, required=True)
@server_option
@store_option
@tenant_option
@json_option
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown.")
@click.option(
    "--app",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The app whose [metrics] decide; default: app.toml, where it is.",
)
@click.option("--primary", default="", help="The metric that decides, in place of a plan.")
@click.option("--metric", default="", help="The metric by which slices and cases are sorted.")
@click.option("--cases", default=10, show_default=True, type=click.IntRange(0, 1000), help="Cases told, each way.")
@click.option("--report", "as_report", is_flag=True, help="File the choice among RUNS: quality, cost, latency.")
@click.option("--chosen", default="", help="With --report: the run that is chosen.")
@click.option("--because", default="", help="With --report: why.")
@click.option("--by", default="", help="With --report: who chooses.")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="RUN=NAME",
    help="With --report: the model of [catalogue] that a run tried.",
)
@click.option("--gate", is_flag=True, help="Exit with 3 unless every candidate is to be shipped.")
def command(
    runs: tuple[str, ...],
    server_file: Path,
    store: str | None,
    tenant: str,
    as_json: bool,
    as_markdown: bool,
    app: Path | None,
    primary: str,
    metric: str,
    cases: int,
    as_report: bool,
    chosen: str,
    because: str,
    by: str,
    models: tuple[str, ...],
    gate: bool,
) -> None:
    """Compare RUNS over the cases that they share, the baseline first.

    Every metric has the interval of its difference, and the plan says ship, hold or stop. Slices that differ significantly
    stand first, and the cases that became worse before those that became better.

    With --report candidates are held against one another in quality, cost and latency, and the report is kept: see
    `rowen choices`.
    """
    plan = MetricsTable(primary=primary) if primary else plan_of(app)
    if as_report:
        decided = Decided(chosen=chosen, because=because, by=by)
        asked = Candidates(runs=runs, tenant=tenant, metric=metric, models=models)
        made = in_store(server_file, store, lambda found, _: filed(found, asked, plan, catalogue_of(app), decided))
        print(msgspec.json.encode(made).decode() if as_json else choice_text(made))
        return

    async def work(found: Store, _: ServerSettings) -> tuple[list[Run], list[Comparison]]:
        desk = Comparing(found.records, found.runs, lambda _: plan)
        known = await desk.found(runs, tenant)
        return known, await desk.compare(known, metric=metric, changes=cases)

    known, found = in_store(server_file, store, work)
    if as_json:
        print(msgspec.json.encode(found).decode())
    elif as_markdown:
        print(markdown(found, known, cases=cases))
    else:
        _tell(found, known)
    if gate and any(each.decision is None or each.decision.verdict != "ship" for each in found):
        raise click.exceptions.Exit(_HELD)


def plan_of(app: Path | None) -> MetricsTable:
    """Return the metric plan of an app; an empty one where no app is named and none is here."""
    path = app or Path("app.toml")
    if app is None and not path.exists():
        return MetricsTable()
    plan: MetricsTable = read(path, TABLES).tables["metrics"]
    return plan


def _tell(found: Sequence[Comparison], runs: Sequence[Run]) -> None:
    names = {run.id: named(run) for run in runs}
    for each in found:
        out.print(
            f"{names[each.candidate]} against {names[each.baseline]}: {each.pairs:,} pairs", markup=False, style="bold"
        )
        if each.decision is not None:
            colour = {"ship": "green", "hold": "yellow", "stop": "red"}[each.decision.verdict]
            out.print(f"[{colour}]{each.decision.verdict}[/{colour}]: {escape(each.decision.why)}")
        rows: list[Any] = [
            {
                "metric": one.metric,
                "role": one.role,
                "before": told(one.metric, one.baseline, signed=False),
                "after": told(one.metric, one.candidate, signed=False),
                "difference": told(one.metric, one.difference),
                "p": f"{one.p_holm:.2g}",
                "stands": one.standing,
            }
            for one in each.differences
        ]
        show(rows, as_json=False, empty="")
        slices: list[Any] = [
            {
                "slice": f"{one.by}: {one.value}",
                "cases": one.n,
                each.metric: told(each.metric, one.difference),
                "q": f"{one.q:.2g}",
                "stands": one.standing,
            }
            for one in each.slices
            if one.standing != "undecided"
        ]
        none = f"Of {each.slices_tested} slices none differs significantly." if each.slices_tested else ""
        show(slices, as_json=False, empty=none)
        cases: list[Any] = [
            {
                "case": one.case,
                each.metric: f"{one.before:.3g} → {one.after:.3g}",
                "before": (one.failed[0] or one.answers[0])[:200],
                "after": (one.failed[1] or one.answers[1])[:200],
            }
            for one in each.changes
        ]
        out.print(f"{each.worse} cases became worse, {each.better} better, {each.same} stayed as they were.")
        if cases:
            show(cases, as_json=False, empty="")
        for warning in each.warnings:
            err.print(f"[yellow]Mind:[/yellow] {escape(warning)}")
