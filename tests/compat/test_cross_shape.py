"""A client of one vendor asks a model of another: each official client over each wire, as its reference describes it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from rowen.testing.serving import Running, serving
from rowen.testing.upstream import FaultUpstream, Reply, Stream, TooMany

pytestmark = pytest.mark.compat

RECORDED = Path(__file__).parents[1] / "provider" / "fixtures"
TEXT = "The meadow grows again."
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
OPENAI_TOOL = {"type": "function", "function": {"name": "weather", "description": "Weather.", "parameters": SCHEMA}}
ANTHROPIC_TOOL = {"name": "weather", "description": "Weather.", "input_schema": SCHEMA}
ASKED = [{"role": "user", "content": "What is the weather in Oslo?"}]
CITIES = ["Oslo", "Bergen"]
ERRORS = ("-400", "-403", "-429", "-500")


@dataclass(frozen=True)
class Vendor:
    """A provider kind and where its model is asked."""

    kind: str
    base: str
    path: str


VENDORS = (
    Vendor("openai", "/v1", "/v1/chat/completions"),
    Vendor("anthropic", "", "/v1/messages"),
    Vendor("gemini", "/v1beta", "/v1beta/models/small:streamGenerateContent"),
)


class Gateway:
    """A Rowen with models of each vendor, all played by one upstream. A model that fails is left alone for a while, so
    each way of failing has a model of its own."""

    def __init__(self, rowen: Running, upstream: FaultUpstream) -> None:
        self.upstream = upstream
        self.openai = openai.OpenAI(base_url=f"{rowen.url}/v1", api_key=rowen.key, max_retries=0, timeout=20)
        self.anthropic = anthropic.Anthropic(base_url=rowen.url, api_key=rowen.key, max_retries=0, timeout=20)

    def plays(self, vendor: Vendor, *cases: str) -> None:
        self.upstream.requests.clear()
        self.upstream.on(vendor.path, *(played(vendor, case) for case in cases))


# Gemini's answers are asked for as streams, also where the caller wants them whole.
STREAMED = {"whole": "text", "whole-tools": "parallel"}


def played(vendor: Vendor, case: str) -> Stream | Reply:
    """What the vendor answers in a case: its recorded stream, event by event, or its recorded answer or error."""
    if vendor.kind == "gemini":
        case = STREAMED.get(case, case)
    folder = RECORDED / vendor.kind
    if (stream := folder / f"{case}.sse").exists():
        return Stream(chunks=tuple(event + b"\n\n" for event in stream.read_bytes().split(b"\n\n") if event))
    status = int(case.split("-")[1]) if case.startswith("error-") else 200
    return Reply(status=status, body=(folder / f"{case}.json").read_bytes())


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("cross")
    with FaultUpstream.in_thread() as upstream:
        models = "".join(
            f'[models.{vendor.kind}{ill}]\nprovider = "{vendor.kind}"\nmodel = "small"\nretries = 0\n'
            f'base_url = "{upstream.url}{vendor.base}"\n'
            for vendor in VENDORS
            for ill in ("", *ERRORS, "-wait")
        )
        (folder / "app.toml").write_text(f'[app]\nname = "cross"\n{models}')
        with serving(folder / "app.toml") as rowen:
            made = Gateway(rowen, upstream)
            with made.openai, made.anthropic:
                yield made


@pytest.fixture(params=VENDORS, ids=lambda vendor: vendor.kind)
def vendor(request: pytest.FixtureRequest) -> Vendor:
    return request.param


def test_chat_text_is_the_same_whole_and_streamed(gateway: Gateway, vendor: Vendor):
    gateway.plays(vendor, "whole", "text")
    client = gateway.openai

    whole = client.chat.completions.create(model=vendor.kind, messages=ASKED)
    with client.chat.completions.stream(
        model=vendor.kind, messages=ASKED, stream_options={"include_usage": True}
    ) as stream:
        streamed = stream.get_final_completion()

    for found in (whole, streamed):
        assert found.choices[0].message.content == TEXT
        assert found.choices[0].finish_reason == "stop"
        assert found.usage.prompt_tokens > 0
    assert whole.usage.model_dump() == streamed.usage.model_dump()


def test_responses_text_is_the_same_whole_and_streamed(gateway: Gateway, vendor: Vendor):
    gateway.plays(vendor, "whole", "text")

    whole = gateway.openai.responses.create(model=vendor.kind, input="Hi")
    with gateway.openai.responses.stream(model=vendor.kind, input="Hi") as stream:
        streamed = stream.get_final_response()

    assert whole.output_text == streamed.output_text == TEXT


def test_messages_text_is_the_same_whole_and_streamed(gateway: Gateway, vendor: Vendor):
    gateway.plays(vendor, "whole", "text")
    client = gateway.anthropic

    whole = client.messages.create(model=vendor.kind, max_tokens=50, messages=ASKED)
    with client.messages.stream(model=vendor.kind, max_tokens=50, messages=ASKED) as stream:
        streamed = stream.get_final_message()

    for found in (whole, streamed):
        assert "".join(block.text for block in found.content) == TEXT
        assert found.stop_reason == "end_turn"
    assert whole.usage.output_tokens == streamed.usage.output_tokens > 0


@pytest.mark.parametrize("streamed", [False, True])
def test_a_chat_client_calls_tools_and_gives_results(gateway: Gateway, vendor: Vendor, streamed: bool):
    gateway.plays(vendor, "parallel" if streamed else "whole-tools", "whole")
    client = gateway.openai.chat.completions

    if streamed:
        with client.stream(model=vendor.kind, messages=ASKED, tools=[OPENAI_TOOL]) as stream:
            message = stream.get_final_completion().choices[0].message
    else:
        message = client.create(model=vendor.kind, messages=ASKED, tools=[OPENAI_TOOL]).choices[0].message
    calls = message.tool_calls
    told = [{"role": "tool", "tool_call_id": call.id, "content": "Rain, 4 degrees."} for call in calls]
    after = client.create(model=vendor.kind, messages=[*ASKED, repeated(message), *told], tools=[OPENAI_TOOL])

    assert [json.loads(call.function.arguments)["city"] for call in calls] == CITIES
    assert after.choices[0].message.content == TEXT
    assert_told(vendor, gateway.upstream.requests[1].json(), [call.id for call in calls])


@pytest.mark.parametrize("streamed", [False, True])
def test_a_messages_client_calls_tools_and_gives_results(gateway: Gateway, vendor: Vendor, streamed: bool):
    gateway.plays(vendor, "parallel" if streamed else "whole-tools", "whole")
    client = gateway.anthropic.messages
    asked = {"model": vendor.kind, "max_tokens": 50, "messages": ASKED, "tools": [ANTHROPIC_TOOL]}

    if streamed:
        with client.stream(**asked) as stream:
            message = stream.get_final_message()
    else:
        message = client.create(**asked)
    calls = [block for block in message.content if block.type == "tool_use"]
    said = [{"type": "text", "text": "Rain, 4 degrees."}]
    told = [{"type": "tool_result", "tool_use_id": call.id, "content": said} for call in calls]
    turns = [{"role": "assistant", "content": message.content}, {"role": "user", "content": told}]
    after = client.create(**{**asked, "messages": [*ASKED, *turns]})

    assert [call.input["city"] for call in calls] == CITIES
    assert message.stop_reason == "tool_use"
    assert after.content[-1].text == TEXT
    assert_told(vendor, gateway.upstream.requests[1].json(), [call.id for call in calls])


@pytest.mark.parametrize("streamed", [False, True])
def test_a_responses_client_calls_tools_and_gives_results(gateway: Gateway, vendor: Vendor, streamed: bool):
    gateway.plays(vendor, "parallel" if streamed else "whole-tools", "whole")
    client = gateway.openai.responses
    tools = [{"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}]

    if streamed:
        with client.stream(model=vendor.kind, input="Weather?", tools=tools) as stream:
            asked = stream.get_final_response()
    else:
        asked = client.create(model=vendor.kind, input="Weather?", tools=tools)
    calls = [item for item in asked.output if item.type == "function_call"]
    told = [{"type": "function_call_output", "call_id": call.call_id, "output": "Rain, 4 degrees."} for call in calls]
    after = client.create(model=vendor.kind, input=told, tools=tools, previous_response_id=asked.id)

    assert [json.loads(call.arguments)["city"] for call in calls] == CITIES
    assert after.output_text == TEXT
    assert_told(vendor, gateway.upstream.requests[1].json(), [call.call_id for call in calls])


def repeated(message: Any) -> dict[str, Any]:
    """An assistant's turn as a caller sends it back, without what the client parsed for itself."""
    kept = {"function": {"name", "arguments"}, "id": True, "type": True, "extra_content": True}
    return {"role": "assistant", "tool_calls": [call.model_dump(include=kept) for call in message.tool_calls]}


