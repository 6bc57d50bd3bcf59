import base64
import json

import pytest

from rowen.provider.anthropic.profile import Options
from rowen.provider.anthropic.wire import ANSWER_TOOL, by_tool, encode
from rowen.values import (
    Audio,
    Deployment,
    File,
    Format,
    Image,
    Message,
    Mistaken,
    Profile,
    Reasoning,
    Request,
    Text,
    Thought,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    says,
)

HERE = Deployment(name="fast", model="fast", provider="anthropic", upstream="small")
ASK = Request(model="fast", dialect="anthropic", messages=(says("user", "hello"),), max_tokens=100, stream=True)
SCHEMA = {"type": "object", "properties": {"a": {"type": "object", "properties": {}}}}


def sent(request, options=None, extra=None, deployment=HERE):
    return json.loads(encode(request, deployment, options or Options(), extra)[0])


def messages(*given, dialect="anthropic"):
    return sent(ASK.but(messages=given, dialect=dialect))["messages"]


def test_sends_a_whole_request():
    request = ASK.but(
        messages=(says("system", "Be brief."), says("developer", "No lists."), says("user", "hello")),
        temperature=0.5,
        top_p=0.9,
        top_k=5,
        stop=("END",),
        user="u1",
        tools=(Tool(name="find", about="Finds.", schema={"type": "object"}, strict=True),),
        tool_choice=ToolChoice(mode="named", name="find"),
        parallel_tools=False,
    )

    assert sent(request, extra={"service_tier": "auto", "metadata": {"more": 1}}) == {
        "model": "small",
        "max_tokens": 100,
        "stream": True,
        "system": [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "No lists."}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}],
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 5,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u1", "more": 1},
        "tools": [{"name": "find", "description": "Finds.", "input_schema": {"type": "object"}, "strict": True}],
        "tool_choice": {"type": "tool", "name": "find", "disable_parallel_tool_use": True},
        "service_tier": "auto",
    }


def test_always_says_how_long_an_answer_may_be():
    endless = ASK.but(max_tokens=None)

    assert sent(endless)["max_tokens"] == 8_192
    assert sent(endless, deployment=HERE.but(profile=Profile(max_output=64_000)))["max_tokens"] == 64_000


def test_turns_alternate_and_results_stand_first():
    found = messages(
        says("user", "one"),
        says("user", "two"),
        Message(role="assistant", parts=(Text(text=""), ToolCall(id="call:1", name="find", arguments='{"q":1}'))),
        Message(role="assistant", parts=(ToolCall(id="b", name="find", arguments="[1]"),)),
        Message(role="tool", parts=(Text(text="Go on."), ToolResult(id="call:1", parts=(Text(text="seen"),)))),
        Message(role="tool", parts=(ToolResult(id="b", failed=True),)),
    )

    assert found == [
        {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "call_1", "name": "find", "input": {"q": 1}},
                {"type": "tool_use", "id": "b", "name": "find", "input": {"invalid_json": "[1]"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "call_1", "content": [{"type": "text", "text": "seen"}]},
                {"type": "tool_result", "tool_use_id": "b", "is_error": True},
                {"type": "text", "text": "Go on."},
            ],
        },
    ]


