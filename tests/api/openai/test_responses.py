"""Responses as OpenAI's reference shapes them, kept and gone on from."""

import json

from rowen.values import (
    CallArgs,
    Called,
    Finished,
    Likely,
    Mistaken,
    Reasoned,
    Refusing,
    Said,
    Signed,
    Started,
    Unavailable,
    Usage,
    Used,
)

PATH = "/v1/responses"
ASK = {"model": "fast", "input": "Hi"}
RICH = (
    Started(id="a", model="echo-1"),
    Reasoned(text="Hm"),
    Reasoned(text="m"),
    Signed(signature="sig"),
    Said(text="I will "),
    Said(text="add."),
    Called(index=0, id="c0", name="add"),
    CallArgs(index=0, text='{"a":'),
    CallArgs(index=0, text="1}"),
    Called(index=1, id="c1", name="sub"),
    CallArgs(index=1, text="{}"),
    Finished(reason="tool_calls"),
    Used(usage=Usage(input_tokens=5, output_tokens=7, reasoning_tokens=2)),
)


async def test_a_whole_response_has_the_documented_shape(doorway):
    gateway = doorway.plain()

    seen = await gateway.ask(PATH, {**ASK, "instructions": "Be brief.", "metadata": {"k": "v"}, "temperature": 0.5})

    body = seen.json
    known = body["id"]
    assert known == f"resp_{gateway.calls[0].id}"
    assert body["object"] == "response"
    assert body["status"] == "completed"
    assert body["model"] == "echo-1"
    assert body["output"] == [
        {
            "id": f"msg_{gateway.calls[0].id}00",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Hello there.", "annotations": [], "logprobs": []}],
        }
    ]
    assert body["usage"] == {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
        "output_tokens": 3,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 12,
    }
    assert (body["instructions"], body["metadata"], body["temperature"]) == ("Be brief.", {"k": "v"}, 0.5)
    assert (body["error"], body["incomplete_details"], body["previous_response_id"]) == (None, None, None)