def assert_told(vendor: Vendor, body: dict[str, Any], calls: list[str]) -> None:
    """The second request tells the calls and their results in the vendor's own words."""
    match vendor.kind:
        case "openai":
            called, *told = body["messages"][-1 - len(calls) :]
            assert [one["id"] for one in called["tool_calls"]] == calls
            assert [(one["role"], one["tool_call_id"]) for one in told] == [("tool", call) for call in calls]
        case "anthropic":
            called, told = body["messages"][-2:]
            assert [one["id"] for one in called["content"] if one["type"] == "tool_use"] == calls
            assert [one["tool_use_id"] for one in told["content"]] == calls
        case _:
            called, told = body["contents"][-2:]
            cities = [one["functionCall"]["args"]["city"] for one in called["parts"] if "functionCall" in one]
            assert cities == CITIES
            assert [one["functionResponse"]["name"] for one in told["parts"]] == ["weather"] * len(calls)
    assert json.dumps(told).count("Rain, 4 degrees.") == len(calls)


@pytest.mark.parametrize(
    ("ill", "ours", "theirs"),
    [
        ("-400", openai.BadRequestError, anthropic.BadRequestError),
        ("-403", openai.InternalServerError, anthropic.InternalServerError),  # it is Rowen's key that is not taken
        ("-429", openai.RateLimitError, anthropic.RateLimitError),
        ("-500", openai.InternalServerError, anthropic.InternalServerError),
    ],
)
def test_the_vendors_errors_become_the_clients_exceptions(gateway: Gateway, vendor: Vendor, ill: str, ours, theirs):
    gateway.plays(vendor, f"error{ill}")

    for stream in (False, True):
        with pytest.raises(ours):
            gateway.openai.chat.completions.create(model=vendor.kind + ill, messages=ASKED, stream=stream)
        with pytest.raises(theirs):
            gateway.anthropic.messages.create(model=vendor.kind + ill, max_tokens=9, messages=ASKED, stream=stream)


