import json
from contextlib import aclosing
from pathlib import Path

import pytest

from rowen.provider.base import ModelSettings
from rowen.provider.catalog import declared, maker
from rowen.provider.local.client import LocalChat
from rowen.provider.local.engine import Engine, Engines, Key, load
from rowen.provider.local.profile import options_for, weights_for
from rowen.provider.local.wire import Asked, Reader, plain
from rowen.provider.transport import HttpTransport
from rowen.values import (
    Broken,
    Deployment,
    Finished,
    Fold,
    Format,
    Image,
    Message,
    Mistaken,
    Problem,
    Profile,
    Request,
    Said,
    Started,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Unavailable,
    Usage,
    Used,
    says,
)

HELLO = Request(model="small", dialect="openai.chat", messages=(says("user", "hello"),))
PLACE = Deployment(name="small", model="small", provider="local", upstream="smollm2", profile=Profile(top_k=True))
WEATHER = Tool(
    name="weather",
    about="Weather of a city.",
    schema={
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
)
ADD = Tool(
    name="add",
    about="Adds two numbers.",
    schema={
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
        "additionalProperties": False,
    },
)


def settings(model="smollm2", **options):
    return ModelSettings(provider="local", model=model, options=options)


def body_of(request: Request, place: Deployment = PLACE) -> dict:
    return json.loads(Asked(request, place, {"temperature": 0.2}, 100).body)


def chunk(delta=None, finish=None, index=0, **more) -> bytes:
    choices = [] if delta is None else [{"index": index, "delta": delta, "finish_reason": finish}]
    found = {"choices": choices, "id": "chatcmpl-1", "model": "/a/path.gguf", "object": "chat.completion.chunk", **more}
    return json.dumps(found, separators=(",", ":")).encode()


def test_a_request_becomes_a_body_with_the_makers_advice_for_what_it_leaves_open():
    body = body_of(HELLO)

    assert body["messages"] == [{"role": "user", "content": "hello"}]
    assert (body["temperature"], body["max_tokens"], body["stream"]) == (0.2, 100, True)


def test_what_the_request_says_wins():
    body = body_of(HELLO.but(temperature=0.0, max_tokens=5, seed=7, stop=("x",), top_k=3))

    assert {body["temperature"], body["max_tokens"], body["seed"], body["top_k"]} == {0.0, 5, 7, 3}
    assert body["stop"] == ["x"]


def test_a_forced_tool_call_becomes_a_schema_and_no_tools():
    body = body_of(HELLO.but(tools=(WEATHER, ADD), tool_choice=ToolChoice(mode="required")))

    assert "tools" not in body
    assert body["response_format"]["type"] == "json_schema"
    assert body["messages"][0]["role"] == "system"


def test_a_free_tool_choice_is_left_to_the_template():
    assert body_of(HELLO.but(tools=(WEATHER,)))["tools"][0]["function"]["name"] == "weather"
    assert "tools" not in body_of(HELLO.but(tools=(WEATHER,), tool_choice=ToolChoice(mode="none")))


def test_llama_cpps_own_sampling_fields_pass_and_others_follow_the_policy():
    assert body_of(HELLO.but(extra={"min_p": 0.1}))["min_p"] == 0.1

    with pytest.raises(Mistaken) as caught:
        body_of(HELLO.but(extra={"id_slot": 0}))

    assert (caught.value.code, caught.value.place) == ("field_unknown", "id_slot")


def test_a_chat_without_messages_is_refused():
    with pytest.raises(Mistaken) as caught:
        body_of(HELLO.but(messages=()))

    assert caught.value.place == "messages"


def test_a_picture_is_refused():
    profile = declared(settings())
    message = Message(role="user", parts=(Image(url="https://example.org/a.png"),))

    with pytest.raises(Mistaken) as caught:
        body_of(HELLO.but(messages=(message,)), PLACE.but(profile=profile))

    assert caught.value.code == "field_unsupported"


@pytest.mark.parametrize(
    "mark", ["<|im_end|>", "<|im_start|>", "<|endoftext|>", "<|eot_id|>", "</s>", "<s>", "<start_of_turn>", "<think>"]
)
def test_template_marks_in_a_text_are_no_marks_any_more(mark):
    message = Message(role="tool", parts=(ToolResult(id="1", parts=(Text(text=mark),)),))

    sent = json.dumps(body_of(HELLO.but(messages=(says("user", f"a{mark}b"), message))), ensure_ascii=False)

    assert mark not in sent
    assert plain(f"a{mark}b").replace("\u2060", "") == f"a{mark}b"


@pytest.mark.parametrize("text", ["a < b", "x <| y", "f <|> g", "<html>", "1 << 2", "<|a b|>"])
def test_other_angle_brackets_are_left_alone(text):
    assert plain(text) == text


def test_chunks_become_events_and_the_file_path_is_not_told():
    reader = Reader("smollm2")
    chunks = [
        chunk({"role": "assistant", "content": None}, prompt_progress={"total": 3}),
        chunk({"role": "assistant", "content": None}),
        chunk({"content": "Hi"}),
        chunk({}, "stop"),
        chunk(usage={"prompt_tokens": 3, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 2}}),
    ]

    events = [event for each in chunks for event in reader.feed(each)] + [*reader.end()]

    assert events == [
        Started(id="chatcmpl-1", model="smollm2"),
        Said(text="Hi"),
        Finished(reason="stop"),
        Used(usage=Usage(input_tokens=3, output_tokens=1, cache_read_tokens=2)),
    ]


