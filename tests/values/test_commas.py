"""CSV: long fields, any ends of lines, and one bound for the whole process."""

import csv
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.values.commas import LONGEST, lines_in


@given(st.sampled_from(["\n", "\r\n", "\r"]), st.lists(st.text("ab\u2028\x85 ,"), min_size=1, max_size=5))
def test_lines_end_in_any_of_the_three_ways_and_nothing_else_ends_one(end: str, cells: list[str]):
    text = end.join(f'"{cell}",x' for cell in cells)

    assert list(csv.reader(lines_in(text), strict=True)) == [[cell, "x"] for cell in cells]


def test_a_field_may_be_as_long_as_a_document_and_no_longer():
    assert list(csv.reader(lines_in("a" * LONGEST))) == [["a" * LONGEST]]
    with pytest.raises(csv.Error, match="field larger than field limit"):
        list(csv.reader(lines_in("a" * (LONGEST + 1))))


@pytest.mark.parametrize(("before", "after"), [(1_000, LONGEST), (LONGEST * 2, LONGEST * 2)])
def test_a_larger_bound_that_somebody_else_set_stays(before: int, after: int):
    code = f"import csv; csv.field_size_limit({before}); import rowen.values.commas; print(csv.field_size_limit())"

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert int(said.stdout) == after
