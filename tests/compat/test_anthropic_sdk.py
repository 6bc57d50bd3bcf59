"""Anthropic's own Python client: messages whole and streamed, tools, structure, counting, models and errors."""

import json
from collections.abc import Iterator

import anthropic
import pydantic
import pytest
from anthropic import Anthropic, AsyncAnthropic

from rowen.testing.serving import Running

pytestmark = pytest.mark.compat

ASKED = [{"role": "user", "content": "What is the sky like?"}]
WEATHER = {
    "name": "weather",
    "description": "The weather of a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
CITIES = [{"city": "Oslo"}, {"city": "Rome"}]


class Fair(pydantic.BaseModel):
    name: str
    day: str
    people: list[str]


@pytest.fixture(scope="module")
def client(rowen: Running) -> Iterator[Anthropic]:
    with Anthropic(base_url=rowen.url, api_key=rowen.key, max_retries=0, timeout=20) as made:
        yield made


def tasked(rowen: Running) -> AsyncAnthropic:
    return AsyncAnthropic(base_url=rowen.url, api_key=rowen.key, max_retries=0, timeout=20)


def test_a_message_has_text_reason_usage_and_the_trace(client: Anthropic):
    raw = client.messages.with_raw_response.create(model="sky", max_tokens=50, system="Be brief.", messages=ASKED)
    message = raw.parse()

    assert [(block.type, block.text) for block in message.content] == [("text", "The sky is blue today.")]
    assert message.stop_reason == "end_turn"
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens, message.usage.output_tokens) == (8, 3, 5)
    assert message._request_id == raw.headers["x-rowen-trace"]


async def test_a_message_comes_to_a_task_whole_and_streamed(rowen: Running):
    async with tasked(rowen) as client:
        whole = await client.messages.create(model="sky", max_tokens=50, messages=ASKED)
        async with client.messages.stream(model="sky", max_tokens=50, messages=ASKED) as stream:
            said = [text async for text in stream.text_stream]
            final = await stream.get_final_message()

    assert whole.content[0].text == "".join(said) == final.content[0].text == "The sky is blue today."
    assert len(said) == 5


def test_a_stream_is_gathered_with_its_usage(client: Anthropic):
    with client.messages.stream(model="sky", max_tokens=50, messages=ASKED) as stream:
        kinds = [event.type for event in stream]
        message = stream.get_final_message()

    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
    assert message.stop_reason == "end_turn"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (8, 5)


def test_raw_events_come_in_the_order_of_the_reference(client: Anthropic):
    events = list(client.messages.create(model="sky", max_tokens=50, messages=ASKED, stream=True))

    kinds = [event.type for event in events]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert set(kinds[2:-3]) == {"content_block_delta"}


def test_thinking_is_a_block_of_its_own(client: Anthropic):
    message = client.messages.create(model="thinks", max_tokens=50, messages=ASKED)
    with client.messages.stream(model="thinks", max_tokens=50, messages=ASKED) as stream:
        streamed = stream.get_final_message()

    for found in (message, streamed):
        assert [block.type for block in found.content] == ["thinking", "text"]
        assert found.content[0].thinking == "Two and two."


def test_tools_are_called_and_their_results_are_taken_back(client: Anthropic):
    asked = client.messages.create(
        model="caller", max_tokens=50, messages=ASKED, tools=[WEATHER], tool_choice={"type": "any"}
    )
    calls = [block for block in asked.content if block.type == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "Rain."} for call in calls]
    after = client.messages.create(
        model="sky",
        max_tokens=50,
        tools=[WEATHER],
        messages=[*ASKED, {"role": "assistant", "content": asked.content}, {"role": "user", "content": results}],
    )

    assert asked.stop_reason == "tool_use"
    assert [call.input for call in calls] == CITIES
    assert after.content[0].text == "The sky is blue today."


async def test_tool_calls_are_streamed_in_pieces_of_json(rowen: Running):
    pieces: dict[int, str] = {}
    async with (
        tasked(rowen) as client,
        client.messages.stream(model="caller", max_tokens=50, messages=ASKED, tools=[WEATHER]) as stream,
    ):
        async for event in stream:
            if event.type == "content_block_delta" and event.delta.type == "input_json_delta":
                pieces[event.index] = pieces.get(event.index, "") + event.delta.partial_json
        message = await stream.get_final_message()

    assert [json.loads(text) for text in pieces.values()] == CITIES
    assert [block.input for block in message.content] == CITIES
    assert message.stop_reason == "tool_use"


def test_the_clients_tool_runner_goes_round(client: Anthropic):
    heard = []

    @anthropic.beta_tool
    def weather(city: str) -> str:
        """The weather of a city."""
        heard.append(city)
        return "Rain."

    runner = client.beta.messages.tool_runner(
        model="caller", max_tokens=50, messages=ASKED, tools=[weather], max_iterations=2
    )
    messages = list(runner)

    assert heard[:2] == ["Oslo", "Rome"]
    assert len(messages) == 2


