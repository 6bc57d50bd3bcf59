"""A version becomes files again that read back under the same hash."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowen.config.read import hash_of, read
from rowen.config.write import toml_text
from rowen.release.checkout import checkout
from rowen.serve.tables import TABLES
from rowen.values import Definition, Mistaken

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*/app.toml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_every_example_comes_back_under_its_hash(path: Path, tmp_path: Path):
    first = read(path, TABLES, secrets=False).definition

    files = checkout(first, tmp_path / first.app)

    assert files == len(first.files) + 1
    assert read(tmp_path / first.app / "app.toml", TABLES, secrets=False).definition.hash == first.hash


_plain = st.none().flatmap(
    lambda _: st.one_of(
        st.booleans(),
        st.integers(-(2**53), 2**53),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    )
)
_values = st.recursive(
    _plain,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
_sources = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), _values, max_size=4)


@given(source=_sources)
@settings(max_examples=40)
def test_whatever_can_be_written_reads_back_equal(source: dict[str, object]):
    found = tomllib.loads(toml_text(source))

    assert found == source
    assert hash_of(found, {}) == hash_of(source, {})


def test_nothing_is_written_over_and_nothing_outside(tmp_path: Path):
    definition = Definition(app="shop", hash="h", source={}, files={"prompts/a.md": "a"})
    (tmp_path / "there.txt").write_text("mine")

    with pytest.raises(Mistaken, match="is not empty"):
        checkout(definition, tmp_path)
    with pytest.raises(Mistaken, match="outside of"):
        checkout(definition.but(files={"../a.md": "a"}), tmp_path / "new")

    assert [path.name for path in tmp_path.iterdir()] == ["there.txt"]
