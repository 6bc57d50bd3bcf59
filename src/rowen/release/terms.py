"""What an app asks of a version before it is let out, as its tables say. What is live now has its say too."""

from collections.abc import Mapping
from typing import Any

from rowen.evaluate.plan import MetricsTable
from rowen.evaluate.run.must import Must, must_of
from rowen.release.table import ReleaseTable
from rowen.values import Value


class Terms(Value, frozen=True, kw_only=True):
    """What must hold."""

    table: ReleaseTable
    plan: MetricsTable
    must: dict[str, tuple[Must, ...]] = {}
    """What metrics must be, by suite."""
    gates: tuple[str, ...] = ()
    approvals: int = 0
    objectives: tuple[str, ...] = ()
    """The objectives that the version or what is live has."""


def terms(tables: Mapping[str, Any], live: Mapping[str, Any] | None = None) -> Terms:
    """Return the terms of a version by its tables, and by those of what is live.

    A version that asks less of itself than what is live does is held to both: nobody lowers a bar by jumping under it.

    Args:
        tables: of the version, by name.
        live: of what is live, None where nothing is.

    """
    mine: ReleaseTable = tables["release"]
    own = Terms(
        table=mine,
        plan=tables["metrics"],
        must=_must(tables),
        gates=mine.gate,
        approvals=mine.approvals,
        objectives=tuple(tables.get("watch", {})),
    )
    if live is None:
        return own
    other: ReleaseTable = live["release"]
    must = dict(own.must)
    for suite, asked in _must(live).items():
        must[suite] = tuple(dict.fromkeys((*must.get(suite, ()), *asked)))
    plan: MetricsTable = live["metrics"]
    return own.but(
        plan=plan if plan.primary else own.plan,
        must=must,
        gates=tuple(dict.fromkeys((*mine.gate, *other.gate))),
        approvals=max(mine.approvals, other.approvals),
        objectives=tuple(dict.fromkeys((*own.objectives, *live.get("watch", {})))),
    )


def _must(tables: Mapping[str, Any]) -> dict[str, tuple[Must, ...]]:
    return {
        suite: tuple(must_of(metric, text) for metric, text in table.must.items())
        for suite, table in tables.get("evaluate", {}).items()
    }
