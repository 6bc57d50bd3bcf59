import asyncio
import json

import pytest
from click.testing import CliRunner

from rowen.cli.score import command
from rowen.store.catalog import open_store
from rowen.values import Answer, Choice, Mistaken, Request, SystemClock, Trace, TraceRow, says


def invoke(*words):
    found = CliRunner().invoke(command, [str(word) for word in words], catch_exceptions=False)
    assert found.exit_code == 0
    return found


@pytest.fixture
def file(tmp_path):
    lines = [
        {"answer": "the cat sat", "reference": "the cat sat"},
        {"answer": "a dog", "references": ["the cat sat", "a dog ran"]},
        {"answer": "no reference here"},
    ]
    path = tmp_path / "answers.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    return path


def test_the_mean_comes_with_its_interval_and_how_many_it_rests_on(file):
    rows = {row["score"]: row for row in json.loads(invoke("rouge", file, "--json").stdout)}

    assert set(rows) == {"rouge.1", "rouge.2", "rouge.l"}
    assert (rows["rouge.1"]["n"], rows["rouge.1"]["mean"]) == (2, 0.9)
    assert rows["rouge.1"]["95%"][0] < 0.9 < rows["rouge.1"]["95%"][1]


def test_word_overlap_comes_with_a_warning_and_what_was_passed_over_is_told(file):
    found = invoke("bleu", file)

    assert "little of whether an answer is true" in " ".join(found.stderr.split())
    assert "1 of 3 lacked what this scorer judges" in found.stdout


def test_every_answer_can_be_shown(file):
    lines = [json.loads(line) for line in invoke("exact", file, "--each").stdout.splitlines()]

    assert [line["id"] for line in lines] == ["1", "2", "3"]
    assert [bool(line["verdicts"] and line["verdicts"][0]["value"]) for line in lines] == [True, False, False]


def test_settings_are_given_as_options(file):
    (row,) = json.loads(invoke("match", file, "--json", "--option", 'contains=["cat"]').stdout)

    assert row["mean"] == pytest.approx(1 / 3, abs=1e-4)


def test_labels_are_counted(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"answer": "The order is on its way and will be with you."}\n')

    (row,) = json.loads(invoke("language", tmp_path / "a.jsonl", "--json").stdout)

    assert row["mean"] == {"en": 1}


def test_traces_of_the_store_are_judged(tmp_path):
    async def fill():
        store = await open_store(f"sqlite:{tmp_path}/data", clock=SystemClock())
        row = TraceRow(id="a" * 32, started_ns=1, duration_ns=1, app="shop", definition="d", tenant="default")
        said = Answer(choices=(Choice(message=says("assistant", "I cannot help with that.")),))
        await store.traces.write([Trace(row=row, request=Request(model="m"), answer=said)])
        await store.close()

    asyncio.run(fill())

    (row,) = json.loads(invoke("refusal", "--json", "--store", f"sqlite:{tmp_path}/data").stdout)

    assert (row["n"], row["mean"], row["95%"]) == (1, 1.0, None)


@pytest.mark.parametrize(
    ("text", "place"),
    [('{"answer": 3}', "a.jsonl:1"), ("{}\n", "a.jsonl:1"), ('{"answer": "x"}\nnot json', "a.jsonl:2")],
)
def test_a_bad_line_is_named(text, place, tmp_path):
    (tmp_path / "a.jsonl").write_text(text)

    with pytest.raises(Mistaken) as caught:
        invoke("length", tmp_path / "a.jsonl")

    assert caught.value.place == place


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path):
    with pytest.raises(Mistaken, match="cannot read"):
        invoke("length", tmp_path / "nothing.jsonl")
    (tmp_path / "bin.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(Mistaken, match="not UTF-8"):
        invoke("length", tmp_path / "bin.jsonl")
