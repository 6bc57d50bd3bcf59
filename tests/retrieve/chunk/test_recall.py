"""What the default chunker lets a search find, on judged spans (see NOTICE): measured, not believed."""

import json
from pathlib import Path

import pytest
from bench.retrieval.spans import Lexical, Place, recall, shown

from rowen.retrieve.base import ChunkTable
from rowen.retrieve.chunk import chunking
from rowen.values import Document
from rowen.values.interval import mean

FIXTURES = Path(__file__).parent / "fixtures"
SPEECH = (FIXTURES / "speech.txt").read_text(encoding="utf-8")
ASKED = [json.loads(line) for line in (FIXTURES / "questions.jsonl").read_text(encoding="utf-8").splitlines()]


def found_with(table: ChunkTable) -> list[float]:
    document = Document(id="speech", source="", uri="", version="", text=SPEECH)
    pieces = chunking(table).cut(document)
    lexical = Lexical([(Place("speech", cut.start, cut.end), SPEECH[cut.start : cut.end]) for cut in pieces])
    gold = [[Place("speech", start, end) for start, end in each["spans"]] for each in ASKED]
    found = [recall(spans, shown(lexical.ranked(each["question"]))) for each, spans in zip(ASKED, gold, strict=True)]
    lexical.close()
    return found


def test_the_default_finds_what_was_asked_for_by_words_alone():
    found = mean(found_with(ChunkTable()))

    assert found.value >= 0.95


def test_the_default_finds_no_less_than_any_other_chunker_beyond_noise():
    ours = found_with(ChunkTable())

    for table in (
        ChunkTable(overlap=0),
        ChunkTable(kind="recursive", overlap=0),
        ChunkTable(kind="sentence", overlap=0),
        ChunkTable(kind="structure", overlap=0),
        ChunkTable(kind="tokens", size=200, overlap=0),
    ):
        more = mean([theirs - mine for theirs, mine in zip(found_with(table), ours, strict=True)])
        assert more.low <= 0, (table, more)


def test_what_is_shown_is_counted_once_and_ends_with_the_budget():
    ranked = [Place("a", 0, 100), Place("a", 50, 150), Place("b", 0, 100)]

    found = shown(ranked, budget=180)

    assert found == [Place("a", 0, 100), Place("a", 100, 150), Place("b", 0, 30)]


@pytest.mark.parametrize(
    ("found", "expected"),
    [([], 0.0), ([Place("a", 0, 10)], 0.5), ([Place("a", 5, 30)], 0.75), ([Place("b", 0, 20)], 0.0)],
)
def test_recall_is_the_share_of_the_gold_characters(found, expected):
    assert recall([Place("a", 0, 20)], found) == expected
