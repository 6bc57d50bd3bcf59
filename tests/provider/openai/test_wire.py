import json

import pytest

from rowen.provider.openai.profile import SERVICES
from rowen.provider.openai.wire import encode
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

HERE = Deployment(name="fast", model="fast", provider="openai", upstream="small")
ASK = Request(model="fast", dialect="openai.chat", messages=(says("user", "hello"),), stream=True)


def sent(request, service="openai", extra=None):
    return json.loads(encode(request, HERE, SERVICES[service], extra)[0])


def messages(*given, service="openai", dialect="openai.chat"):
    return sent(ASK.but(messages=given, dialect=dialect), service)["messages"]


def test_asks_for_a_stream_with_usage_where_the_service_knows_it():
    assert sent(ASK)["stream_options"] == {"include_usage": True}
    assert "stream_options" not in sent(ASK, "mistral")
    assert sent(ASK, "mistral")["stream"] is True


def test_asks_for_an_answer_in_one_piece_when_its_caller_did():
    body = sent(ASK.but(stream=False))

    assert body["stream"] is False
    assert "stream_options" not in body


def test_a_callers_stream_options_keep_the_usage():
    body = sent(ASK, extra={"stream_options": {"include_usage": False, "include_obfuscation": False}})

    assert body["stream_options"] == {"include_usage": True, "include_obfuscation": False}


@pytest.mark.parametrize(
    ("service", "field"),
    [("openai", "max_completion_tokens"), ("groq", "max_completion_tokens"), ("vllm", "max_tokens")],
)
def test_names_the_length_as_the_service_does(service, field):
    assert sent(ASK.but(max_tokens=9), service)[field] == 9


def test_names_the_seed_the_role_and_the_choice_as_the_service_does():
    request = ASK.but(
        seed=3,
        messages=(says("developer", "Be brief."),),
        tools=(Tool(name="find"),),
        tool_choice=ToolChoice(mode="required"),
    )

    plain, mistral = sent(request), sent(request, "mistral")

    assert (plain["seed"], plain["messages"][0]["role"], plain["tool_choice"]) == (3, "developer", "required")
    assert (mistral["random_seed"], mistral["messages"][0]["role"], mistral["tool_choice"]) == (3, "system", "any")


def test_sends_every_field_of_a_request():
    request = ASK.but(
        temperature=0.5,
        top_p=0.9,
        stop=("END",),
        n=2,
        logprobs=True,
        top_logprobs=3,
        frequency_penalty=0.1,
        presence_penalty=0.2,
        modalities=("text", "audio"),
        user="u1",
        metadata={"a": "b"},
        parallel_tools=False,
        tools=(Tool(name="find", about="Finds.", schema={"type": "object"}, strict=True),),
        tool_choice=ToolChoice(mode="named", name="find"),
        format=Format(kind="json"),
        reasoning=Reasoning(effort="low"),
    )

    body = sent(request, extra={"verbosity": "low"})

    assert body == {
        "model": "small",
        "messages": [{"role": "user", "content": "hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        "top_p": 0.9,
        "stop": ["END"],
        "n": 2,
        "logprobs": True,
        "top_logprobs": 3,
        "frequency_penalty": 0.1,
        "presence_penalty": 0.2,
        "modalities": ["text", "audio"],
        "user": "u1",
        "metadata": {"a": "b"},
        "parallel_tool_calls": False,
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "find",
                    "description": "Finds.",
                    "parameters": {"type": "object"},
                    "strict": True,
                },
            }
        ],
        "tool_choice": {"type": "function", "function": {"name": "find"}},
        "response_format": {"type": "json_object"},
        "reasoning_effort": "low",
        "verbosity": "low",
    }