def test_the_vendors_wait_is_handed_on(gateway: Gateway, vendor: Vendor):
    gateway.upstream.on(vendor.path, TooMany(retry_after=9))
    model = f"{vendor.kind}-wait"

    with pytest.raises(openai.RateLimitError) as ours:
        gateway.openai.chat.completions.create(model=model, messages=ASKED)
    with pytest.raises(anthropic.RateLimitError) as theirs:
        gateway.anthropic.messages.create(model=model, max_tokens=9, messages=ASKED)

    assert int(ours.value.response.headers["retry-after"]) == 9
    assert 0 < int(theirs.value.response.headers["retry-after"]) <= 9


def test_structure_is_obeyed_over_every_wire(gateway: Gateway, vendor: Vendor):
    gateway.plays(vendor, "schema")
    wanted = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA, "strict": True}}
    form = {"format": {"type": "json_schema", "schema": SCHEMA}}

    with gateway.openai.chat.completions.stream(model=vendor.kind, messages=ASKED, response_format=wanted) as stream:
        chat = stream.get_final_completion()
    with gateway.anthropic.messages.stream(
        model=vendor.kind, max_tokens=50, messages=ASKED, output_config=form
    ) as stream:
        message = stream.get_final_message()

    assert json.loads(chat.choices[0].message.content) == json.loads(message.content[-1].text)
    assert all('"city"' in json.dumps(request.json()) for request in gateway.upstream.requests)


def test_reasoning_reaches_both_clients(gateway: Gateway, vendor: Vendor):
    gateway.plays(vendor, "thought")

    with gateway.anthropic.messages.stream(model=vendor.kind, max_tokens=50, messages=ASKED) as stream:
        message = stream.get_final_message()
    with gateway.openai.chat.completions.create(model=vendor.kind, messages=ASKED, stream=True) as stream:
        thought = [
            getattr(chunk.choices[0].delta, "reasoning_content", None) or "" for chunk in stream if chunk.choices
        ]

    assert message.content[0].type == "thinking"
    assert message.content[0].thinking == "".join(thought) == "Grass first."


@pytest.mark.parametrize("client", ["chat", "messages", "responses"])
def test_what_gemini_signed_comes_back_to_it_through_a_client_that_knows_nothing_of_it(gateway: Gateway, client: str):
    gateway.plays(VENDORS[2], "tools", "text")

    match client:
        case "chat":
            create = gateway.openai.chat.completions.create
            message = create(model="gemini", messages=ASKED, tools=[OPENAI_TOOL]).choices[0].message
            told = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "Rain."}
            create(model="gemini", messages=[*ASKED, message, told], tools=[OPENAI_TOOL])
        case "messages":
            asked = {"model": "gemini", "max_tokens": 50, "tools": [ANTHROPIC_TOOL]}
            message = gateway.anthropic.messages.create(messages=ASKED, **asked)
            told = {"type": "tool_result", "tool_use_id": message.content[-1].id, "content": "Rain."}
            turns = [{"role": "assistant", "content": message.content}, {"role": "user", "content": [told]}]
            gateway.anthropic.messages.create(messages=[*ASKED, *turns], **asked)
        case _:
            tools = [{"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}]
            response = gateway.openai.responses.create(model="gemini", input="Weather?", tools=tools)
            told = {"type": "function_call_output", "call_id": response.output[-1].call_id, "output": "Rain."}
            turns = [{"role": "user", "content": "Weather?"}, *response.output, told]
            gateway.openai.responses.create(model="gemini", input=turns, tools=tools)

    called, _ = gateway.upstream.requests[1].json()["contents"][-2:]
    assert [part.get("thoughtSignature") for part in called["parts"] if "functionCall" in part] == ["CiQBVKhc"]


def test_thinking_is_asked_for_in_every_vendors_words(gateway: Gateway, vendor: Vendor):
    gateway.plays(vendor, "thought")
    budget = {"type": "enabled", "budget_tokens": 1024}

    with gateway.anthropic.messages.stream(
        model=vendor.kind, max_tokens=2000, messages=ASKED, thinking=budget
    ) as stream:
        stream.until_done()

    body = gateway.upstream.requests[0].json()
    match vendor.kind:
        case "openai":
            assert body["reasoning_effort"] == "low"
        case "anthropic":
            assert body["thinking"] == budget
        case _:
            assert body["generationConfig"]["thinkingConfig"]["thinkingBudget"] == 1024
