"""Chat completions: every documented parameter, and what is wrong with a body."""

import pytest

from rowen.api.parse.openai_chat import request_of
from rowen.values import (
    Audio,
    Declined,
    File,
    Format,
    Image,
    Message,
    Mistaken,
    Reasoning,
    Text,
    Thought,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    says,
)


def asked(**fields):
    return request_of({"model": "m", "messages": [{"role": "user", "content": "Hi"}], **fields})


def said(*messages):
    return request_of({"model": "m", "messages": list(messages)}).messages


def test_every_parameter_finds_its_field():
    request = asked(
        max_completion_tokens=7,
        temperature=1,
        top_p=0.5,
        n=2,
        seed=-3,
        stop="END",
        frequency_penalty=0.1,
        presence_penalty=-0.1,
        logprobs=True,
        top_logprobs=3,
        reasoning_effort="low",
        modalities=["text", "audio"],
        user="u",
        metadata={"k": "v"},
        stream=True,
        stream_options={"include_usage": True, "include_obfuscation": False},
        parallel_tool_calls=False,
        store=False,
    )

    assert request.messages == (says("user", "Hi"),)
    assert (request.max_tokens, request.temperature, request.top_p, request.n, request.seed) == (7, 1.0, 0.5, 2, -3)
    assert (request.stop, request.frequency_penalty, request.presence_penalty) == (("END",), 0.1, -0.1)
    assert (request.logprobs, request.top_logprobs) == (True, 3)
    assert request.reasoning == Reasoning(effort="low")
    assert (request.modalities, request.user, request.metadata) == (("text", "audio"), "u", {"k": "v"})
    assert request.stream
    assert request.parallel_tools is False
    assert request.dialect == "openai.chat"
    assert request.extra == {}


@pytest.mark.parametrize(
    "name",
    [
        "logit_bias",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "verbosity",
        "web_search_options",
        "audio",
        "moderation",
        "top_k",
        "min_p",
    ],
)
def test_what_no_field_holds_is_kept_for_the_policy(name):
    assert asked(**{name: {"a": 1}}).extra == {name: {"a": 1}}


def test_storing_is_the_vendors_to_do():
    assert asked(store=True).extra == {"store": True}


def test_null_is_the_same_as_not_sent():
    assert asked(temperature=None, tools=None, logit_bias=None, functions=None, stop=None) == asked()


@pytest.mark.parametrize(
    ("given", "form"),
    [
        ({"type": "text"}, Format(kind="text")),
        ({"type": "json_object"}, Format(kind="json")),
        (
            {
                "type": "json_schema",
                "json_schema": {"name": "n", "description": "d", "schema": {"a": 1}, "strict": True},
            },
            Format(kind="schema", name="n", about="d", schema={"a": 1}, strict=True),
        ),
    ],
)
def test_formats(given, form):
    assert asked(response_format=given).format == form


@pytest.mark.parametrize(
    ("given", "choice"),
    [
        ("auto", ToolChoice(mode="auto")),
        ("none", ToolChoice(mode="none")),
        ("required", ToolChoice(mode="required")),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice(mode="named", name="f")),
        ({"type": "custom", "custom": {"name": "c"}}, ToolChoice(mode="named", name="c")),
    ],
)
def test_tool_choices(given, choice):
    assert asked(tool_choice=given).tool_choice == choice


def test_allowed_tools_are_kept_for_the_vendor():
    given = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}

    assert asked(tool_choice=given).extra == {"tool_choice": given}


def test_tools_of_every_kind():
    custom = {"type": "custom", "custom": {"name": "sql", "format": {"type": "text"}}}
    hosted = {"type": "web_search"}

    request = asked(
        tools=[
            {
                "type": "function",
                "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True},
                "cache_control": {"type": "ephemeral"},
            },
            custom,
            hosted,
        ]
    )

    assert request.tools == (
        Tool(
            name="f", about="d", schema={"type": "object"}, strict=True, extra={"cache_control": {"type": "ephemeral"}}
        ),
        Tool(name="sql", hosted=custom),
        Tool(name="web_search", hosted=hosted),
    )


def test_parts_of_every_kind():
    (message,) = said(
        {
            "role": "user",
            "name": "ann",
            "content": [
                {"type": "text", "text": "Look", "cache_control": {"type": "ephemeral"}},
                {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
                {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "wav"}},
                {"type": "file", "file": {"file_id": "f1"}},
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,QUJD", "filename": "a.pdf"}},
            ],
        }
    )

    assert message == Message(
        role="user",
        name="ann",
        parts=(
            Text(text="Look", extra={"cache_control": {"type": "ephemeral"}}),
            Image(url="https://x/y.png", detail="low"),
            Image(data="QUJD", media_type="image/png"),
            Audio(data="QQ==", format="wav"),
            File(id="f1"),
            File(data="QUJD", media_type="application/pdf", name="a.pdf"),
        ),
    )


