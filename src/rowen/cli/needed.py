"""`rowen cases needed`: how many cases a comparison needs, or what it finds with those there are."""

from collections.abc import Callable
from functools import partial
from typing import Any

import click

from rowen.cli.options import json_option, show
from rowen.evaluate.statistics import (
    cases_for,
    design_effect,
    least_effect,
    power_of_means,
    power_of_paired_shares,
    power_of_pairs,
    power_of_shares,
)
from rowen.evaluate.statistics.power import Sides
from rowen.values import Mistaken


@click.command("needed")
@json_option
@click.option(
    "--shares",
    nargs=2,
    type=click.FloatRange(0, 1),
    metavar="BEFORE AFTER",
    help="The share that passes before and after, over different cases.",
)
@click.option(
    "--flips",
    nargs=2,
    type=click.FloatRange(0, 1),
    metavar="GAINED LOST",
    help="Over the same cases: the share that is mended, and that is broken.",
)
@click.option(
    "--effect",
    type=float,
    help="A mean's difference in standard deviations: of the differences, or with --unpaired of the scores.",
)
@click.option("--unpaired", is_flag=True, help="With --effect: over different cases.")
@click.option("--cases", type=click.IntRange(2), help="What do so many cases find?")
@click.option(
    "--margin",
    default=0.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Not better, but not worse by more than this.",
)
@click.option(
    "--power", default=0.8, show_default=True, type=click.FloatRange(0.01, 0.999), help="How often it shall be found."
)
@click.option(
    "--alpha",
    default=0.05,
    show_default=True,
    type=click.FloatRange(0.0001, 0.5),
    help="How often something may be found where nothing is.",
)
@click.option(
    "--cluster", nargs=2, type=float, metavar="SIZE ALIKE", help="Cases of one user, and how alike they are, 0 to 1."
)
def needed(
    as_json: bool,
    shares: tuple[float, float] | None,
    flips: tuple[float, float] | None,
    effect: float | None,
    unpaired: bool,
    cases: int | None,
    margin: float,
    power: float,
    alpha: float,
    cluster: tuple[float, float] | None,
) -> None:
    """Say how many cases a comparison needs: --shares, --flips or --effect; or with --cases, what they find."""
    if sum(each is not None for each in (shares, flips, effect, cases)) != 1:
        raise Mistaken("field_invalid", "give one of --shares, --flips, --effect and --cases", place="--effect")
    if flips is not None and sum(flips) > 1:
        raise Mistaken("field_invalid", "what is mended and what is broken come to 1 at most", place="--flips")
    if cluster is not None and not (cluster[0] >= 1 and 0 <= cluster[1] <= 1):
        raise Mistaken("field_invalid", "a cluster has 1 case or more, which are 0 to 1 alike", place="--cluster")
    more = design_effect(*cluster) if cluster else 1.0
    sides: Sides = 1 if margin else 2
    level = alpha / 2 if margin else alpha  # one-sided, as the end of an interval is
    if cases is not None:
        row = _found(max(2, int(cases / more)), level, sides, margin, power)
        show([{"cases": cases, **row}], as_json=as_json, empty="")
        return
    how: dict[str, Any] = {"alpha": level, "sides": sides, "margin": margin}
    each = "in each group" if shares is not None or unpaired else "in all"
    kind: Callable[[int], float]
    if shares is not None:
        kind = partial(power_of_shares, shares[1], shares[0], **how)
    elif flips is not None:
        kind = partial(power_of_paired_shares, *flips, **how)
    else:
        kind = partial(power_of_means if unpaired else power_of_pairs, effect or 0.0, **how)
    try:
        n = cases_for(kind, power)
    except ValueError as error:
        raise Mistaken("field_invalid", str(error), place="--effect") from None
    rows: list[Any] = [{"cases": -int(-n * more // 1), "": each, "power": power, "alpha": alpha, "margin": margin}]
    show(rows, as_json=as_json, empty="")


def _found(n: int, alpha: float, sides: Sides, margin: float, power: float) -> dict[str, Any]:
    """Return the smallest effects that so many cases show, in standard deviations."""
    pairs = least_effect(lambda d: power_of_pairs(d, n, alpha=alpha, sides=sides, margin=margin), power)
    groups = least_effect(lambda d: power_of_means(d, n, alpha=alpha, sides=sides, margin=margin), power)
    return {
        "paired": None if pairs is None else round(pairs, 4),
        "in each of two groups": None if groups is None else round(groups, 4),
        "power": power,
    }
