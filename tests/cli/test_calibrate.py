"""`rowen index calibrate`: from questions to a curve, kept where the pages find it."""

import asyncio
import json

import pytest
from click.testing import CliRunner

from rowen.cli.index import command
from rowen.retrieve.calibration import Calibration
from rowen.store.catalog import open_store
from rowen.values import Mistaken, SystemClock

APP = """
[app]
name = "demo"
[models.echo]
provider = "echo"
[retrieve.handbook]
embed = ""
source = "docs/*"
chunk = { size = 120, overlap = 0 }
top = 1
budget = 200
"""


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    lines = []
    for n in range(30):
        word = f"{chr(97 + n % 26)}{chr(97 + n // 26)}quorum"
        text = f"# Rule {word}\n\nWhoever needs a {word} asks the desk of {word}s before noon of day {n}."
        (tmp_path / "docs" / f"rule{n}.md").write_text(text)
        lines.append(json.dumps({"question": f"When is a {word} asked for?", "documents": [f"rule{n}.md"]}))
    (tmp_path / "q.jsonl").write_text("\n".join(lines))
    (tmp_path / "few.jsonl").write_text("\n".join(lines[:12]))
    (tmp_path / "app.toml").write_text(APP)
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> str:
        ended = CliRunner().invoke(command, ["calibrate", *words, "--store", f"sqlite:{tmp_path}/data"])
        if ended.exception:
            raise ended.exception
        return ended.output

    return run


def kept(folder) -> list[Calibration]:
    async def found():
        store = await open_store(f"sqlite:{folder}/data", clock=SystemClock())
        try:
            return await Calibration.shelf(store.records).find()
        finally:
            await store.close()

    return asyncio.run(found())


def test_a_curve_is_told_with_how_far_it_holds_and_kept_for_the_page(invoke, tmp_path):
    said = " ".join(invoke("--questions", "q.jsonl").split())
    (one,) = kept(tmp_path)

    assert "`chance = { slope = " in said
    assert "expected calibration error" in said
    assert (one.app, one.collection, one.how) == ("demo", "handbook", "taken away")
    assert one.questions == one.unanswerable
    assert one.chance is not None
    assert sum(each.n for each in one.bins) == one.questions + one.unanswerable
    assert one.index.endswith("words alone")


def test_too_few_questions_are_told_and_nothing_is_kept(invoke, tmp_path):
    with pytest.raises(Mistaken, match="too few"):
        invoke("--questions", "few.jsonl")

    assert kept(tmp_path) == []
