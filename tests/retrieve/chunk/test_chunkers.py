"""Every chunker: exact offsets, nothing lost, sizes kept, whatever the text."""

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rowen.provider.tokens import count
from rowen.retrieve.base import ChunkTable
from rowen.retrieve.chunk import chunking
from rowen.retrieve.chunk.catalog import CATALOG
from rowen.values import Document, Mistaken, Section

# Letters with accents on their own, joined emoji, Chinese, Arabic, every kind of white space, halves of surrogate pairs.
TEXTS = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("aé\u0301👩\u200d🚀 \n\n\t\r.!?。、知識العربية\u3000\x0b\x1c\x85\u2028\ud800"),
    ),
    max_size=300,
)


def document(text: str, kind: str = "text", **fields) -> Document:
    return Document(id="d", source="s", uri="u", version="v", text=text, kind=kind, **fields)


@pytest.mark.parametrize("kind", sorted(CATALOG))
@settings(max_examples=120, deadline=None)
@given(text=TEXTS, size=st.integers(1, 60), shared=st.floats(0, 0.9), of=st.sampled_from(["text", "markdown", "code"]))
@example(text="a b", size=1, shared=0.0, of="text")
@example(text="e\u0301" * 40, size=3, shared=0.5, of="text")
@example(text="# One\n\ntext\n\n## Two\n\n" + "word " * 40, size=20, shared=0.5, of="markdown")
def test_every_character_that_is_no_white_space_is_in_a_chunk_and_offsets_are_exact(kind, text, size, shared, of):
    cut = chunking(ChunkTable(kind=kind, size=size, overlap=int(size * shared))).cut

    cuts = cut(document(text, of, language="python" if of == "code" else ""))

    covered = set()
    for piece in cuts:
        assert 0 <= piece.start < piece.end <= len(text)
        covered.update(range(piece.start, piece.end))
        if piece.parent is not None:
            assert piece.parent.start <= piece.start < piece.end <= piece.parent.end <= len(text)
    assert all(place in covered for place, letter in enumerate(text) if not letter.isspace())
    assert [piece.start for piece in cuts] == sorted(piece.start for piece in cuts)
    assert len(set(cuts)) == len(cuts)
    if kind in {"overlap", "recursive", "sentence", "parent", "structure"}:
        assert all(piece.end - piece.start <= size for piece in cuts)


@given(text=TEXTS)
@settings(max_examples=50, deadline=None)
def test_the_same_document_is_always_cut_alike(text):
    made = chunking(ChunkTable(size=40, overlap=20))

    assert list(made.cut(document(text))) == list(chunking(ChunkTable(size=40, overlap=20)).cut(document(text)))


def test_windows_overlap_by_about_half_and_end_where_a_sentence_does():
    text = " ".join(f"This is sentence number {number} of a long text." for number in range(100))

    cuts = chunking(ChunkTable()).cut(document(text))

    shared = [before.end - after.start for before, after in itertools.pairwise(cuts)]
    assert all(300 <= each <= 500 for each in shared)
    assert all(text[piece.start : piece.end].rstrip().endswith(".") for piece in cuts)
    assert all(text[piece.start : piece.end].startswith("This") for piece in cuts)


def test_a_line_of_chinese_without_a_space_ends_at_a_full_stop():
    text = "知识库里的每一篇文章都有出处。" * 40

    cuts = chunking(ChunkTable(size=100, overlap=50)).cut(document(text))

    assert all(text[piece.start : piece.end].endswith("。") for piece in cuts)


def test_no_letter_is_torn_from_its_accent():
    text = "e\u0301" * 500

    cuts = chunking(ChunkTable(size=101, overlap=51)).cut(document(text))

    assert all(text[piece.start] == "e" for piece in cuts)


def test_sentences_stay_whole():
    text = "One is short. " + "Two is a little longer than one. " * 5 + "Three ends here."

    cuts = chunking(ChunkTable(kind="sentence", size=80, overlap=0)).cut(document(text))

    assert all(text[piece.start : piece.end].rstrip().endswith(".") for piece in cuts)


def test_the_parent_of_a_chunk_is_its_section():
    text = "# A\n\n" + "alpha " * 300 + "\n\n# B\n\n" + "beta " * 300
    middle = text.index("# B")
    sections = (
        Section(start=0, end=middle, level=1, title="A"),
        Section(start=middle, end=len(text), level=1, title="B"),
    )

    cuts = chunking(ChunkTable(kind="parent", size=500, overlap=100)).cut(document(text, "markdown", sections=sections))

    assert {piece.parent for piece in cuts} == {(0, middle), (middle, len(text))}
    assert len(cuts) > 6


def test_code_is_cut_between_functions_where_its_grammar_is_installed():
    text = "\n\n".join(f"def function_{n}(a):\n    b = a + {n}\n\n    return b" for n in range(20))

    cuts = chunking(ChunkTable(kind="structure", size=120, overlap=0)).cut(document(text, "code", language="python"))

    assert all(text[piece.start : piece.end].lstrip().startswith("def ") for piece in cuts)


def test_sizes_in_tokens_are_those_of_the_encoding():
    text = "Tokenisation matters: antidisestablishmentarianism, 知识, naïve. " * 60

    cuts = chunking(ChunkTable(kind="tokens", size=50, overlap=10)).cut(document(text))

    assert max(count(text[piece.start : piece.end]) for piece in cuts) <= 50
    assert len(cuts) > 20


@pytest.mark.parametrize(
    ("table", "place", "said"),
    [
        (ChunkTable(kind="overlpa"), "chunk.kind", 'did you mean "overlap"'),
        (ChunkTable(size=0), "chunk.size", "at least one"),
        (ChunkTable(size=100, overlap=100), "chunk.overlap", "from 0 to 99"),
        (ChunkTable(size=100, overlap=-1), "chunk.overlap", "from 0 to 99"),
    ],
)
def test_a_table_that_cannot_be_meant_says_which_key(table, place, said):
    with pytest.raises(Mistaken) as caught:
        chunking(table)

    assert caught.value.code == "config_invalid"
    assert caught.value.place == place
    assert said in caught.value.message


def test_a_manifest_can_tell_how_it_was_cut():
    assert chunking(ChunkTable()).written == "overlap(size=800, overlap=400)"