def test_an_answer_is_parsed_into_the_callers_type(client: Anthropic):
    message = client.messages.parse(model="fair", max_tokens=90, messages=ASKED, output_format=Fair)

    assert message.parsed_output == Fair(name="Science fair", day="Friday", people=["Alice", "Bob"])


def test_a_streamed_answer_is_parsed_into_the_callers_type(client: Anthropic):
    with client.messages.stream(model="fair", max_tokens=90, messages=ASKED, output_format=Fair) as stream:
        message = stream.get_final_message()

    assert message.parsed_output.people == ["Alice", "Bob"]


def test_blocks_of_the_beta_client_are_taken(client: Anthropic):
    parts = [
        {"type": "text", "text": "What is this?", "cache_control": {"type": "ephemeral"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
    ]

    message = client.beta.messages.create(
        model="main", max_tokens=50, messages=[{"role": "user", "content": parts}], betas=["context-1m-2025-08-07"]
    )

    assert message.content[0].text == "What is this?"


def test_an_answer_that_is_too_long_is_told_by_its_reason(client: Anthropic):
    message = client.messages.create(model="sky", max_tokens=2, messages=ASKED)

    assert (message.content[0].text, message.stop_reason) == ("The sky ", "max_tokens")


def test_tokens_are_counted_before_a_call(client: Anthropic):
    short = client.messages.count_tokens(model="main", messages=ASKED)
    long = client.messages.count_tokens(model="main", messages=ASKED, tools=[WEATHER], system="Be brief, always.")

    assert 0 < short.input_tokens < long.input_tokens


def test_models_are_listed_and_described(client: Anthropic):
    names = [model.id for model in client.models.list()]

    assert {"main", "sky"} <= set(names)
    assert client.models.retrieve("sky").display_name == "sky"


@pytest.mark.parametrize(
    ("model", "error", "kind"),
    [
        ("nope", anthropic.NotFoundError, "not_found_error"),
        ("limited", anthropic.RateLimitError, "rate_limit_error"),
        ("filtered", anthropic.BadRequestError, "invalid_request_error"),
        ("down", anthropic.InternalServerError, "api_error"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_an_error_becomes_the_clients_own_exception(client: Anthropic, model, error, kind, stream):
    with pytest.raises(error) as caught:
        client.messages.create(model=model, max_tokens=50, messages=ASKED, stream=stream)

    assert caught.value.body["error"]["type"] == kind
    assert caught.value.request_id


def test_a_field_of_the_wrong_kind_is_a_bad_request(client: Anthropic):
    with pytest.raises(anthropic.BadRequestError, match="temperature"):
        client.messages.create(model="main", max_tokens=50, messages=ASKED, extra_body={"temperature": "warm"})


@pytest.mark.parametrize("secret", [{"api_key": "rk-wrong"}, {"auth_token": "rk-wrong"}])
def test_a_wrong_key_is_an_authentication_error(rowen: Running, secret):
    with (
        Anthropic(base_url=rowen.url, max_retries=0, **secret) as stranger,
        pytest.raises(anthropic.AuthenticationError),
    ):
        stranger.messages.create(model="main", max_tokens=50, messages=ASKED)


def test_a_key_may_come_as_a_bearer_too(rowen: Running):
    with Anthropic(base_url=rowen.url, auth_token=rowen.key, max_retries=0) as bearer:
        assert bearer.messages.create(model="sky", max_tokens=50, messages=ASKED).stop_reason == "end_turn"


def test_a_used_up_limit_says_when_to_come_back(rowen: Running):
    with Anthropic(base_url=rowen.url, api_key=rowen.new_key("busy"), max_retries=0) as busy:
        busy.messages.create(model="tight/echo", max_tokens=50, messages=ASKED)
        with pytest.raises(anthropic.RateLimitError) as caught:
            busy.messages.create(model="tight/echo", max_tokens=50, messages=ASKED)

    assert 0 < int(caught.value.response.headers["retry-after"]) <= 60


def test_the_clients_own_retry_finds_a_model_that_is_well_again(rowen: Running):
    with Anthropic(base_url=rowen.url, api_key=rowen.key, max_retries=2) as patient:
        message = patient.messages.create(model="shaky", max_tokens=50, messages=ASKED)

    assert message.content[0].text == "What is the sky like?"


@pytest.mark.parametrize("stream", [False, True])
def test_a_slow_answer_is_a_timeout_at_the_client(client: Anthropic, stream):
    with pytest.raises(anthropic.APITimeoutError):
        client.with_options(timeout=0.2).messages.create(model="slow", max_tokens=50, messages=ASKED, stream=stream)


def test_a_stream_that_breaks_off_says_so_after_what_was_said(client: Anthropic):
    said = []

    with (
        pytest.raises(anthropic.APIStatusError, match="upstream_cut"),
        client.messages.stream(model="cut", max_tokens=50, messages=ASKED) as stream,
    ):
        said.extend(stream.text_stream)

    assert "".join(said) == "one two "
