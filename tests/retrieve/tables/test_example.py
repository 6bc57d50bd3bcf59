"""The table of the handbook example: its figures are those of the models that it tells of."""

from pathlib import Path

import pytest

from rowen.provider.weights.catalog import CATALOG
from rowen.retrieve.parse.base import Limits
from rowen.retrieve.parse.table import parse
from rowen.retrieve.tables.look import answered_by
from rowen.retrieve.tables.rules import planned
from rowen.retrieve.tables.sheet import Sheet
from rowen.store.tables import Opened
from rowen.values import SystemClock

FILE = Path(__file__).parents[3] / "examples" / "02-handbook" / "tables" / "models.csv"
(TABLE,) = parse(FILE.read_bytes(), FILE.name, Limits()).tables


def test_its_rows_are_what_the_catalogue_has() -> None:
    known = {
        name: (sum(piece.size for piece in each.pieces), each.dimensions or None) for name, each in CATALOG.items()
    }

    assert {row[0]: (row[2], row[3]) for row in TABLE.rows} == known


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("What is the total size of the models?", ((sum(row[2] for row in TABLE.rows),),)),
        ("Which model is the largest by size?", (("smollm2", 98362432),)),
        ("How many models are for vectors?", ((2,),)),
    ],
)
def test_its_questions_have_exact_answers(question: str, rows: object) -> None:
    opened = Opened({"models": TABLE}, SystemClock())

    assert answered_by(planned(question, Sheet("models", TABLE)).query, opened)[1].rows == rows
