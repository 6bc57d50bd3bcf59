"""Responses: every documented parameter, the items of an input, and what is wrong with a body."""

import pytest

from rowen.api.parse.openai_responses import respond_of
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
    return respond_of({"model": "m", "input": "Hi", **fields})


def said(*items):
    return asked(input=list(items)).request.messages


def test_every_parameter_finds_its_field():
    respond = asked(
        instructions="Be brief.",
        max_output_tokens=7,
        temperature=0.5,
        top_p=0.9,
        reasoning={"effort": "low", "summary": "auto"},
        text={"format": {"type": "json_schema", "name": "n", "schema": {"a": 1}, "strict": True}},
        top_logprobs=2,
        include=["reasoning.encrypted_content", "message.output_text.logprobs"],
        user="u",
        metadata={"k": "v"},
        parallel_tool_calls=False,
        store=False,
        previous_response_id="resp_1",
        stream=True,
        stream_options={"include_obfuscation": False},
        truncation="disabled",
        background=False,
        tool_choice={"type": "function", "name": "f"},
    )

    request = respond.request
    assert request.messages == (says("user", "Hi"),)
    assert (request.max_tokens, request.temperature, request.top_p) == (7, 0.5, 0.9)
    assert request.reasoning == Reasoning(effort="low", summary="auto")
    assert request.format == Format(kind="schema", name="n", schema={"a": 1}, strict=True)
    assert (request.top_logprobs, request.logprobs) == (2, True)
    assert (request.user, request.metadata, request.parallel_tools, request.stream) == ("u", {"k": "v"}, False, True)
    assert request.tool_choice == ToolChoice(mode="named", name="f")
    assert (respond.instructions, respond.previous, respond.store, respond.signed) == (
        "Be brief.",
        "resp_1",
        False,
        True,
    )
    assert request.extra == {}


def test_what_no_field_holds_is_kept_under_the_chat_shapes_name():
    extra = asked(
        prompt_cache_key="k",
        service_tier="flex",
        text={"verbosity": "low"},
        tool_choice={"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
    ).request.extra

    assert extra == {
        "prompt_cache_key": "k",
        "service_tier": "flex",
        "verbosity": "low",
        "tool_choice": {
            "type": "allowed_tools",
            "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]},
        },
    }


def test_tools_are_flat_here():
    request = asked(
        tools=[
            {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True},
            {"type": "custom", "name": "sql"},
        ]
    ).request

    assert request.tools == (
        Tool(name="f", about="d", schema={"type": "object"}, strict=True),
        Tool(name="sql", hosted={"type": "custom", "custom": {"name": "sql"}}),
    )


def test_items_of_one_turn_become_one_message():
    messages = said(
        {"role": "user", "content": "Add."},
        {
            "type": "reasoning",
            "id": "rs",
            "summary": [{"type": "summary_text", "text": "Hm"}],
            "encrypted_content": "blob",
        },
        {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "rowen-signature:sig"},
        {
            "type": "message",
            "id": "msg",
            "status": "completed",
            "role": "assistant",
            "content": [
                {"type": "output_text", "text": "Ok", "annotations": [], "logprobs": []},
                {"type": "refusal", "refusal": "No"},
            ],
        },
        {"type": "function_call", "id": "fc", "call_id": "a", "name": "f", "arguments": "{}", "status": "completed"},
        {"type": "custom_tool_call", "call_id": "b", "name": "s", "input": "q"},
        {"type": "function_call_output", "call_id": "a", "output": "1"},
        {"type": "custom_tool_call_output", "call_id": "b", "output": [{"type": "input_text", "text": "2"}]},
    )

    assert messages == (
        says("user", "Add."),
        Message(
            role="assistant",
            parts=(
                Thought(text="Hm", hidden="blob"),
                Thought(signature="sig"),
                Text(text="Ok"),
                Declined(text="No"),
                ToolCall(id="a", name="f", arguments="{}"),
                ToolCall(id="b", name="s", arguments="q", extra={"type": "custom"}),
            ),
        ),
        Message(role="tool", parts=(ToolResult(id="a", parts=(Text(text="1"),)),)),
        Message(role="tool", parts=(ToolResult(id="b", parts=(Text(text="2"),)),)),
    )


def test_parts_of_every_kind():
    (message,) = said(
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Look"},
                {"type": "input_image", "image_url": "data:image/png;base64,QUJD", "detail": "high"},
                {"type": "input_file", "file_id": "f"},
                {"type": "input_file", "file_url": "https://x/y.pdf", "filename": "y.pdf"},
                {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "mp3"}},
            ],
        }
    )

    assert message.parts == (
        Text(text="Look"),
        Image(data="QUJD", media_type="image/png", detail="high"),
        File(id="f"),
        File(url="https://x/y.pdf", name="y.pdf"),
        Audio(data="QQ==", format="mp3"),
    )


@pytest.mark.parametrize(
    ("fields", "place", "code"),
    [
        ({"model": None}, "model", "field_invalid"),
        ({"input": None}, "input", "field_invalid"),
        ({"input": []}, "input", "field_invalid"),
        ({"input": 5}, "input", "field_invalid"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0].type", "field_unsupported"),
        ({"input": [{"type": "web_search_call"}]}, "input[0].type", "field_unsupported"),
        ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role", "field_invalid"),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]}, "input[0].content[0].file_id", "field_unsupported"),
        ({"input": [{"type": "function_call", "call_id": "a", "name": "f"}]}, "input[0].arguments", "field_invalid"),
        ({"input": [{"type": "reasoning", "summary": ["x"]}]}, "input[0].summary[0]", "field_invalid"),
        ({"background": True}, "background", "field_unsupported"),
        ({"truncation": "auto"}, "truncation", "field_unsupported"),
        ({"conversation": "c"}, "conversation", "field_unsupported"),
        ({"prompt": "p"}, "prompt", "field_invalid"),
        ({"prompt": {"id": 5}}, "prompt.id", "field_invalid"),
        ({"prompt": {"id": "p", "variables": []}}, "prompt.variables", "field_invalid"),
        ({"prompt": {"id": "p", "draft": "x"}}, "prompt.draft", "field_unsupported"),
        ({"max_tool_calls": 3}, "max_tool_calls", "field_unsupported"),
        ({"include": ["file_search_call.results"]}, "include", "field_unsupported"),
        ({"text": {"format": {"type": "grammar"}}}, "text.format.type", "field_invalid"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.name", "field_invalid"),
        ({"tool_choice": {"type": "web_search"}}, "tool_choice.type", "field_unsupported"),
        ({"store": "no"}, "store", "field_invalid"),
        ({"stream_options": {"include_obfuscation": True}}, "stream_options.include_obfuscation", "field_unsupported"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_place(fields, place, code):
    with pytest.raises(Mistaken) as caught:
        asked(**fields)

    assert (caught.value.code, caught.value.place) == (code, place)
