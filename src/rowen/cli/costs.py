"""`rowen costs`: what was spent, on the machine itself."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import click
import msgspec
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from rowen.cli.examples import such_as
from rowen.cli.options import in_store, json_option, out, server_option, show, store_option
from rowen.insight import focus
from rowen.insight.calendar import DAY_NS, Every, ago, month_of, named
from rowen.insight.desk import Insight, Window
from rowen.insight.ledger import DIMENSIONS, Asked, Dimension, Entry
from rowen.insight.reading import Told, bought, whole_of
from rowen.insight.reconcile import Reconciled, reconcile
from rowen.insight.reprice import Repriced, reprice
from rowen.insight.review import Review, week_before
from rowen.insight.usage import exported
from rowen.insight.worth import Worth
from rowen.provider.prices import Prices, Snapshot
from rowen.serve.settings import ServerSettings
from rowen.store.base import Store
from rowen.values import Mistaken, SystemClock

_CLOCK = SystemClock()

tenant_option = click.option("--tenant", default=None, help="Only this tenant; all of them otherwise.")
app_option = click.option("--app", default="", help="Only this app.")
since_option = click.option(
    "--since", default="", help="A day, a time (UTC), or how long ago: 7d, 24h. Default: this month."
)
until_option = click.option("--until", default="", help="A day, a time (UTC), or how long ago. Default: now.")


@click.group("costs")
def command() -> None:
    """Say what was spent, and hold it against the provider's bill."""


@command.command(
    "list",
    epilog=such_as("rowen costs list --since 7d --by feature --by model", "rowen costs list --by key --every day"),
)
@server_option
@store_option
@json_option
@tenant_option
@app_option
@since_option
@until_option
@click.option("--by", type=click.Choice([one for one in DIMENSIONS if one]), help="Whose costs, or for what.")
@click.option(
    "--every",
    type=click.Choice(["all", "day", "month", "hour"]),
    default="all",
    show_default=True,
    help="Over which stretches.",
)
def list_costs(
    server_file: Path,
    store: str | None,
    as_json: bool,
    tenant: str | None,
    app: str,
    since: str,
    until: str,
    by: str | None,
    every: str,
) -> None:
    """Say what was spent: by tenant, app, key, user, feature, model, provider, release or purpose."""
    begin, end = window_of(since, until, month_of(_CLOCK.now_ns()))
    asked = Asked(
        since_ns=begin, until_ns=end, tenant=tenant, app=app, by=cast("Dimension", by or ""), every=cast("Every", every)
    )

    async def work(found: Store, _: ServerSettings) -> list[Entry]:
        return await insight_of(found).costs(asked)

    entries = in_store(server_file, store, work)
    rows: list[Any] = [
        {
            **({"when": named(one.start_ns) if every != "hour" else _hour(one.start_ns)} if every != "all" else {}),
            **({asked.by: one.group or "–"} if asked.by else {}),
            "usd": one.said,
            "waste": f"{one.waste:f}",
            "calls": one.calls,
            "failed": one.failed,
            "cached": one.cached,
            "input": one.input_tokens,
            "output": one.output_tokens,
        }
        for one in entries
    ]
    if as_json:
        rows = [msgspec.to_builtins(one) for one in entries]
    show(rows, as_json=as_json, empty="Nothing was spent in that time.")


@command.command("export")
@server_option
@store_option
@tenant_option
@since_option
@until_option
@click.option("--focus", "as_focus", is_flag=True, default=True, help="In the columns of FOCUS 1.2.")
@click.option("--account", default="rowen", show_default=True, help="The billing account to write into each line.")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="A file; otherwise it is printed.")
def export(
    server_file: Path,
    store: str | None,
    tenant: str | None,
    since: str,
    until: str,
    as_focus: bool,  # noqa: ARG001 - names the format; there is one
    account: str,
    to: Path | None,
) -> None:
    """Write a CSV for FinOps tools: one line for each day and combination."""
    begin, end = window_of(since, until, month_of(_CLOCK.now_ns()))

    async def work(found: Store, _: ServerSettings) -> int:
        book = insight_of(found).book
        with counting("traces", shown=to is not None) as told:
            await book.count(begin, end, told=told)
        days = await book.days(tenant, begin, end)
        if to is None:
            return focus.export(days, account, sys.stdout)
        with to.open("w", encoding="utf-8", newline="") as file:
            return focus.export(days, account, file)

    count = in_store(server_file, store, work)
    if to is not None:
        click.echo(f"{count} lines in {to}", err=True)


