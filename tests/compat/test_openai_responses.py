"""OpenAI's own Python client: responses, kept and streamed."""

import json
from collections.abc import Iterator

import openai
import pydantic
import pytest
from openai import AsyncOpenAI, OpenAI

from rowen.testing.serving import Running

pytestmark = pytest.mark.compat

WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


class Fair(pydantic.BaseModel):
    name: str
    day: str
    people: list[str]


@pytest.fixture(scope="module")
def client(rowen: Running) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{rowen.url}/v1", api_key=rowen.key, max_retries=0, timeout=20) as made:
        yield made


def test_a_response_has_text_and_usage(client: OpenAI):
    response = client.responses.create(model="sky", instructions="Be brief.", input="What is the sky like?")

    assert response.output_text == "The sky is blue today."
    assert response.status == "completed"
    assert (response.usage.input_tokens, response.usage.output_tokens) == (11, 5)
    assert response.usage.input_tokens_details.cached_tokens == 3


async def test_a_response_comes_to_a_task_whole_and_streamed(rowen: Running):
    async with AsyncOpenAI(base_url=f"{rowen.url}/v1", api_key=rowen.key, max_retries=0, timeout=20) as client:
        whole = await client.responses.create(model="sky", input="Hi")
        stream = await client.responses.create(model="sky", input="Hi", stream=True)
        said = [event.delta async for event in stream if event.type == "response.output_text.delta"]

    assert whole.output_text == "".join(said) == "The sky is blue today."


def test_the_clients_own_gathering_of_a_stream_works(client: OpenAI):
    with client.responses.stream(model="sky", input="What is the sky like?") as stream:
        events = list(stream)
        whole = stream.get_final_response()

    assert [event.type for event in events][:2] == ["response.created", "response.in_progress"]
    assert events[-1].type == "response.completed"
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert whole.output_text == "The sky is blue today."
    assert whole.usage.total_tokens == 16


def test_reasoning_is_an_item_of_its_own(client: OpenAI):
    response = client.responses.create(model="thinks", input="What is two and two?")
    with client.responses.stream(model="thinks", input="What is two and two?") as stream:
        thought = [event.delta for event in stream if event.type == "response.reasoning_summary_text.delta"]

    assert [item.type for item in response.output] == ["reasoning", "message"]
    assert response.output[0].summary[0].text == "".join(thought) == "Two and two."


def test_a_kept_response_can_be_read_continued_and_deleted(client: OpenAI):
    first = client.responses.create(model="main", input="Call me Ishmael.")
    second = client.responses.create(model="main", input="Who am I?", previous_response_id=first.id)
    read = client.responses.retrieve(first.id)
    client.responses.delete(first.id)

    assert second.previous_response_id == first.id
    # Echo counts the words it heard: the second call heard the first turn too.
    assert second.usage.input_tokens > first.usage.input_tokens + 3
    assert read.output_text == first.output_text
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)


def test_a_response_that_is_not_to_be_kept_is_not(client: OpenAI):
    response = client.responses.create(model="main", input="Forget this.", store=False)

    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(response.id)


def test_a_streamed_response_is_kept_too(client: OpenAI):
    with client.responses.stream(model="sky", input="Hi") as stream:
        streamed = stream.get_final_response()

    assert client.responses.retrieve(streamed.id).output_text == "The sky is blue today."


def test_tools_are_called_and_their_results_are_taken_back(client: OpenAI):
    asked = client.responses.create(model="caller", input="Weather?", tools=[WEATHER])
    calls = [item for item in asked.output if item.type == "function_call"]
    results = [{"type": "function_call_output", "call_id": call.call_id, "output": "Rain."} for call in calls]
    after = client.responses.create(model="sky", input=results, tools=[WEATHER], previous_response_id=asked.id)
    repeated = client.responses.create(
        model="sky",
        input=[{"role": "user", "content": "Weather?"}, *(item.model_dump() for item in asked.output), *results],
    )

    assert [json.loads(call.arguments) for call in calls] == [{"city": "Oslo"}, {"city": "Rome"}]
    assert [call.call_id for call in calls] == ["call_oslo", "call_rome"]
    assert after.output_text == repeated.output_text == "The sky is blue today."


def test_tool_calls_are_streamed(client: OpenAI):
    with client.responses.stream(model="caller", input="Weather?", tools=[WEATHER]) as stream:
        events = list(stream)
        whole = stream.get_final_response()

    done = [event for event in events if event.type == "response.function_call_arguments.done"]
    assert [json.loads(event.arguments) for event in done] == [{"city": "Oslo"}, {"city": "Rome"}]
    assert [item.name for item in whole.output] == ["weather", "weather"]


def test_a_response_is_parsed_into_the_callers_type(client: OpenAI):
    parsed = client.responses.parse(model="fair", input="When is the fair?", text_format=Fair)
    with client.responses.stream(model="fair", input="When is the fair?", text_format=Fair) as stream:
        streamed = stream.get_final_response()

    assert (
        parsed.output_parsed
        == streamed.output_parsed
        == Fair(name="Science fair", day="Friday", people=["Alice", "Bob"])
    )


def test_a_stream_that_breaks_off_says_so_to_the_client(client: OpenAI):
    with (
        pytest.raises(openai.APIError) as caught,
        client.responses.create(model="cut", input="Hi", stream=True) as stream,
    ):
        list(stream)

    assert caught.value.code == "upstream_cut"


def test_a_response_that_is_too_long_is_incomplete(client: OpenAI):
    response = client.responses.create(model="sky", input="Hi", max_output_tokens=2)

    assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens")
