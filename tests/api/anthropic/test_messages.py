"""Messages as Anthropic's reference shapes them."""

from rowen.values import (
    CallArgs,
    Called,
    Finished,
    Reasoned,
    Refusing,
    Said,
    Signed,
    Sounded,
    Started,
    Usage,
    Used,
)

PATH = "/v1/messages"
ASK = {"model": "fast", "max_tokens": 50, "messages": [{"role": "user", "content": "Hi"}]}
RICH = (
    Started(id="up", model="echo-1"),
    Reasoned(text="Hm"),
    Signed(signature="sig"),
    Signed(hidden="blob"),
    Said(text="I will "),
    Said(text="add."),
    Called(index=0, id="c0", name="add"),
    CallArgs(index=0, text='{"a":'),
    CallArgs(index=0, text="1}"),
    Called(index=1, id="c1", name="sub"),
    CallArgs(index=1, text=""),
    Finished(reason="tool_calls"),
    Used(usage=Usage(input_tokens=20, output_tokens=7, cache_read_tokens=8, cache_write_tokens=2)),
)


async def test_a_whole_message_has_the_documented_shape(doorway):
    gateway = doorway.plain()

    seen = await gateway.ask(PATH, ASK)

    assert seen.json == {
        "id": f"msg_{gateway.calls[0].id}",
        "type": "message",
        "role": "assistant",
        "model": "echo-1",
        "content": [{"type": "text", "text": "Hello there."}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 5,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 4,
            "output_tokens": 3,
        },
    }
    assert seen.headers["request-id"] == gateway.calls[0].id