def test_sends_images_sound_and_files():
    parts = (
        Text(text="Look."),
        Image(url="https://example.org/a.png", detail="low"),
        Image(data="QUJD", media_type="image/jpeg"),
        Audio(data="UklG", format="wav"),
        File(data="JVBE", media_type="application/pdf", name="a.pdf"),
        File(id="file-1"),
    )

    (message,) = messages(Message(role="user", parts=parts))

    assert message["content"] == [
        {"type": "text", "text": "Look."},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,QUJD"}},
        {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBE", "filename": "a.pdf"}},
        {"type": "file", "file": {"file_id": "file-1"}},
    ]


def test_refuses_a_file_by_address():
    with pytest.raises(Mistaken) as mistaken:
        messages(Message(role="user", parts=(File(url="https://example.org/a.pdf"),)))

    assert (mistaken.value.code, mistaken.value.place) == ("field_unsupported", "file parts")


def test_gives_each_result_a_message_and_puts_its_images_after_them():
    answer = Message(
        role="assistant",
        parts=(ToolCall(id="a", name="find", arguments="{}"), ToolCall(id="b", name="note", arguments="")),
    )
    results = Message(
        role="tool",
        parts=(
            ToolResult(id="a", parts=(Text(text="seen"), Image(data="QUJD", media_type="image/png"))),
            ToolResult(id="b"),
            Text(text="Go on."),
        ),
    )

    sent_messages = messages(answer, results)

    assert [message["role"] for message in sent_messages] == ["assistant", "tool", "tool", "user"]
    assert sent_messages[0]["content"] is None
    assert sent_messages[0]["tool_calls"][1]["function"] == {"name": "note", "arguments": "{}"}
    assert sent_messages[1] == {"role": "tool", "tool_call_id": "a", "content": "seen"}
    assert sent_messages[2]["content"] == ""
    assert [part["type"] for part in sent_messages[3]["content"]] == ["image_url", "text"]


def test_a_custom_tool_call_goes_back_as_one():
    call = ToolCall(id="a", name="sql", arguments="select 1", extra={"type": "custom"})

    (message,) = messages(Message(role="assistant", parts=(call,)))

    assert message["tool_calls"] == [{"id": "a", "type": "custom", "custom": {"name": "sql", "input": "select 1"}}]


def test_reasoning_goes_back_only_where_the_service_wants_it():
    answer = Message(role="assistant", parts=(Thought(text="Grass first."), Text(text="Hay.")))
    request = ASK.but(messages=(answer,))

    plain, unsent = encode(request, HERE, SERVICES["openai"])
    (deepseek,) = messages(answer, service="deepseek")
    (openrouter,) = messages(answer, service="openrouter")

    assert b"Grass" not in plain
    assert unsent == ("thinking",)
    assert deepseek["reasoning_content"] == "Grass first."
    assert openrouter["reasoning"] == "Grass first."


@pytest.mark.parametrize(
    ("reasoning", "service", "found"),
    [
        (Reasoning(budget_tokens=1_000), "openai", {"reasoning_effort": "low"}),
        (Reasoning(budget_tokens=10_000), "openai", {"reasoning_effort": "medium"}),
        (Reasoning(budget_tokens=32_000), "openai", {"reasoning_effort": "high"}),
        (Reasoning(budget_tokens=10_000), "openrouter", {"reasoning": {"max_tokens": 10_000}}),
        (Reasoning(effort="high"), "openrouter", {"reasoning": {"effort": "high"}}),
    ],
)
def test_says_how_much_to_reason_in_the_services_words(reasoning, service, found):
    body = sent(ASK.but(reasoning=reasoning), service)

    assert found.items() <= body.items()


def test_fields_of_parts_reach_their_own_vendor_only():
    cached = Message(role="user", parts=(Text(text="long", extra={"cache_control": {"type": "ephemeral"}}),))

    own, own_unsent = encode(ASK.but(messages=(cached,)), HERE, SERVICES["openai"])
    other, other_unsent = encode(ASK.but(messages=(cached,), dialect="anthropic"), HERE, SERVICES["openai"])

    assert b"cache_control" in own
    assert own_unsent == ()
    assert b"cache_control" not in other
    assert other_unsent == ("cache_control",)


def test_a_tool_that_another_vendor_runs_is_refused_by_its_place():
    hosted = Tool(name="web_search", hosted={"type": "web_search_20260101"})

    with pytest.raises(Mistaken) as mistaken:
        sent(ASK.but(dialect="anthropic", tools=(Tool(name="find"), hosted)))

    assert mistaken.value.place == "tools[1]"


def test_asks_for_vectors_of_texts_or_of_tokens():
    texts = sent(Request(model="fast", kind="embeddings", texts=("a", "b"), dimensions=2))
    tokens = sent(Request(model="fast", kind="embeddings", tokens=((1, 2), (3,))))

    assert texts == {"model": "small", "input": ["a", "b"], "dimensions": 2}
    assert tokens["input"] == [[1, 2], [3]]