def test_sends_images_and_documents():
    text = base64.b64encode("Grüße".encode()).decode()
    parts = (
        Image(data="QUJD", media_type="image/jpeg"),
        Image(url="data:image/gif;base64,R0lG"),
        Image(url="https://example.org/a.png"),
        File(data="JVBE", media_type="application/pdf", name="a.pdf"),
        File(data=text, media_type="text/plain"),
        File(id="file_1"),
        File(url="https://example.org/a.pdf"),
    )

    (message,) = messages(Message(role="user", parts=parts))

    assert [block["source"] for block in message["content"]] == [
        {"type": "base64", "media_type": "image/jpeg", "data": "QUJD"},
        {"type": "base64", "media_type": "image/gif", "data": "R0lG"},
        {"type": "url", "url": "https://example.org/a.png"},
        {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
        {"type": "text", "media_type": "text/plain", "data": "Grüße"},
        {"type": "file", "file_id": "file_1"},
        {"type": "url", "url": "https://example.org/a.pdf"},
    ]
    assert message["content"][3]["title"] == "a.pdf"


def test_refuses_sound():
    with pytest.raises(Mistaken, match="sound"):
        messages(Message(role="user", parts=(Audio(data="UklG", format="wav"),)))


def test_only_its_own_signed_reasoning_goes_back():
    thoughts = (
        Thought(text="mine", signature="EqQB"),
        Thought(hidden="Emw"),
        Thought(text="unsigned"),
        Thought(text="", signature="gemini#abc"),
        Text(text="Hay."),
    )

    body, unsent = encode(ASK.but(messages=(Message(role="assistant", parts=thoughts),)), HERE, Options())

    assert json.loads(body)["messages"][0]["content"] == [
        {"type": "thinking", "thinking": "mine", "signature": "EqQB"},
        {"type": "redacted_thinking", "data": "Emw"},
        {"type": "text", "text": "Hay."},
    ]
    assert unsent == ("thinking",)


def test_cache_marks_reach_anthropic_from_its_own_door_only():
    cached = Text(text="long", extra={"cache_control": {"type": "ephemeral"}})
    request = ASK.but(messages=(Message(role="system", parts=(cached,)), says("user", "hello")))

    own, own_unsent = encode(request, HERE, Options())
    other, other_unsent = encode(request.but(dialect="openai.chat"), HERE, Options())

    assert json.loads(own)["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert own_unsent == ()
    assert b"cache_control" not in other
    assert other_unsent == ("cache_control",)


@pytest.mark.parametrize(
    ("choice", "found"),
    [
        (None, None),
        (ToolChoice(mode="auto"), {"type": "auto"}),
        (ToolChoice(mode="none"), {"type": "none"}),
        (ToolChoice(mode="required"), {"type": "any"}),
    ],
)
def test_says_whether_tools_may_be_used(choice, found):
    assert sent(ASK.but(tools=(Tool(name="find"),), tool_choice=choice)).get("tool_choice") == found


@pytest.mark.parametrize(
    ("reasoning", "options", "found"),
    [
        (Reasoning(effort="high"), Options(), {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}),
        (Reasoning(effort="minimal"), Options(), {"output_config": {"effort": "low"}}),
        (Reasoning(effort="none"), Options(), {"thinking": {"type": "disabled"}}),
        (Reasoning(budget_tokens=2_000), Options(), {"thinking": {"type": "enabled", "budget_tokens": 2_000}}),
        (
            Reasoning(effort="medium"),
            Options(thinking="budget"),
            {"thinking": {"type": "enabled", "budget_tokens": 3_999}},
        ),
    ],
)
def test_says_how_much_to_reason(reasoning, options, found):
    body = sent(ASK.but(dialect="openai.chat", reasoning=reasoning, max_tokens=4_000), options)

    assert found.items() <= body.items()


@pytest.mark.parametrize(
    ("reasoning", "found"),
    [
        (Reasoning(effort="high"), {"output_config": {"effort": "high"}}),
        (
            Reasoning(effort="low", extra={"type": "adaptive", "display": "omitted"}),
            {"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "low"}},
        ),
        (
            Reasoning(budget_tokens=2_000, extra={"type": "enabled", "display": "omitted"}),
            {"thinking": {"type": "enabled", "budget_tokens": 2_000, "display": "omitted"}},
        ),
    ],
)
def test_repeats_what_its_own_callers_say_of_reasoning(reasoning, found):
    body = sent(ASK.but(reasoning=reasoning))

    assert {name: body[name] for name in ("thinking", "output_config") if name in body} == found


def test_a_budget_that_no_answer_has_room_for_is_left_out_and_told():
    request = ASK.but(dialect="openai.chat", reasoning=Reasoning(effort="high"))

    body, unsent = encode(request, HERE, Options(thinking="budget"))

    assert b"thinking" not in body
    assert unsent == ("reasoning_effort",)


def test_a_signature_of_geminis_is_not_sent_on():
    call = ToolCall(id="a", name="find", arguments="{}", extra={"extra_content": {"google": {}}, "caller": {}})

    (message,) = messages(Message(role="assistant", parts=(call,)))

    assert message["content"] == [{"type": "tool_use", "id": "a", "name": "find", "input": {}, "caller": {}}]


def test_asks_for_a_schema_with_closed_objects():
    request = ASK.but(format=Format(kind="schema", schema=SCHEMA), reasoning=Reasoning(effort="low"))

    config = sent(request)["output_config"]

    assert config["effort"] == "low"
    assert config["format"] == {
        "type": "json_schema",
        "schema": {
            "type": "object",
            "properties": {"a": {"type": "object", "properties": {}, "additionalProperties": False}},
            "additionalProperties": False,
        },
    }


def test_enforces_a_form_by_a_tool_where_it_must():
    tools = Options(structured="tool")
    schema = ASK.but(format=Format(kind="schema", schema=SCHEMA))
    plain = sent(schema, tools)
    beside = sent(schema.but(tools=(Tool(name="find"),)), tools)
    any_object = sent(ASK.but(format=Format(kind="json")))

    assert plain["tools"][0]["input_schema"] == SCHEMA
    assert plain["tool_choice"] == {"type": "tool", "name": ANSWER_TOOL}
    assert [tool["name"] for tool in beside["tools"]] == ["find", ANSWER_TOOL]
    assert beside["tool_choice"] == {"type": "any"}
    assert any_object["tools"][0]["input_schema"] == {"type": "object"}
    assert not by_tool(schema, Options())
