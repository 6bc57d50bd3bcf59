"""All tables of an `app.toml`: those of the live stages, and those of the stages that learn from what was answered."""

from pathlib import Path

from rowen.config import Loaded, Table, kept
from rowen.evaluate.canary import CanaryTable
from rowen.evaluate.choice import CatalogueTable
from rowen.evaluate.plan import MetricsTable
from rowen.evaluate.run.suite import TABLES as EVALUATE
from rowen.flow.tables import TABLES as LIVE
from rowen.release.table import ReleaseTable
from rowen.score.rule import ScoreTable
from rowen.values import Definition
from rowen.watch.written import TABLES as WATCH

TABLES: dict[str, Table] = {
    **LIVE,
    "score": Table(kind=tuple[ScoreTable, ...], default=()),
    "metrics": Table(kind=MetricsTable, default=MetricsTable()),
    **EVALUATE,
    "catalogue": Table(kind=dict[str, CatalogueTable], default={}),
    "canary": Table(kind=dict[str, CanaryTable], default={}),
    **WATCH,
    "release": Table(kind=ReleaseTable, default=ReleaseTable()),
}


def stored(definition: Definition) -> Loaded:
    """Return what a Definition that is kept says. Secrets are not read.

    Raises:
        Mistaken: `config_*` where this version of Rowen cannot read it.

    """
    return kept(definition, TABLES, Path("app.toml"), secrets=False)
