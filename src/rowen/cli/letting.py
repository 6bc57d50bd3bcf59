"""What the verbs of releases share: the office over the deployment's store, the app that is meant, who acts."""

import getpass
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click

from rowen import access
from rowen.cli.options import in_store, json_option, out, server_option, store_option
from rowen.config import Loaded, read
from rowen.release import PRODUCTION, Reason
from rowen.release.office import Done, Office
from rowen.release.ruling import Ruling
from rowen.serve.releasing import office_in
from rowen.serve.settings import ServerSettings, folder_of
from rowen.serve.tables import TABLES
from rowen.store.base import Store
from rowen.values import SystemClock

T = TypeVar("T")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that has no name
        return "unknown"


app_option = click.option(
    "--app", "app", default="app.toml", show_default=True, help="The app: its name, or the path of its app.toml."
)
environment_option = click.option("--environment", default="", help="Where; default: what the app says, or production.")
note_option = click.option("--note", default="", help="Why, for whoever reads the log.")
by_option = click.option("--by", default=_user, help="Who does it; default: whoever runs the command.")
force_option = click.option(
    "--force", is_flag=True, help="Whatever the gate says. It needs --note, and stands in the log."
)


def about_app(function: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the options of all that are about the versions of one app."""
    for option in (app_option, json_option, store_option, server_option):
        function = option(function)
    return function


def in_office(server_file: Path, store: str | None, work: Callable[[Office], Coroutine[Any, Any, T]]) -> T:
    """Run something in the office over the deployment's store."""

    async def opened(found: Store, settings: ServerSettings) -> T:
        folder = folder_of(settings)
        signing = b"" if folder is None else access.signing_key(folder)
        return await work(await office_in(found, SystemClock(), signing=signing))

    return in_store(server_file, store, opened)


def is_file(app: str) -> bool:
    """Whether an app is meant by the path of its file."""
    return app.endswith(".toml") or "/" in app


def loaded(app: str) -> Loaded:
    """Return an app that is meant by its file. Secrets are not read.

    Raises:
        Mistaken: `config_*`.

    """
    return read(Path(app), TABLES, secrets=False)


def meant(app: str, environment: str) -> tuple[str, str]:
    """Return the name of an app, and the environment that is meant."""
    if not is_file(app):
        return app, environment or PRODUCTION
    found = loaded(app)
    said: str = found.tables["app"].environment
    return found.definition.app, environment or said or PRODUCTION


def why_of(by: str, note: str, *, force: bool = False) -> Reason:
    """Return the reason of an act at the command line."""
    return Reason(by=by, note=note, force=force)


def say_ruling(ruling: Ruling) -> None:
    """Print what a gate says, a line for each thing that it looked at."""
    for each in ruling.findings:
        mark = "[green]✓[/green]" if each.passed else "[red]✗[/red]"
        out.print(f"{mark} {each.gate}: {each.why}", markup=True)
        if each.fix:
            out.print(f"    → {each.fix}", markup=False)


def say_done(done: Done) -> None:
    """Print what became of a version."""
    say_ruling(done.ruling)
    live = done.live
    if done.rollout is None:
        out.print(f"version {done.version} of {live.app} answers everybody in {live.environment}", markup=False)
        return
    shares = ", ".join(f"{arm.name} {arm.share:.0%}" for arm in done.rollout.arms)
    out.print(
        f"version {done.version} of {live.app} goes out as a {done.rollout.strategy} in {live.environment}: {shares}"
        f" (rollout {done.rollout.id})",
        markup=False,
    )
