"""Rowen in front of Rowen, over each of the shapes that it both speaks and understands."""

import json
from collections.abc import Iterator

import anthropic
import openai
import pytest
from anthropic import Anthropic
from openai import OpenAI

from rowen.testing.serving import Running, serving

pytestmark = pytest.mark.compat

ASKED = [{"role": "user", "content": "What is the sky like?"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CITIES = [{"city": "Oslo"}, {"city": "Rome"}]


@pytest.fixture(scope="module")
def outer(rowen: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A Rowen whose models are those of another one: `openai-sky` is its `sky` over OpenAI's shape, and so on."""
    folder = tmp_path_factory.mktemp("outer")
    (folder / "inner.key").write_text(rowen.key)
    models = "".join(
        f'[models.{kind}-{name}]\nprovider = "{kind}"\nmodel = "{name}"\nretries = 0\n'
        f'base_url = "{rowen.url}{base}"\nkey = {{ file = "inner.key" }}\n'
        for kind, base in (("openai", "/v1"), ("anthropic", ""))
        for name in ("main", "sky", "caller", "thinks", "cut", "limited")
    )
    (folder / "app.toml").write_text(f'[app]\nname = "outer"\n{models}')
    with serving(folder / "app.toml") as running:
        yield running


@pytest.fixture(scope="module")
def chat(outer: Running) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{outer.url}/v1", api_key=outer.key, max_retries=0, timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def messages(outer: Running) -> Iterator[Anthropic]:
    with Anthropic(base_url=outer.url, api_key=outer.key, max_retries=0, timeout=20) as client:
        yield client


@pytest.fixture(params=["openai", "anthropic"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def test_text_and_usage_come_through_both(chat: OpenAI, messages: Anthropic, kind: str):
    completion = chat.chat.completions.create(model=f"{kind}-sky", messages=ASKED)
    message = messages.messages.create(model=f"{kind}-sky", max_tokens=50, messages=ASKED)

    assert completion.choices[0].message.content == message.content[0].text == "The sky is blue today."
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (11, 5)
    assert completion.usage.prompt_tokens_details.cached_tokens == message.usage.cache_read_input_tokens == 3
    assert (message.usage.input_tokens, message.usage.output_tokens) == (8, 5)


def test_pieces_come_through_both(chat: OpenAI, messages: Anthropic, kind: str):
    with chat.chat.completions.create(model=f"{kind}-sky", messages=ASKED, stream=True) as stream:
        one = [chunk.choices[0].delta.content for chunk in stream if chunk.choices and chunk.choices[0].delta.content]
    with messages.messages.stream(model=f"{kind}-sky", max_tokens=50, messages=ASKED) as stream:
        other = list(stream.text_stream)

    assert one == other == ["The ", "sky ", "is ", "blue ", "today."]


def test_tools_go_round_through_both(chat: OpenAI, messages: Anthropic, kind: str):
    function = {"name": "weather", "parameters": SCHEMA}
    tools = [{"type": "function", "function": function}]
    with chat.chat.completions.stream(model=f"{kind}-caller", messages=ASKED, tools=tools) as stream:
        turn = stream.get_final_completion().choices[0].message
    told = [{"role": "tool", "tool_call_id": call.id, "content": "Rain."} for call in turn.tool_calls]
    calls = [
        {"id": call.id, "type": "function", "function": {"name": "weather", "arguments": call.function.arguments}}
        for call in turn.tool_calls
    ]
    after = chat.chat.completions.create(
        model=f"{kind}-sky", tools=tools, messages=[*ASKED, {"role": "assistant", "tool_calls": calls}, *told]
    )
    message = messages.messages.create(
        model=f"{kind}-caller", max_tokens=50, messages=ASKED, tools=[{"name": "weather", "input_schema": SCHEMA}]
    )

    assert [json.loads(call.function.arguments) for call in turn.tool_calls] == CITIES
    assert [call.id for call in turn.tool_calls] == ["call_oslo", "call_rome"]
    assert after.choices[0].message.content == "The sky is blue today."
    assert [block.input for block in message.content if block.type == "tool_use"] == CITIES


def test_reasoning_comes_through_both(chat: OpenAI, messages: Anthropic, kind: str):
    completion = chat.chat.completions.create(model=f"{kind}-thinks", messages=ASKED)
    message = messages.messages.create(model=f"{kind}-thinks", max_tokens=50, messages=ASKED)

    assert completion.choices[0].message.reasoning_content == message.content[0].thinking == "Two and two."


def test_responses_come_through_both(chat: OpenAI, kind: str):
    first = chat.responses.create(model=f"{kind}-sky", input="Hi")
    second = chat.responses.create(model=f"{kind}-main", input="And now?", previous_response_id=first.id)

    assert (first.output_text, second.output_text) == ("The sky is blue today.", "And now?")


def test_embeddings_come_through_openais_shape(chat: OpenAI):
    answer = chat.embeddings.create(model="openai-main", input=["a cat", "a dog"], dimensions=8)

    assert [len(item.embedding) for item in answer.data] == [8, 8]


def test_a_break_in_the_inner_stream_is_told_outside(chat: OpenAI, messages: Anthropic, kind: str):
    said = []

    with pytest.raises(openai.APIError) as caught:
        for chunk in chat.chat.completions.create(model=f"{kind}-cut", messages=ASKED, stream=True):
            said.append(chunk.choices[0].delta.content or "")
    with pytest.raises(anthropic.APIStatusError):
        messages.messages.create(model=f"{kind}-cut", max_tokens=50, messages=ASKED)

    assert "".join(said) == "one two "
    assert caught.value.code in {"upstream_cut", "upstream_error"}


def test_the_inner_limit_and_its_wait_are_told_outside(chat: OpenAI, kind: str):
    with pytest.raises(openai.RateLimitError) as caught:
        chat.chat.completions.create(model=f"{kind}-limited", messages=ASKED)

    assert 1 <= int(caught.value.response.headers["retry-after"]) <= 7