def test_the_usage_of_several_choices_is_added_up():
    reader = Reader("smollm2")
    for index in (1, 0):
        reader.feed(chunk({"content": "Hi"}, index=index))
        reader.feed(chunk({}, "stop", index=index))
        reader.feed(chunk(usage={"prompt_tokens": 3, "completion_tokens": 2}))

    assert list(reader.end()) == [Used(usage=Usage(input_tokens=3, output_tokens=4))]


def test_text_that_speaks_of_progress_is_still_text():
    reader = Reader("smollm2")
    reader.feed(chunk({"role": "assistant", "content": None}))

    events = reader.feed(chunk({"content": '{"prompt_progress": 1, "choices":[]}'}))

    assert events == (Said(text='{"prompt_progress": 1, "choices":[]}'),)


def test_an_answer_that_ends_too_early_is_cut():
    reader = Reader("smollm2")
    reader.feed(chunk({"content": "Hi"}))

    with pytest.raises(Unavailable) as caught:
        reader.end()

    assert caught.value.code == "upstream_cut"


def test_a_prompt_over_the_context_says_which_option_sets_it():
    error = {"error": {"code": 400, "message": "request (9 tokens)", "type": "exceed_context_size_error"}}

    with pytest.raises(Mistaken) as caught:
        Reader("smollm2").feed(json.dumps(error, separators=(",", ":")).encode())

    assert caught.value.code == "prompt_too_long"
    assert "`context`" in caught.value.message


def test_options_are_checked():
    with pytest.raises(Mistaken) as unknown:
        options_for(settings(contxt=5))
    with pytest.raises(Mistaken) as small:
        options_for(settings(slots=0))

    assert 'did you mean "context"?' in unknown.value.message
    assert small.value.place == "options.slots"


def test_the_profile_says_what_the_weights_are_for():
    assert declared(settings()).chat
    assert not declared(settings()).images
    assert declared(settings("minilm")).embeddings
    assert not declared(settings("minilm")).chat
    assert not declared(settings(slots=1)).many


def test_an_unknown_model_names_the_nearest():
    with pytest.raises(Mistaken) as caught:
        declared(settings("smolm2"))

    assert caught.value.code == "model_unknown"


async def told(provider, request: Request, place: Deployment = PLACE):
    fold = Fold()
    async with aclosing(provider.ask(request, place)) as events:
        async for batch in events:
            fold.take(batch)
    return fold.answer()


@pytest.fixture
async def transport():
    transport = HttpTransport()
    yield transport
    await transport.close()