@command.command("reprice")
@server_option
@store_option
@json_option
@tenant_option
@app_option
@since_option
@until_option
@click.option("--at", "at_day", default="", help="At the prices of this day, whenever it was bought.")
@click.option(
    "--instead", multiple=True, help="openai/gpt-4.1=openai/gpt-4.1-mini: the first at the price of the second."
)
def reprice_past(
    server_file: Path,
    store: str | None,
    as_json: bool,
    tenant: str | None,
    app: str,
    since: str,
    until: str,
    at_day: str,
    instead: tuple[str, ...],
) -> None:
    """Say what the past would have cost at today's price snapshot, at another day's, or on other models."""
    now = _CLOCK.now_ns()
    begin, end = window_of(since, until, month_of(now))
    swaps = dict(_swap(text) for text in instead)
    moment = _moment(at_day, now) if at_day else (None if swaps else now)

    async def work(found: Store, _: ServerSettings) -> list[Repriced]:
        window = Window(tenant=tenant, app=app, since_ns=begin, until_ns=end)
        with counting("traces", shown=not as_json) as told:
            attempts = [one async for trace in whole_of(found.traces, window.filter, told) for one in bought(trace)]
        return reprice(attempts, Prices(Snapshot.load()), at_ns=moment, instead=swaps)

    found = in_store(server_file, store, work)
    rows: list[Any] = [
        {
            "model": f"{one.provider}/{one.model}",
            "as": f"{one.as_provider}/{one.as_model}" if one.as_model else "",
            "attempts": one.attempts,
            "before": _known(one.before, one.unknown_before, one.attempts),
            "after": _known(one.after, one.unknown_after, one.attempts),
            "change": f"{one.after - one.before:+f}" if not one.unknown_before and not one.unknown_after else "unknown",
        }
        for one in found
    ]
    show(
        rows if not as_json else [msgspec.to_builtins(one) for one in found],
        as_json=as_json,
        empty="Nothing was bought.",
    )


@command.command("reconcile")
@click.argument("file", type=click.Path(path_type=Path))
@server_option
@store_option
@json_option
@tenant_option
@click.option(
    "--tolerance", type=click.FloatRange(0, 1), default=0.005, show_default=True, help="Share that may differ."
)
def reconcile_file(
    file: Path, server_file: Path, store: str | None, as_json: bool, tenant: str | None, tolerance: float
) -> None:
    """Hold a provider's usage export (JSON or CSV) against the ledger. Ends with 2 when a difference is unexplained."""
    try:
        export = exported(file.read_bytes())
    except OSError as error:
        raise Mistaken("config_missing", f"cannot read the export: {error.strerror}", place=str(file)) from None
    if not export:
        raise Mistaken("field_invalid", "the export has no lines", place=str(file))
    first, last = min(one.day_ns for one in export), max(one.day_ns for one in export)
    window = Window(tenant=tenant, since_ns=max(0, first - DAY_NS), until_ns=last + 2 * DAY_NS)

    async def work(found: Store, _: ServerSettings) -> Reconciled:
        with counting("traces", shown=not as_json) as told:
            attempts = [one async for trace in whole_of(found.traces, window.filter, told) for one in bought(trace)]
        return reconcile(export, attempts, tolerance=tolerance)

    found = in_store(server_file, store, work)
    if as_json:
        print(msgspec.json.encode(found).decode())
    else:
        shown = [*found.models, *(day for day in found.days if day.verdict == "unexplained")]
        rows: list[Any] = [
            {
                "model": one.model or "–",
                "day": named(one.day_ns) if one.day_ns else "all",
                "ours": one.ours_tokens,
                "theirs": one.theirs_tokens,
                "midnight": one.at_midnight,
                "estimated": one.estimated,
                "elsewhere": one.elsewhere,
                "unexplained": one.unexplained,
                "verdict": one.verdict,
            }
            for one in shown
        ]
        show(rows, as_json=False, empty="")
    sys.exit(0 if found.agrees else 2)