def test_a_conversation_with_tools_and_thoughts():
    messages = said(
        {"role": "developer", "content": "Rules"},
        {
            "role": "assistant",
            "content": None,
            "refusal": None,
            "annotations": [],
            "audio": None,
            "function_call": None,
            "reasoning_content": "Hmm",
            "tool_calls": [
                {"id": "a", "type": "function", "index": 0, "function": {"name": "f", "arguments": "{}"}},
                {"id": "b", "type": "custom", "custom": {"name": "s", "input": "q"}},
            ],
        },
        {"role": "tool", "tool_call_id": "a", "content": "42"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "43"}]},
        {"role": "assistant", "refusal": "No.", "content": "x", "audio": {"id": "au"}, "custom_field": 1},
    )

    assert messages == (
        says("developer", "Rules"),
        Message(
            role="assistant",
            parts=(
                Thought(text="Hmm"),
                ToolCall(id="a", name="f", arguments="{}"),
                ToolCall(id="b", name="s", arguments="q", extra={"type": "custom"}),
            ),
        ),
        Message(role="tool", parts=(ToolResult(id="a", parts=(Text(text="42"),)),)),
        Message(role="tool", parts=(ToolResult(id="b", parts=(Text(text="43"),)),)),
        Message(
            role="assistant", parts=(Text(text="x"), Declined(text="No."), Audio(id="au")), extra={"custom_field": 1}
        ),
    )


@pytest.mark.parametrize(
    ("fields", "place", "code"),
    [
        ({"temperature": "hot"}, "temperature", "field_invalid"),
        ({"temperature": True}, "temperature", "field_invalid"),
        ({"n": 0}, "n", "field_invalid"),
        ({"n": 1.5}, "n", "field_invalid"),
        ({"max_tokens": 0}, "max_tokens", "field_invalid"),
        ({"max_tokens": 1, "max_completion_tokens": 2}, "max_completion_tokens", "field_invalid"),
        ({"top_logprobs": 21}, "top_logprobs", "field_invalid"),
        ({"stop": [1]}, "stop[0]", "field_invalid"),
        ({"stream": "yes"}, "stream", "field_invalid"),
        ({"metadata": {"a": 1}}, "metadata.a", "field_invalid"),
        ({"stream_options": {"include_usage": True}}, "stream_options", "field_invalid"),
        ({"stream": True, "stream_options": {"include_obfuscation": True}}, "stream_options.include_obfuscation", "field_unsupported"),
        ({"response_format": {"type": "xml"}}, "response_format.type", "field_invalid"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "field_invalid"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format.json_schema.name", "field_invalid"),
        ({"tool_choice": "maybe"}, "tool_choice", "field_invalid"),
        ({"tool_choice": {"type": "x"}}, "tool_choice.type", "field_invalid"),
        ({"tools": {}}, "tools", "field_invalid"),
        ({"tools": [1]}, "tools[0]", "field_invalid"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name", "field_invalid"),
        ({"tools": [{"type": "function"}]}, "tools[0].function", "field_invalid"),
        ({"functions": []}, "functions", "field_unsupported"),
        ({"function_call": "auto"}, "function_call", "field_unsupported"),
        ({"messages": []}, "messages", "field_invalid"),
        ({"messages": "Hi"}, "messages", "field_invalid"),
        ({"messages": ["Hi"]}, "messages[0]", "field_invalid"),
        ({"messages": [{"content": "x"}]}, "messages[0].role", "field_invalid"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role", "field_invalid"),
        ({"messages": [{"role": 5, "content": "x"}]}, "messages[0].role", "field_invalid"),
        ({"messages": [{"role": "function", "content": "x"}]}, "messages[0].role", "field_unsupported"),
        ({"messages": [{"role": "user"}]}, "messages[0].content", "field_invalid"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "messages[0].content[0].type", "field_invalid"),
        ({"messages": [{"role": "user", "content": [{"type": "video_url"}]}]}, "messages[0].content[0].type", "field_unsupported"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text", "field_invalid"),
        ({"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]}, "messages[0].content[0].file.file_id", "field_invalid"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id", "field_invalid"),
        ({"messages": [{"role": "assistant"}]}, "messages[0].content", "field_invalid"),
        ({"messages": [{"role": "assistant", "function_call": {}}]}, "messages[0].function_call", "field_unsupported"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": 3}}]}]}, "messages[0].tool_calls[0].function.arguments", "field_invalid"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_place(fields, place, code):
    with pytest.raises(Mistaken) as caught:
        asked(**fields)

    assert (caught.value.code, caught.value.place) == (code, place)


def test_the_sentence_bears_the_whole_place():
    with pytest.raises(Mistaken) as caught:
        asked(messages=[{"role": "user", "content": [{"type": "text", "text": 5}]}])

    assert caught.value.message == "messages[0].content[0].text must be a string, not an integer"


def test_the_sentence_for_an_item_that_is_no_object_is_whole_too():
    with pytest.raises(Mistaken) as caught:
        asked(messages=["Hi"])

    assert caught.value.message == "messages[0] must be an object, not a string"
