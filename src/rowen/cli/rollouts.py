"""`rowen rollouts`: versions that answer some, how they go, and their end."""

import re
from pathlib import Path
from typing import Any, cast, get_args

import click
import msgspec

from rowen.cli.letting import (
    about_app,
    by_option,
    environment_option,
    force_option,
    in_office,
    meant,
    note_option,
    why_of,
)
from rowen.cli.options import json_option, out, server_option, show, store_option
from rowen.release.course import Course
from rowen.release.office import Office
from rowen.values import Arm, Mistaken, Rollout, Strategy, Unit, at

_ARM = re.compile(r"(?:(?P<name>[\w-]+)=)?(?P<version>[\w-]+)@(?P<share>\d+(?:\.\d+)?)%?")
_STRATEGIES = [name for name in get_args(Strategy) if name != "immediate"]


@click.group("rollouts")
def command() -> None:
    """List, show, start and stop rollouts: canaries, experiments, bandits, shadows."""


@command.command("list")
@about_app
def list_rollouts(app: str, server_file: Path, store: str | None, as_json: bool) -> None:
    """List the rollouts of an app, the last begun first."""
    name, _ = meant(app, "")

    async def work(office: Office) -> list[Rollout]:
        return await office.desk.rollouts(name)

    found = in_office(server_file, store, work)
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    rows: list[Any] = [
        {
            "rollout": one.id,
            "strategy": one.strategy,
            "where": one.environment,
            "state": one.state,
            "arms": ", ".join(f"{arm.name} {arm.definition[:12]} {arm.share:.0%}" for arm in one.arms),
            "begun": at(one.began_ns).isoformat(timespec="seconds"),
            "why it ended": one.why,
        }
        for one in found
    ]
    show(rows, as_json=False, empty=f"Nothing of {name} has rolled out yet.")


@command.command("show")
@click.argument("rollout")
@about_app
def show_rollout(rollout: str, app: str, server_file: Path, store: str | None, as_json: bool) -> None:
    """Show how a ROLLOUT goes, as it was looked at last."""

    async def work(office: Office) -> tuple[Rollout, Course]:
        found = await office.desk.rollout(rollout)
        return found, await office.desk.courses.get(rollout) or Course(id=rollout, app=app)

    found, course = in_office(server_file, store, work)
    if as_json:
        click.echo(msgspec.json.encode({"rollout": found, "course": course}).decode())
        return
    out.print(f"{found.strategy} of {found.app} in {found.environment}: {found.state}. {found.why}", markup=False)
    rows: list[Any] = [
        {
            "arm": arm.name,
            "definition": arm.definition[:12],
            "share": f"{arm.share:.0%}",
            "units": course.units.get(arm.name, 0),
            "calls": course.calls.get(arm.name, 0),
            **{metric: str(mean) for metric, mean in course.means.get(arm.name, {}).items()},
        }
        for arm in found.arms
    ]
    show(rows, as_json=False, empty="It has no arms.")
    for name, by in course.looks.arms.items():
        for metric, watched in by.items():
            out.print(f"{name} less baseline, {metric}: {watched.difference}", markup=False)
    out.print(f"The rule says: {course.verdict.action}, since {course.verdict.why}", markup=False)


@command.command("start")
@click.argument("arms", nargs=-1, required=True)
@about_app
@environment_option
@note_option
@by_option
@force_option
@click.option(
    "--strategy", type=click.Choice(_STRATEGIES), default="canary", show_default=True, help="How it goes out."
)
@click.option("--steps", default="", help="Of a canary, further shares in percent: 25,50,100")
@click.option(
    "--unit",
    type=click.Choice(list(get_args(Unit))),
    default="user",
    show_default=True,
    help="What stays with its arm.",
)
@click.option(
    "--floor", type=click.FloatRange(0, 1), default=0.05, show_default=True, help="Of a bandit, what each arm keeps."
)
@click.option("--budget", type=click.FloatRange(0), help="Of a shadow, US dollars.")
@click.option(
    "--least", type=click.IntRange(1), default=100, show_default=True, help="Units that a step needs in each arm."
)
@click.option("--by-hand", is_flag=True, help="The rule only says what it would do.")
def start_rollout(
    arms: tuple[str, ...], app: str, server_file: Path, store: str | None, as_json: bool, **given: Any
) -> None:
    """Let ARMS answer some, each as [NAME=]VERSION@PERCENT: `7@5`, or `short=7@25 long=8@25`. What is live has the rest."""
    name, where = meant(app, given["environment"])
    why = why_of(given["by"], given["note"], force=given["force"])
    strategy = cast("Strategy", given["strategy"])
    written = [_arm(text) for text in arms]
    steps = tuple(float(each) / 100 for each in given["steps"].split(",") if each.strip())

    async def work(office: Office) -> Rollout:
        live = await office.desk.live(name, where)
        if live is None or not live.definition:
            raise Mistaken("conflict", f"nothing of {name} is live in {where}: release a version first")
        others = [
            Arm(name=each or "candidate", definition=(await office.desk.version(name, version)).definition, share=share)
            for each, version, share in written
        ]
        rest = 1.0 if strategy == "shadow" else max(0.0, 1 - sum(arm.share for arm in others))
        rollout = Rollout(
            id="",
            app=name,
            environment=where,
            strategy=strategy,
            arms=(Arm(name="baseline", definition=live.definition, share=rest), *others),
            unit=given["unit"],
            steps=(others[0].share, *(steps or (1.0,))) if strategy == "canary" else (),
            floor=given["floor"] if strategy == "bandit" else 0.0,
            budget=given["budget"] if strategy == "shadow" else None,
            auto=not given["by_hand"],
            least=given["least"],
        )
        return await office.begin(rollout, why)

    begun = in_office(server_file, store, work)
    if as_json:
        click.echo(msgspec.json.encode(begun).decode())
    else:
        said = ", ".join(f"{arm.name} {arm.share:.0%}" for arm in begun.arms)
        out.print(f"the {begun.strategy} {begun.id} has begun: {said}", markup=False)


@command.command("stop")
@click.argument("rollout")
@json_option
@store_option
@server_option
@note_option
@by_option
def stop_rollout(rollout: str, server_file: Path, store: str | None, as_json: bool, note: str, by: str) -> None:
    """End a ROLLOUT; what is live answers everybody."""

    async def work(office: Office) -> Rollout:
        return await office.desk.stop(rollout, why_of(by, note))

    ended = in_office(server_file, store, work)
    if as_json:
        click.echo(msgspec.json.encode(ended).decode())
    else:
        out.print(f"the {ended.strategy} {ended.id} has ended; what is live answers everybody", markup=False)


def _arm(text: str) -> tuple[str, str, float]:
    found = _ARM.fullmatch(text)
    if found is None:
        raise click.BadParameter(
            f"{text!r} is no arm: write VERSION@PERCENT or NAME=VERSION@PERCENT", param_hint="ARMS"
        )
    return found["name"] or "", found["version"], float(found["share"]) / 100
