"""`rowen cases questions` and `rowen insight failures`, on a store with cases, traces and what users said of them."""

import asyncio
import json

import pytest
from click.testing import CliRunner

from rowen.cli.cases import command as cases
from rowen.cli.insight import command as insight
from rowen.score.cases import Cases
from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock
from rowen.values import (
    Answer,
    Case,
    Choice,
    Citation,
    Mistaken,
    Passage,
    Request,
    Score,
    Trace,
    TraceRow,
    says,
)

APP = """
[app]
name = "demo"
[models.echo]
provider = "echo"
[retrieve.handbook]
embed = ""
source = "docs/*"
"""
TEXT = "A rotated key goes on for 24 hours. Only an admin of the tenant may revoke it earlier."


def trace(id, question, answer, uri):
    passage = Passage(document="x", version="1", source="s", uri=uri, title="", start=0, end=35, text=TEXT[:35])
    citation = Citation(
        number=1,
        document="x",
        version="1",
        source="s",
        uri=uri,
        start=0,
        end=35,
        text=TEXT[:35],
        said_start=0,
        said_end=5,
        support=1.0,
        verified=True,
    )
    choice = Choice(message=says("assistant", answer), reason="stop", citations=(citation,))
    return Trace(
        row=TraceRow(id=id, app="demo", definition="d", tenant="default", started_ns=10**18, duration_ns=1),
        request=Request(model="echo", messages=(says("user", question),), passages=(passage,)),
        answer=Answer(choices=(choice,)),
    )


def score(trace, name, value, **fields):
    number = float(value) if isinstance(value, bool) else None
    kind = "correction" if name == "correction" else "boolean"
    return Score(
        id=f"{trace}-{name}", trace=trace, app="demo", name=name, type=kind, value=value, number=number, source="user",
        created_ns=10**18, judged_ns=10**18, **fields,
    )  # fmt: skip


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    keys = tmp_path / "docs" / "keys.md"
    keys.write_text(TEXT)
    (tmp_path / "app.toml").write_text(APP)

    async def fill():
        store = await open_store("sqlite:.rowen", clock=FakeClock())
        kept = Cases(store.records, scores=store.scores, traces=store.traces, clock=FakeClock())
        await kept.put(
            Case(id="c", app="demo", dataset="faq", input="How long does an old key live?", document="keys.md")
        )
        await kept.put(
            Case(id="d", app="demo", dataset="faq", input="Where is the moon?", expected="In the sky above.")
        )
        uri = "docs/keys.md"
        await store.traces.write(
            [
                trace("t1", "For how many hours is a rotated key good?", "24 hours.", uri),
                trace("t2", "Who may end it?", "I'm sorry, but I can't help with that.", uri),
            ]
        )
        await store.scores.put(
            [
                score("t1", "thumbs", True),
                score("t2", "thumbs", False),
                score("t2", "correction", "Only an admin of the tenant may revoke it earlier."),
            ]
        )
        await store.close()

    asyncio.run(fill())

    def invoke(command, *words):
        found = CliRunner().invoke(command, [*words, "--store", "sqlite:.rowen"], catch_exceptions=False)
        assert found.exit_code == 0, found.output
        return found.stdout

    return invoke


def test_questions_come_from_cases_and_feedback_and_what_is_dropped_is_told(run, tmp_path):
    said = run(cases, "questions", "--to", "q.jsonl", "--dataset", "faq", "--feedback")

    lines = [json.loads(line) for line in (tmp_path / "q.jsonl").read_text().splitlines()]
    assert [line["question"] for line in lines if line["source"] == "case"] == ["How long does an old key live?"]
    assert {line["trace"] for line in lines if line["source"] == "feedback"} == {"t1", "t2"}
    corrected = next(line for line in lines if line.get("trace") == "t2")
    assert corrected["answer"].startswith("Only an admin")
    assert all(line.get("documents") for line in lines)
    assert "1 dropped: nothing says what answers it" in said


def test_a_model_that_only_echoes_makes_no_question_up(run, tmp_path):
    said = json.loads(run(cases, "questions", "--to", "q.jsonl", "--generate", "2", "--json"))

    assert said[2]["kept"] == 0
    assert (tmp_path / "q.jsonl").read_text() == ""


def test_without_a_source_it_says_which_there_are(run):
    with pytest.raises(Mistaken, match="--feedback"):
        run(cases, "questions", "--to", "q.jsonl")


def test_where_bad_answers_were_lost_is_told_of_traces(run):
    lost = json.loads(run(insight, "failures", "--json"))
    table = run(insight, "failures")

    assert (lost["asked"], lost["failed"]) == (1, 1)
    (failure,) = lost["failures"]
    # The one passage it was given has not the words of the correction, so it could not have said it.
    assert failure["point"] == "missing_content"
    assert failure["confidence"] < 0.75
    assert "missing_content" in table
