"""Which cases a prompt may show: none that the app is tried on."""

import json

import pytest

from rowen.config import read
from rowen.evaluate.dataset import Datasets
from rowen.score.cases import Cases
from rowen.serve.exampling import Examples, vet_examples
from rowen.serve.tables import TABLES
from rowen.store.memory.scores import MemoryScores
from rowen.store.memory.shelves import MemoryRecords
from rowen.testing.clock import FakeClock
from rowen.values import Case, Mistaken

APP = """
[app]
name = "shop"
[models.main]
provider = "echo"
[prompt.examples]
files = "cases/*.jsonl"
[evaluate.smoke]
cases = "held/smoke.jsonl"
"""


def lines(*rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "cases").mkdir()
    (tmp_path / "held").mkdir()
    (tmp_path / "app.toml").write_text(APP)
    (tmp_path / "cases" / "a.jsonl").write_text(
        lines(
            {"id": "free", "question": "When does the shop open on Sundays in May?", "expected": "At nine."},
            {"id": "copy", "question": "what does it cost to send a parcel to Spain", "expected": "Five."},
            {"id": "marked", "question": "Where is it?", "expected": "Here.", "metadata": {"split": "test"}},
        )
    )
    (tmp_path / "cases" / "b.jsonl").write_text(
        lines({"id": "twin", "question": "Where is it?!", "expected": "There."})
    )
    (tmp_path / "held" / "smoke.jsonl").write_text(
        lines({"id": "x", "question": "What does it cost to send a parcel to Spain?", "expected": "Five."})
    )
    return tmp_path


@pytest.fixture
def examples():
    clock, records = FakeClock(), MemoryRecords()
    cases = Cases(records, scores=MemoryScores(), traces=None, clock=clock)
    return Examples(Datasets(records, cases=cases, clock=clock))


async def test_what_the_app_is_tried_on_is_no_example_nor_a_near_copy_of_it(folder, examples):
    loaded = read(folder / "app.toml", TABLES)

    found = await examples(loaded, loaded.tables["prompt"].examples)

    assert [case.id for case in found] == ["free"]


async def test_the_files_are_part_of_the_definition(folder):
    before = read(folder / "app.toml", TABLES).definition
    (folder / "cases" / "c.jsonl").write_text(lines({"id": "new", "question": "Why?", "expected": "So."}))
    after = read(folder / "app.toml", TABLES).definition

    assert set(before.files) == {"cases/a.jsonl", "cases/b.jsonl"}
    assert after.hash != before.hash


async def test_a_data_set_is_shown_in_the_version_that_is_named(folder, examples):
    await examples._datasets.add([Case(id="golden:1", dataset="golden", input="Why?", expected="So.")])
    version = await examples._datasets.freeze("golden", "default")
    (folder / "app.toml").write_text(APP.replace('files = "cases/*.jsonl"', f'dataset = "golden@{version.hash[:8]}"'))
    loaded = read(folder / "app.toml", TABLES)

    found = await examples(loaded, loaded.tables["prompt"].examples)

    assert [case.id for case in found] == ["golden:1"]


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ('dataset = "golden"', "name a version"),
        ("top = 2", "`files` or a `dataset`"),
        ('files = "nothing/*.jsonl"', "no file is like"),
        ('files = "../*.jsonl"', "beside this one"),
        ('files = "cases/a.jsonl"\nvariety = 2', "1"),
    ],
)
def test_what_is_written_wrongly_is_told(folder, written, why):
    (folder / "app.toml").write_text(APP.replace('files = "cases/*.jsonl"', written))

    with pytest.raises(Mistaken, match=r"app\.toml") as raised:
        vet_examples(read(folder / "app.toml", TABLES))

    assert why in raised.value.message


def test_a_line_that_is_no_case_is_named(folder):
    (folder / "cases" / "a.jsonl").write_text('{"question": "Why?"}\n{"nothing": 1}\n')

    with pytest.raises(Mistaken) as raised:
        vet_examples(read(folder / "app.toml", TABLES))

    assert raised.value.place == "cases/a.jsonl:2"


async def test_cases_that_must_be_held_out_and_cannot_be_read_stop_the_examples(folder, examples):
    (folder / "held" / "smoke.jsonl").unlink()
    loaded = read(folder / "app.toml", TABLES)

    with pytest.raises(Mistaken, match="must be known"):
        await examples(loaded, loaded.tables["prompt"].examples)
