"""A cross-encoder on ONNX Runtime, run for real on the small one in `fixtures/` (see `fixtures/make.py`)."""

import shutil
from pathlib import Path

import pytest

from rowen.retrieve.rerank.onnx import open_cross_encoder
from rowen.values import Broken, Mistaken

CROSS = Path(__file__).parent / "fixtures" / "cross"
TEXTS = [
    "Lunch is served at noon.",
    "The old key is valid for twelve hours.",
    "Parking is free.",
    "Who may rotate keys?",
]


@pytest.fixture
def cross():
    return open_cross_encoder(CROSS)


async def test_the_passage_that_has_the_words_comes_first(cross):
    scores = await cross("how many hours is the old key valid", TEXTS)

    assert max(range(len(TEXTS)), key=scores.__getitem__) == 1
    assert len(scores) == len(TEXTS)


async def test_a_text_that_has_all_words_of_a_question_scores_one(cross):
    (score,) = await cross("old key", ["a key of old"])

    assert score == pytest.approx(1.0, abs=1e-5)


async def test_a_score_does_not_depend_on_what_it_is_computed_with(cross):
    long = " ".join(["the office opens at nine and lunch is served at noon"] * 30)
    texts = [*TEXTS, long, "", "parking"]

    together = await cross("when does the office open", texts)
    alone = [(await cross("when does the office open", [text]))[0] for text in texts]

    assert together == pytest.approx(alone, abs=1e-5)


async def test_of_a_text_that_is_too_long_the_end_is_not_read_and_the_question_is(cross):
    filler = " ".join(["parking"] * 600)

    cut, first = await cross("old key", [f"{filler} old key", f"old key {filler}"])

    assert first == pytest.approx(1.0, abs=1e-5)
    assert cut < 0.9


async def test_many_texts_are_computed_in_lots_that_give_the_same(cross):
    texts = [f"day {' '.join(['key'] * (n % 50))} old" for n in range(300)]

    scores = await cross("old key", texts)

    assert scores[0] < scores[1]
    assert scores[7] == pytest.approx((await cross("old key", [texts[7]]))[0], abs=1e-5)


def test_a_file_that_is_missing_or_damaged_is_said(tmp_path):
    with pytest.raises(Mistaken, match=r"model\.onnx"):
        open_cross_encoder(tmp_path)
    shutil.copytree(CROSS, tmp_path / "cross")
    (tmp_path / "cross" / "model.onnx").write_bytes(b"not a model")

    with pytest.raises(Broken) as told:
        open_cross_encoder(tmp_path / "cross")

    assert told.value.code == "weights_format"
