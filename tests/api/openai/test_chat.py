"""Chat completions as OpenAI's reference shapes them."""

import json

from rowen.values import (
    CallArgs,
    Called,
    Finished,
    Likely,
    Reasoned,
    Refusing,
    Said,
    Signed,
    Sounded,
    Started,
    Usage,
    Used,
)

PATH = "/v1/chat/completions"
CHAT = {"model": "fast", "messages": [{"role": "user", "content": "Hi"}]}
CALLS = (
    Started(id="up-1", model="echo-1"),
    Called(index=0, id="c0", name="add"),
    CallArgs(index=0, text='{"a":'),
    CallArgs(index=0, text="1}"),
    Called(index=1, id="c1", name="sub"),
    CallArgs(index=1, text="{}"),
    Finished(reason="tool_calls"),
    Used(usage=Usage(input_tokens=5, output_tokens=7)),
)


def deltas(seen):
    return [data["choices"][0]["delta"] for _, data in seen.events if data != "[DONE]" and data["choices"]]


async def test_a_whole_completion_has_the_documented_shape(doorway):
    gateway = doorway.plain()

    seen = await gateway.ask(PATH, CHAT)

    body = seen.json
    assert isinstance(body.pop("created"), int)
    assert body == {
        "id": "up-1",
        "object": "chat.completion",
        "model": "echo-1",
        "system_fingerprint": "fp",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello there.", "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 9,
            "completion_tokens": 3,
            "total_tokens": 12,
            "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
    }


async def test_a_stream_tells_the_role_then_the_text_then_the_end(doorway):
    seen = await doorway.plain().ask(PATH, {**CHAT, "stream": True})

    events = seen.events
    assert deltas(seen) == [
        {"role": "assistant", "content": "", "refusal": None},
        {"content": "Hello "},
        {"content": "there."},
        {},
    ]
    assert events[-1] == ("", "[DONE]")
    assert [data["choices"][0]["finish_reason"] for _, data in events[:-1]] == [None, None, None, "stop"]
    assert all(data["object"] == "chat.completion.chunk" and data["id"] == "up-1" for _, data in events[:-1])
    assert all(data["model"] == "echo-1" and data["system_fingerprint"] == "fp" for _, data in events[:-1])
    assert all("usage" not in data for _, data in events[:-1])


async def test_usage_comes_last_and_without_choices_when_it_was_asked_for(doorway):
    seen = await doorway.plain().ask(PATH, {**CHAT, "stream": True, "stream_options": {"include_usage": True}})

    *others, (_, last), done = seen.events
    assert done == ("", "[DONE]")
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 12
    assert all(data["usage"] is None for _, data in others)


async def test_tool_calls_are_whole_in_one_piece(doorway):
    seen = await doorway.says(*CALLS).ask(PATH, CHAT)

    choice = seen.json["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert choice["message"]["tool_calls"] == [
        {"id": "c0", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}},
        {"id": "c1", "type": "function", "function": {"name": "sub", "arguments": "{}"}},
    ]


