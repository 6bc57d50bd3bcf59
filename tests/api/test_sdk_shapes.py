"""What the doors write, held against the official clients' own types (strictly, which the clients are not)."""

import pytest

from rowen.values import CallArgs, Called, Finished, Likely, Reasoned, Refusing, Said, Signed, Started, Usage, Used

pytestmark = pytest.mark.compat

TOKEN = {
    "token": "x",
    "logprob": -0.1,
    "bytes": [120],
    "top_logprobs": [{"token": "y", "logprob": -2.0, "bytes": [121]}],
}
RICH = (
    Started(id="a", model="echo-1"),
    Reasoned(text="Hm"),
    Signed(signature="sig"),
    Said(text="x"),
    Likely(tokens=(TOKEN,)),
    Refusing(text="No."),
    Called(index=0, id="c0", name="add"),
    CallArgs(index=0, text='{"a":1}'),
    Finished(reason="tool_calls"),
    Used(usage=Usage(input_tokens=5, output_tokens=7, reasoning_tokens=2)),
)
CHAT = {"model": "fast", "messages": [{"role": "user", "content": "Hi"}]}


async def test_chat(doorway):
    chat = pytest.importorskip("openai.types.chat")
    gateway = doorway.says(*RICH)

    whole = await gateway.ask("/v1/chat/completions", CHAT)
    streamed = await gateway.ask(
        "/v1/chat/completions", {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
    )

    found = chat.ChatCompletion.model_validate(whole.json)
    assert found.choices[0].message.tool_calls[0].function.name == "add"
    chunks = [chat.ChatCompletionChunk.model_validate(data) for _, data in streamed.events[:-1]]
    assert chunks[-1].usage.total_tokens == 12


async def test_responses(doorway):
    responses = pytest.importorskip("openai.types.responses")
    pydantic = pytest.importorskip("pydantic")
    gateway = doorway.says(*RICH)
    asked = {
        "model": "fast",
        "input": "Hi",
        "tools": [{"type": "function", "name": "add", "parameters": {"type": "object"}, "strict": True}],
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}},
    }

    whole = await gateway.ask("/v1/responses", asked)
    streamed = await gateway.ask("/v1/responses", {**asked, "stream": True})

    assert responses.Response.model_validate(whole.json).output[-1].name == "add"
    event = pydantic.TypeAdapter(responses.ResponseStreamEvent)
    assert [event.validate_python(data).type for _, data in streamed.events][-1] == "response.completed"


async def test_messages(doorway):
    types = pytest.importorskip("anthropic.types")
    pydantic = pytest.importorskip("pydantic")
    gateway = doorway.says(*RICH)
    asked = {**CHAT, "max_tokens": 9}

    whole = await gateway.ask("/v1/messages", asked)
    streamed = await gateway.ask("/v1/messages", {**asked, "stream": True})

    assert types.Message.model_validate(whole.json).content[-1].input == {"a": 1}
    event = pydantic.TypeAdapter(types.RawMessageStreamEvent)
    assert [event.validate_python(data).type for name, data in streamed.events if name != "ping"][-1] == "message_stop"


async def test_models(doorway):
    openai = pytest.importorskip("openai.types")
    types = pytest.importorskip("anthropic.types")
    gateway = doorway.plain()

    ours = await gateway.ask("/v1/models", method="GET")
    theirs = await gateway.ask("/v1/models", method="GET", headers={"anthropic-version": "2023-06-01"})

    assert next(openai.Model.model_validate(model).id for model in ours.json["data"]) == "fast"
    assert next(types.ModelInfo.model_validate(model).id for model in theirs.json["data"]) == "fast"