async def test_weights_that_are_not_here_say_how_to_get_them(tmp_path, transport):
    provider = maker("local")(settings(folder=str(tmp_path)), transport)

    with pytest.raises(Problem) as caught:
        await told(provider, HELLO)

    assert caught.value.code == "weights_missing"
    assert caught.value.who == "small"
    await provider.close()


async def test_a_chat_model_makes_no_embeddings(transport):
    provider = maker("local")(settings(), transport)

    with pytest.raises(Mistaken) as caught:
        await told(provider, Request(model="small", kind="embeddings", texts=("x",)))

    assert caught.value.code == "field_unsupported"


@pytest.mark.local
@pytest.mark.parametrize("kind", ["cut", "noise"])
def test_a_damaged_gguf_is_a_clear_error(shipped, tmp_path, kind):
    whole = shipped("smollm2").find("smollm2").model.read_bytes()
    file = tmp_path / "bad.gguf"
    file.write_bytes(whole[:3_000_000] if kind == "cut" else whole[:24] + b"\xff" * 4000)

    with pytest.raises(Broken) as caught:
        load(Key(file, 64, 1, 1))

    assert caught.value.code == "weights_format"
    assert "bad.gguf" in caught.value.message


@pytest.mark.local
def test_an_engine_can_be_closed_as_soon_as_it_is_loaded(shipped):
    file = shipped("smollm2").find("smollm2").model

    closed = [Engine(load(Key(file, 64, 1, 1)), 1).close() for _ in range(3)]

    assert len(closed) == 3


@pytest.fixture(scope="module")
def engines(shipped):
    """One engine for all tests here: each load takes a second."""
    file: Path = shipped("smollm2").find("smollm2").model
    engines = Engines(load)
    key = Key(file, 1024, 2, 0)
    engines.take(key)
    yield engines
    engines.give(key)


@pytest.fixture
async def smollm2(engines):
    chosen = settings(context=1024, slots=2)
    options = options_for(chosen)
    provider = LocalChat(chosen, options, weights_for(chosen, options), engines)
    yield provider
    await provider.close()


@pytest.mark.local
async def test_the_model_answers_with_usage(smollm2):
    answer = await told(smollm2, HELLO.but(max_tokens=8, seed=1))

    assert answer.text
    assert answer.choices[0].reason in {"stop", "length"}
    assert answer.usage.input_tokens > 10
    assert 0 < answer.usage.output_tokens <= 8
    assert answer.model == "smollm2"


@pytest.mark.local
async def test_it_streams_a_token_at_a_time(smollm2):
    pieces = []
    async with aclosing(smollm2.ask(HELLO.but(max_tokens=8, temperature=0.0), PLACE)) as events:
        async for batch in events:
            pieces += [event.text for event in batch if isinstance(event, Said)]

    assert len(pieces) > 3


@pytest.mark.local
async def test_a_forced_call_has_the_form_of_its_tool(smollm2):
    request = HELLO.but(messages=(says("user", "What is 17 plus 4?"),), temperature=0.0, max_tokens=80)

    answer = await told(smollm2, request.but(tools=(WEATHER, ADD), tool_choice=ToolChoice(mode="required")))

    (call,) = answer.choices[0].message.parts
    assert isinstance(call, ToolCall)
    assert answer.choices[0].reason == "tool_calls"
    assert call.name in {"weather", "add"}
    assert set(json.loads(call.arguments)) in ({"city"}, {"a", "b"})


@pytest.mark.local
async def test_a_named_call_is_that_tools(smollm2):
    request = HELLO.but(messages=(says("user", "How is the weather in Paris?"),), temperature=0.0, max_tokens=60)

    answer = await told(
        smollm2, request.but(tools=(WEATHER, ADD), tool_choice=ToolChoice(mode="named", name="weather"))
    )

    (call,) = answer.choices[0].message.parts
    assert isinstance(call, ToolCall)
    assert call.name == "weather"
    assert json.loads(call.arguments) == {"city": "Paris"}