async def test_tool_calls_are_exact_deltas_in_a_stream(doorway):
    seen = await doorway.says(*CALLS).ask(PATH, {**CHAT, "stream": True})

    assert deltas(seen)[1:] == [
        {"tool_calls": [{"index": 0, "id": "c0", "type": "function", "function": {"name": "add", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"a":'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]},
        {"tool_calls": [{"index": 1, "id": "c1", "type": "function", "function": {"name": "sub", "arguments": ""}}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
        {},
    ]


async def test_custom_tool_calls_keep_their_own_shape(doorway):
    gateway = doorway.says(
        Started(id="a", model="m"),
        Called(index=0, id="c0", name="sql", extra={"type": "custom"}),
        CallArgs(index=0, text="select 1"),
        Finished(reason="tool_calls"),
    )

    whole = await gateway.ask(PATH, CHAT)
    streamed = await gateway.ask(PATH, {**CHAT, "stream": True})

    assert whole.json["choices"][0]["message"]["tool_calls"] == [
        {"id": "c0", "type": "custom", "custom": {"name": "sql", "input": "select 1"}}
    ]
    assert deltas(streamed)[1:3] == [
        {"tool_calls": [{"index": 0, "id": "c0", "type": "custom", "custom": {"name": "sql", "input": ""}}]},
        {"tool_calls": [{"index": 0, "custom": {"input": "select 1"}}]},
    ]


async def test_reasoning_is_told_with_what_is_needed_to_send_it_back(doorway):
    gateway = doorway.says(
        Started(id="a", model="m"),
        Reasoned(text="Hm"),
        Reasoned(text="m"),
        Signed(signature="sig"),
        Said(text="Yes"),
        Finished(reason="stop"),
    )

    whole = await gateway.ask(PATH, CHAT)
    streamed = await gateway.ask(PATH, {**CHAT, "stream": True})

    message = whole.json["choices"][0]["message"]
    assert message["reasoning_content"] == "Hmm"
    assert message["reasoning_details"] == [{"type": "reasoning.text", "text": "Hmm", "signature": "sig"}]
    assert deltas(streamed)[1:4] == [
        {"reasoning_content": "Hm"},
        {"reasoning_content": "m"},
        {"reasoning_details": [{"type": "reasoning.text", "signature": "sig"}]},
    ]


async def test_several_choices_each_begin_with_their_role(doorway):
    gateway = doorway.says(
        Started(id="a", model="m"),
        Said(text="A", choice=0),
        Said(text="B", choice=1),
        Finished(reason="stop", choice=1),
        Finished(reason="length", choice=0),
    )

    whole = await gateway.ask(PATH, {**CHAT, "n": 2})
    streamed = await gateway.ask(PATH, {**CHAT, "n": 2, "stream": True})

    assert [(c["index"], c["message"]["content"], c["finish_reason"]) for c in whole.json["choices"]] == [
        (0, "A", "length"),
        (1, "B", "stop"),
    ]
    seen = [data["choices"][0] for _, data in streamed.events[:-1]]
    assert [(c["index"], c["delta"].get("role"), c["delta"].get("content")) for c in seen] == [
        (0, "assistant", ""),
        (0, None, "A"),
        (1, "assistant", ""),
        (1, None, "B"),
        (1, None, None),
        (0, None, None),
    ]


async def test_logprobs_refusals_audio_and_annotations_are_told(doorway):
    token = {"token": "No", "logprob": -0.1, "bytes": [78, 111], "top_logprobs": []}
    gateway = doorway.says(
        Started(id="a", model="m"),
        Refusing(text="No"),
        Likely(tokens=(token,)),
        Sounded(id="s", data="QUJD", transcript="No"),
        Finished(reason="stop", extra={"annotations": [{"type": "url_citation"}], "native": 1}),
    )

    whole = (await gateway.ask(PATH, CHAT)).json["choices"][0]
    streamed = await gateway.ask(PATH, {**CHAT, "stream": True})

    assert whole["message"]["refusal"] == "No"
    assert whole["message"]["content"] is None
    assert whole["message"]["audio"] == {"id": "s", "data": "QUJD", "expires_at": 0, "transcript": "No"}
    assert whole["message"]["annotations"] == [{"type": "url_citation"}]
    assert whole["logprobs"] == {"content": [token], "refusal": None}
    assert whole["native"] == 1
    choices = [data["choices"][0] for _, data in streamed.events[:-1]]
    assert choices[1]["delta"] == {"refusal": "No"}
    assert choices[2]["logprobs"]["content"] == [token]
    assert choices[3]["delta"] == {"audio": {"id": "s", "data": "QUJD", "transcript": "No"}}
    assert choices[4]["delta"] == {"annotations": [{"type": "url_citation"}]}


async def test_text_that_needs_escapes_survives_the_stream(doorway):
    text = 'a "quote"\n\\ tab\t é 🌾 \u2028 data: x\n\n'
    gateway = doorway.says(Started(id="a", model="m"), Said(text=text), Said(text=text), Finished(reason="stop"))

    seen = await gateway.ask(PATH, {**CHAT, "stream": True})

    blocks = seen.body.decode().split("\n\n")
    assert "".join(json.loads(block[6:])["choices"][0]["delta"].get("content", "") for block in blocks[:-2]) == text * 2


async def test_an_answer_of_nothing_is_an_empty_text(doorway):
    seen = await doorway.says(Started(id="a", model="m"), Finished(reason="length")).ask(PATH, CHAT)

    assert seen.json["choices"][0]["message"]["content"] == ""
    assert seen.json["choices"][0]["finish_reason"] == "length"


async def test_usage_falls_back_to_the_estimate_of_the_attempt(doorway):
    gateway = doorway.says(Started(id="a", model="m"), Said(text="x"), Finished(reason="stop"))

    seen = await gateway.ask(PATH, CHAT)

    assert seen.json["usage"]["total_tokens"] == 0
