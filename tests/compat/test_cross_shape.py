"""A client of one vendor asks a model of another: each official client over each wire, as its reference describes it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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


def played(vendor: Vendor, case: str) -> Stream | Reply:
    """What the vendor answers in a case: its recorded stream, event by event, or its recorded error."""
    folder = RECORDED / vendor.kind
    if case.startswith("error-"):
        return Reply(status=int(case.split("-")[1]), body=(folder / f"{case}.json").read_bytes())
    return Stream(
        chunks=tuple(event + b"\n\n" for event in (folder / f"{case}.sse").read_bytes().split(b"\n\n") if event)
    )


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
    gateway.plays(vendor, "text")
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
    gateway.plays(vendor, "text")

    whole = gateway.openai.responses.create(model=vendor.kind, input="Hi")
    with gateway.openai.responses.stream(model=vendor.kind, input="Hi") as stream:
        streamed = stream.get_final_response()

    assert whole.output_text == streamed.output_text == TEXT


def test_messages_text_is_the_same_whole_and_streamed(gateway: Gateway, vendor: Vendor):
    gateway.plays(vendor, "text")
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
    gateway.plays(vendor, "tools", "text")
    client = gateway.openai.chat.completions

    if streamed:
        with client.stream(model=vendor.kind, messages=ASKED, tools=[OPENAI_TOOL]) as stream:
            message = stream.get_final_completion().choices[0].message
    else:
        message = client.create(model=vendor.kind, messages=ASKED, tools=[OPENAI_TOOL]).choices[0].message
    (call,) = message.tool_calls
    turn = {"role": "assistant", "tool_calls": [call.model_dump(exclude={"function": {"parsed_arguments"}})]}
    result = {"role": "tool", "tool_call_id": call.id, "content": "Rain, 4 degrees."}
    after = client.create(model=vendor.kind, messages=[*ASKED, turn, result], tools=[OPENAI_TOOL])

    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Oslo"})
    assert after.choices[0].message.content == TEXT
    assert_told(vendor, gateway.upstream.requests[1].json(), call.id)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_messages_client_calls_tools_and_gives_results(gateway: Gateway, vendor: Vendor, streamed: bool):
    gateway.plays(vendor, "tools", "text")
    client = gateway.anthropic.messages
    asked = {"model": vendor.kind, "max_tokens": 50, "messages": ASKED, "tools": [ANTHROPIC_TOOL]}

    if streamed:
        with client.stream(**asked) as stream:
            message = stream.get_final_message()
    else:
        message = client.create(**asked)
    (call,) = [block for block in message.content if block.type == "tool_use"]
    result = {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "Rain, 4 degrees."}]}
    turns = [{"role": "assistant", "content": message.content}, {"role": "user", "content": [result]}]
    after = client.create(**{**asked, "messages": [*ASKED, *turns]})

    assert (call.name, call.input, message.stop_reason) == ("weather", {"city": "Oslo"}, "tool_use")
    assert after.content[-1].text == TEXT
    assert_told(vendor, gateway.upstream.requests[1].json(), call.id)


def test_a_responses_client_calls_tools_and_gives_results(gateway: Gateway, vendor: Vendor):
    gateway.plays(vendor, "tools", "text")
    client = gateway.openai.responses
    tools = [{"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}]

    asked = client.create(model=vendor.kind, input="Weather in Oslo?", tools=tools)
    (call,) = [item for item in asked.output if item.type == "function_call"]
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "Rain, 4 degrees."}
    after = client.create(model=vendor.kind, input=[result], tools=tools, previous_response_id=asked.id)

    assert json.loads(call.arguments) == {"city": "Oslo"}
    assert after.output_text == TEXT
    assert_told(vendor, gateway.upstream.requests[1].json(), call.call_id)


def assert_told(vendor: Vendor, body: dict, call: str) -> None:
    """The second request tells the tool call and its result in the vendor's own words."""
    match vendor.kind:
        case "openai":
            called, told = body["messages"][-2:]
            assert [one["id"] for one in called["tool_calls"]] == [call]
            assert (told["role"], told["tool_call_id"]) == ("tool", call)
            found = told["content"]
            assert found in ("Rain, 4 degrees.", [{"type": "text", "text": "Rain, 4 degrees."}])
        case "anthropic":
            called, told = body["messages"][-2:]
            assert [one["id"] for one in called["content"] if one["type"] == "tool_use"] == [call]
            assert [one["tool_use_id"] for one in told["content"]] == [call]
            assert "Rain, 4 degrees." in json.dumps(told)
        case _:
            called, told = body["contents"][-2:]
            assert [one["functionCall"]["args"] for one in called["parts"] if "functionCall" in one] == [
                {"city": "Oslo"}
            ]
            # What Gemini signed must come back with the call, or it refuses the turn.
            assert [one.get("functionResponse", {}).get("name") for one in told["parts"]] == ["weather"]
            assert "Rain, 4 degrees." in json.dumps(told)


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

    chat = gateway.openai.chat.completions.create(model=vendor.kind, messages=ASKED, response_format=wanted)
    message = gateway.anthropic.messages.create(
        model=vendor.kind,
        max_tokens=50,
        messages=ASKED,
        output_config={"format": {"type": "json_schema", "schema": SCHEMA}},
    )

    assert json.loads(chat.choices[0].message.content) == json.loads(message.content[-1].text)


def test_reasoning_reaches_both_clients(gateway: Gateway, vendor: Vendor):
    gateway.plays(vendor, "thought")

    message = gateway.anthropic.messages.create(model=vendor.kind, max_tokens=50, messages=ASKED)
    with gateway.openai.chat.completions.create(model=vendor.kind, messages=ASKED, stream=True) as stream:
        thought = [
            getattr(chunk.choices[0].delta, "reasoning_content", None) or "" for chunk in stream if chunk.choices
        ]

    assert message.content[0].type == "thinking"
    assert message.content[0].thinking == "".join(thought) != ""


def test_thinking_is_asked_for_in_every_vendors_words(gateway: Gateway, vendor: Vendor):
    gateway.plays(vendor, "thought")
    budget = {"type": "enabled", "budget_tokens": 1024}

    gateway.anthropic.messages.create(model=vendor.kind, max_tokens=2000, messages=ASKED, thinking=budget)

    body = gateway.upstream.requests[0].json()
    match vendor.kind:
        case "openai":
            assert body["reasoning_effort"] == "low"
        case "anthropic":
            assert body["thinking"] == budget
        case _:
            assert body["generationConfig"]["thinkingConfig"]["thinkingBudget"] == 1024
