import json

import pytest

from rowen.provider.bedrock.wire import encode
from rowen.values import (
    Audio,
    File,
    Format,
    Image,
    Message,
    Mistaken,
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

ASK = Request(model="fast", messages=(says("user", "hello"),))


def sent(request, extra=None):
    return json.loads(encode(request, extra)[0])


def test_sends_a_whole_request():
    request = ASK.but(
        messages=(says("system", "Be brief."), says("user", "hello")),
        max_tokens=9,
        temperature=0.5,
        top_p=0.9,
        top_k=5,
        stop=("END",),
        tools=(Tool(name="find", about="Finds.", schema={"type": "object"}, strict=True), Tool(name="now")),
        tool_choice=ToolChoice(mode="named", name="find"),
        format=Format(kind="schema", name="a", schema={"type": "object"}, about="b"),
        reasoning=Reasoning(effort="high"),
    )

    assert sent(request, extra={"guardrailConfig": {"guardrailIdentifier": "g"}}) == {
        "messages": [{"role": "user", "content": [{"text": "hello"}]}],
        "system": [{"text": "Be brief."}],
        "inferenceConfig": {"maxTokens": 9, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"]},
        "toolConfig": {
            "tools": [
                {
                    "toolSpec": {
                        "name": "find",
                        "description": "Finds.",
                        "inputSchema": {"json": {"type": "object"}},
                        "strict": True,
                    }
                },
                {"toolSpec": {"name": "now", "inputSchema": {"json": {"type": "object", "properties": {}}}}},
            ],
            "toolChoice": {"tool": {"name": "find"}},
        },
        "outputConfig": {
            "textFormat": {
                "type": "json_schema",
                "structure": {"jsonSchema": {"schema": '{"type":"object"}', "name": "a", "description": "b"}},
            },
            "effort": "high",
        },
        "additionalModelRequestFields": {"top_k": 5},
        "guardrailConfig": {"guardrailIdentifier": "g"},
    }


def test_a_budget_of_reasoning_goes_to_the_model_itself():
    body = sent(ASK.but(reasoning=Reasoning(budget_tokens=2_000)))

    assert body["additionalModelRequestFields"] == {"thinking": {"type": "enabled", "budget_tokens": 2_000}}


def test_turns_alternate_and_results_stand_first():
    turns = (
        Message(
            role="assistant",
            parts=(
                Thought(text="Hm.", signature="bedrock#EqQB"),
                Thought(hidden="bedrock#AAAA"),
                Thought(text="not ours", signature="EqQB"),
                ToolCall(id="call|1", name="find", arguments="no JSON"),
            ),
        ),
        Message(
            role="tool",
            parts=(Text(text="Go on."), ToolResult(id="call|1", parts=(Text(text="seen"),), failed=True)),
        ),
        says("user", " "),
    )

    body, unsent = encode(ASK.but(messages=turns))

    assert json.loads(body)["messages"] == [
        {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "EqQB"}}},
                {"reasoningContent": {"redactedContent": "AAAA"}},
                {"toolUse": {"toolUseId": "call_1", "name": "find", "input": {"invalid_json": "no JSON"}}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"toolResult": {"toolUseId": "call_1", "content": [{"text": "seen"}], "status": "error"}},
                {"text": "Go on."},
            ],
        },
    ]
    assert unsent == ("thinking",)


def test_sends_images_and_documents_by_content():
    parts = (
        Image(data="QUJD", media_type="image/jpg"),
        File(data="JVBE", media_type="application/pdf", name="a_b/c.pdf"),
        File(data="aGF5", media_type="text/markdown"),
        File(url="s3://bucket/a.pdf"),
    )

    (message,) = sent(ASK.but(messages=(Message(role="user", parts=parts),)))["messages"]

    assert message["content"] == [
        {"image": {"format": "jpeg", "source": {"bytes": "QUJD"}}},
        {"document": {"name": "a b c pdf", "format": "pdf", "source": {"bytes": "JVBE"}}},
        {"document": {"name": "document", "format": "md", "source": {"bytes": "aGF5"}}},
        {"document": {"name": "document", "format": "pdf", "source": {"s3Location": {"uri": "s3://bucket/a.pdf"}}}},
    ]


@pytest.mark.parametrize(
    ("part", "place"),
    [
        (Image(url="https://example.org/a.png"), "image parts"),
        (File(url="https://example.org/a.pdf"), "file parts"),
        (Audio(data="UklG", format="wav"), "audio parts"),
    ],
)
def test_refuses_what_it_cannot_carry(part, place):
    with pytest.raises(Mistaken) as mistaken:
        sent(ASK.but(messages=(Message(role="user", parts=(part,)),)))

    assert (mistaken.value.code, mistaken.value.place) == ("field_unsupported", place)


def test_forbids_tools_by_leaving_them_out_where_none_were_used():
    forbidden = ASK.but(tools=(Tool(name="find"),), tool_choice=ToolChoice(mode="none"))
    used = Message(role="assistant", parts=(ToolCall(id="a", name="find", arguments="{}"),))

    assert "toolConfig" not in sent(forbidden)
    with pytest.raises(Mistaken) as mistaken:
        sent(forbidden.but(messages=(used,)))
    assert mistaken.value.place == "tool_choice"
