import itertools

from hypothesis import given
from hypothesis import strategies as st

from rowen.values.words import sentence_spans


def said(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


def test_a_line_broken_for_its_length_goes_on_in_the_next():
    text = "The old key goes on for twenty-four hours, and never longer\nthan it would have. Put the new one in place."

    assert said(text) == [text[: text.index(" Put")], "Put the new one in place."]


def test_headings_items_rows_and_empty_lines_stand_alone():
    text = "# A heading that is rather long, longer than most headings are\nText.\n- one item that is long enough to look broken\n- two\n\nEnd"

    assert said(text) == [
        "# A heading that is rather long, longer than most headings are",
        "Text.",
        "- one item that is long enough to look broken",
        "- two",
        "End",
    ]


@given(st.text(alphabet="ab .!?\n#-|1", max_size=200))
def test_no_word_is_lost_and_none_said_twice(text):
    spans = sentence_spans(text)

    assert "".join("".join(said(text)).split()) == "".join(text.split()) or any(sign in text for sign in ".!?")
    assert all(start < end for start, end in spans)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans))
