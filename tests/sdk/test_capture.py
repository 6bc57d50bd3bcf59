"""Anything a program hands around becomes bounded JSON, and nothing that it does can break the program."""

import dataclasses
import datetime as dt
import decimal
import enum
import json
import uuid
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.sdk.capture import is_secret, json_of, text_of


@dataclasses.dataclass
class Point:
    x: int
    password: str = "hidden"


class Struct(msgspec.Struct):
    name: str


class Pair(NamedTuple):
    left: int
    right: int


class Colour(enum.StrEnum):
    RED = "red"


class Array:
    shape, dtype = (3, 4), "float32"

    def __repr__(self) -> str:
        raise AssertionError("an array's repr may wait for a GPU")


class Rude:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class Plain:
    def __repr__(self) -> str:
        return "<Plain>"


def read(value: Any, limit: int = 10_000) -> Any:
    return json.loads(json_of(value, limit))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (Point(1), {"x": 1, "password": "[masked]"}),
        (Struct("a"), {"name": "a"}),
        (Pair(1, 2), {"left": 1, "right": 2}),
        (Colour.RED, "red"),
        (Array(), "<Array float32 (3, 4)>"),
        (Rude(), "<Rude, which could not be read: RuntimeError>"),
        (Plain(), "<Plain>"),
        (b"abc", "<bytes, 3 bytes>"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (1 << 70, hex(1 << 70)),
        (-(1 << 63), -(1 << 63)),
        (True, True),
        (None, None),
        ((1, "a"), [1, "a"]),
        ({1, 1}, [1]),
        (dt.date(2026, 11, 25), "2026-11-25"),
        (decimal.Decimal("1.50"), "1.50"),
        (uuid.UUID(int=5), str(uuid.UUID(int=5))),
        ({1: "a", None: "b"}, {"1": "a", "None": "b"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_kind_of_value_has_its_telling(value, told):
    assert read(value) == told


def test_a_value_that_holds_itself_ends():
    circle: list[Any] = [1]
    circle.append(circle)

    assert "too deep" in json_of(circle, 10_000).decode()


def test_long_texts_are_cut_and_say_so():
    text, is_json = text_of("x" * 100, 10)

    assert text == "xxxxxxxxxx… (90 more characters)"
    assert not is_json


def test_many_items_are_looked_at_only_so_far():
    seen = 0

    class Seen:
        def __repr__(self) -> str:
            nonlocal seen
            seen += 1
            return "x"

    found = read([Seen()] * 1_000_000)

    assert found[-1] == "… 995904 more"
    assert seen == 4096
    assert read(dict.fromkeys(range(10_000)), 100_000)["…"] == "5904 more"


def test_half_a_surrogate_pair_is_a_question_mark():
    assert read({"a": "x\ud800y"}) == {"a": "x?y"}


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "api_key",
        "apiKey",
        "API_KEY",
        "X-Api-Key",
        "Authorization",
        "access_token",
        "token",
        "clientSecret",
        "private_key",
        "Set-Cookie",
        "OPENAI_API_KEY",
        "db_password",
        "credentials",
    ],
)
def test_names_of_secrets(name):
    assert is_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "max_tokens",
        "input_tokens",
        "token_count",
        "tokenizer",
        "sort_key",
        "key",
        "keys",
        "author",
        "question",
        "path",
        "secretary",
        "gen_ai.usage.input_tokens",
        "password_length",
        "",
    ],
)
def test_names_of_no_secrets(name):
    assert not is_secret(name)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@given(JSON, st.integers(0, 200))
def test_whatever_comes_is_valid_json_of_bounded_length(value, limit):
    found = json_of(value, limit)

    json.loads(found)
    assert len(found.decode()) <= 40 * limit + 4_000


@given(
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=50), st.integers(-100, 100), max_size=9)
)
def test_small_values_are_kept_exactly(value):
    assert read(value) == {key: "[masked]" if is_secret(key) else item for key, item in value.items()}
