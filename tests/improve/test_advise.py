"""Two apps with opposite failures get opposite advice, and every argument has the app's own figure."""

import pytest

from rowen.improve.advise import EXAMPLES, LEAST, Examples, advised
from rowen.improve.tune.failures import POINTS, Failure, Split
from rowen.retrieve.desk import Standing
from rowen.retrieve.state import SourceState
from rowen.store.knowledge import Known
from rowen.values.interval import wilson

DAY = 86_400 * 1_000_000_000


def lost(**counts):
    failures = tuple(
        Failure(point=point, confidence=1.0, by="rule", reason="r")
        for point, count in counts.items()
        for _ in range(count)
    )
    shares = {point: wilson(counts.get(point, 0), len(failures)) for point in POINTS}
    return Split(asked=len(failures), failed=len(failures), undecided=0, shares=shares, failures=failures)


def known(count, changed):
    return [Known(f"d{nth}", f"d{nth}", "v", "r", DAY * (5 if nth < changed else 1)) for nth in range(count)]


NEWS = (
    lost(missing_content=12, missed_in_ranking=9, not_extracted=2, wrong_format=1),
    [
        Standing(
            app="news", name="docs", health="well", documents=500, chunks=2_000, lag_s=7_200.0,
            sources=(SourceState(app="news", collection="docs", source="s"),),
        )
    ],
    known(500, 200),
    Examples(20, 15),
)  # fmt: skip
FORMS = (
    lost(wrong_format=14, specificity=8, not_extracted=2, missed_in_ranking=1),
    [
        Standing(
            app="forms", name="docs", health="ill", documents=12, chunks=40, lag_s=None,
            sources=(SourceState(app="forms", collection="docs", source="s", code="source_unreadable"),),
        )
    ],
    known(12, 0),
    Examples(EXAMPLES * 3, 250),
)  # fmt: skip


def test_opposite_failures_get_opposite_advice():
    news, forms = advised(*NEWS), advised(*FORMS)

    assert (news.advice, forms.advice) == ("retrieval", "fine-tuning")
    assert "88% of 24 placed failures are of facts" in news.why
    assert news.facts.low > news.ways.high


@pytest.mark.parametrize("app", [NEWS, FORMS, (lost(), [], [], Examples(0, 0))])
def test_every_argument_for_and_against_either_has_a_figure(app):
    lines = advised(*app).lines

    assert len(lines) == 11
    assert {(line.about, line.good) for line in lines} == {
        ("retrieval", True), ("retrieval", False), ("fine-tuning", True), ("fine-tuning", False),
    }  # fmt: skip
    assert all(any(sign.isdigit() for sign in line.figure) for line in lines)


def test_a_figure_says_what_it_speaks_for():
    said = {line.argument: (line.figure, line.speaks_for) for line in advised(*NEWS).lines}
    other = {line.argument: (line.figure, line.speaks_for) for line in advised(*FORMS).lines}

    assert said["content may change"] == ("200 of 500 documents were added or changed after the first day", "retrieval")
    assert other["content may change"][1] == "neither"
    assert said["needs examples"] == ("20 of some 100", "retrieval")
    assert other["needs examples"][1] == "fine-tuning"
    assert other["depends on its sources"] == (
        "1 of 1 sources cannot be read; the farthest behind: not known",
        "fine-tuning",
    )


def test_few_failures_advise_nothing_and_equal_ones_both():
    few = advised(lost(missing_content=LEAST - 1), *NEWS[1:])
    even = advised(lost(missing_content=15, wrong_format=15), *NEWS[1:])
    reading = advised(lost(not_extracted=20), *NEWS[1:])

    assert (few.advice, even.advice, reading.advice) == ("unknown", "both", "unknown")
    assert "9 failures can be placed" in few.why
    assert "reading" in reading.why
