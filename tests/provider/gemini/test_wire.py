import json

import pytest

from rowen.provider.gemini.profile import Options
from rowen.provider.gemini.wire import encode, encode_embeddings
from rowen.values import (
    Audio,
    Deployment,
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
SCHEMA = {"type": "object", "properties": {"a": {"type": ["string", "null"]}}, "additionalProperties": False}


def sent(request, options=None, extra=None):
    return json.loads(encode(request, options or Options(), extra)[0])


def test_sends_a_whole_request():
    request = ASK.but(
        messages=(says("system", "Be brief."), says("user", "hello")),
        max_tokens=9,
        temperature=0.5,
        top_p=0.9,
        top_k=5,
        seed=3,
        n=2,
        stop=("END",),
        frequency_penalty=0.1,
        presence_penalty=0.2,
        logprobs=True,
        top_logprobs=2,
        modalities=("text",),
        tools=(Tool(name="find", about="Finds.", schema=SCHEMA), Tool(name="now")),
        tool_choice=ToolChoice(mode="named", name="find"),
        format=Format(kind="schema", schema=SCHEMA),
    )

    assert sent(request, extra={"safetySettings": [], "generationConfig": {"mediaResolution": "LOW"}}) == {
        "contents": [{"role": "user", "parts": [{"text": "hello"}]}],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "tools": [
            {
                "functionDeclarations": [
                    {"name": "find", "description": "Finds.", "parametersJsonSchema": SCHEMA},
                    {"name": "now", "description": ""},
                ]
            }
        ],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["find"]}},
        "generationConfig": {
            "maxOutputTokens": 9,
            "temperature": 0.5,
            "topP": 0.9,
            "topK": 5,
            "seed": 3,
            "frequencyPenalty": 0.1,
            "presencePenalty": 0.2,
            "candidateCount": 2,
            "stopSequences": ["END"],
            "responseLogprobs": True,
            "logprobs": 2,
            "responseModalities": ["TEXT"],
            "responseMimeType": "application/json",
            "responseJsonSchema": SCHEMA,
            "mediaResolution": "LOW",
        },
        "safetySettings": [],
    }


def test_sends_schemas_in_the_older_subset_where_asked():
    request = ASK.but(tools=(Tool(name="find", schema=SCHEMA),), format=Format(kind="schema", schema=SCHEMA))

    body = sent(request, Options(schemas="subset"))

    reduced = {"type": "object", "properties": {"a": {"type": "string", "nullable": True}}}
    assert body["tools"][0]["functionDeclarations"][0]["parameters"] == reduced
    assert body["generationConfig"]["responseSchema"] == reduced


def test_results_carry_the_tools_name_and_stand_in_the_order_of_their_calls():
    signed = {"extra_content": {"google": {"thought_signature": "CiQB"}}}
    turns = (
        says("user", "Dry?"),
        Message(
            role="assistant",
            parts=(
                Thought(text="Hm.", signature="gemini#EjQ"),
                Thought(text="not ours", signature="EqQB"),
                ToolCall(id="a", name="weather", arguments='{"city":"Oslo"}', extra=signed),
                ToolCall(id="b", name="weather", arguments="no JSON"),
            ),
        ),
        Message(role="tool", parts=(ToolResult(id="b", parts=(Text(text="no"),), failed=True),)),
        Message(
            role="tool",
            parts=(ToolResult(id="a", parts=(Text(text="sun"), Image(data="QUJD", media_type="image/png"))),),
        ),
    )

    body, unsent = encode(ASK.but(messages=turns), Options())

    contents = json.loads(body)["contents"]
    assert contents[1] == {
        "role": "model",
        "parts": [
            {"text": "", "thoughtSignature": "EjQ"},
            {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}, "thoughtSignature": "CiQB"},
            {"functionCall": {"name": "weather", "args": {"invalid_json": "no JSON"}}},
        ],
    }
    assert contents[2]["parts"] == [
        {"functionResponse": {"name": "weather", "response": {"result": "sun"}}},
        {"inlineData": {"mimeType": "image/png", "data": "QUJD"}},
        {"functionResponse": {"name": "weather", "response": {"error": "no"}}},
    ]
    assert unsent == ("thinking",)


def test_a_call_of_another_vendor_goes_back_without_a_check_of_its_signature():
    call = Message(role="assistant", parts=(ToolCall(id="a", name="find", arguments="{}"),))

    (content,) = sent(ASK.but(messages=(call,)))["contents"]

    assert content["parts"][0]["thoughtSignature"] == "skip_thought_signature_validator"


def test_a_result_without_its_call_is_refused():
    orphan = Message(role="tool", parts=(ToolResult(id="lost"),))

    with pytest.raises(Mistaken, match="lost"):
        sent(ASK.but(messages=(orphan,)))


def test_sends_media_by_content_or_address():
    parts = (
        Image(url="data:image/gif;base64,R0lG"),
        Audio(data="UklG", format="wav"),
        File(data="JVBE", media_type="application/pdf"),
        File(id="https://files.test/1", media_type="application/pdf"),
        Image(url="https://example.org/a.png"),
    )

    (content,) = sent(ASK.but(messages=(Message(role="user", parts=parts),)))["contents"]

    assert content["parts"] == [
        {"inlineData": {"mimeType": "image/gif", "data": "R0lG"}},
        {"inlineData": {"mimeType": "audio/wav", "data": "UklG"}},
        {"inlineData": {"mimeType": "application/pdf", "data": "JVBE"}},
        {"fileData": {"fileUri": "https://files.test/1", "mimeType": "application/pdf"}},
        {"fileData": {"fileUri": "https://example.org/a.png"}},
    ]


@pytest.mark.parametrize(
    ("reasoning", "options", "found"),
    [
        (Reasoning(effort="low"), Options(), {"includeThoughts": True, "thinkingLevel": "low"}),
        (Reasoning(effort="low"), Options(thinking="budget"), {"includeThoughts": True, "thinkingBudget": 1_024}),
        (Reasoning(budget_tokens=99), Options(), {"includeThoughts": True, "thinkingBudget": 99}),
        (Reasoning(effort="none"), Options(), {"thinkingBudget": 0}),
    ],
)
def test_says_how_much_to_reason(reasoning, options, found):
    assert sent(ASK.but(reasoning=reasoning), options)["generationConfig"]["thinkingConfig"] == found


def test_asks_for_the_vectors_of_many_texts_at_once():
    here = Deployment(name="e", model="e", provider="gemini", upstream="embed-1")

    body = json.loads(encode_embeddings(Request(model="e", kind="embeddings", texts=("a", "b"), dimensions=2), here))

    assert body["requests"][1] == {
        "model": "models/embed-1",
        "content": {"parts": [{"text": "b"}]},
        "outputDimensionality": 2,
    }
