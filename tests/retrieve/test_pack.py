import itertools

from hypothesis import given
from hypothesis import strategies as st

from rowen.retrieve.pack import cost, joined, packed
from rowen.values import Passage


def words(text: str) -> int:
    return len(text.split())


def test_passages_are_taken_until_the_room_is_full(passage):
    found = [passage("one two three", "a"), passage("four five six", "b"), passage("seven eight nine", "c")]

    pack = packed(found, "When?", budget=2 * cost(found[0], words) + 2, count=words)

    assert [each.document for each in pack.passages] == ["a", "b"]
    assert pack.count("unfit") == 1
    assert pack.tokens == 2 * cost(found[0], words)


def test_of_a_passage_that_does_not_fit_the_sentences_with_the_questions_words_are_kept(passage):
    filler = "We talk of the weather and of the years that were. " * 12
    text = filler + "First we mow the meadow in June. Then we turn the hay. " + filler
    long = passage(text, start=7)

    pack = packed([long], "When do you mow the meadow?", budget=80, count=words)

    (cut,) = pack.passages
    assert "First we mow the meadow in June." in cut.text
    assert cut.text == text[cut.start - 7 : cut.end - 7]
    assert pack.tokens <= 80
    assert pack.count("cut") == 1


def test_of_several_passages_none_takes_more_than_half(passage):
    long = "All of this is about the meadow and what grows on it. " * 20

    pack = packed(
        [passage(long, "a"), passage(long.replace("meadow", "forest"), "b")], "meadow", budget=200, count=words
    )

    assert [each.document for each in pack.passages] == ["a", "b"]
    assert all(cost(each, words) <= 100 for each in pack.passages)


def test_a_passage_is_left_out_where_only_a_crumb_of_it_would_fit(passage):
    pack = packed([passage("One sentence here. " * 50)], "When?", budget=30, count=words)

    assert (pack.passages, pack.count("unfit")) == ((), 1)


def test_touching_passages_of_one_document_become_one_at_the_better_place(passage):
    text = "abcdefghij"
    found = [
        passage(text[4:8], start=4),
        passage("elsewhere", "b"),
        passage(text[0:5], start=0),
        passage(text[8:10], start=8),
    ]

    whole = joined(found)

    assert [(each.document, each.start, each.text) for each in whole] == [("a", 0, text), ("b", 0, "elsewhere")]


def test_the_same_text_in_another_document_is_said_once(passage):
    pack = packed([passage("Open at  nine."), passage("open at nine.", "copy")], "When?", budget=100, count=words)

    assert [each.document for each in pack.passages] == ["a"]
    assert pack.count("repeated") == 1


def test_one_document_gets_no_more_than_its_share(passage):
    found = [
        passage("one one", start=0),
        passage("two two", start=50),
        passage("three", start=100),
        passage("four", "b"),
    ]

    pack = packed(found, "When?", budget=1000, count=words, per_source=0.5)

    assert [each.document for each in pack.passages] == ["a", "a", "b"]
    assert pack.count("crowded") == 1


def test_the_best_stand_at_both_ends_when_asked(passage):
    found = [passage(f"number {n}", f"d{n}") for n in range(5)]

    pack = packed(found, "When?", budget=1000, count=words, order="edges")

    assert [each.document for each in pack.passages] == ["d0", "d2", "d4", "d3", "d1"]


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 60), st.integers(1, 30)), max_size=12),
    st.integers(0, 120),
)
def test_whatever_is_packed_fits_and_is_the_documents_own_text(spans, budget):
    texts = {name: "".join(f"{name}{n}. " for n in range(40)) for name in "ab"}
    found = [
        Passage(
            document=name, version="1", source="s", uri=name, title="", start=at, end=min(at + size, len(texts[name])),
            text=texts[name][at : at + size],
        )
        for name, at, size in spans
    ]  # fmt: skip

    pack = packed(found, "When?", budget=budget, count=words)

    assert pack.tokens <= budget
    assert all(texts[each.document][each.start : each.end] == each.text for each in pack.passages)
    places = {name: sorted((p.start, p.end) for p in pack.passages if p.document == name) for name in "ab"}
    assert all(one[1] < other[0] for own in places.values() for one, other in itertools.pairwise(own))
