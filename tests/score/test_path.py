import pytest

from rowen.score.path import parsed, picked
from rowen.values import Mistaken

DOCUMENT = {"spans": [{"output": "a", "attributes": {"gen_ai.x": 1}}, {"output": "b"}], "row": {"id": "t"}}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", DOCUMENT),
        ("$.row.id", "t"),
        ("$.spans[0].output", "a"),
        ("$.spans[-1].output", "b"),
        ("$.spans[*].output", ["a", "b"]),
        ("$.spans[0].attributes['gen_ai.x']", 1),
        ('$.spans[0]["attributes"].*', [1]),
        ("$.spans[9].output", None),
        ("$.row.nothing", None),
        ("$.row.id.deeper", None),
        ("$.row[0]", None),
        ("$.spans[*].nothing", []),
    ],
)
def test_values_are_picked_by_name_and_place(path, expected):
    assert picked(DOCUMENT, parsed(path)) == expected


@pytest.mark.parametrize("path", ["", "row.id", "$..id", "$.spans[?(@.x)]", "$.spans[0:2]", "$.a b", "$["])
def test_what_is_no_path_is_told_with_where_it_ends(path):
    with pytest.raises(Mistaken) as caught:
        parsed(path)

    assert (caught.value.code, caught.value.place) == ("config_invalid", "variables")
