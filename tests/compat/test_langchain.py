"""LangChain's OpenAI client: invoked, streamed, with tools, structure, responses and embeddings."""

import pydantic
import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

from rowen.testing.serving import Running

pytestmark = pytest.mark.compat

CITIES = [{"city": "Oslo"}, {"city": "Rome"}]


class Fair(pydantic.BaseModel):
    """A fair that somebody goes to."""

    name: str
    day: str
    people: list[str]


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    return f"Rain in {city}."


def model(rowen: Running, name: str, **more: object) -> ChatOpenAI:
    return ChatOpenAI(model=name, base_url=f"{rowen.url}/v1", api_key=rowen.key, max_retries=0, timeout=20, **more)


def test_a_model_is_invoked(rowen: Running):
    answer = model(rowen, "sky").invoke([("system", "Be brief."), ("human", "What is the sky like?")])

    assert answer.content == "The sky is blue today."
    assert (answer.usage_metadata["input_tokens"], answer.usage_metadata["output_tokens"]) == (11, 5)
    assert answer.response_metadata["finish_reason"] == "stop"


async def test_a_model_is_streamed_to_a_task(rowen: Running):
    pieces = [piece async for piece in model(rowen, "sky", stream_usage=True).astream("Hi")]

    assert "".join(piece.content for piece in pieces) == "The sky is blue today."
    assert sum((piece.usage_metadata or {}).get("output_tokens", 0) for piece in pieces) == 5


def test_several_questions_are_asked_at_once(rowen: Running):
    answers = model(rowen, "main").batch(["one", "two", "three"])

    assert [answer.content for answer in answers] == ["one", "two", "three"]


@pytest.mark.parametrize("responses", [False, True])
def test_tools_go_round(rowen: Running, responses: bool):
    question = HumanMessage("What is the weather?")
    called = model(rowen, "caller", use_responses_api=responses).bind_tools([weather]).invoke([question])
    told = [ToolMessage(weather.invoke(call["args"]), tool_call_id=call["id"]) for call in called.tool_calls]
    after = model(rowen, "sky", use_responses_api=responses).bind_tools([weather]).invoke([question, called, *told])

    assert [call["args"] for call in called.tool_calls] == CITIES
    assert after.text == "The sky is blue today."


def test_streamed_tool_calls_are_gathered(rowen: Running):
    gathered = None
    for piece in model(rowen, "caller").bind_tools([weather]).stream("What is the weather?"):
        gathered = piece if gathered is None else gathered + piece

    assert [call["args"] for call in gathered.tool_calls] == CITIES


@pytest.mark.parametrize("method", ["json_schema", "json_mode"])
def test_an_answer_is_parsed_into_the_callers_type(rowen: Running, method: str):
    fair = model(rowen, "fair").with_structured_output(Fair, method=method).invoke("When is the fair? Say it as JSON.")

    assert fair == Fair(name="Science fair", day="Friday", people=["Alice", "Bob"])


def test_responses_are_streamed(rowen: Running):
    pieces = list(model(rowen, "sky", use_responses_api=True).stream("Hi"))

    assert "".join(piece.text for piece in pieces) == "The sky is blue today."


def test_texts_are_embedded_without_a_tokenizer(rowen: Running):
    embeddings = OpenAIEmbeddings(
        model="main", base_url=f"{rowen.url}/v1", api_key=rowen.key, check_embedding_ctx_length=False, max_retries=0
    )

    vectors = embeddings.embed_documents(["a cat", "a dog"])

    assert len(vectors) == 2
    assert embeddings.embed_query("a cat") == pytest.approx(vectors[0])
