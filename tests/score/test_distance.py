import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import LCSseq, Levenshtein

from rowen.score.distance import common_length, edit_distance, kept_ratio, normalised_distance

TEXTS = st.text(alphabet="abcdé ", max_size=90)


@given(TEXTS, TEXTS)
def test_the_edit_distance_is_as_rapidfuzz_computes_it(one, other):
    assert edit_distance(one, other) == Levenshtein.distance(one, other)
    assert normalised_distance(one, other) == pytest.approx(Levenshtein.normalized_distance(one, other))


@given(TEXTS, TEXTS)
def test_the_longest_common_subsequence_is_as_rapidfuzz_computes_it(one, other):
    assert common_length(one, other) == LCSseq.similarity(one, other)


@given(TEXTS, TEXTS, TEXTS)
def test_the_edit_distance_is_a_metric(one, other, third):
    assert edit_distance(one, other) == edit_distance(other, one)
    assert (edit_distance(one, other) == 0) == (one == other)
    assert edit_distance(one, third) <= edit_distance(one, other) + edit_distance(other, third)


def test_lists_of_words_are_compared_word_by_word():
    assert edit_distance(["the", "cat", "sat"], ["the", "dog", "sat", "down"]) == 2


def test_what_was_kept_counts_the_words_still_there_in_order():
    assert kept_ratio("One two three four.", "one THREE, four") == 0.75
    assert kept_ratio("one two", "two one") == 0.5
    assert kept_ratio("", "anything") == 1.0
    assert kept_ratio("one", "") == 0.0


def test_a_long_text_is_compared_exactly():
    one = "abcdefghij" * 1500
    other = "abcdefghiX" * 1500

    assert edit_distance(one, other) == 1500
