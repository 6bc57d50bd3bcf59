from hypothesis import given
from hypothesis import strategies as st

from rowen.prompt.diff import differ, unified

LINES = st.lists(st.text(alphabet="ab \t", max_size=5), max_size=8).map("\n".join)


def test_a_changed_line_shows_which_words_changed():
    (first, second, third) = differ("Be kind.\nAnswer in one line.", "Be kind.\nAnswer in two lines.\nAlways.")

    assert (first.what, second.what, third.what) == ("same", "changed", "added")
    assert [piece.text for piece in second.before if piece.new] == ["one", "line"]
    assert [piece.text for piece in second.after if piece.new] == ["two", "lines"]
    assert (third.left, third.right) == (None, 3)


def test_only_what_is_near_a_change_is_told():
    before = "\n".join(map(str, range(20)))

    said = list(unified(differ(before, before.replace("10", "ten")), around=1))

    assert said == ["…", " 9", "-10", "+ten", " 11"]


@given(LINES, LINES)
def test_both_sides_can_be_read_back(before, after):
    lines = differ(before, after)

    left = ["".join(piece.text for piece in line.before) for line in lines if line.left is not None]
    right = ["".join(piece.text for piece in line.after) for line in lines if line.right is not None]
    assert (left, right) == (before.splitlines(), after.splitlines())
