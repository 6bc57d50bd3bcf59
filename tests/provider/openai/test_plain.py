"""The usual whole answer is read in one go, to the events that it has when it is read like any other."""

import json
from pathlib import Path

import pytest

from rowen.provider.openai.plain import plain
from rowen.provider.openai.read import Reader
from rowen.values import Finished, Said, Started, Used

FIXTURE = Path(__file__).parents[1] / "fixtures/openai/whole.json"


def answer(*, message=None, choice=None, usage=None, **more):
    usual = {"role": "assistant", "content": "It is mown in August.", "refusal": None, "annotations": []}
    one = {"index": 0, "message": usual | (message or {}), "logprobs": None, "finish_reason": "stop"} | (choice or {})
    used = {"prompt_tokens": 41, "completion_tokens": 9, "total_tokens": 50} | (usage or {})
    table = {"id": "c1", "object": "chat.completion", "created": 1, "model": "small", "choices": [one], "usage": used}
    return json.dumps(table | more).encode()


def as_any_other(body):
    """Read it by the way of all answers: a field of the service's own leads there, and shows in the start alone."""
    first, *others = Reader().whole(json.dumps({**json.loads(body), "own": 1}).encode())
    extra = {key: value for key, value in first.extra.items() if key != "own"}
    return [first.but(extra=extra), *others]


@pytest.mark.parametrize(
    "body",
    [
        FIXTURE.read_bytes(),
        answer(),
        answer(system_fingerprint="fp", service_tier=None, choice={"finish_reason": "length"}),
        answer(message={"content": 'ä "quoted" \u2028', "tool_calls": [], "reasoning_content": None}),
        answer(
            usage={
                "prompt_tokens_details": {"cached_tokens": 5, "audio_tokens": 2},
                "completion_tokens_details": {"reasoning_tokens": 3, "accepted_prediction_tokens": 1},
            }
        ),
    ],
)
def test_the_usual_answer_has_the_same_events_either_way(body):
    events = list(plain(body))

    assert [type(event) for event in events] == [Started, Said, Finished, Used]
    assert events == as_any_other(body) == list(Reader().whole(body))


@pytest.mark.parametrize(
    "body",
    [
        answer(own=1),
        answer(choice={"own": 1}),
        answer(message={"own": 1}),
        answer(message={"content": ""}),
        answer(message={"content": None}),
        answer(message={"refusal": "no"}),
        answer(message={"reasoning_content": "hm"}),
        answer(message={"annotations": [{"type": "url_citation"}]}),
        answer(message={"tool_calls": [{"id": "t", "function": {"name": "f", "arguments": "{}"}}]}),
        answer(choice={"finish_reason": "tool_calls"}),
        answer(choice={"index": 1}),
        answer(choice={"logprobs": {"content": []}}),
        answer(choices=[]),
        answer(usage={"prompt_tokens_details": None}),
        answer(object="error"),
        answer(error={"message": "no"}),
        b"{",
        b"\xff",
    ],
)
def test_what_is_not_usual_is_left_to_the_reader_of_all(body):
    assert not plain(body)


def test_fields_that_were_left_out_of_the_request_are_told_with_the_usual_answer_too():
    reader = Reader()
    reader.dropped = ("seed",)

    first, *_ = reader.whole(answer())

    assert first.extra == {"rowen_dropped": ["seed"]}