@command.command("review")
@server_option
@store_option
@json_option
@tenant_option
@app_option
@since_option
@until_option
def review_week(
    server_file: Path, store: str | None, as_json: bool, tenant: str | None, app: str, since: str, until: str
) -> None:
    """Look for what costs more than it needs to: the seven days before today, unless said otherwise."""
    first, last = week_before(_CLOCK.now_ns())
    begin, end = window_of(since, until, first)

    async def work(found: Store, _: ServerSettings) -> Review:
        window = Window(tenant=tenant, app=app, since_ns=begin, until_ns=end if until else last)
        with counting("traces", shown=not as_json) as told:
            return await insight_of(found).review(window, told=told)

    found = in_store(server_file, store, work)
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    out.print(f"{found.calls} calls, {found.spent:f} USD, {found.unpriced} of unknown price")
    for peak in found.peaks:
        out.print(f"  {peak}")
    rows: list[Any] = [
        {"what": one.kind, "app": one.app, "about": one.about, "spent": f"{one.spent:f}", "saving": f"{one.saving:.4f}",
         "evidence": one.evidence, "fix": one.fix}
        for one in found.hints
    ]  # fmt: skip
    show(rows, as_json=False, empty="Nothing stands out.")
    if found.note:
        out.print(found.note)


@command.command("worth")
@click.argument("score")
@server_option
@store_option
@json_option
@tenant_option
@app_option
@since_option
@until_option
@click.option(
    "--by",
    default="",
    type=click.Choice(["", "app", "model", "feature", "release", "environment", "definition"]),
    help="By what.",
)
@click.option("--good-from", type=float, default=0.5, show_default=True, help="The number that is a good outcome.")
def worth_of(
    score: str,
    server_file: Path,
    store: str | None,
    as_json: bool,
    tenant: str | None,
    app: str,
    since: str,
    until: str,
    by: str,
    good_from: float,
) -> None:
    """Say how many good outcomes a dollar buys, by the score SCORE."""
    begin, end = window_of(since, until, month_of(_CLOCK.now_ns()))

    async def work(found: Store, _: ServerSettings) -> list[Worth]:
        window = Window(tenant=tenant, app=app, since_ns=begin, until_ns=end)
        return await insight_of(found).worth(score, window, by, good_from)

    found = in_store(server_file, store, work)
    rows: list[Any] = [
        {
            **({by: one.group or "–"} if by else {}),
            "calls": one.calls,
            "judged": one.judged,
            "good": f"{one.good} ({(one.rate.value or 0):.0%}, {one.rate.low:.0%} to {one.rate.high:.0%})",
            "per_dollar": "unknown"
            if one.per_dollar.value is None
            else f"{one.per_dollar.value:.1f} ({one.per_dollar.bounds('.1f')})",
            "note": one.warning,
        }
        for one in found
    ]
    show(
        rows if not as_json else [msgspec.to_builtins(one) for one in found],
        as_json=as_json,
        empty="No calls in that time.",
    )


def insight_of(store: Store) -> Insight:
    """Return the questions of the stage over a store."""
    return Insight(traces=store.traces, scores=store.scores, records=store.records, tenants=store.tenants, clock=_CLOCK)


def window_of(since: str, until: str, default_ns: int) -> tuple[int, int]:
    """Return a window as it was written.

    Raises:
        Mistaken: `field_invalid` when one of both is no moment, or it ends before it begins.

    """
    now = _CLOCK.now_ns()
    begin = _moment(since, now) if since else default_ns
    end = _moment(until, now) if until else now
    if begin >= end:
        raise Mistaken("field_invalid", "the window ends before it begins", place="--until")
    return begin, end


@contextmanager
def counting(what: str, *, shown: bool) -> Iterator[Told | None]:
    """Show how many were read so far, on the error stream, while something takes its time."""
    if not shown:
        yield None
        return
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} {task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=type(out)(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda count: bar.update(task, completed=count)


def _moment(text: str, now: int) -> int:
    try:
        return ago(text, now)
    except ValueError:
        raise Mistaken(
            "field_invalid", f"{text!r} is no moment: write 2026-01-31, 2026-01-31T08:00 or 7d", place="--since"
        ) from None


def _swap(text: str) -> tuple[tuple[str, str], tuple[str, str]]:
    one, equals, other = text.partition("=")
    (provider, a, model), (other_provider, b, other_model) = one.partition("/"), other.partition("/")
    if not (equals and a and b and model and other_model):
        raise Mistaken("field_invalid", f"{text!r} is not like openai/gpt-4.1=openai/gpt-4.1-mini", place="--instead")
    return (provider, model), (other_provider, other_model)


def _known(amount: Decimal, unknown: int, all_: int) -> str:
    if unknown == all_:
        return "unknown"
    return f"{amount:f}" + (f" + {unknown} unknown" if unknown else "")


def _hour(ns: int) -> str:
    return f"{named(ns)} {ns // 3_600_000_000_000 % 24:02}:00"
