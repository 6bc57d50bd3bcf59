"""OpenAI's own Python client: chat completions, whole and streamed, by threads and by tasks."""

import json
from collections.abc import Iterator

import openai
import pydantic
import pytest
from openai import AsyncOpenAI, OpenAI

from rowen.testing.serving import Running

pytestmark = pytest.mark.compat

ASKED = [{"role": "user", "content": "What is the sky like?"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}
CITIES = [{"city": "Oslo"}, {"city": "Rome"}]


class Fair(pydantic.BaseModel):
    name: str
    day: str
    people: list[str]


class Weather(pydantic.BaseModel):
    city: str


@pytest.fixture(scope="module")
def client(rowen: Running) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{rowen.url}/v1", api_key=rowen.key, max_retries=0, timeout=20) as made:
        yield made


def tasked(rowen: Running) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{rowen.url}/v1", api_key=rowen.key, max_retries=0, timeout=20)


def test_an_answer_has_text_reason_usage_and_the_trace(client: OpenAI):
    raw = client.chat.completions.with_raw_response.create(model="sky", messages=ASKED)
    answer = raw.parse()

    assert answer.choices[0].message.content == "The sky is blue today."
    assert answer.choices[0].finish_reason == "stop"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (11, 5, 16)
    assert answer.usage.prompt_tokens_details.cached_tokens == 3
    assert answer._request_id == raw.headers["x-rowen-trace"]


async def test_an_answer_comes_to_a_task_too(rowen: Running):
    async with tasked(rowen) as client:
        answer = await client.chat.completions.create(model="sky", messages=ASKED)

    assert answer.choices[0].message.content == "The sky is blue today."


def test_a_stream_adds_up_and_ends_with_usage(client: OpenAI):
    with client.chat.completions.create(
        model="sky", messages=ASKED, stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)

    said = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(said) == "The sky is blue today."
    assert len([piece for piece in said if piece]) == 5
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage.total_tokens == 16
    assert len({chunk.id for chunk in chunks}) == 1


async def test_a_stream_comes_to_a_task_too(rowen: Running):
    async with tasked(rowen) as client:
        stream = await client.chat.completions.create(model="sky", messages=ASKED, stream=True)
        said = [chunk.choices[0].delta.content or "" async for chunk in stream]

    assert "".join(said) == "The sky is blue today."


def test_the_clients_own_gathering_of_a_stream_works(client: OpenAI):
    with client.chat.completions.stream(model="sky", messages=ASKED) as stream:
        kinds = {event.type for event in stream}
        whole = stream.get_final_completion()

    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert whole.choices[0].message.content == "The sky is blue today."


def test_a_stream_left_in_the_middle_leaves_the_client_usable(client: OpenAI):
    with client.chat.completions.create(model="sky", messages=ASKED, stream=True) as stream:
        next(iter(stream))

    again = client.chat.completions.create(model="sky", messages=ASKED)
    assert again.choices[0].message.content == "The sky is blue today."


def test_tools_are_called_and_their_results_are_taken_back(client: OpenAI):
    asked = client.chat.completions.create(
        model="caller", messages=ASKED, tools=[WEATHER], tool_choice="required", parallel_tool_calls=True
    )
    message = asked.choices[0].message
    results = [{"role": "tool", "tool_call_id": call.id, "content": "Rain."} for call in message.tool_calls]
    after = client.chat.completions.create(model="sky", messages=[*ASKED, message, *results], tools=[WEATHER])

    assert asked.choices[0].finish_reason == "tool_calls"
    assert [json.loads(call.function.arguments) for call in message.tool_calls] == CITIES
    assert [call.id for call in message.tool_calls] == ["call_oslo", "call_rome"]
    assert after.choices[0].message.content == "The sky is blue today."


def test_tool_calls_are_streamed_in_deltas_that_the_client_gathers(client: OpenAI):
    with client.chat.completions.stream(model="caller", messages=ASKED, tools=[WEATHER]) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
        whole = stream.get_final_completion()

    assert [event.name for event in done] == ["weather", "weather"]
    assert [call.function.parsed_arguments for call in whole.choices[0].message.tool_calls] == CITIES


async def test_tool_deltas_are_indexed_and_named_once(rowen: Running):
    async with tasked(rowen) as client:
        stream = await client.chat.completions.create(model="caller", messages=ASKED, tools=[WEATHER], stream=True)
        deltas = [call async for chunk in stream for call in chunk.choices[0].delta.tool_calls or []]

    assert [(call.index, call.id) for call in deltas if call.id] == [(0, "call_oslo"), (1, "call_rome")]
    arguments = ["".join(call.function.arguments or "" for call in deltas if call.index == index) for index in (0, 1)]
    assert [json.loads(text) for text in arguments] == CITIES


def test_an_answer_is_parsed_into_the_callers_type(client: OpenAI):
    parsed = client.chat.completions.parse(model="fair", messages=ASKED, response_format=Fair)

    assert parsed.choices[0].message.parsed == Fair(name="Science fair", day="Friday", people=["Alice", "Bob"])


async def test_an_answer_is_parsed_for_a_task_too(rowen: Running):
    async with tasked(rowen) as client:
        parsed = await client.chat.completions.parse(model="fair", messages=ASKED, response_format=Fair)

    assert parsed.choices[0].message.parsed.people == ["Alice", "Bob"]


def test_a_streamed_answer_is_parsed_into_the_callers_type(client: OpenAI):
    with client.chat.completions.stream(model="fair", messages=ASKED, response_format=Fair) as stream:
        whole = stream.get_final_completion()

    assert whole.choices[0].message.parsed.day == "Friday"


def test_tool_arguments_are_parsed_into_the_callers_type(client: OpenAI):
    parsed = client.chat.completions.parse(
        model="caller", messages=ASKED, tools=[openai.pydantic_function_tool(Weather, name="weather")]
    )

    calls = parsed.choices[0].message.tool_calls
    assert [call.function.parsed_arguments for call in calls] == [Weather(city="Oslo"), Weather(city="Rome")]


def test_an_answer_that_is_too_long_is_told_by_its_reason(client: OpenAI):
    answer = client.chat.completions.create(model="sky", messages=ASKED, max_completion_tokens=2)

    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("The sky ", "length")


def test_several_answers_can_be_asked_for(client: OpenAI):
    answer = client.chat.completions.create(model="sky", messages=ASKED, n=2)
    with client.chat.completions.create(model="sky", messages=ASKED, n=2, stream=True) as stream:
        indexes = {chunk.choices[0].index for chunk in stream if chunk.choices}

    assert [choice.index for choice in answer.choices] == [0, 1]
    assert indexes == {0, 1}


def test_pictures_files_and_parts_of_text_are_taken(client: OpenAI):
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}},
    ]

    answer = client.chat.completions.create(model="main", messages=[{"role": "user", "content": parts}])

    assert answer.choices[0].message.content == "What is this?"


def test_headers_of_rowen_go_in_and_come_out(client: OpenAI):
    raw = client.chat.completions.with_raw_response.create(
        model="main", messages=ASKED, extra_headers={"x-rowen-feature": "search", "x-rowen-cache": "bypass"}
    )

    assert raw.headers["x-rowen-model"] == "main"
    assert raw.headers["x-rowen-cache"] == "off"
