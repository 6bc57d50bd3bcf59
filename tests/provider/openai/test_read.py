import json
from pathlib import Path

import pytest

from rowen.provider.openai.read import EmbeddingsReader, Reader
from rowen.provider.transport import Sse
from rowen.testing.canned import recorded
from rowen.values import (
    CallArgs,
    Called,
    Declined,
    Finished,
    Fold,
    Likely,
    Mistaken,
    Sounded,
    Started,
    Unavailable,
    Used,
)

FIXTURES = Path(__file__).parents[1] / "fixtures"


def read(path):
    reader, sse, events = Reader(), Sse(), []
    for name, data in sse.feed(recorded(FIXTURES / path).body):
        events.extend(reader.feed(name, data))
    return events


def folded(events):
    fold = Fold()
    for event in events:
        fold.add(event)
    return fold.answer()


def chunk(delta=None, finish=None, **more):
    choices = [{"index": 0, "delta": delta or {}, "finish_reason": finish}]
    return json.dumps({"id": "c1", "model": "small", "choices": choices, **more}).encode()


def fed(*pieces):
    reader, events = Reader(), []
    for piece in pieces:
        events.extend(reader.feed("", piece))
    return [*events, *reader.end()]


def test_keeps_further_fields_of_the_answer():
    events = read("openai/text.sse")

    assert events[0].extra == {"service_tier": "default", "system_fingerprint": "fp_44709d6fcb"}


def test_keeps_azures_verdicts_on_prompt_and_answer():
    events = read("azure/text.sse")

    assert "prompt_filter_results" in events[0].extra
    assert events[0].id == "chatcmpl-B9"
    assert "content_filter_results" in events[-2].extra


def test_keeps_several_choices_apart():
    answer = folded(read("openai/many.sse"))

    assert [(choice.message.text, choice.reason) for choice in answer.choices] == [("Hay", "length"), ("Oats", "stop")]


def test_gives_refusals_sound_and_likelihoods_as_what_they_are():
    refusal = folded(read("openai/refusal.sse"))
    sounds = [event for event in read("openai/audio.sse") if isinstance(event, Sounded)]
    (likely,) = [event for event in read("openai/logprobs.sse") if isinstance(event, Likely)]

    assert refusal.choices[0].message.parts == (Declined(text="I cannot help with that."),)
    assert "".join(event.data for event in sounds) == "AAAABBBB"
    assert sounds[-1].expires_at == 1790003600
    assert likely.tokens[0]["token"] == "Hay"


def test_counts_sound_and_reasoning_within_the_whole():
    sound = read("openai/audio.sse")[-1].usage
    thought = read("openai/thought.sse")[-1].usage

    assert (sound.input_audio_tokens, sound.output_audio_tokens) == (4, 5)
    assert (thought.output_tokens, thought.reasoning_tokens) == (26, 20)


def test_tells_usage_once_after_the_end_even_if_every_chunk_carries_it():
    usage = {"prompt_tokens": 1, "completion_tokens": 2}

    events = fed(chunk({"content": "a"}, usage=usage), chunk({}, "stop", usage={**usage, "completion_tokens": 3}))

    assert [type(event).__name__ for event in events] == ["Started", "Said", "Finished", "Used"]
    assert events[-1].usage.output_tokens == 3


def test_a_stream_without_its_end_mark_is_whole_when_its_choices_are():
    events = fed(chunk({"content": "a"}), chunk({}, "stop"))

    assert isinstance(events[-1], Finished)


def test_calls_without_index_are_told_apart_by_their_ids():
    events = fed(
        chunk({"tool_calls": [{"id": "a", "function": {"name": "find", "arguments": '{"q":'}}]}),
        chunk({"tool_calls": [{"function": {"arguments": "1}"}}]}),
        chunk({"tool_calls": [{"id": "b", "function": {"name": "find", "arguments": {"q": 2}}}]}),
        chunk({}, "stop"),
    )

    assert [(event.index, event.id) for event in events if isinstance(event, Called)] == [(0, "a"), (1, "b")]
    assert [(e.index, e.text) for e in events if isinstance(e, CallArgs)] == [(0, '{"q":'), (0, "1}"), (1, '{"q":2}')]
    assert events[-1].reason == "tool_calls"


