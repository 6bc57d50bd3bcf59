"""Runs side by side."""

from typing import Annotated

from msgspec import Meta

from rowen.api.manage.base import Asked, Plain, Verb, Verbs
from rowen.evaluate.compare import Comparison
from rowen.evaluate.compare.desk import MOST
from rowen.values import Mistaken, Settings

Ids = Annotated[
    str,
    Meta(
        max_length=2_000,
        extra_json_schema={"pattern": rf"^[^,\s\u0000-\u001f\u007f]+(,[^,\s\u0000-\u001f\u007f]+){{1,{MOST - 1}}}$"},
    ),
]
"""What the schema tells is checked where runs are found, which says better what is wrong."""


class CompareParams(Settings, frozen=True, kw_only=True):
    """Which runs, and by what."""

    runs: Ids
    """Ids with commas between them, the baseline first."""
    metric: Plain = ""
    """By which slices and cases are sorted; default: the one that decides."""
    cases: Annotated[int, Meta(ge=0, le=500)] = 20
    """How many cases are told of those that became worse, and of those that became better."""


async def compare_runs(asked: Asked[CompareParams, None]) -> list[Comparison]:
    """Each run against the first: metrics, slices, cases, and what the plan of its app says."""
    params, comparing = asked.params, asked.manage.comparing
    runs = await comparing.found([id for each in params.runs.split(",") if (id := each.strip())], asked.tenant(""))
    for run in runs:
        if not asked.entry.sees(run.app):
            raise Mistaken("not_found", f"there is no run {run.id!r}", place="runs")
    return await comparing.compare(runs, metric=params.metric, changes=params.cases)


VERBS: Verbs = (
    Verb(
        method="GET",
        path="/api/runs/compare",
        name="compare_runs",
        summary="Runs over the same cases, each against the first.",
        scope="read",
        run=compare_runs,
        gives=list[Comparison],
        params=CompareParams,
        errors=("not_found", "conflict"),
    ),
)
