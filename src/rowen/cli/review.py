"""`rowen review`: queues of answers that people judge, on the machine itself."""

import getpass
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
import msgspec

from rowen.cli.options import always_json_option, in_store, json_option, out, server_option, show, store_option
from rowen.score.cases import content_of
from rowen.score.configs import Configs
from rowen.score.intake import Intake
from rowen.score.queue import Answer, Item, Listed, Opinion, Queue, State
from rowen.score.review import Progress, Review
from rowen.serve.settings import ServerSettings
from rowen.store.base import Store
from rowen.values import Mistaken, SystemClock, TraceRow, at

_SHOWN = 80
"""Characters of a question or an answer in a table."""

rater_option = click.option(
    "--as", "rater", default=getpass.getuser, show_default="your name on this machine", help="Who judges."
)


@click.group("review")
def command() -> None:
    """List queues of answers, judge the next one, export what people said."""


@command.command("list")
@server_option
@store_option
@json_option
def list_queues(server_file: Path, store: str | None, as_json: bool) -> None:
    """List the queues with how far each is, and how well its raters agree."""

    async def work(found: Store, _: ServerSettings) -> list[Progress]:
        review = _review(found)
        return [await review.progress(queue) for queue in await review.queues(None)]

    rows: list[Any] = [
        {
            "id": each.queue.id,
            "name": each.queue.name,
            "tenant": each.queue.tenant,
            "asks": ", ".join(each.queue.asked),
            "open": each.open,
            "disputed": each.disputed,
            "done": each.done,
            "agreement": ", ".join(
                f"{name} {found.value:.2f} (n {found.n})" if found.value is not None else f"{name} unknown"
                for name, found in each.agreement.items()
            ),
        }
        for each in in_store(server_file, store, work)
    ]
    show(rows, as_json=as_json, empty="No queues yet: make one on the page Review.")


@command.command("items")
@click.argument("queue")
@server_option
@store_option
@json_option
@click.option("--state", type=click.Choice(["open", "disputed", "done"]), help="Only those that stand so.")
def list_items(queue: str, server_file: Path, store: str | None, as_json: bool, state: State | None) -> None:
    """List the items of QUEUE, newest first: what was asked and answered, why it is there, how it stands."""

    async def work(found: Store, _: ServerSettings) -> list[Listed]:
        review = _review(found)
        return await review.listed((await review.items(await review.queue(queue, None), state))[::-1])

    found = in_store(server_file, store, work)
    cut = (lambda text: text) if as_json else _beginning
    rows: list[Any] = [
        {
            "item": each.id,
            "asked": cut(each.asked),
            "said": cut(each.said),
            "app": each.app,
            "when": at(each.started_ns).isoformat(timespec="seconds") if each.started_ns else "not kept any more",
            "why": each.why,
            "state": each.state,
            "trace": each.trace,
            "span": each.span,
        }
        for each in found
    ]
    show(rows, as_json=as_json, empty="There is nothing in the queue." if state is None else f"Nothing is {state}.")


@command.command("next")
@click.argument("queue")
@server_option
@store_option
@always_json_option
@rater_option
def next_item(queue: str, server_file: Path, store: str | None, rater: str) -> None:
    """Print the item of QUEUE that is to be judged now, as JSON. It stays with who asks for the queue's lease."""

    async def work(found: Store, _: ServerSettings) -> dict[str, Any] | None:
        review = _review(found)
        whole = await review.queue(queue, None)
        item = await review.next(whole, rater)
        return None if item is None else await _shown(found, whole, item)

    told = in_store(server_file, store, work)
    if told is None:
        raise Mistaken("not_found", f"there is nothing left for {rater} to judge in this queue", place="queue")
    out.print_json(msgspec.json.encode(told).decode())


@command.command("judge")
@click.argument("queue")
@click.argument("item")
@click.argument("values", nargs=-1, required=True)
@server_option
@store_option
@rater_option
@click.option("--reason", default="", help="Why.")
@click.option("--correction", default="", help="What should have been the answer.")
def judge(
    queue: str,
    item: str,
    values: Sequence[str],
    server_file: Path,
    store: str | None,
    rater: str,
    reason: str,
    correction: str,
) -> None:
    """Judge ITEM of QUEUE: a NAME=VALUE for each score that the queue asks for, such as thumbs=true."""
    given = dict(_value(each) for each in values)

    async def work(found: Store, _: ServerSettings) -> Item:
        review = _review(found)
        opinion = Opinion(rater=rater, values=given, reason=reason, correction=correction)
        return await review.submit(await review.queue(queue, None), item, opinion)

    out.print(f"{item} is {in_store(server_file, store, work).state}")


@command.command("export")
@click.argument("queue")
@server_option
@store_option
@click.option("--all", "whole", is_flag=True, help="Also what is not decided yet.")
def export(queue: str, server_file: Path, store: str | None, whole: bool) -> None:
    """Print what people said of the items of QUEUE, one JSON line each: what holds, and every opinion."""

    async def work(found: Store, _: ServerSettings) -> list[Item]:
        review = _review(found)
        return await review.items(await review.queue(queue, None), None if whole else "done")

    for each in in_store(server_file, store, work):
        line = {
            "item": each.id,
            "trace": each.trace,
            "span": each.span,
            "state": each.state,
            "labels": each.settled,
            "decided_by": each.decided_by,
            "opinions": each.opinions,
        }
        click.echo(msgspec.json.encode(line).decode())


def _review(store: Store) -> Review:
    clock = SystemClock()
    configs = Configs(store.records, clock)
    intake = Intake(store.scores, configs, partial(_known, store), clock)
    return Review(store.records, scores=store.scores, traces=store.traces, configs=configs, intake=intake, clock=clock)


async def _known(store: Store, id: str, tenant: str) -> TraceRow | None:
    return await store.traces.row(id, tenant)


async def _shown(store: Store, queue: Queue, item: Item) -> dict[str, Any]:
    trace = await store.traces.get(item.trace, item.tenant)
    asked, answered = (None, None) if trace is None else content_of(trace)
    return {
        "item": item.id,
        "trace": item.trace,
        "span": item.span,
        "asked": asked,
        "answered": answered,
        "judge": list(queue.asked),
        "guidelines": queue.guidelines,
    }


def _beginning(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _value(text: str) -> tuple[str, Answer]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise Mistaken("field_invalid", f"write NAME=VALUE, as thumbs=true, not {text[:60]!r}", place="values")
    if value in {"true", "false"}:
        return name, value == "true"
    try:
        return name, float(value)
    except ValueError:
        return name, value
