"""`rowen cache`: where to set the threshold of a cache by meaning."""

import asyncio
import json
from pathlib import Path
from typing import Any

import click
import msgspec

from rowen.cli.options import json_option, out, show
from rowen.config import Loaded, read
from rowen.flow.deployments import placed
from rowen.flow.knowledge import Bundled, embed_of
from rowen.flow.tables import SimilarTable
from rowen.provider.fleet import Fleet
from rowen.provider.transport import HttpTransport
from rowen.route.calibrate import BUDGET, Calibration, Pair, calibrated
from rowen.serve.tables import TABLES
from rowen.values import Mistaken

_SHOWN = 0.03
"""Between the thresholds that are printed."""


@click.group("cache")
def command() -> None:
    """See to the caches of answers."""


@command.command("calibrate")
@click.argument("app", type=click.Path(path_type=Path), default=Path("app.toml"))
@click.option("--model", help="Which model's cache; default: the one that has a cache by meaning.")
@click.option("--pairs", type=click.Path(path_type=Path), help="Another file of pairs than the app names.")
@click.option("--budget", type=click.FloatRange(0, 1), default=BUDGET, show_default=True, help="False hits allowed.")
@json_option
def calibrate(app: Path, model: str | None, pairs: Path | None, budget: float, as_json: bool) -> None:
    """Try thresholds on pairs of questions of which somebody said whether one answer is right for both."""
    loaded = read(app, TABLES)
    table = _similar(loaded, model)
    found = asyncio.run(_calibrated(loaded, table, _pairs(table, pairs), budget))
    if as_json:
        print(json.dumps(msgspec.to_builtins(found)))
        return
    show(_rows(found), as_json=False, empty="")
    if found.threshold is None:
        out.print(f"\nNo threshold keeps false hits at {budget:.1%} on these pairs: leave the cache in shadow.")
        return
    proven = (
        "proven by these pairs" if found.proven else f"not proven: that takes {found.needed} near misses, none shared"
    )
    out.print(f"\nthreshold = {found.threshold}   the loosest with at most {budget:.1%} false hits; {proven}")


def _similar(loaded: Loaded, model: str | None) -> SimilarTable:
    having: dict[str, SimilarTable] = {
        name: table.cache.similar
        for name, table in loaded.tables["models"].items()
        if table.cache is not None and table.cache.similar is not None
    }
    if model is None and len(having) == 1:
        return next(iter(having.values()))
    found = having.get(model or "")
    if found is None:
        named = ", ".join(having) or "none"
        message = f"name a model with a cache by meaning (`cache.similar`); there are: {named}"
        raise Mistaken("config_invalid", message, place=loaded.path.name)
    return found


def _pairs(table: SimilarTable, file: Path | None) -> list[Pair]:
    if file is not None:
        try:
            text, name = file.read_text(encoding="utf-8"), str(file)
        except (OSError, UnicodeDecodeError) as error:
            raise Mistaken("config_missing", f"cannot read the pairs: {error}", place=str(file)) from error
    elif table.pairs is not None:
        text, name = table.pairs.text, table.pairs.path
    else:
        raise Mistaken("config_missing", "there are no pairs: name a file in `similar.pairs`, or with --pairs")
    found: list[Pair] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                found.append(msgspec.json.decode(line, type=Pair))
            except (msgspec.DecodeError, UnicodeEncodeError) as error:
                raise Mistaken("config_invalid", f"this is no pair: {error}", place=f"{name}:{number}") from error
    if not found:
        raise Mistaken("config_invalid", "the file has no pairs", place=name)
    return found


async def _calibrated(loaded: Loaded, table: SimilarTable, pairs: list[Pair], budget: float) -> Calibration:
    places = placed(loaded.tables["models"])
    transport = HttpTransport()
    fleet = Fleet(places, transport)
    try:
        with out.status(f"{2 * len(pairs)} questions …"):
            return await calibrated(pairs, embed_of(table.embed, places, fleet.ask, Bundled()), budget=budget)
    finally:
        await fleet.close()
        await transport.close()


def _rows(found: Calibration) -> list[Any]:
    every = round(_SHOWN * 100)
    return [
        {
            "threshold": f"{rung.threshold:.2f}{' ←' if rung.threshold == found.threshold else ''}",
            "same, shared": str(rung.hits),
            "near misses, shared": str(rung.false_hits),
        }
        for rung in found.rungs
        if round(rung.threshold * 100) % every == 0 or rung.threshold == found.threshold
    ]
