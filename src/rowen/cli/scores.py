"""`rowen scores`: how good answers were, on the machine itself."""

from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console

from rowen.cli.options import always_json_option, in_store, json_option, out, server_option, show, store_option
from rowen.evaluate.predict import predicts
from rowen.score.calibration import Prevalence
from rowen.score.standing import shares_of, worth_of
from rowen.serve.settings import ServerSettings
from rowen.store.base import DAY_NS, ScoreFilter, Store
from rowen.store.paged import scores_in
from rowen.values import Mistaken, Score, SystemClock, at

_SOURCES = ["", "user", "person", "model", "rule", "guard"]

name_option = click.option("--name", default="", help="Only under this name.")
app_option = click.option("--app", default="", help="Only of this app.")
source_option = click.option("--source", default="", type=click.Choice(_SOURCES), help="Only by such judges.")


@click.group("scores")
def command() -> None:
    """List, show, sum up, export and delete what was said of answers."""


@command.command("list")
@server_option
@store_option
@json_option
@name_option
@app_option
@source_option
@click.option("--trace", default="", help="Only of this trace.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="Scores at most.")
def list_scores(
    server_file: Path, store: str | None, as_json: bool, name: str, app: str, source: Any, trace: str, limit: int
) -> None:
    """List the newest scores."""
    filter_ = ScoreFilter(name=name, app=app, source=source, traces=(trace,) if trace else (), limit=limit)

    async def work(found: Store, _: ServerSettings) -> list[Score]:
        return await found.scores.find(filter_)

    rows: list[Any] = [
        {
            "id": score.id,
            "when": at(score.created_ns).isoformat(timespec="seconds"),
            "app": score.app,
            "name": score.name,
            "value": score.value if not isinstance(score.value, str) else score.value[:60],
            "source": score.source,
            "by": score.by,
            "trace": score.trace,
            "reason": score.reason[:60],
        }
        for score in in_store(server_file, store, work)
    ]
    show(rows, as_json=as_json, empty="No scores yet.")


@command.command("show")
@click.argument("id")
@server_option
@store_option
@always_json_option
def show_score(id: str, server_file: Path, store: str | None) -> None:
    """Print the score ID whole, as JSON."""

    async def work(found: Store, _: ServerSettings) -> Score | None:
        return await found.scores.get(id)

    out.print_json(msgspec.json.encode(_there(in_store(server_file, store, work), id)).decode())


@command.command("export")
@server_option
@store_option
@name_option
@app_option
@source_option
@click.option("--limit", default=10_000, show_default=True, type=click.IntRange(1), help="Scores at most.")
def export(server_file: Path, store: str | None, name: str, app: str, source: Any, limit: int) -> None:
    """Print the newest scores whole, one JSON line each."""

    async def work(found: Store, _: ServerSettings) -> None:
        left, before = limit, ""
        while left > 0:
            page = ScoreFilter(name=name, app=app, source=source, before=before, limit=min(left, 500))
            scores = await found.scores.find(page)
            for score in scores:
                click.echo(msgspec.json.encode(score).decode())
            if not scores:
                return
            left, before = left - len(scores), scores[-1].id

    in_store(server_file, store, work)


@command.command("share")
@click.argument("name")
@server_option
@store_option
@json_option
@app_option
@click.option("--people", default="", help="The name under which people labelled; default: NAME.")
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 3650), help="Of how many days.")
def share(name: str, server_file: Path, store: str | None, as_json: bool, app: str, people: str, days: int) -> None:
    """Say how often judges called NAME yes, corrected by what people's labels tell of the judges' errors."""
    until = SystemClock().now_ns()

    async def work(found: Store, _: ServerSettings) -> Prevalence | None:
        worth = await worth_of(found.scores, tenant=None, app=app, name=name, people=people)
        return await shares_of(
            found.scores,
            tenant=None,
            app=app,
            name=name,
            since_ns=until - days * DAY_NS,
            until_ns=until,
            known=worth.calibration,
        )

    said = in_store(server_file, store, work)
    if said is None:
        raise Mistaken("not_found", f"no judge said yes or no under {name!r} in the last {days} days")
    if as_json:
        click.echo(msgspec.json.encode(said).decode())
    else:
        out.print(str(said), markup=False)


@command.command("delete")
@click.argument("id")
@server_option
@store_option
def delete(id: str, server_file: Path, store: str | None) -> None:
    """Take the score ID back, also out of the sums."""

    async def work(found: Store, _: ServerSettings) -> Score | None:
        score = await found.scores.get(id)
        return score if score is not None and await found.scores.delete(id, score.tenant) else None

    score = _there(in_store(server_file, store, work), id)
    out.print(f"Deleted the score {score.name} of {score.trace or score.session or score.case}.")


def _there(found: Score | None, id: str) -> Score:
    if found is None:
        raise Mistaken("not_found", f"there is no score {id}")
    return found


@command.command("predict")
@click.argument("outcome")
@server_option
@store_option
@json_option
@app_option
@click.option("--tenant", default=None, help="Only of this tenant.")
@click.option("--lower", multiple=True, help="A metric of which less is better; may be given again.")
@click.option("--days", default=90, show_default=True, type=click.IntRange(1), help="Over how many days up to now.")
@click.option("--limit", default=200_000, show_default=True, type=click.IntRange(1), help="Scores at most, the newest.")
def predict(
    outcome: str,
    server_file: Path,
    store: str | None,
    as_json: bool,
    app: str,
    tenant: str | None,
    lower: tuple[str, ...],
    days: int,
    limit: int,
) -> None:
    """Say which metrics predict OUTCOME, the score that tells what users got, such as `thumbs`; warn of the others."""
    since = SystemClock().now_ns() - days * DAY_NS
    filter_ = ScoreFilter(tenant=tenant, app=app, since_ns=max(0, since))

    async def work(found: Store, _: ServerSettings) -> list[Score]:
        return [score async for score in scores_in(found.scores, filter_, limit)]

    found = predicts(outcome, in_store(server_file, store, work), lower=lower)
    rows: list[Any] = [
        {
            "metric": each.metric,
            "source": each.source,
            "n": each.n,
            "correlation": None if each.ranks is None else round(each.ranks.value or 0.0, 3),
            "interval": None if each.ranks is None else [round(each.ranks.low, 3), round(each.ranks.high, 3)],
            "worth": each.worth,
        }
        for each in found
    ]
    show(rows, as_json=as_json, empty=f"No trace has both {outcome} and another score.")
    for each in found:
        if each.warning and not as_json:
            Console(stderr=True, highlight=False).print(f"[yellow]Mind:[/yellow] {each.warning}.")