def test_calls_that_share_one_index_are_told_apart_by_their_ids():
    def call(known):
        return {"index": 0, "id": known, "function": {"name": "find", "arguments": "{}"}}

    events = fed(chunk({"tool_calls": [call("a")]}), chunk({"tool_calls": [call("b")]}), chunk({}, "tool_calls"))

    assert [(event.index, event.id) for event in events if isinstance(event, Called)] == [(0, "a"), (1, "b")]


def test_a_call_without_an_id_is_given_one():
    events = fed(chunk({"tool_calls": [{"function": {"name": "find", "arguments": "{}"}}]}), chunk({}, "tool_calls"))

    (called,) = [event for event in events if isinstance(event, Called)]
    assert called.id == "call_c1_0_0"


def test_a_custom_call_and_a_thought_signature_are_kept():
    signed = {"google": {"thought_signature": "abc"}}

    events = fed(
        chunk({"tool_calls": [{"index": 0, "id": "a", "custom": {"name": "sql", "input": "select 1"}}]}),
        chunk({"tool_calls": [{"index": 1, "id": "b", "function": {"name": "f"}, "extra_content": signed}]}),
        chunk({}, "tool_calls"),
    )

    custom, other = [event for event in events if isinstance(event, Called)]
    assert custom.extra == {"type": "custom"}
    assert other.extra == {"extra_content": signed}


def test_a_stop_sequence_and_an_unknown_reason_are_kept():
    choice = {"index": 0, "delta": {}, "finish_reason": "stop", "stop_reason": "END"}
    known = fed(json.dumps({"id": "c", "choices": [choice]}).encode())
    unknown = fed(chunk({}, "tired"))

    assert known[-1].stop == "END"
    assert (unknown[-1].reason, unknown[-1].extra["finish_reason"]) == ("stop", "tired")


def test_citations_are_kept_with_the_end():
    events = fed(chunk({"content": "Hay.", "annotations": [{"type": "url_citation"}]}), chunk({}, "stop"))

    assert events[-1].extra["annotations"] == [{"type": "url_citation"}]


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        ({"message": "slow down", "type": "rate_limit_exceeded"}, Unavailable, "upstream_limited"),
        ({"message": "no", "code": 429}, Unavailable, "upstream_limited"),
        ({"message": "no", "code": "content_filter"}, Mistaken, "upstream_filtered"),
        ({"message": "no", "type": "invalid_request_error"}, Mistaken, "upstream_refused"),
        ({"message": "broken", "code": 502}, Unavailable, "upstream_error"),
        ("out of memory", Unavailable, "upstream_error"),
    ],
)
def test_errors_within_a_stream_are_judged_by_their_words(error, kind, code):
    reader = Reader()

    with pytest.raises(kind) as problem:
        reader.feed("", json.dumps({"error": error}).encode())

    assert problem.value.code == code


def test_an_error_object_in_place_of_a_chunk_is_an_error():
    with pytest.raises(Mistaken, match="too long"):
        Reader().feed("", b'{"object":"error","message":"prompt too long","type":"BadRequestError","code":400}')


def test_an_end_mark_before_the_end_is_a_cut():
    reader = Reader()
    reader.feed("", chunk({"content": "a"}))

    with pytest.raises(Unavailable) as cut:
        reader.feed("", b"[DONE]")

    assert cut.value.code == "upstream_cut"


def test_says_what_was_left_out_of_the_request():
    reader = Reader()
    reader.dropped = ("seed",)

    (started, *_) = reader.feed("", chunk({"content": "a"}))

    assert isinstance(started, Started)
    assert started.extra == {"rowen_dropped": ["seed"]}


def test_reads_packed_vectors():
    body = b'{"data":[{"index":0,"embedding":"AACAPwAAAEA="}],"usage":{"prompt_tokens":3}}'

    events = EmbeddingsReader().whole(body)

    assert events[1].vectors == ((1.0, 2.0),)
    assert isinstance(events[2], Used)
