"""Anthropic's messages: every documented parameter, and what is wrong with a body."""

import pytest

from rowen.api.parse.anthropic import request_of
from rowen.values import (
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
    return request_of({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], **fields})


def said(*messages):
    return asked(messages=list(messages)).messages


def test_every_parameter_finds_its_field():
    request = asked(
        system="Be brief.",
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        stop_sequences=["END"],
        metadata={"user_id": "u"},
        stream=True,
        thinking={"type": "enabled", "budget_tokens": 2048},
        output_config={"effort": "high", "format": {"type": "json_schema", "schema": {"type": "object"}}},
    )

    assert request.messages == (says("system", "Be brief."), says("user", "Hi"))
    assert (request.max_tokens, request.temperature, request.top_p, request.top_k) == (9, 0.5, 0.9, 40)
    assert (request.stop, request.user, request.stream) == (("END",), "u", True)
    assert request.reasoning == Reasoning(effort="high", budget_tokens=2048, extra={"type": "enabled"})
    assert request.format == Format(kind="schema", name="answer", schema={"type": "object"}, strict=True)
    assert request.dialect == "anthropic"
    assert request.extra == {}


def test_adaptive_thinking_keeps_its_kind_and_disabled_thinking_is_none():
    assert asked(thinking={"type": "adaptive", "display": "omitted"}).reasoning == Reasoning(
        extra={"type": "adaptive", "display": "omitted"}
    )
    assert asked(thinking={"type": "disabled"}).reasoning == Reasoning(effort="none")


@pytest.mark.parametrize("name", ["service_tier", "container", "mcp_servers", "context_management", "cache_control"])
def test_what_no_field_holds_is_kept_for_the_policy(name):
    assert asked(**{name: "x"}).extra == {name: "x"}


def test_system_blocks_keep_their_cache_control():
    request = asked(
        system=[{"type": "text", "text": "A", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "B"}]
    )

    assert request.messages[0] == Message(
        role="system", parts=(Text(text="A", extra={"cache_control": {"type": "ephemeral"}}), Text(text="B"))
    )


@pytest.mark.parametrize(
    ("given", "choice", "parallel"),
    [
        ({"type": "auto"}, ToolChoice(mode="auto"), None),
        ({"type": "any", "disable_parallel_tool_use": True}, ToolChoice(mode="required"), False),
        ({"type": "tool", "name": "f"}, ToolChoice(mode="named", name="f"), None),
        ({"type": "none"}, ToolChoice(mode="none"), None),
    ],
)
def test_tool_choices(given, choice, parallel):
    request = asked(tool_choice=given)

    assert (request.tool_choice, request.parallel_tools) == (choice, parallel)


def test_tools_of_both_kinds():
    hosted = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}

    request = asked(
        tools=[
            {
                "name": "f",
                "description": "d",
                "input_schema": {"type": "object"},
                "cache_control": {"type": "ephemeral"},
            },
            hosted,
        ]
    )

    assert request.tools == (
        Tool(name="f", about="d", schema={"type": "object"}, extra={"cache_control": {"type": "ephemeral"}}),
        Tool(name="web_search", hosted=hosted),
    )


def test_images_and_documents():
    (message,) = said(
        {
            "role": "user",
            "content": [
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}},
                {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
                {
                    "type": "document",
                    "source": {"type": "base64", "media_type": "application/pdf", "data": "QUJD"},
                    "title": "T",
                },
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "ABC"}},
                {
                    "type": "document",
                    "source": {"type": "url", "url": "https://x/y.pdf"},
                    "citations": {"enabled": True},
                },
                {"type": "document", "source": {"type": "file", "file_id": "f"}},
            ],
        }
    )

    assert message.parts == (
        Image(data="QUJD", media_type="image/png"),
        Image(url="https://x/y.png"),
        File(data="QUJD", media_type="application/pdf", name="T"),
        File(data="QUJD", media_type="text/plain"),
        File(url="https://x/y.pdf", extra={"citations": {"enabled": True}}),
        File(id="f"),
    )


def test_results_of_tools_stand_apart_and_in_order():
    messages = said(
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm", "signature": "s"},
                {"type": "redacted_thinking", "data": "blob"},
                {"type": "tool_use", "id": "a", "name": "f", "input": {"x": [1, "é"]}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "42"},
                {
                    "type": "tool_result",
                    "tool_use_id": "b",
                    "is_error": True,
                    "content": [{"type": "text", "text": "bad"}],
                },
                {"type": "tool_result", "tool_use_id": "c"},
                {"type": "text", "text": "Go on"},
            ],
        },
    )

    assert messages == (
        Message(
            role="assistant",
            parts=(
                Thought(text="Hm", signature="s"),
                Thought(hidden="blob"),
                ToolCall(id="a", name="f", arguments='{"x":[1,"é"]}'),
            ),
        ),
        Message(role="tool", parts=(ToolResult(id="a", parts=(Text(text="42"),)),)),
        Message(role="tool", parts=(ToolResult(id="b", parts=(Text(text="bad"),), failed=True),)),
        Message(role="tool", parts=(ToolResult(id="c"),)),
        says("user", "Go on"),
    )


@pytest.mark.parametrize(
    ("fields", "place", "code"),
    [
        ({"max_tokens": None}, "max_tokens", "field_invalid"),
        ({"max_tokens": 0}, "max_tokens", "field_invalid"),
        ({"model": None}, "model", "field_invalid"),
        ({"messages": []}, "messages", "field_invalid"),
        ({"system": 5}, "system", "field_invalid"),
        ({"system": [{"type": "image", "source": {"type": "url", "url": "x"}}]}, "system[0]", "field_unsupported"),
        ({"top_k": 1.5}, "top_k", "field_invalid"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens", "field_invalid"),
        ({"thinking": {"type": "deep"}}, "thinking.type", "field_invalid"),
        ({"output_config": {"format": {"type": "xml"}}}, "output_config.format.type", "field_invalid"),
        ({"tool_choice": {"type": "x"}}, "tool_choice.type", "field_invalid"),
        ({"tools": [{"name": "f"}]}, "tools[0].input_schema", "field_invalid"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role", "field_invalid"),
        ({"messages": [{"role": "user", "content": [{"type": "search_result"}]}]}, "messages[0].content[0].type", "field_unsupported"),
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "file"}}]}]}, "messages[0].content[0].source.type", "field_unsupported"),
        ({"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": "x"}]}]}, "messages[0].content[0].input", "field_invalid"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": [{"type": "thinking", "thinking": "", "signature": ""}]}]}]}, "messages[0].content[0].content[0].type", "field_unsupported"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_place(fields, place, code):
    with pytest.raises(Mistaken) as caught:
        asked(**fields)

    assert (caught.value.code, caught.value.place) == (code, place)
