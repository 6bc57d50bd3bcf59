import pytest

from rowen.provider.tokens import at_most, count, count_request, warm
from rowen.values import Format, Image, Message, Request, Text, Tool, ToolCall, ToolResult, says

# Lengths of ids published with tiktoken and in OpenAI's cookbook on counting tokens.
KNOWN = [
    ("hello world", "cl100k", 2),
    ("tiktoken is great!", "cl100k", 6),
    ("tiktoken is great!", "o200k", 6),
    ("antidisestablishmentarianism", "cl100k", 6),
    ("antidisestablishmentarianism", "o200k", 6),
    ("2 + 2 = 4", "cl100k", 7),
    ("2 + 2 = 4", "o200k", 7),
    ("お誕生日おめでとう", "cl100k", 9),
    ("お誕生日おめでとう", "o200k", 8),
]


@pytest.mark.parametrize(("text", "encoding", "tokens"), KNOWN)
def test_counts_as_published(text, encoding, tokens):
    assert count(text, encoding) == tokens


def test_an_empty_text_has_no_tokens():
    assert count("") == 0


def test_a_mark_in_a_text_is_counted_as_text():
    assert count("<|endoftext|>") > 1


def test_counts_a_text_with_half_a_surrogate_pair():
    assert count("a\ud800b") > 0


def test_counts_a_plain_chat_as_the_cookbook_does():
    # The cookbook's example, whose prompt OpenAI's own API counted as 129 tokens for gpt-3.5-turbo and gpt-4.
    messages = (
        says(
            "system",
            "You are a helpful, pattern-following assistant that translates corporate jargon into plain English.",
        ),
        says("system", "New synergies will help drive top-line growth.").but(name="example_user"),
        says("system", "Things working well together will increase revenue.").but(name="example_assistant"),
        says(
            "system",
            "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
        ).but(name="example_user"),
        says("system", "Let's talk later when we're less busy about how to do better.").but(name="example_assistant"),
        says("user", "This late pivot means we don't have time to boil the ocean for the client deliverable."),
    )

    assert count_request(Request(model="gpt-4", messages=messages), "cl100k") == 129


def test_everything_in_a_request_adds_to_the_count():
    plain = Request(model="m", messages=(says("user", "What is the weather?"),))
    tool = Tool(name="weather", about="Of a city", schema={"type": "object", "properties": {"city": {}}})
    call = Message(role="assistant", parts=(ToolCall(id="1", name="weather", arguments='{"city": "Paris"}'),))
    result = Message(role="tool", parts=(ToolResult(id="1", parts=(Text(text="sunny"),)),))
    picture = Message(role="user", parts=(Image(url="https://example.org/a.png"),))
    more = [
        plain.but(tools=(tool,)),
        plain.but(messages=(*plain.messages, call)),
        plain.but(messages=(*plain.messages, result)),
        plain.but(messages=(*plain.messages, picture)),
        plain.but(format=Format(kind="schema", schema={"type": "object"})),
    ]

    counts = [count_request(request) for request in more]

    assert all(tokens > count_request(plain) + 2 for tokens in counts)


def test_counts_what_is_to_be_embedded():
    request = Request(model="m", kind="embeddings", texts=("hello world", "hello"), tokens=((1, 2, 3),))

    assert count_request(request) == 2 + 1 + 3


def test_warming_up_changes_no_count():
    before = count("hello world")

    warm()

    assert count("hello world") == before


@pytest.mark.parametrize(
    "text",
    [
        "The quick brown fox jumps over the lazy dog.",
        "def spent_today(meter, key):\n    return meter.used[key]\n",
        "3.14159 26535 89793 23846 26433",
        "Wiesen wachsen nach dem ersten Schnitt noch einmal.",
        "草地在第一次收割之后会再次生长。",
        "луг растёт снова после первого покоса",
    ],
)
def test_what_is_set_aside_is_hardly_ever_less_than_the_count(text):
    request = Request(model="m", messages=(says("user", text),))

    assert count_request(request) <= at_most(request) <= 4 * count_request(request)
