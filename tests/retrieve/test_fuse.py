from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.retrieve.fuse import aged, diverse, fused, merged, ordered, scaled, together
from rowen.store.knowledge import Hit
from rowen.values import Passage

DAY = 86_400 * 10**9
TEXT = "".join(chr(97 + n % 26) for n in range(3_000))


def passage(start, end, document="d", score=1.0, **legs):
    return Passage(
        document=document,
        version="1",
        source="s",
        uri="u",
        title="",
        start=start,
        end=end,
        text=TEXT[start:end],
        score=score,
        legs=legs,
    )


def test_a_way_is_scaled_by_the_most_there_could_be():
    hits = [Hit(1, 9.0, 12.0), Hit(2, 6.0, 12.0), Hit(3, 3.0, 12.0)]

    assert scaled(hits, 10) == pytest.approx({1: 0.75, 2: 0.5, 3: 0.25}), "it found all there is"
    assert scaled(hits, 3) == pytest.approx({1: 0.5, 2: 0.25, 3: 0.0}), "what comes next may be as good as the last"
    assert scaled([], 10) == {}


def test_meaning_counts_from_where_likeness_begins():
    hits = [Hit(1, 0.9), Hit(2, 0.8), Hit(3, 0.5)]

    assert scaled(hits, 10, 0.6) == pytest.approx({1: 1.0, 2: 0.75, 3: 0.0})
    assert scaled(hits, 3, 0.6) == pytest.approx({1: 1.0, 2: 0.75, 3: 0.0})
    assert scaled(hits[:2], 2, 0.6) == pytest.approx({1: 0.25, 2: 0.0})


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=20), st.floats(-0.5, 0.9), st.integers(1, 30))
def test_no_scale_changes_the_order_and_nothing_is_below_nothing(scores, zero, limit):
    hits = [Hit(at, score) for at, score in enumerate(sorted(scores, reverse=True))]

    found = scaled(hits, limit, zero)

    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert min(found.values()) >= 0


@given(
    st.dictionaries(st.integers(0, 20), st.floats(0, 1), max_size=15),
    st.dictionaries(st.integers(0, 20), st.floats(0, 1), max_size=15),
)
def test_the_shares_of_nothing_and_everything_are_the_ways_themselves(dense, lexical):
    assert {chunk: score for chunk, score in fused(dense, lexical, 1.0).items() if chunk in dense} == pytest.approx(
        dense
    )
    assert {chunk: score for chunk, score in fused(dense, lexical, 0.0).items() if chunk in lexical} == pytest.approx(
        lexical
    )


def test_what_both_ways_find_goes_before_what_one_finds_as_well():
    assert ordered(fused({1: 0.8, 2: 0.8}, {2: 0.8, 3: 0.8}, 0.5)) == [2, 1, 3]


def test_questions_asked_in_several_ways_share_a_ranking():
    assert together([{1: 1.0, 2: 0.5}, {2: 1.0}]) == {1: 0.5, 2: 0.75}


def test_a_score_halves_with_the_half_life_and_unknown_ages_do_not_count():
    assert aged(0.8, 10 * DAY, 17 * DAY, 7 * 86_400) == pytest.approx(0.4)
    assert aged(0.8, 0, 17 * DAY, 7 * 86_400) == 0.8
    assert aged(0.8, 10 * DAY, 17 * DAY, 0) == 0.8
    assert aged(0.8, 18 * DAY, 17 * DAY, 7 * 86_400) == 0.8


def test_a_copy_gives_way_to_what_differs():
    vectors = {1: array("f", [1, 0]).tobytes(), 2: array("f", [1, 0]).tobytes(), 3: array("f", [0, 1]).tobytes()}
    scores = {1: 1.0, 2: 0.95, 3: 0.5, 4: 0.1}

    assert diverse([1, 2, 3, 4], scores, vectors, 0.5, 2) == [1, 3, 2, 4]
    assert diverse([1, 2, 3, 4], scores, vectors, 0.0, 2) == [1, 2, 3, 4]


def test_passages_that_overlap_or_touch_are_one_and_its_text_is_exact():
    found = merged(
        [passage(400, 1200, dense=0.3), passage(0, 800, dense=0.5), passage(1200, 1300), passage(2000, 2100)],
        2,
        6_000,
    )

    assert [(each.start, each.end) for each in found] == [(0, 1300), (2000, 2100)]
    assert all(each.text == TEXT[each.start : each.end] for each in found)
    assert found[0].legs == {"dense": 0.5}


def test_passages_of_other_documents_or_too_long_together_stay_apart():
    found = merged([passage(0, 100), passage(50, 150, document="e")], 5, 6_000)
    long = merged([passage(0, 2_900), passage(2_900, 3_000)], 5, 6_000)

    assert len(found) == 2
    assert [(each.start, each.end) for each in long] == [(0, 3_000)]


def test_a_neighbour_that_hardly_fits_pushes_out_nothing_that_fits_better():
    best, second, worst = passage(0, 800), passage(2_000, 2_800), passage(700, 1_500)

    tight = merged([best, second, worst], 2, 1_600)
    wide = merged([best, second, worst], 2, 1_700)

    assert [(each.start, each.end) for each in tight] == [(0, 800), (2_000, 2_800)]
    assert [(each.start, each.end) for each in wide] == [(0, 1_500), (2_000, 2_800)]


@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(1, 900)), min_size=1, max_size=12),
    st.integers(1, 6),
    st.integers(1, 5_000),
)
def test_merged_passages_are_pieces_of_the_text_and_no_more_than_wanted(places, top, room):
    found = merged([passage(start, start + size) for start, size in places], top, room)

    assert 0 < len(found) <= top
    assert all(each.text == TEXT[each.start : each.end] for each in found)
