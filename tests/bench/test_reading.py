"""Answers that a model wrote for a child and for an expert: what the how-to says of them is worked out here again."""

import json
from pathlib import Path

from rowen.evaluate.statistics.bootstrap import paired
from rowen.score.readability import ease, grade, syllables
from rowen.values.words import sentences, words

ROOT = Path(__file__).parents[2]
ROWS = [json.loads(line) for line in (ROOT / "bench" / "reading" / "answers.jsonl").read_text().splitlines()]


def level(text: str) -> tuple[float, float]:
    said = words(text)
    counts = (max(1, len(sentences(text))), len(said), sum(map(syllables, said)))
    return ease(*counts), grade(*counts)


def test_what_a_model_writes_for_a_child_reads_more_easily_than_what_it_writes_for_an_expert():
    child, expert = ([level(row[reader]) for row in ROWS] for reader in ("a child", "an expert"))

    grades = paired([each[1] for each in child], [each[1] for each in expert])

    assert len(ROWS) == 30
    assert all(one[0] > other[0] for one, other in zip(child, expert, strict=True))
    assert grades.high < -5
    said = (ROOT / "docs" / "how-to" / "style.md").read_text()
    means = [sum(each[at] for each in who) / len(who) for who in (expert, child) for at in (0, 1)]
    assert all(f"{mean:.1f}" in said for mean in means)
