"""Chunks of nothing but text are read by what surrounds the text; the events are those of a reader without memory."""

import json

from hypothesis import given
from hypothesis import strategies as st

from rowen.provider.openai.read import Reader
from rowen.values import Said

TRICKY = st.sampled_from(['"content":"x"', '"}}]}', "\\", "\u0000", "é", " the", "\ud83d\ude00", "}", ""])
TEXTS = st.lists(st.one_of(TRICKY, st.text(alphabet=st.characters(codec="utf-8"), max_size=5)), min_size=1, max_size=8)


def chunk(text: object, *, index: int = 0, compact: bool = True, ascii_only: bool = False, **fields: object) -> bytes:
    table = {"id": "c1", "model": "m", **fields, "choices": [{"index": index, "delta": {"content": text}}], "pad": "p"}
    separators = (",", ":") if compact else (", ", ": ")
    return json.dumps(table, separators=separators, ensure_ascii=ascii_only).encode()


@given(TEXTS, st.booleans(), st.booleans(), st.lists(st.integers(0, 1), min_size=8, max_size=8))
def test_every_text_is_said_as_it_came(texts, compact, ascii_only, indexes):
    texts = [text.encode("utf-16", "surrogatepass").decode("utf-16") for text in texts]
    reader = Reader()
    said: list[tuple[str, int]] = []

    for text, index in zip(["a", "b", *texts], [0, 0, *indexes], strict=False):
        events = reader.feed("", chunk(text, index=index, compact=compact, ascii_only=ascii_only))
        said += [(event.text, event.choice) for event in events if isinstance(event, Said)]

    given_texts = [(text, index) for text, index in zip(["a", "b", *texts], [0, 0, *indexes], strict=False) if text]
    assert said == given_texts


def test_a_text_in_another_field_is_no_pattern():
    reader = Reader()

    for text, note in (("a", "a"), ("a", "a"), ("b", "c"), ("a", "d")):
        events = reader.feed("", chunk(text, note={"content": note}))

        assert [event.text for event in events if isinstance(event, Said)] == [text]


def test_what_fits_the_pattern_but_is_no_text_is_read_as_a_whole():
    reader = Reader()
    reader.feed("", chunk("a"))
    reader.feed("", chunk("b"))

    nothing, many = reader.feed("", chunk(None)), reader.feed("", chunk([{"type": "text", "text": "c"}]))

    assert list(nothing) == []
    assert list(many) == [Said(text="c")]