async def test_a_stream_has_the_full_sequence(doorway):
    seen = await doorway.says(*RICH).ask(PATH, {**ASK, "stream": True, "include": ["reasoning.encrypted_content"]})

    assert [name for name, _ in seen.events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [data["sequence_number"] for _, data in seen.events] == list(range(26))
    assert all(name == data["type"] for name, data in seen.events)
    by_name = dict(seen.events)
    assert by_name["response.output_text.done"]["text"] == "I will add."
    assert by_name["response.output_text.delta"] | {"item_id": ""} == {
        "type": "response.output_text.delta",
        "item_id": "",
        "output_index": 1,
        "content_index": 0,
        "logprobs": [],
        "sequence_number": 12,
        "delta": "add.",
    }
    assert by_name["response.function_call_arguments.done"]["arguments"] == "{}"


async def test_the_streamed_response_is_the_whole_one(doorway):
    gateway = doorway.says(*RICH)
    asked = {**ASK, "include": ["reasoning.encrypted_content"]}

    whole = (await gateway.ask(PATH, asked)).json
    streamed = (await gateway.ask(PATH, {**asked, "stream": True})).events[-1][1]["response"]

    for body in (whole, streamed):
        body.pop("created_at")
    plain = json.dumps(streamed).replace(streamed["id"][5:], whole["id"][5:])
    assert json.loads(plain) == whole
    assert [item["type"] for item in whole["output"]] == ["reasoning", "message", "function_call", "function_call"]
    assert whole["output"][0]["encrypted_content"] == "rowen-signature:sig"


async def test_what_a_response_said_can_be_sent_back_as_input(doorway):
    gateway = doorway.says(*RICH)
    asked = {**ASK, "include": ["reasoning.encrypted_content"]}
    output = (await gateway.ask(PATH, asked)).json["output"]

    result = {"type": "function_call_output", "call_id": "c0", "output": "1"}
    await gateway.ask(PATH, {"model": "fast", "input": [*output, result]})

    first, second = gateway.calls[1].request.messages
    assert first == gateway.calls[0].answer.choices[0].message
    assert (second.role, second.parts[0].id, second.parts[0].parts[0].text) == ("tool", "c0", "1")


async def test_a_later_request_goes_on_from_an_earlier_one(doorway):
    gateway = doorway.plain()
    first = (await gateway.ask(PATH, {**ASK, "instructions": "Old."})).json["id"]

    second = (
        await gateway.ask(
            PATH, {"model": "fast", "input": "And?", "instructions": "New.", "previous_response_id": first}
        )
    ).json
    await gateway.ask(PATH, {"model": "fast", "input": "More?", "previous_response_id": second["id"]})

    assert second["previous_response_id"] == first
    assert [(m.role, m.text) for m in gateway.calls[1].request.messages] == [
        ("system", "New."),
        ("user", "Hi"),
        ("assistant", "Hello there."),
        ("user", "And?"),
    ]
    assert [m.text for m in gateway.calls[2].request.messages] == [
        "Hi",
        "Hello there.",
        "And?",
        "Hello there.",
        "More?",
    ]


async def test_a_streamed_response_is_kept_too(doorway):
    gateway = doorway.plain()
    streamed = (await gateway.ask(PATH, {**ASK, "stream": True})).events[-1][1]["response"]

    seen = await gateway.ask(f"{PATH}/{streamed['id']}", method="GET")

    assert seen.json == streamed


async def test_store_false_keeps_nothing(doorway):
    gateway = doorway.plain()

    seen = await gateway.ask(PATH, {**ASK, "store": False})

    assert seen.json["store"] is False
    assert gateway.turns.kept == {}
    assert (await gateway.ask(f"{PATH}/{seen.json['id']}", method="GET")).status == 404


async def test_an_answer_that_could_not_be_kept_says_so(doorway):
    gateway = doorway.plain()

    async def put(turn):
        raise Unavailable("store_unavailable")

    gateway.turns.put = put
    seen = await gateway.ask(PATH, ASK)
    streamed = await gateway.ask(PATH, {**ASK, "stream": True})

    assert seen.json["output"][0]["content"][0]["text"] == "Hello there."
    assert seen.json["store"] is False
    assert streamed.events[-1][1]["response"]["store"] is False


async def test_a_kept_response_can_be_read_and_deleted(doorway):
    gateway = doorway.plain()
    made = (await gateway.ask(PATH, ASK)).json

    read = await gateway.ask(f"{PATH}/{made['id']}", method="GET")
    gone = await gateway.ask(f"{PATH}/{made['id']}", method="DELETE")
    after = await gateway.ask(f"{PATH}/{made['id']}", method="GET")

    assert read.json == made
    assert gone.json == {"id": made["id"], "object": "response", "deleted": True}
    assert after.status == 404


async def test_another_tenants_response_is_not_there(doorway):
    gateway = doorway.plain()
    known = (await gateway.ask(PATH, ASK)).json["id"]
    gateway.turns.kept = {("rival", known): turn for turn in gateway.turns.kept.values()}

    read = await gateway.ask(f"{PATH}/{known}", method="GET")
    gone = await gateway.ask(f"{PATH}/{known}", method="DELETE")
    on = await gateway.ask(PATH, {**ASK, "previous_response_id": known})

    assert (read.status, gone.status, on.status) == (404, 404, 404)
    assert on.json["error"]["param"] == "previous_response_id"
    assert len(gateway.turns.kept) == 1


async def test_a_refusal_and_a_cut_answer_are_told(doorway):
    gateway = doorway.says(Started(model="m"), Refusing(text="No."), Finished(reason="stop"))
    cut = doorway.says(Started(model="m"), Said(text="Long"), Finished(reason="length"))

    refused = await gateway.ask(PATH, {**ASK, "stream": True})
    whole = await cut.ask(PATH, ASK)
    streamed = await cut.ask(PATH, {**ASK, "stream": True})

    names = [name for name, _ in refused.events]
    assert "response.refusal.delta" in names
    assert "response.refusal.done" in names
    assert refused.events[-1][1]["response"]["output"][0]["content"] == [{"type": "refusal", "refusal": "No."}]
    assert whole.json["status"] == "incomplete"
    assert whole.json["incomplete_details"] == {"reason": "max_output_tokens"}
    assert streamed.events[-1][0] == "response.incomplete"
    assert streamed.events[-1][1]["response"]["output"][0]["status"] == "incomplete"


async def test_a_failure_in_mid_stream_is_a_failed_response_and_an_error(doorway):
    gateway = doorway.says(Started(model="m"), Said(text="Hel"), Unavailable("upstream_cut"))

    seen = await gateway.ask(PATH, {**ASK, "stream": True})

    (name, failed), (last, error) = seen.events[-2:]
    assert name == "response.failed"
    assert failed["response"]["status"] == "failed"
    assert failed["response"]["error"]["code"] == "upstream_cut"
    assert last == "error"
    assert error["error"]["code"] == error["code"] == "upstream_cut"
    assert gateway.turns.kept == {}


async def test_hidden_reasoning_leaves_only_when_asked_for(doorway):
    gateway = doorway.says(Started(model="m"), Signed(hidden="blob"), Said(text="x"), Finished(reason="stop"))

    kept = (await gateway.ask(PATH, ASK)).json
    asked = (await gateway.ask(PATH, {**ASK, "include": ["reasoning.encrypted_content"]})).json
    stateless = await gateway.ask(PATH, {**ASK, "store": False, "stream": True})

    assert "encrypted_content" not in kept["output"][0]
    assert asked["output"][0]["encrypted_content"] == "blob"
    assert stateless.events[-1][1]["response"]["output"][0]["encrypted_content"] == "blob"


async def test_log_probabilities_and_custom_tools_are_told(doorway):
    token = {"token": "x", "logprob": -0.1, "bytes": [120], "top_logprobs": []}
    gateway = doorway.says(
        Started(model="m"),
        Said(text="x"),
        Likely(tokens=(token,)),
        Called(index=0, id="c", name="sql", extra={"type": "custom"}),
        CallArgs(index=0, text="select 1"),
        Finished(reason="tool_calls"),
    )

    seen = await gateway.ask(PATH, {**ASK, "stream": True})

    output = seen.events[-1][1]["response"]["output"]
    assert output[0]["content"][0]["logprobs"] == [token]
    assert output[1]["type"] == "custom_tool_call"
    assert output[1]["input"] == "select 1"
    assert "response.custom_tool_call_input.done" in dict(seen.events)


async def test_a_refusal_by_the_chain_is_a_plain_error(doorway):
    seen = await doorway.says(Mistaken("field_unsupported", place="tools")).ask(PATH, {**ASK, "stream": True})

    assert seen.status == 400
    assert seen.json["error"]["param"] == "tools"