@pytest.mark.local
async def test_an_answer_obeys_its_schema(smollm2):
    schema = {
        "type": "object",
        "properties": {"mood": {"enum": ["good", "bad"]}, "sure": {"type": "boolean"}},
        "required": ["mood", "sure"],
        "additionalProperties": False,
    }

    answer = await told(smollm2, HELLO.but(format=Format(kind="schema", name="x", schema=schema), max_tokens=60))

    found = json.loads(answer.text)
    assert found["mood"] in {"good", "bad"}
    assert found["sure"] in {True, False}


@pytest.mark.local
async def test_an_answer_with_a_form_has_no_blanks_to_pay_for(smollm2):
    schema = {
        "type": "object",
        "properties": {"n": {"enum": [1, 2]}, "m": {"const": 3}},
        "required": ["n"],
        "additionalProperties": False,
    }

    for wanted in (Format(kind="schema", name="x", schema=schema), Format(kind="json")):
        answer = await told(smollm2, HELLO.but(format=wanted, temperature=0.0, max_tokens=60))

        assert answer.choices[0].reason == "stop"
        assert json.dumps(json.loads(answer.text), ensure_ascii=False) == answer.text


@pytest.mark.local
async def test_prompts_that_take_turns_are_computed_once_each(smollm2):
    beginnings = [f"{word} " * 40 for word in ("one", "two", "three")]  # one more than there are slots
    asks = [HELLO.but(messages=(says("system", each), says("user", "x")), max_tokens=1) for each in beginnings]
    for ask in asks:
        await told(smollm2, ask)

    again = [(await told(smollm2, ask)).usage for ask in asks]

    assert all(usage.cache_read_tokens > 0.9 * usage.input_tokens for usage in again), again


@pytest.mark.local
async def test_several_choices_with_log_probabilities(smollm2):
    answer = await told(smollm2, HELLO.but(n=2, max_tokens=4, logprobs=True, top_logprobs=2))

    assert len(answer.choices) == 2
    assert all(len(choice.logprobs[0]["top_logprobs"]) == 2 for choice in answer.choices)
    assert answer.usage.output_tokens <= 8


@pytest.mark.local
async def test_a_stop_sequence_ends_the_answer(smollm2):
    request = HELLO.but(messages=(says("user", "Count from one to ten."),), temperature=0.0, max_tokens=24)
    whole = (await told(smollm2, request)).text
    word = whole.split()[2]

    stopped = (await told(smollm2, request.but(stop=(word,)))).text

    assert whole.startswith(stopped)
    assert word not in stopped


@pytest.mark.local
async def test_a_caller_that_leaves_frees_the_slot(smollm2):
    long = HELLO.but(messages=(says("user", "Tell me a very long story."),), max_tokens=900)
    for _ in range(3):
        async with aclosing(smollm2.ask(long, PLACE)) as events:
            async for batch in events:
                if any(isinstance(event, Said) for event in batch):
                    break

    answer = await told(smollm2, HELLO.but(max_tokens=2))

    assert answer.usage.output_tokens <= 2


@pytest.mark.local
async def test_a_prompt_over_the_context_is_refused(smollm2):
    with pytest.raises(Mistaken) as caught:
        await told(smollm2, HELLO.but(messages=(says("user", "word " * 2000),)))

    assert caught.value.code == "prompt_too_long"


@pytest.mark.local
async def test_a_schema_it_cannot_follow_is_refused(smollm2):
    with pytest.raises(Mistaken) as caught:
        await told(smollm2, HELLO.but(format=Format(kind="schema", schema={"$ref": "https://example.org/x"})))

    assert caught.value.code == "upstream_refused"


@pytest.mark.local
async def test_a_tools_result_can_be_answered(smollm2):
    messages = (
        says("user", "How is the weather in Paris?"),
        Message(role="assistant", parts=(ToolCall(id="1", name="weather", arguments='{"city": "Paris"}'),)),
        Message(role="tool", parts=(ToolResult(id="1", parts=(Text(text="sunny, 21 degrees"),)),)),
    )

    answer = await told(smollm2, HELLO.but(messages=messages, tools=(WEATHER,), max_tokens=8))

    assert answer.text
    assert answer.choices[0].reason in {"stop", "length"}
