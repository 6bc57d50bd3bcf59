"""`rowen jobs`: work in the background, on the machine itself."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import click
import msgspec

from rowen.cli.options import always_json_option, in_store, json_option, out, server_option, show, store_option
from rowen.jobs import Job, Queue
from rowen.serve.settings import ServerSettings
from rowen.store.base import Store
from rowen.values import SystemClock, at


@click.group("jobs")
def command() -> None:
    """List, show, pause and cancel work in the background."""


@command.command("list")
@server_option
@store_option
@json_option
@click.option("--app", default="", help="Only this app's.")
@click.option("--kind", default="", help="Only of this kind.")
@click.option(
    "--state",
    default="",
    type=click.Choice(["", "queued", "running", "paused", "done", "failed", "cancelled"]),
    help="Only in this state.",
)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="Jobs at most.")
def list_jobs(server_file: Path, store: str | None, as_json: bool, app: str, kind: str, state: str, limit: int) -> None:
    """List the newest jobs with their progress."""

    async def work(found: Store, _: ServerSettings) -> list[Job]:
        return await Queue(found.records, SystemClock()).find(app=app, kind=kind, state=state, limit=limit)

    rows: list[Any] = [
        {
            "id": job.id,
            "kind": job.kind,
            "state": f"{job.state}, to {job.wish}" if job.wish else job.state,
            "done": f"{job.done:,} of {job.total:,}" if job.total else "",
            "when": at(job.ended_ns or job.started_ns or job.created_ns).isoformat(timespec="seconds"),
            "note": job.message or job.note or job.about,
        }
        for job in in_store(server_file, store, work)
    ]
    show(rows, as_json=as_json, empty="No jobs.")


@command.command("show")
@click.argument("id")
@server_option
@store_option
@always_json_option
def show_job(id: str, server_file: Path, store: str | None) -> None:
    """Print the job ID whole, as JSON."""
    found = in_store(server_file, store, _acting(lambda queue: queue.get(id)))
    out.print_json(msgspec.json.encode(found).decode())


@command.command("cancel")
@click.argument("id")
@server_option
@store_option
@json_option
def cancel(id: str, server_file: Path, store: str | None, as_json: bool) -> None:
    """Cancel the job ID, before its next step if it is under way."""
    _told(in_store(server_file, store, _acting(lambda queue: queue.cancel(id))), as_json=as_json)


@command.command("pause")
@click.argument("id")
@server_option
@store_option
@json_option
def pause(id: str, server_file: Path, store: str | None, as_json: bool) -> None:
    """Pause the job ID, before its next step if it is under way."""
    _told(in_store(server_file, store, _acting(lambda queue: queue.pause(id))), as_json=as_json)


@command.command("resume")
@click.argument("id")
@server_option
@store_option
@json_option
def resume(id: str, server_file: Path, store: str | None, as_json: bool) -> None:
    """Let the job ID go on that was paused, cancelled or given up; what it had done stays done."""
    _told(in_store(server_file, store, _acting(lambda queue: queue.resume(id))), as_json=as_json)


def _acting(act: Callable[[Queue], Awaitable[Job]]) -> Callable[[Store, ServerSettings], Any]:
    async def work(found: Store, _: ServerSettings) -> Job:
        return await act(Queue(found.records, SystemClock()))

    return work


def _told(job: Job, *, as_json: bool) -> None:
    if as_json:
        print(msgspec.json.encode({"id": job.id, "state": job.state, "wish": job.wish}).decode())
    elif job.wish:
        out.print(f"{job.id} runs; it will {job.wish} before its next step")
    else:
        out.print(f"{job.id} is {job.state}")
