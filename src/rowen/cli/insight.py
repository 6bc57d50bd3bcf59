"""`rowen insight`: why it is slow, why it got worse, which errors are one error. On the machine itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from rowen.cli.costs import app_option, counting, insight_of, tenant_option, window_of
from rowen.cli.examples import such_as
from rowen.cli.options import in_store, json_option, out, server_option, show, store_option
from rowen.improve.tune.complaints import complaint, judged
from rowen.improve.tune.failures import CALLED, Split, split
from rowen.improve.tune.report import said
from rowen.insight.desk import Window
from rowen.insight.errors import Group, trend
from rowen.insight.latency import Diagnosis
from rowen.insight.regression import Regression
from rowen.serve.settings import ServerSettings
from rowen.store.base import Store
from rowen.values import SystemClock, at

_CLOCK = SystemClock()
_HOUR = 3_600_000_000_000

since_option = click.option(
    "--since", default="1h", show_default=True, help="A day, a time (UTC), or how long ago: 7d, 24h."
)
until_option = click.option("--until", default="", help="A day, a time (UTC), or how long ago. Default: now.")
baseline_option = click.option(
    "--baseline",
    nargs=2,
    default=None,
    help="Another period to compare with, as two moments. Default: the time just before.",
)


@click.group("insight")
def command() -> None:
    """Find out why calls are slow, why answers got worse, and which errors are one error."""


@command.command("latency", epilog=such_as("rowen insight latency --since 2h"))
@server_option
@store_option
@json_option
@tenant_option
@app_option
@since_option
@until_option
@baseline_option
def latency(
    server_file: Path,
    store: str | None,
    as_json: bool,
    tenant: str | None,
    app: str,
    since: str,
    until: str,
    baseline: tuple[str, str] | None,
) -> None:
    """Name the cause of slow calls, with what it adds, the evidence and a fix."""
    slow, other = _windows(tenant, app, since, until, baseline)

    async def work(found: Store, _: ServerSettings) -> Diagnosis:
        with counting("traces", shown=not as_json) as told:
            return await insight_of(found).latency(slow, other, told=told)

    found = in_store(server_file, store, work)
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    out.print(
        f"{found.calls} calls of {found.after_ms:.0f} ms against {found.baseline_calls} of {found.before_ms:.0f} ms: "
        f"{found.added.value or 0:+.0f} ms ({found.added.bounds('+.0f')})"
    )
    out.print(f"[bold]{found.cause}[/bold]" if found.cause else found.note)
    rows: list[Any] = [
        {
            "cause": one.cause,
            "added_ms": f"{one.added_ms:+.0f}",
            "share": f"{one.share:.0%}",
            "p": f"{one.p:.1g}",
            "evidence": one.evidence,
            "examples": " ".join(one.examples[:1]),
        }
        for one in found.causes
    ]
    if rows:
        show(rows, as_json=False, empty="")
    lead = next((one for one in found.causes if one.cause == found.cause), None)
    if lead is not None:
        out.print(f"→ {lead.fix}")


@command.command("regression", epilog=such_as("rowen insight regression thumbs --since 1d"))
@click.argument("score")
@server_option
@store_option
@json_option
@tenant_option
@app_option
@click.option("--since", default="1d", show_default=True, help="A day, a time (UTC), or how long ago: 7d, 24h.")
@until_option
@baseline_option
@click.option(
    "--bad-below", type=float, default=0.5, show_default=True, help="The number below which an answer is bad."
)
def regression(
    score: str,
    server_file: Path,
    store: str | None,
    as_json: bool,
    tenant: str | None,
    app: str,
    since: str,
    until: str,
    baseline: tuple[str, str] | None,
    bad_below: float,
) -> None:
    """Say what the answers have in common that the score SCORE finds bad."""
    window, other = _windows(tenant, app, since, until, baseline)

    async def work(found: Store, _: ServerSettings) -> Regression:
        with counting("traces", shown=not as_json) as told:
            return await insight_of(found).regression(score, window, other, bad_below=bad_below, told=told)

    found = in_store(server_file, store, work)
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    out.print(f"bad now: {found.now}" + (f"; before: {found.before}, p = {found.worse_p:.2g}" if found.before else ""))
    rows: list[Any] = [
        {
            "suspect": " and ".join(f"{name} = {value}" for name, value in one.marks),
            "bad": f"{one.bad} of {one.n}",
            "others": f"{one.others_bad} of {one.others}",
            "effect": f"{one.effect.value or 0:+.0%} ({one.effect.bounds('+.0%')})",
            "p": f"{one.p:.1g}",
            "explains": f"{one.explains:.0%}",
            "same": ", ".join(f"{name} = {value}" for name, value in one.same),
        }
        for one in found.suspects
    ]
    show(rows, as_json=False, empty=found.note or f"Nothing stands out among {found.looked_at} marks and pairs.")


@command.command("errors")
@server_option
@store_option
@json_option
@tenant_option
@app_option
@click.option("--since", default="7d", show_default=True, help="A day, a time (UTC), or how long ago: 7d, 24h.")
@click.option(
    "--state", default="", type=click.Choice(["", "open", "ignored", "solved", "regressed"]), help="Only these."
)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="Groups at most.")
def errors(
    server_file: Path,
    store: str | None,
    as_json: bool,
    tenant: str | None,
    app: str,
    since: str,
    state: str,
    limit: int,
) -> None:
    """List groups of errors, the most frequent first."""
    begin, end = window_of(since, "", 0)

    async def work(found: Store, _: ServerSettings) -> list[Group]:
        inbox = insight_of(found).inbox
        with counting("failed traces", shown=not as_json) as told:
            await inbox.collect(begin, end, told=told)
        return await inbox.groups(tenant, apps=(app,), state=state, since_ns=begin, limit=limit)

    groups = in_store(server_file, store, work)
    rows: list[Any] = [
        {
            "id": group.id,
            "state": group.state,
            "count": group.count,
            "trend": "new" if (times := trend(group, end)) is None else f"{times:.1f}×",
            "last": at(group.last_ns).isoformat(timespec="minutes"),
            "app": group.app,
            "code": group.code,
            "place": group.place,
            "error": group.title[:100],
            "example": group.examples[0] if group.examples else "",
        }
        for group in groups
    ]
    shown = [msgspec.to_builtins(group) for group in groups] if as_json else rows
    show(shown, as_json=as_json, empty="No errors in that time.")


def _windows(
    tenant: str | None, app: str, since: str, until: str, baseline: tuple[str, str] | None
) -> tuple[Window, Window | None]:
    begin, end = window_of(since, until, _CLOCK.now_ns() - _HOUR)
    window = Window(tenant=tenant, app=app, since_ns=begin, until_ns=end)
    if baseline is None:
        return window, None
    first, last = window_of(baseline[0], baseline[1], 0)
    return window, window.but(since_ns=first, until_ns=last)


@command.command("failures")
@server_option
@store_option
@json_option
@tenant_option
@app_option
@click.option("--limit", default=1000, show_default=True, type=click.IntRange(1), help="Traces at most.")
def failures(server_file: Path, store: str | None, as_json: bool, tenant: str | None, app: str, limit: int) -> None:
    """Tell at which of seven points answers were lost that users called bad or that were corrected.

    By rules alone, from what a trace holds: without a correction only the form and a refusal can be told.
    """

    async def work(found: Store, _: ServerSettings) -> Split:
        judgements = await judged(found.scores, found.traces, tenant=tenant, app=app, limit=limit)
        bad = [complaint(each.trace, each.scores) for each in judgements if each.bad]
        return await split([each for each in bad if each is not None], bad=True)

    lost = in_store(server_file, store, work)
    if as_json:
        out.print_json(msgspec.json.encode(lost).decode())
        return
    rows: list[Mapping[str, Any]] = [
        {"point": point, "where": CALLED[point], "share": said(each), "of": each.n}
        for point, each in lost.shares.items()
    ]
    show(rows if lost.failures else [], as_json=False, empty="No answer that was called bad can be placed.")
    out.print(
        f"{lost.asked} answers were called bad or corrected; where {lost.undecided} of them were lost cannot be told."
    )