async def test_blocks_are_whole_in_one_piece(doorway):
    seen = await doorway.says(*RICH).ask(PATH, ASK)

    assert seen.json["content"] == [
        {"type": "thinking", "thinking": "Hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "blob"},
        {"type": "text", "text": "I will add."},
        {"type": "tool_use", "id": "c0", "name": "add", "input": {"a": 1}},
        {"type": "tool_use", "id": "c1", "name": "sub", "input": {}},
    ]
    assert seen.json["stop_reason"] == "tool_use"
    assert seen.json["usage"]["input_tokens"] == 10


async def test_a_stream_has_the_full_sequence(doorway):
    seen = await doorway.says(*RICH).ask(PATH, {**ASK, "stream": True})

    assert all(name == data["type"] for name, data in seen.events)
    told = [
        (name.removeprefix("content_block_"), data.get("index"), data.get("content_block") or data.get("delta"))
        for name, data in seen.events
    ]
    assert told == [
        ("message_start", None, None),
        ("ping", None, None),
        ("start", 0, {"type": "thinking", "thinking": "", "signature": ""}),
        ("delta", 0, {"type": "thinking_delta", "thinking": "Hm"}),
        ("delta", 0, {"type": "signature_delta", "signature": "sig"}),
        ("stop", 0, None),
        ("start", 1, {"type": "redacted_thinking", "data": "blob"}),
        ("stop", 1, None),
        ("start", 2, {"type": "text", "text": ""}),
        ("delta", 2, {"type": "text_delta", "text": "I will "}),
        ("delta", 2, {"type": "text_delta", "text": "add."}),
        ("stop", 2, None),
        ("start", 3, {"type": "tool_use", "id": "c0", "name": "add", "input": {}}),
        ("delta", 3, {"type": "input_json_delta", "partial_json": '{"a":'}),
        ("delta", 3, {"type": "input_json_delta", "partial_json": "1}"}),
        ("stop", 3, None),
        ("start", 4, {"type": "tool_use", "id": "c1", "name": "sub", "input": {}}),
        ("delta", 4, {"type": "input_json_delta", "partial_json": ""}),
        ("stop", 4, None),
        ("message_delta", None, {"stop_reason": "tool_use", "stop_sequence": None}),
        ("message_stop", None, None),
    ]
    start, last = seen.events[0][1]["message"], seen.events[-2][1]
    assert (start["content"], start["stop_reason"], start["usage"]["input_tokens"]) == ([], None, 0)
    assert last["usage"] == {
        "input_tokens": 10,
        "cache_creation_input_tokens": 2,
        "cache_read_input_tokens": 8,
        "output_tokens": 7,
    }


async def test_usage_that_is_known_early_stands_in_the_start(doorway):
    gateway = doorway.says(
        Started(id="msg_up", model="m"),
        Used(usage=Usage(input_tokens=11, output_tokens=1)),
        Said(text="x"),
        Finished(reason="stop"),
        Used(usage=Usage(input_tokens=11, output_tokens=4)),
    )

    seen = await gateway.ask(PATH, {**ASK, "stream": True})

    assert seen.events[0][1]["message"]["usage"]["input_tokens"] == 11
    assert seen.events[0][1]["message"]["id"] == "msg_up"
    assert seen.events[-2][1]["usage"]["output_tokens"] == 4


async def test_each_end_has_its_word(doorway):
    words = {}
    for reason, stop in [
        ("stop", ""),
        ("stop", "END"),
        ("length", ""),
        ("refusal", ""),
        ("content_filter", ""),
        ("pause", ""),
    ]:
        gateway = doorway.says(Started(model="m"), Said(text="x"), Finished(reason=reason, stop=stop))
        whole = (await gateway.ask(PATH, ASK)).json
        streamed = (await gateway.ask(PATH, {**ASK, "stream": True})).events[-2][1]["delta"]
        assert streamed == {"stop_reason": whole["stop_reason"], "stop_sequence": whole["stop_sequence"]}
        words[reason, stop] = (whole["stop_reason"], whole["stop_sequence"])

    assert words == {
        ("stop", ""): ("end_turn", None),
        ("stop", "END"): ("stop_sequence", "END"),
        ("length", ""): ("max_tokens", None),
        ("refusal", ""): ("refusal", None),
        ("content_filter", ""): ("refusal", None),
        ("pause", ""): ("pause_turn", None),
    }


async def test_what_has_no_block_here_is_told_as_text(doorway):
    gateway = doorway.says(
        Started(model="m"), Refusing(text="No. "), Sounded(data="QQ==", transcript="Said."), Finished(reason="stop")
    )

    whole = await gateway.ask(PATH, ASK)
    streamed = await gateway.ask(PATH, {**ASK, "stream": True})

    assert "".join(block["text"] for block in whole.json["content"]) == "No. Said."
    assert (
        "".join(data["delta"]["text"] for name, data in streamed.events if name == "content_block_delta") == "No. Said."
    )


async def test_arguments_that_are_no_object_are_kept(doorway):
    gateway = doorway.says(
        Started(model="m"),
        Called(index=0, id="c", name="f"),
        CallArgs(index=0, text='{"a": oops'),
        Finished(reason="tool_calls"),
    )

    seen = await gateway.ask(PATH, ASK)

    assert seen.json["content"][0]["input"] == {"INVALID_JSON": '{"a": oops'}


async def test_the_beta_header_is_noted_and_kept_for_the_vendor(doorway):
    gateway = doorway.plain()

    seen = await gateway.ask(PATH, ASK, headers={"anthropic-version": "2023-06-01", "anthropic-beta": "a-1, b-2"})

    assert seen.status == 200
    assert gateway.calls[0].notes["door"]["anthropic_beta"] == ["a-1", "b-2"]
    assert gateway.calls[0].request.extra == {"anthropic_beta": ["a-1", "b-2"]}


async def test_an_error_is_in_anthropics_shape(doorway):
    seen = await doorway.plain().ask(PATH, {"model": "fast", "messages": []})

    assert seen.status == 400
    assert seen.json["type"] == "error"
    assert seen.json["error"]["type"] == "invalid_request_error"
    assert seen.json["error"]["message"].startswith("max_tokens is missing.")
    assert seen.json["error"]["param"] == "max_tokens"
