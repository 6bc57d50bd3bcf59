import json
from pathlib import Path

import pytest

from rowen.provider.anthropic.read import Reader
from rowen.provider.transport import Sse
from rowen.testing.canned import recorded
from rowen.values import CallArgs, Fold, Mistaken, Signed, Text, Thought, Unavailable, Usage

FIXTURES = Path(__file__).parents[1] / "fixtures" / "anthropic"


def read(case, **more):
    reader, events = Reader(**more), []
    for name, data in Sse().feed(recorded(FIXTURES / f"{case}.sse").body):
        events.extend(reader.feed(name, data))
    return events


def folded(events):
    fold = Fold()
    for event in events:
        fold.add(event)
    return fold.answer()


def test_counts_cached_tokens_within_the_input():
    answer = folded(read("text"))

    assert answer.usage == Usage(input_tokens=21, output_tokens=6, cache_read_tokens=8)


def test_keeps_signed_and_hidden_reasoning():
    signed = folded(read("thought"))
    redacted = read("redacted")

    assert signed.choices[0].message.parts == (
        Thought(text="Grass first.", signature="EqQBCgIYAhIM"),
        Text(text="The meadow grows again."),
    )
    assert signed.usage.reasoning_tokens == 20
    assert [event.hidden for event in redacted if isinstance(event, Signed)] == ["EmwKAhgBEgy3"]


def test_says_which_stop_sequence_ended_it_and_why_it_refused():
    stopped, refused = read("redacted")[-2], read("filtered")[-2]

    assert (stopped.reason, stopped.stop) == ("stop", "END")
    assert (refused.reason, refused.extra["stop_details"]["category"]) == ("refusal", "bio")


def test_an_answer_by_tool_is_text_again():
    answer = folded(read("answer-tool", answer_tool="rowen_answer"))

    assert json.loads(answer.text) == {"crop": "hay", "tons": 3}
    assert answer.choices[0].reason == "stop"


def test_a_call_without_arguments_has_an_empty_object():
    reader = Reader()
    start = {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "a", "name": "f"}}
    reader.feed("", json.dumps(start).encode())

    events = reader.feed("", b'{"type":"content_block_stop","index":0}')

    assert events == (CallArgs(index=0, text="{}"),)


def test_what_the_vendors_own_tools_did_is_kept_with_the_end():
    reader = Reader()
    block = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
    cited = {"type": "content_block_delta", "index": 1, "delta": {"type": "citations_delta", "citation": {"url": "u"}}}
    for event in (
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        cited,
    ):
        reader.feed("", json.dumps(event).encode())

    (finished,) = reader.feed("", b'{"type":"message_delta","delta":{"stop_reason":"pause_turn"}}')

    assert finished.reason == "pause"
    assert finished.extra == {"content_blocks": [block], "citations": [{"url": "u"}]}


def test_kinds_of_events_to_come_are_passed_over():
    assert Reader().feed("", b'{"type":"something_new","index":0}') == ()


@pytest.mark.parametrize(
    ("type", "kind", "code"),
    [
        ("overloaded_error", Unavailable, "upstream_error"),
        ("rate_limit_error", Unavailable, "upstream_limited"),
        ("authentication_error", Unavailable, "upstream_key"),
        ("invalid_request_error", Mistaken, "upstream_refused"),
        ("api_error", Unavailable, "upstream_error"),
    ],
)
def test_errors_within_a_stream_are_judged_by_their_type(type, kind, code):
    event = {"type": "error", "error": {"type": type, "message": "no"}}

    with pytest.raises(kind) as problem:
        Reader().feed("", json.dumps(event).encode())

    assert problem.value.code == code
