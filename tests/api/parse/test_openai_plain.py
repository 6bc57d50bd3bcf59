"""The usual body is read in one go, to the request that it makes when it is read like any other."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.api.body import table_of
from rowen.api.parse.openai_chat import request_of, usage_asked
from rowen.api.parse.openai_plain import plain
from rowen.values import Problem

USER = {"role": "user", "content": "When is it mown?"}
USUAL = {"model": "fast", "messages": [{"role": "system", "content": "Be short."}, USER]}

ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2**70), st.floats(-2, 2), st.text(max_size=3), st.just([USER])
)
TEXTS = st.one_of(st.text(max_size=5), ODD, st.just([{"type": "text", "text": "a"}]))
ROLES = st.sampled_from(["system", "developer", "user", "assistant", "tool", "function", "robot"])
MESSAGES = st.lists(st.fixed_dictionaries({"role": ROLES, "content": TEXTS}, optional={"name": ODD}), max_size=3)
BODIES = st.fixed_dictionaries(
    {"model": st.one_of(st.just("fast"), ODD), "messages": MESSAGES},
    optional={
        "stream": st.one_of(st.booleans(), ODD),
        "stream_options": st.one_of(st.fixed_dictionaries({}, optional={"include_usage": ODD, "other": ODD}), ODD),
        **dict.fromkeys(("temperature", "top_p", "max_tokens", "max_completion_tokens", "seed", "user", "n"), ODD),
    },
)


def as_any_other(body):
    try:
        table = table_of(body, 64)
        return request_of(table), usage_asked(table)
    except Problem:
        return None


@given(BODIES)
def test_what_is_read_in_one_go_is_read_so_otherwise_too(table):
    body = json.dumps(table).encode()

    found = plain(body)

    if found is not None:
        assert tuple(found) == as_any_other(body)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"temperature": 1, "top_p": 0.5, "max_tokens": 20, "seed": 7, "user": "ada", "stream": False},
        {"max_completion_tokens": 20, "temperature": None},
        {"stream": True, "stream_options": {"include_usage": True}},
        {"messages": [USER, {"role": "assistant", "content": ""}, {"role": "developer", "content": "ä\u2028"}]},
    ],
)
def test_the_usual_bodies_are_read_in_one_go(more):
    body = json.dumps(USUAL | more).encode()

    found = plain(body)

    assert found is not None
    assert tuple(found) == as_any_other(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"model":"\xff","messages":[{"role":"user","content":"a"}]}',
        json.dumps(USUAL | {"tools": []}).encode(),
        json.dumps(USUAL | {"messages": []}).encode(),
        json.dumps(USUAL | {"max_tokens": 0}).encode(),
        json.dumps(USUAL | {"max_tokens": 1, "max_completion_tokens": 2}).encode(),
        json.dumps(USUAL | {"stream_options": {}}).encode(),
        json.dumps(USUAL | {"messages": [USER | {"name": "ada"}]}).encode(),
        json.dumps(USUAL)[:-1].encode() + b',"extra":' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)
def test_what_is_not_usual_is_left_to_the_parser_of_all(body):
    assert plain(body) is None
