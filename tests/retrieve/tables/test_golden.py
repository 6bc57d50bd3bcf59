"""Questions with answers that were worked out apart from the code: exact, or refused; never wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from rowen.retrieve.parse.base import Limits
from rowen.retrieve.parse.table import parse
from rowen.retrieve.tables.look import answered_by
from rowen.retrieve.tables.mentions import Unsure
from rowen.retrieve.tables.rules import planned
from rowen.retrieve.tables.sheet import Sheet
from rowen.store.tables import Opened
from rowen.values import SystemClock

GOLDEN = Path(__file__).parent / "golden"
CASES = [json.loads(line) for line in (GOLDEN / "questions.jsonl").read_text().splitlines()]
NAMES = ("orders", "staff", "meadows")


@pytest.fixture(scope="module")
def tables() -> dict[str, tuple[Sheet, Opened]]:
    made = {}
    for name in NAMES:
        (table,) = parse((GOLDEN / f"{name}.csv").read_bytes(), f"{name}.csv", Limits()).tables
        made[name] = (Sheet(name, table), Opened({name: table}, SystemClock()))
    return made


def answer(question: str, sheet: Sheet, opened: Opened) -> list[list[Any]] | None:
    """Return the rows that a question gets; None where it is refused."""
    try:
        return [list(row) for row in answered_by(planned(question, sheet).query, opened)[1].rows]
    except Unsure:
        return None


@pytest.mark.parametrize("case", [each for each in CASES if each["table"]], ids=lambda each: each["question"])
def test_a_question_is_answered_exactly_as_it_was_worked_out_by_hand(case: Any, tables: Any) -> None:
    assert answer(case["question"], *tables[case["table"]]) == case["rows"]


@pytest.mark.parametrize("case", [each for each in CASES if not each["table"]], ids=lambda each: each["question"])
def test_what_no_table_answers_is_refused_by_all_of_them(case: Any, tables: Any) -> None:
    assert {name: answer(case["question"], *tables[name]) for name in NAMES} == dict.fromkeys(NAMES)
